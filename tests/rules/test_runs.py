"""Several processes test at once, and none of them may touch what another one counts or queues."""

import os

import pytest
from django.conf import settings


def test_each_process_has_a_queue_and_a_cache_of_its_own() -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None or "CACHE_URL" in os.environ or "TEST_CELERY_BROKER_URL" in os.environ:
        pytest.skip("one process alone has nobody to share with, and servers that somebody chose are theirs")
    queue = 2 * int(worker.removeprefix("gw")) + 2
    assert settings.CELERY_BROKER_URL.endswith(f"/{queue}")
    assert settings.CACHES["default"]["LOCATION"].endswith(f"/{queue + 1}")
