"""A PostgreSQL and a Valkey of its own for every run, started before Django reads its settings.

Several people, and several runs of one person, can test at once on one machine: nothing is shared but the processor.
TEST_DATABASE_URL and TEST_CELERY_BROKER_URL name servers to use instead.
"""

import atexit
import gc
import os
import shutil
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import hypothesis
import psutil
import psycopg
import pytest
from django.conf import settings
from django.db import connections
from django.test import override_settings
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from portal.embedded import translations
from portal.embedded.postgres import Postgres
from portal.embedded.service import Service, private_directory
from portal.embedded.valkey import Valkey
from tests import template_database
from tests.makers import peers

# A machine that has other things to do is slow; that is no property of the code.
hypothesis.settings.register_profile(
    "heatledger", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
# For the decoders now and then: pytest tests/unit/thermal/test_fuzz.py --hypothesis-profile=thorough
hypothesis.settings.register_profile("thorough", hypothesis.settings.get_profile("heatledger"), max_examples=20_000)
hypothesis.settings.load_profile("heatledger")

PREFIX = "heatledger-tests-"
running: list[Service] = []


def remove_left_overs() -> None:
    """Remove the directories of runs that were killed; their servers ended with them."""
    for directory in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        process_id = directory.name.removeprefix(PREFIX).split("-")[0]
        if process_id.isdigit() and not psutil.pid_exists(int(process_id)):
            shutil.rmtree(directory, ignore_errors=True)


def kept_clusters(config: pytest.Config) -> Path:
    return config.rootpath / ".pytest_cache" / "clusters"


def start_servers(var: Path, kept: Path) -> None:
    if "TEST_DATABASE_URL" in os.environ:
        os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]
    else:
        postgres = Postgres(var / "postgres", throw_away=True)
        template_database.restore(kept, postgres)
        postgres.start()
        running.append(postgres)
        os.environ["DATABASE_URL"] = postgres.url
    if "TEST_CELERY_BROKER_URL" in os.environ:
        os.environ["CELERY_BROKER_URL"] = os.environ["TEST_CELERY_BROKER_URL"]
    else:
        valkey = Valkey(var / "valkey", throw_away=True)
        valkey.start()
        running.append(valkey)
        os.environ["CELERY_BROKER_URL"] = valkey.url


def use_a_queue_of_ones_own(worker: str) -> None:
    """Give each worker of pytest-xdist two databases in the one Valkey, for its queues and for its cache."""
    address = os.environ["CELERY_BROKER_URL"]
    if address.startswith("redis://") and address.endswith("/0"):
        os.environ["CELERY_BROKER_URL"] = f"{address.removesuffix('0')}{2 * int(worker.removeprefix('gw')) + 2}"


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers in the main process; the workers of pytest-xdist inherit where they are."""
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        use_a_queue_of_ones_own(worker)
    else:
        remove_left_overs()
        # Done at set-up; a person who translates runs the tests again and again without one.
        translations.compile_changed()
        var = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        os.environ["HEATLEDGER_VAR"] = str(var)
        # Where WhiteNoise looks for collected files.
        (var / "static").mkdir()
        os.environ["SECRET_KEY"] = "of the tests"
        # The field devices of the tests are here.
        os.environ["HEATLEDGER_FIELD_ON_THIS_MACHINE"] = "1"
        start_servers(var, kept_clusters(config))
        # Also when another plugin refuses to go on.
        atexit.register(stop_servers)
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    # pytest-django, configured last, sets Django up if it finds the settings loaded.
    settings.DATABASES  # noqa: B018


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Let no worker load the settings before it has a queue and a cache of its own: pytest-django would, by this."""
    del os.environ["DJANGO_SETTINGS_MODULE"]


def stop_servers() -> None:
    while running:
        running.pop().stop()


def keep_clusters(kept: Path) -> None:
    """Keep what was migrated for later runs; one that cannot be kept is migrated again."""
    private_directory(kept)
    for service in running:
        if isinstance(service, Postgres):
            with suppress(psycopg.Error, OSError, shutil.Error):
                template_database.keep(kept, service)


def pytest_unconfigure(config: pytest.Config) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    connections.close_all()
    try:
        keep_clusters(kept_clusters(config))
    finally:
        stop_servers()
    if var := os.environ.get("HEATLEDGER_VAR"):
        shutil.rmtree(var, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_keepdb(request: pytest.FixtureRequest, django_db_modify_db_settings: None) -> bool:
    """Hand pytest-django a copy of the migrated database instead of having it migrate an empty one."""
    if "TEST_DATABASE_URL" in os.environ:
        return bool(request.config.getvalue("reuse_db"))
    database = settings.DATABASES["default"]
    name = database.get("TEST", {}).get("NAME") or f"test_{database['NAME']}"
    template_database.copy_to(name, os.environ["DATABASE_URL"])
    return True


@pytest.fixture(autouse=True, scope="session")
def _settings_of_the_tests() -> Iterator[None]:
    plain_files = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(
        # Hashed names need `collectstatic`; `make run` shows that they work.
        STORAGES={**settings.STORAGES, "staticfiles": plain_files},
        # Slow hashes protect no test password.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ):
        yield


@pytest.fixture
def peer() -> Iterator[Callable[..., peers.Peer]]:
    """Starts servers that others wrote: `peer("modbus_tcp", units={...})`; all of them end with the test."""
    started: list[peers.Peer] = []

    def start(name: str, **setup: object) -> peers.Peer:
        started.append(peers.start(name, **setup))
        return started[-1]

    yield start
    for one in started:
        one.end()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium of the operating system. Started per module: while it runs, its event loop is that of this thread."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        missing = "no Chromium on this machine (Debian: apt-get install chromium)"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    # The event loop makes Django take this thread for an asynchronous one.
    with pytest.MonkeyPatch.context() as environment, sync_playwright() as playwright:
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        # Chromium cannot build its sandbox as root or in a container; what it opens is our own.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()
    forget_connections()


def forget_connections() -> None:
    """Wait for the live server to see that Chromium is gone, and collect what it held for it.

    Otherwise the sockets are collected in a later test, which would be blamed for them.
    """
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(timeout=5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def is_of_a_script(message: ConsoleMessage) -> bool:
    """Return whether it tells of a mistake of ours; a page may well answer 403 or 404."""
    return message.type == "error" and not message.text.startswith("Failed to load resource")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page, as of a person who has never been here; errors of its scripts fail the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US", timezone_id="Europe/Berlin")
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if is_of_a_script(message) else None)
    yield page
    context.close()
    assert not errors
