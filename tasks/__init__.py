"""The work: ingest, split, pages, finalize, sweep, reconcile; routing and the record types."""
