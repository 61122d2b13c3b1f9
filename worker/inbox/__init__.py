"""Where uploads are noticed when no storage service announces them: a watched folder, a local S3 server."""
