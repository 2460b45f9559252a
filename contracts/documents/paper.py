"""Paper: an A4 page with a cursor, tables, page breaks and numbered pages."""

import io
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

WIDTH, HEIGHT = A4
LEFT, RIGHT, TOP, BOTTOM = 20 * mm, WIDTH - 20 * mm, HEIGHT - 18 * mm, 30 * mm
INK: Final = HexColor("#1f2933")
LIGHT: Final = HexColor("#5b6770")
RULE: Final = HexColor("#c8d0d6")
ACCENT: Final = HexColor("#b4441c")
BODY, BOLD = "SourceSansPro-Regular", "SourceSansPro-Bold"
SIZE, LEADING = 9.5, 12.0

Draw = Callable[[Canvas], None]


@lru_cache(maxsize=1)
def load_fonts() -> None:
    """Make the fonts of all documents known: each PDF carries the letters that it uses.

    Those that reportlab brings end with Western Europe. Source Sans Pro has the Latin, Greek and Cyrillic alphabets,
    and figures of one width, as columns of numbers need them.
    """
    folder = resources.files("font_source_sans_pro") / "files"
    for name in (BODY, BOLD):
        with resources.as_file(folder / f"{name}.ttf") as path:
            pdfmetrics.registerFont(TTFont(name, str(path)))
    pdfmetrics.registerFontFamily(BODY, normal=BODY, bold=BOLD, italic=BODY, boldItalic=BOLD)


@lru_cache(maxsize=4096)
def printable(text: str) -> str:
    """The text in letters that the font has; a letter it lacks loses its accent rather than become a box."""
    load_fonts()
    known = pdfmetrics.getFont(BODY).face.charToGlyph
    return "".join(
        letter
        if ord(letter) in known or letter == "\n"
        else "".join(part for part in unicodedata.normalize("NFKD", letter) if ord(part) in known) or "?"
        for letter in text
    )


def text_width(text: str, font: str, size: float) -> float:
    """The width of the text in points."""
    return float(pdfmetrics.stringWidth(text, font, size))


def wrapped(text: str, width: float, font: str = BODY, size: float = SIZE) -> list[str]:
    """The text in lines no wider than ``width`` points."""
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if line and text_width(longer, font, size) > width:
                lines.append(line)
                line = word
            else:
                line = longer
        lines.append(line)
    return lines


class Paper:
    """Pages that fill from the top; what does not fit goes to the next one."""

    def __init__(self, *, title: str, author: str, language: str) -> None:
        load_fonts()
        self.facts = {"title": title, "author": author, "language": language}
        self.pages: list[list[Draw]] = [[]]
        self.y = TOP

    def break_unless(self, height: float) -> None:
        """Begin a new page unless so many points are left on this one."""
        if self.y - height < BOTTOM:
            self.pages.append([])
            self.y = TOP

    def space(self, height: float) -> None:
        """Leave so many points free."""
        self.y -= height

    def text(
        self, x: float, text: str, *, y: float | None = None, font: str = BODY, size: float = SIZE, color: Any = INK,
        align: str = "left",
    ) -> None:  # fmt: skip
        """Write one line at ``x``, at the cursor or at ``y``; the cursor stays."""
        at, shown = self.y if y is None else y, printable(text)

        def draw(canvas: Canvas) -> None:
            canvas.setFont(font, size)
            canvas.setFillColor(color)
            {"left": canvas.drawString, "right": canvas.drawRightString}[align](x, at, shown)

        self.pages[-1].append(draw)

    def lines(self, x: float, lines: Sequence[str], **style: Any) -> None:
        """Write lines below each other from the cursor on."""
        for line in lines:
            self.break_unless(LEADING)
            self.text(x, line, **style)
            self.y -= style.get("size", SIZE) + 3.5

    def paragraph(self, text: str, **style: Any) -> None:
        """Write a paragraph over the full width."""
        size = style.get("size", SIZE)
        self.lines(LEFT, wrapped(text, RIGHT - LEFT, style.get("font", BODY), size), **style)

    def heading(self, text: str) -> None:
        """Write a heading, kept together with what follows."""
        self.break_unless(4 * LEADING)
        self.y -= 6
        self.text(LEFT, text, font=BOLD, size=10.5)
        self.y -= LEADING + 1

    def rule(self, *, above: float = 0, weight: float = 0.5) -> None:
        """Draw a line over the full width."""
        at = self.y + above

        def draw(canvas: Canvas) -> None:
            canvas.setStrokeColor(RULE)
            canvas.setLineWidth(weight)
            canvas.line(LEFT, at, RIGHT, at)

        self.pages[-1].append(draw)

    def bar(self, x: float, width: float, *, color: Any, hatched: bool = False) -> None:
        """Draw a bar on the current line; a hatched one stands for an estimate."""
        at = self.y - 1.5

        def draw(canvas: Canvas) -> None:
            canvas.setFillColor(color)
            canvas.setStrokeColor(color)
            canvas.rect(x, at, max(width, 0.5), 8, stroke=1, fill=0 if hatched else 1)

        self.pages[-1].append(draw)

    def table(self, columns: Sequence[tuple[str, float, str]], rows: Sequence[Sequence[str]]) -> None:
        """Draw a table: columns as (heading, right or left edge, align); the first column wraps."""
        room = columns[1][1] - LEFT - 8
        self._table_head(columns)
        for row in rows:
            first = wrapped(row[0], room)
            if self.y - len(first) * LEADING < BOTTOM:
                self.break_unless(len(first) * LEADING)
                self._table_head(columns)
            for (_heading, x, align), cell in zip(columns[1:], row[1:], strict=True):
                self.text(x, cell, align=align)
            for line in first:
                self.text(columns[0][1], line)
                self.y -= LEADING
        self.rule(above=LEADING - 4)

    def _table_head(self, columns: Sequence[tuple[str, float, str]]) -> None:
        for heading, x, align in columns:
            self.text(x, heading, align=align, color=LIGHT, size=8.5)
        self.y -= 5
        self.rule()
        self.y -= LEADING - 1

    def finish(self, footer: Callable[[Canvas, int, int], None]) -> bytes:
        """The PDF; ``footer`` draws the foot of a page, given its number and the count of pages."""
        buffer = io.BytesIO()
        canvas = Canvas(buffer, pagesize=A4, invariant=1, pageCompression=1, lang=self.facts["language"])
        canvas.setTitle(self.facts["title"])
        canvas.setAuthor(self.facts["author"])
        canvas.setCreator("Heatledger")
        for number, page in enumerate(self.pages, start=1):
            for draw in page:
                draw(canvas)
            footer(canvas, number, len(self.pages))
            canvas.showPage()
        canvas.save()
        return buffer.getvalue()
