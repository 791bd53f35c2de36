"""Calling somebody else over HTTP, with bounds: of time, of bytes, of who may be spoken to, and of how often it is tried again.

It knows nobody in particular; ``ingest.huntress`` and ``ingest.graph`` build on it.
"""
