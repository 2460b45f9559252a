"""The cover of an audit pack as PDF; the same facts give the same bytes."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from contracts.documents import paper

_BODY = ParagraphStyle("body", fontName=paper.BODY, fontSize=9.5, leading=13)
_SMALL = ParagraphStyle("small", parent=_BODY, fontSize=8, leading=10.5, textColor=colors.HexColor("#555555"))
_TITLE = ParagraphStyle("title", parent=_BODY, fontName=paper.BOLD, fontSize=20, leading=25, spaceAfter=4)
_HEADING = ParagraphStyle("heading", parent=_BODY, fontName=paper.BOLD, fontSize=12, leading=16, spaceBefore=10)
_PATH = ParagraphStyle("path", parent=_BODY, fontName=paper.BODY, fontSize=8, leading=10)
_RULE = colors.HexColor("#c8ccd0")


@dataclass(frozen=True)
class Cover:
    """What the cover says."""

    title: str
    sites: Sequence[tuple[str, str]]
    starts_at: datetime
    ends_at: datetime
    as_of: datetime
    zone: ZoneInfo
    whole: bool
    counts: Sequence[tuple[str, str, int]]
    file_count: int
    generator: str


def render_cover(cover: Cover) -> bytes:
    """The PDF of the cover."""
    paper.load_fonts()
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=20 * mm,
        rightMargin=20 * mm,
        topMargin=20 * mm,
        bottomMargin=18 * mm,
        title=cover.title,
        author="Heatledger",
        subject="Audit pack",
        invariant=1,
    )
    document.build([*_head(cover), *_contents(cover), *_checking()], onFirstPage=_foot, onLaterPages=_foot)
    return buffer.getvalue()


def _escaped(text: str) -> str:
    return paper.printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _instant(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M} {local.tzname()}"


def _head(cover: Cover) -> list[Flowable]:
    sites = "<br/>".join(f"{_escaped(name)} ({_escaped(code)})" for code, name in cover.sites)
    view = (
        "Everything that is recorded about the sites."
        if cover.whole
        else "What was granted to the person who asked for it; contracts that were not granted are left out."
    )
    facts = [
        ("Sites", sites),
        ("From", _instant(cover.starts_at, cover.zone)),
        ("Until", f"{_instant(cover.ends_at, cover.zone)} (not included)"),
        ("As known at", f"{_instant(cover.as_of, cover.zone)}; what came in later is left out."),
        ("View", view),
        ("Made by", _escaped(cover.generator)),
    ]
    rows = [[Paragraph(label, _SMALL), Paragraph(value, _BODY)] for label, value in facts]
    table = Table(rows, colWidths=[28 * mm, 142 * mm], style=_lines())
    return [Paragraph("Audit pack", _SMALL), Paragraph(_escaped(cover.title), _TITLE), Spacer(1, 3 * mm), table]


def _contents(cover: Cover) -> list[Flowable]:
    rows = [[Paragraph("<b>Records</b>", _BODY), Paragraph("<b>File</b>", _BODY), Paragraph("<b>Rows</b>", _BODY)]]
    for title, path, count in cover.counts:
        rows.append([Paragraph(_escaped(title.capitalize()), _BODY), Paragraph(_escaped(path), _PATH), f"{count:,}"])
    style = _lines()
    style.add("ALIGN", (2, 0), (2, -1), "RIGHT")
    style.add("FONT", (2, 1), (2, -1), paper.BODY, 9.5)
    table = Table(rows, colWidths=[72 * mm, 78 * mm, 20 * mm], style=style, repeatRows=1)
    summary = f"{cover.file_count:,} files beside this cover and the manifest. Each table comes as CSV and as JSON."
    return [Paragraph("Contents", _HEADING), Paragraph(summary, _BODY), Spacer(1, 2 * mm), table]


def _checking() -> list[Flowable]:
    text = (
        "<b>manifest.json</b> lists every file with its size and SHA-256. In the portal, open “Packs”, then “Verify a "
        "pack”; on its server, run <b>manage.py verify_pack FILE.zip</b>; anywhere else, compare "
        "with <b>sha256sum</b>. The fingerprint of the whole file stands on the pack's page."
    )
    return [Paragraph("How to check that nothing was changed", _HEADING), Paragraph(text, _BODY)]


def _lines() -> TableStyle:
    return TableStyle(
        [
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, _RULE),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("TOPPADDING", (0, 0), (-1, -1), 2.2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2.6),
            ("LEFTPADDING", (0, 0), (0, -1), 0),
        ]
    )


def _foot(canvas: Canvas, document: SimpleDocTemplate) -> None:
    canvas.saveState()
    canvas.setFont(paper.BODY, 8)
    canvas.setFillColor(colors.HexColor("#555555"))
    canvas.drawString(20 * mm, 10 * mm, paper.printable(document.title))
    canvas.drawRightString(190 * mm, 10 * mm, str(document.page))
    canvas.restoreState()
