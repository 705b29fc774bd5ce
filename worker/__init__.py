"""Workers: indexing in threads of this process, or by Celery in any number of others."""
