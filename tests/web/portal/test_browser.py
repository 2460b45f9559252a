"""That the browser tests have a browser, a server and its files."""

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_log_in_page_loads_with_all_its_files(live_server: LiveServer, page: Page) -> None:
    missing: list[str] = []
    files = f"{live_server.url}/static/"
    page.on("response", lambda it: missing.append(it.url) if it.status >= 400 and it.url.startswith(files) else None)
    page.goto(f"{live_server.url}/accounts/login/")
    assert page.get_by_role("button").count() > 0
    assert missing == []
