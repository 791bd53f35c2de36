"""The check against Microsoft: what tenants hold licences for, in the month."""
