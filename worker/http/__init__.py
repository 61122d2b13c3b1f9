"""The HTTP service: documents in, their progress and their results out."""
