"""The worksheets, as a teacher prints them."""

import re

import pytest

from tests.unit.test_teaching import DOCS, FOLDERS, SHEETS

pytestmark = pytest.mark.browser

A4 = (594, 596), (841, 843)  # points, from and to
_PAGE = re.compile(rb"/Type\s*/Page\b(?!s)")
_SIZE = re.compile(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]")


@pytest.mark.parametrize("name", SHEETS)
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(DOCS)))
def test_a_worksheet_is_one_sheet_of_a4_on_both_sides(page, folder, name):
    page.goto((folder / name).as_uri())
    printed = page.pdf(prefer_css_page_size=True)
    assert len(_PAGE.findall(printed)) == 2
    for size in _SIZE.findall(printed):
        for points, (low, high) in zip(size, A4, strict=True):
            assert low <= float(points) <= high


@pytest.mark.parametrize("name", SHEETS)
def test_a_worksheet_can_be_read_on_a_phone(page, name):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto((FOLDERS[0] / name).as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
