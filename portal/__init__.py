"""The Django project: settings, routes, Celery, home pages and embedded services."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]
