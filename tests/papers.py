"""Reading our PDFs back, as a customer does who searches them and copies from them."""

import io
from typing import Any

from pypdf import PdfReader


def words_of(pdf: bytes) -> str:
    """All words of a document, with one space between them."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def fonts_of(pdf: bytes) -> list[str]:
    """The names of the TrueType fonts that it carries."""
    resources: list[Any] = [page["/Resources"] for page in PdfReader(io.BytesIO(pdf)).pages]
    found = [font.get_object() for each in resources for font in each["/Font"].values()]
    return sorted({str(font["/BaseFont"]) for font in found if font["/Subtype"] == "/TrueType"})
