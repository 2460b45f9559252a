import codecs
import csv
import io
from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import csvfiles

# A lone carriage return inside a cell is a line break to every CSV reader when it is not quoted.
cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def rows_of(text: str, **options: str) -> list[dict[str, str]]:
    return [row.cells for row in csvfiles.open_table(text.encode(), **options)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiter_is_found_in_the_header(delimiter: str) -> None:
    table = csvfiles.open_table(delimiter.join(["serial", "at", "energy_kwh"]).encode())
    assert table.delimiter == delimiter
    assert table.columns == ("serial", "at", "energy_kwh")


def test_delimiter_inside_quotes_does_not_count() -> None:
    assert csvfiles.open_table(b'"a,b,c,d";e\n1;2\n').columns == ("a,b,c,d", "e")


@pytest.mark.parametrize(
    "content",
    [
        "Größe,Ort\n1,Köln\n".encode(),
        codecs.BOM_UTF8 + "Größe,Ort\n1,Köln\n".encode(),
        "Größe,Ort\n1,Köln\n".encode("cp1252"),
        "Größe,Ort\n1,Köln\n".encode("utf-16"),
        "Größe,Ort\r\n1,Köln\r\n".encode(),
    ],
)
def test_usual_encodings_and_line_ends_read_the_same(content: bytes) -> None:
    assert [row.cells for row in csvfiles.open_table(content)] == [{"Größe": "1", "Ort": "Köln"}]


def test_line_numbers_are_those_an_editor_shows() -> None:
    table = csvfiles.open_table(b'a,b\n1,"two\nlines"\n\n3,4\n')
    assert [(row.line, row.text("a")) for row in table] == [(2, "1"), (5, "3")]


@pytest.mark.parametrize("content", [b"", b"\n\n", codecs.BOM_UTF8])
def test_file_without_header_is_refused(content: bytes) -> None:
    with pytest.raises(csvfiles.FileIsEmpty):
        csvfiles.open_table(content)


def test_spreadsheet_is_refused_as_no_text() -> None:
    with pytest.raises(csvfiles.FileIsNotText):
        csvfiles.open_table(b"PK\x03\x04\x00\x00")


@pytest.mark.parametrize(
    ("header", "words"), [(b"a,,c\n", "column 2 has no name"), (b"a,b,a\n", "column “a” stands there twice")]
)
def test_doubtful_header_is_refused(header: bytes, words: str) -> None:
    with pytest.raises(csvfiles.HeaderIsWrong, match=words):
        csvfiles.open_table(header)


@pytest.mark.parametrize("line", ["1", "1,2,3", '"1,2'])
def test_row_of_the_wrong_shape_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(csvfiles.RowIsMalformed, match="Line 3"):
        rows_of(f"a,b\n1,2\n{line}\n")


def test_missing_column_is_named_with_those_found() -> None:
    with pytest.raises(csvfiles.ColumnIsMissing, match=r"no column “serial”; it has: a, b"):
        csvfiles.open_table(b"a,b\n").require("a", "serial")


@pytest.mark.parametrize("cell", ["", "  ", "twelve", "1,5", "NaN", "Infinity", "1.2.3"])
def test_cell_that_is_no_number_is_refused_with_line_and_column(cell: str) -> None:
    (row,) = csvfiles.open_table(f'serial,energy_kwh\nK-17,"{cell}"\n'.encode())
    with pytest.raises(csvfiles.CellIsWrong, match="Line 2, column “energy_kwh”"):
        row.decimal("energy_kwh")


def test_numbers_are_exact() -> None:
    (row,) = csvfiles.open_table(b"a;b\n0.10;12,345\n")
    assert str(row.decimal("a")) == "0.10"
    assert row.decimal("b", comma=True) == Decimal("12.345")


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1", "'=1", "=cmd|' /C calc'!A0", "-5-cmd"]
)
def test_formula_is_written_as_text(cell: str) -> None:
    assert csvfiles.neutral(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["-12.5", "+3", "-1e-6", "0", "K-17", "O'Neill", "'quoted'", ""])
def test_numbers_and_words_are_written_as_they_are(cell: str) -> None:
    assert csvfiles.neutral(cell) == cell


def test_file_starts_with_a_mark_for_excel_when_asked() -> None:
    assert b"".join(csvfiles.write_lines(["a"], [], mark=True)) == codecs.BOM_UTF8 + b"a\r\n"


def test_writer_waits_for_the_reader() -> None:
    taken: list[int] = []

    def rows() -> Iterator[tuple[int]]:
        for number in range(3):
            taken.append(number)
            yield (number,)

    lines = csvfiles.write_lines(["n"], rows())
    assert next(lines) == b"n\r\n"
    assert taken == []
    assert next(lines) == b"0\r\n"
    assert taken == [0]


@given(st.lists(st.tuples(cells, cells), max_size=6), st.sampled_from(csvfiles.DELIMITERS))
def test_own_export_reads_back_unchanged(rows: list[tuple[str, str]], delimiter: str) -> None:
    written = b"".join(csvfiles.write_lines(["one", "two"], rows, delimiter=delimiter))
    read = [(row.cells["one"], row.cells["two"]) for row in csvfiles.open_table(written, delimiter=delimiter)]
    assert read == [row for row in rows if "".join(row).strip()]


@given(cells)
def test_no_cell_that_is_written_starts_a_formula(cell: str) -> None:
    (_, (written, _)) = csv.reader(
        io.StringIO(b"".join(csvfiles.write_lines(["a", "b"], [(cell, "")])).decode(), newline="")
    )
    assert not written.startswith(("=", "@", "\t", "\r"))
    assert not written.startswith(("+", "-")) or Decimal(written.replace(",", ".")).is_finite()
