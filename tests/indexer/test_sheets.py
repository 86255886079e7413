"""Spreadsheets from independent writers: what their cells read as, and that each row stands where the file has it."""

from __future__ import annotations

import datetime
import io
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from indexer.formats import sheets
from indexer.read.extract import Extract, UnreadableError
from indexer.read.reader import extract

pytestmark = pytest.mark.slow

ODS = """<?xml version="1.0"?><office:document-content
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>
 <table:table table:name="Leaves">%s</table:table></office:spreadsheet></office:body></office:document-content>"""
BLANK_ROWS = '<table:table-row table:number-rows-repeated="%d"><table:table-cell/></table:table-row>'


def place(page: Extract, words: str) -> tuple[str, int]:
    """Sheet and row in which words stand."""
    offset = page.text.index(words)
    mark = [mark for mark in page.marks if mark.offset <= offset][-1]
    assert mark.unit == "row"
    return mark.part, mark.number


def costs() -> openpyxl.Workbook:
    """A workbook with a table that begins further down and to the right, a hidden sheet and an empty one."""
    workbook = openpyxl.Workbook()
    sheet: Any = workbook.active
    sheet.title = "Costs"
    sheet["C3"] = "Costs of the house"
    for row, cells in {5: ("Item", "Cost", "", "Date"), 6: ("roof", 1200.0, "", datetime.date(1987, 6, 5))}.items():
        for column, cell in enumerate(cells, 3):
            if cell != "":
                sheet.cell(row, column, cell)
    sheet["C9"], sheet["D9"], sheet["F9"] = "door\nof oak", 0.1 + 0.2, datetime.datetime(1999, 1, 2, 3, 4)
    sheet.merge_cells("C11:F12")
    sheet["C11"] = "paid"
    workbook.create_sheet("Empty")
    hidden = workbook.create_sheet("Secrets")
    hidden.sheet_state = "hidden"
    hidden["A1"], hidden["A2"], hidden["B2"] = True, datetime.time(7, 30), datetime.timedelta(hours=30, minutes=5)
    workbook.create_chartsheet("Chart")
    return workbook


def packed(workbook: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


def ods(rows: str) -> bytes:
    """An OpenDocument spreadsheet of nothing but its content."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        package.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
        package.writestr("content.xml", ODS % rows)
    return file.getvalue()


def cell(words: str) -> str:
    return f'<table:table-cell office:value-type="string"><text:p>{words}</text:p></table:table-cell>'


def check_costs(page: Extract) -> None:
    assert page.kind == "spreadsheet"
    assert page.lines == ()
    assert page.text == (
        "Costs\n\nCosts of the house\n\nItem | Cost | Date\nroof | 1200 | 1987-06-05\n"
        "door of oak | 0.3 | 1999-01-02 03:04:00\npaid\n\nSecrets\n\nTRUE\n\n07:30:00 | 30:05:00"
    )
    assert [(heading.level, heading.title) for heading in page.headings] == [(1, "Costs"), (1, "Secrets")]
    assert place(page, "Costs of the house") == ("Costs", 3)
    assert place(page, "Item") == ("Costs", 5)
    assert place(page, "roof") == ("Costs", 6)
    assert place(page, "door") == ("Costs", 9)
    assert place(page, "paid") == ("Costs", 11)
    assert place(page, "TRUE") == ("Secrets", 1)
    assert place(page, "07:30") == ("Secrets", 2)
    assert [page.text[mark.offset :].split("\n")[0] for mark in page.marks if mark.apart] == ["Costs", "Secrets"]
    table = page.blocks[0]
    assert page.text[table.start : table.header] == "Item | Cost | Date\n"
    assert page.text[table.header : table.end].startswith("roof")
    assert page.text[: table.end].endswith("paid")


def test_a_workbook() -> None:
    check_costs(extract("costs.xlsx", packed(costs())))


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
@pytest.mark.parametrize("suffix", ["ods", "xls"])
def test_the_same_from_libreoffice(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "costs.xlsx").write_bytes(packed(costs()))
    subprocess.run(
        ["soffice", f"-env:UserInstallation={(tmp_path / 'home').as_uri()}", "--headless", "--convert-to", suffix,
         "--outdir", tmp_path, tmp_path / "costs.xlsx"],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    page = extract(f"costs.{suffix}", (tmp_path / f"costs.{suffix}").read_bytes())
    assert place(page, "roof | 1200 | 1987-06-05") == ("Costs", 6)
    assert place(page, "door of oak | 0.3 | 1999-01-02 03:04:00") == ("Costs", 9)
    assert place(page, "07:30:00 | ") == ("Secrets", 2)


def test_a_workbook_of_another_writer(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as workbook:
        sheet = workbook.add_worksheet("Größen & mehr")
        sheet.write_row(1, 0, ["Name", "Größe", "Anteil", "Summe"])
        sheet.write_row(2, 0, ["Tür", 2e15, 0.15])
        sheet.write_formula(2, 3, "=1+1", value=2)
        sheet.write_row(3, 0, ["Dach", -7, 1234567.891])
    page = extract("a.xlsx", (tmp_path / "a.xlsx").read_bytes())
    assert page.text.split("\n")[2:] == [
        "Name | Größe | Anteil | Summe",
        "Tür | 2e+15 | 0.15 | 2",
        "Dach | -7 | 1234567.891",
    ]
    assert place(page, "Tür") == ("Größen & mehr", 3)


def test_an_opendocument_spreadsheet() -> None:
    row = f"<table:table-row>{cell('leaf')}{cell('colour')}</table:table-row>"
    page = extract("a.ods", ods(BLANK_ROWS % 4 + row + BLANK_ROWS % 100_000 + row.replace("leaf", "oak")))
    assert page.text == "Leaves\n\nleaf | colour\noak | colour"
    assert place(page, "leaf") == ("Leaves", 5)
    assert place(page, "oak") == ("Leaves", 100_006)


def test_a_sheet_of_numbers_has_no_header() -> None:
    workbook = openpyxl.Workbook()
    sheet: Any = workbook.active
    sheet.append([0, 2])
    sheet.append([3, 4])
    page = extract("a.xlsx", packed(workbook))
    assert page.text == "Sheet\n\n0 | 2\n3 | 4"
    assert [block.header for block in page.blocks] == [0]


def test_a_sheet_of_a_header_alone() -> None:
    workbook = openpyxl.Workbook()
    sheet: Any = workbook.active
    sheet.append(["Name", "Cost"])
    page = extract("a.xlsx", packed(workbook))
    assert page.text == "Sheet\n\nName | Cost"
    assert [block.header for block in page.blocks] == [0]


@pytest.mark.parametrize("far", ["XFD1048576", "A1048576", "XFD1"])
def test_a_cell_far_away_does_not_take_the_process_down(far: str) -> None:
    workbook = openpyxl.Workbook()
    sheet: Any = workbook.active
    sheet["A1"], sheet[far] = "near", "far"
    if far == "XFD1048576":
        with pytest.raises(UnreadableError, match=r"^a sheet whose cells lie more than 20 million cells apart$"):
            extract("a.xlsx", packed(workbook))
        return
    page = extract("a.xlsx", packed(workbook))
    assert place(page, "near") == ("Sheet", 1)
    assert place(page, "far") == ("Sheet", sheet[far].row)


def test_a_spreadsheet_that_unpacks_to_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MAX_UNPACKED", 1000)
    with pytest.raises(UnreadableError, match="when unpacked"):
        extract("a.xlsx", packed(costs()))


def test_repeated_cells_do_not_multiply() -> None:
    row = '<table:table-row table:number-rows-repeated="4000000000"><table:table-cell table:number-columns-repeated='
    with pytest.raises(UnreadableError):
        extract("a.ods", ods(f'{row}"4000000000" office:value-type="float" office:value="1"/></table:table-row>'))


def test_an_encrypted_workbook() -> None:
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000) + "EncryptedPackage".encode("utf-16-le") + bytes(2000)
    with pytest.raises(UnreadableError, match=r"^encrypted: needs a password$"):
        extract("a.xlsx", data)


@pytest.mark.parametrize("name", ["a.xlsx", "a.xls", "a.xlsb", "a.ods"])
@pytest.mark.parametrize("data", [b"", b"words", b"PK\x03\x04 and no more", packed(costs())[:3000]])
def test_what_is_no_spreadsheet(name: str, data: bytes) -> None:
    with pytest.raises(UnreadableError, match=r"^damaged, or no spreadsheet"):
        extract(name, data)
