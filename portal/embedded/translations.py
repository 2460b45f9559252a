"""Compile the translations, without the programs of GNU gettext: a fresh machine has none.

python -m portal.embedded.translations
"""

from pathlib import Path

import polib

LOCALE = Path(__file__).resolve().parents[2] / "locale"


def sources() -> list[Path]:
    """Return the catalogs that people edit."""
    return sorted(LOCALE.glob("*/LC_MESSAGES/*.po"))


def compile_catalog(source: Path) -> None:
    """Write what Django reads beside the catalog, in one step: a portal or another test run may be reading it."""
    unfinished = source.with_suffix(".mo.new")
    polib.pofile(str(source)).save_as_mofile(str(unfinished))
    unfinished.replace(source.with_suffix(".mo"))


def compile_changed() -> None:
    """Compile the catalogs that are newer than what was made of them."""
    for source in sources():
        compiled = source.with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime <= source.stat().st_mtime:
            compile_catalog(source)


if __name__ == "__main__":
    for each in sources():
        compile_catalog(each)
