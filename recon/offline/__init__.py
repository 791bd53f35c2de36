"""The reconciliation without a server or a database: files in, findings out. The same readers, matching and engine as the product."""
