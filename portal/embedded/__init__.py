"""The servers that `make run` and the tests bring themselves, and the supervisor that keeps them alive.

Nothing in here runs where DATABASE_URL and CELERY_BROKER_URL name servers of one's own.
"""
