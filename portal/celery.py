"""The Celery application; its schedule stands in the settings."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("heatledger")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
