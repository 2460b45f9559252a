"""Files of comma-separated values: read strictly, written so that no spreadsheet runs them."""

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from kernel.errors import Refusal

DELIMITERS: Final = (",", ";", "\t")
# What spreadsheets take for the start of a formula, the wide forms of = + - @ included (OWASP, "CSV Injection").
_FORMULA_START: Final = "=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_LOOKS_LIKE_FORMULA: Final = re.compile(f"'*[{_FORMULA_START}]")
_NEUTRALISED: Final = re.compile(f"'+[{_FORMULA_START}]")
_NUMBER: Final = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?")


class FileIsEmpty(Refusal):
    sentence = "The file has no header line."


class FileIsNotText(Refusal):
    sentence = "The file is not text in UTF-8 or Windows-1252."


class HeaderIsWrong(Refusal):
    sentence = "Line %(line)s: %(problem)s"


class RowIsMalformed(Refusal):
    sentence = "Line %(line)s: %(problem)s"


class ColumnIsMissing(Refusal):
    sentence = "The file has no column “%(column)s”; it has: %(found)s."


class CellIsWrong(Refusal):
    sentence = "Line %(line)s, column “%(column)s”: %(problem)s"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file: the line it starts on, counted from 1, and its cells by column name."""

    line: int
    cells: dict[str, str]

    def text(self, column: str) -> str:
        """The cell without surrounding spaces; empty where the file has no such column."""
        return self.cells.get(column, "").strip()

    def required(self, column: str) -> str:
        """The cell, which must not be empty."""
        text = self.text(column)
        if not text:
            raise self.wrong(column, "is empty.")
        return text

    def decimal(self, column: str, *, comma: bool = False) -> Decimal:
        """The cell as an exact number; `comma` says that the file writes decimals with a comma."""
        text = self.required(column)
        try:
            number = Decimal(text.replace(",", ".") if comma else text)
        except InvalidOperation:
            raise self.wrong(column, f"“{text}” is not a number.") from None
        if not number.is_finite():
            raise self.wrong(column, f"“{text}” is not a number.")
        return number

    def wrong(self, column: str, problem: str) -> CellIsWrong:
        """The refusal that names this line and the column."""
        return CellIsWrong(line=self.line, column=column, problem=problem)


@dataclass(frozen=True, slots=True)
class Table:
    """A file that has been opened: its columns and delimiter; the rows come as they are asked for."""

    columns: tuple[str, ...]
    delimiter: str
    text: str

    def __iter__(self) -> Iterator[Row]:
        """Each row that is not blank; a malformed one is refused with its line."""
        for row in self.each():
            if isinstance(row, RowIsMalformed):
                raise row
            yield row

    def each(self) -> Iterator[Row | RowIsMalformed]:
        """The same, with a malformed row handed out as its refusal, so that the rows after it can be read."""
        for line, cells in _parsed(self.text, self.delimiter):
            if line == 1 or not any(cell.strip() for cell in cells):
                continue
            if len(cells) == len(self.columns):
                yield Row(line, {name: plain(cell) for name, cell in zip(self.columns, cells, strict=True)})
            else:
                problem = f"{len(cells)} cells where the header has {len(self.columns)}."
                yield RowIsMalformed(line=line, problem=problem)

    def require(self, *columns: str) -> None:
        """Refuse the file unless it has these columns."""
        for column in columns:
            if column not in self.columns:
                raise ColumnIsMissing(column=column, found=", ".join(self.columns))


def open_table(content: bytes, *, delimiter: str | None = None) -> Table:
    """The table in the bytes of a file, its encoding and delimiter found out.

    Examples
    --------
    >>> table = open_table("Serial;Größe\\r\\nK-17;2,5\\r\\n".encode("cp1252"))
    >>> table.columns, table.delimiter
    (('Serial', 'Größe'), ';')
    >>> [(row.line, row.text("Serial"), row.decimal("Größe", comma=True)) for row in table]
    [(2, 'K-17', Decimal('2.5'))]
    """
    text = decode(content)
    first_line = text.split("\n", 1)[0].strip()
    if not first_line:
        raise FileIsEmpty
    delimiter = delimiter or max(DELIMITERS, key=lambda mark: _unquoted(first_line).count(mark))
    _, header = next(_parsed(text, delimiter))
    columns = tuple(name.strip() for name in header)
    if "" in columns:
        raise HeaderIsWrong(line=1, problem=f"column {columns.index('') + 1} has no name.")
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise HeaderIsWrong(line=1, problem=f"column “{twice[0]}” stands there twice.")
    return Table(columns, delimiter, text)


def decode(content: bytes) -> str:
    """The text of a file in UTF-8, with or without byte-order mark, UTF-16 with one, or Windows-1252."""
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encodings = ["utf-16"] if wide else ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise FileIsNotText


def plain(cell: str) -> str:
    """The cell as it was before `neutral` made it harmless."""
    return cell[1:] if _NEUTRALISED.match(cell) else cell


def neutral(cell: str) -> str:
    """The cell as a spreadsheet shows it and never runs it; numbers stay numbers.

    >>> neutral("=HYPERLINK(1)"), neutral("-12.5"), plain(neutral("@cmd"))
    ("'=HYPERLINK(1)", '-12.5', '@cmd')
    """
    return f"'{cell}" if _LOOKS_LIKE_FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def write_lines(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, delimiter: str = ",", mark: bool = False
) -> Iterator[bytes]:
    """The file line by line, header first, as a streaming response sends it.

    Parameters
    ----------
    columns
        The names of the header line.
    rows
        One sequence of values each, in the order of the columns; None is an empty cell.
    delimiter
        What stands between cells.
    mark
        Whether to start with a byte-order mark, without which Excel takes UTF-8 for Windows-1252.

    Examples
    --------
    >>> b"".join(write_lines(["serial", "energy_kwh"], [["K-17", Decimal("1.50")], ["=1+1", None]]))
    b"serial,energy_kwh\\r\\nK-17,1.50\\r\\n'=1+1,\\r\\n"
    """
    if mark:
        yield codecs.BOM_UTF8
    echo = _Echo()
    writer = csv.writer(echo, delimiter=delimiter)
    for row in itertools.chain([columns], rows):
        writer.writerow([neutral(_text_of(value)) for value in row])
        yield echo.take()


def _text_of(value: object) -> str:
    return "" if value is None else str(value)


class _Echo(io.StringIO):
    """A file that hands over what was written and forgets it."""

    def take(self) -> bytes:
        line = self.getvalue().encode()
        self.seek(0)
        self.truncate()
        return line


def _parsed(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line it starts on; quoted cells may hold line breaks."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise RowIsMalformed(line=line, problem=f"{error}.") from error
        yield line, cells
        line = reader.line_num + 1


def _unquoted(line: str) -> str:
    return re.sub(r'"[^"]*"', "", line)
