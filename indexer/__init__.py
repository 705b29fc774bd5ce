"""The engine of Semblance: ingest, index, search. It knows nothing of HTTP or of Celery."""
