"""OCR pipelines: images in, results out. A library of its own that knows no queue and no storage."""
