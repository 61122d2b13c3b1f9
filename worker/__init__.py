"""The processes: Celery app and life cycle, command line, local stack. Everything is put together here."""
