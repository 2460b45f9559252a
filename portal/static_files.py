"""Which files of the front-end packages are served: the few that pages use, not all that the packages carry."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from django.contrib.staticfiles.finders import AppDirectoriesFinder, FileSystemFinder
from django.core.files.storage import Storage

# Where the packages lie below `static/vendor/`, and the files that are served of each. Source maps are named by their
# style sheets, so a manifest without them would be incomplete.
PACKAGES = {
    "vendor/tabler": "@tabler/core/dist",
    "vendor/uplot": "uplot/dist",
}
SERVED = {
    "vendor/tabler/css/tabler.min.css",
    "vendor/tabler/css/tabler.min.css.map",
    "vendor/uplot/uPlot.iife.min.js",
    "vendor/uplot/uPlot.min.css",
}


def package_directories(node_modules: Path) -> list[tuple[str, Path]]:
    """Return the entries for STATICFILES_DIRS; none before the set-up."""
    return [(prefix, node_modules / path) for prefix, path in PACKAGES.items() if (node_modules / path).is_dir()]


class ListedFilesFinder(FileSystemFinder):
    """Finds our own static files, and of packages those that are listed."""

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Storage]]:
        for path, storage in super().list(ignore_patterns):
            prefix = getattr(storage, "prefix", None)
            if prefix not in PACKAGES or f"{prefix}/{path}" in SERVED:
                yield path, storage


class AppFilesFinder(AppDirectoriesFinder):
    """Finds the files of apps without the second API browser that drf-spectacular-sidecar carries (18 MB)."""

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Storage]]:
        yield from super().list([*(ignore_patterns or ()), "redoc"])
