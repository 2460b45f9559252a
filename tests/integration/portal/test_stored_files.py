"""Files that belong to nothing, and rows whose file is gone."""

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone

from hosting.models import MeterPhoto, MeterSwap
from portal import stored_files
from tests.makers import accounts, hosting

pytestmark = pytest.mark.django_db

NAMED, STRAY, FRESH = "meter-photos/aa/named", "meter-photos/ab/stray", "documents/ac/fresh"


@pytest.fixture(autouse=True)
def photo(settings: Any, tmp_path: Path) -> MeterPhoto:
    """A photo with its file, a file that nothing names since two days, and one that is just being written."""
    settings.MEDIA_ROOT = tmp_path
    long_ago = (timezone.now() - dt.timedelta(days=2)).timestamp()
    for name in (NAMED, STRAY, FRESH):
        default_storage.save(name, ContentFile(b"x"))
    for name in (NAMED, STRAY):
        os.utime(tmp_path / name, (long_ago, long_ago))
    now, by = timezone.now(), accounts.engineer()
    swap = MeterSwap.objects.create(placement=hosting.make_placement(), started_by=by, started_at=now)
    return MeterPhoto.objects.create(
        swap=swap, moment="old", storage_name=NAMED, media_type="image/png", size_bytes=1, sha256="0" * 64,
        uploaded_by=by, uploaded_at=now,
    )  # fmt: skip


def test_only_old_files_that_no_row_names_are_orphans(capsys: Any) -> None:
    assert list(stored_files.orphans(now=timezone.now())) == [STRAY]
    call_command("sweep_files")
    assert default_storage.exists(STRAY)
    call_command("sweep_files", delete=True)
    assert "1 files without a record removed" in capsys.readouterr().out
    assert [default_storage.exists(name) for name in (NAMED, STRAY, FRESH)] == [True, False, True]


def test_a_row_whose_file_is_gone_is_named() -> None:
    assert list(stored_files.missing()) == []
    default_storage.delete(NAMED)
    assert list(stored_files.missing()) == [NAMED]
