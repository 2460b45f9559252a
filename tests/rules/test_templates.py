"""Rules of the templates."""

import re
from pathlib import Path

import pytest

from portal import static_files

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").glob("**/*.html"))
# A page that others extend is no partial.
PARTIALS = [
    path
    for path in TEMPLATES
    if path.parent.name in {"partials", "components"} and not path.read_text().startswith("{% extends")
]
STATIC = re.compile(r"""\{%\s*static\s+['"]([^'"]+)['"]""")
# What a strict Content-Security-Policy refuses to run.
INLINE = re.compile(r"<script(?![^>]*\b(src|type=.application/json.))|\son[a-z]+\s*=|javascript:", re.IGNORECASE)
OTHER_HOST = re.compile(r"""\b(src|href|action|hx-get|hx-post)\s*=\s*["'](https?:)?//""", re.IGNORECASE)


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PARTIALS, ids=relative)
def test_a_partial_opens_with_the_variables_it_accepts(path: Path) -> None:
    first = path.read_text().lstrip().splitlines()[0]
    assert first.startswith(("{#", "{% comment %}")), "name the variables in a comment"


@pytest.mark.parametrize("path", TEMPLATES, ids=relative)
def test_a_template_runs_nothing_inline_and_loads_nothing_from_another_host(path: Path) -> None:
    text = path.read_text()
    assert INLINE.search(text) is None
    assert OTHER_HOST.search(text) is None


@pytest.mark.parametrize("path", TEMPLATES, ids=relative)
def test_every_static_file_that_a_template_names_is_served(path: Path) -> None:
    for name in STATIC.findall(path.read_text()):
        if name.startswith("vendor/"):
            assert name in static_files.SERVED
        else:
            assert (ROOT / "static" / name).is_file(), name
