"""The outside world: storage, status, settings, logs. It knows no OCR."""
