"""The lesson plans: every link in them opens its page with its choices."""

import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"`(/\w*\?[^`]*version=1)`")
LINKS = sorted(set(_LINK.findall((ROOT / "docs/teaching.md").read_text(encoding="utf-8"))))


@pytest.mark.parametrize("link", LINKS)
def test_a_link_of_a_plan_opens_its_page_with_all_its_choices(open_page, link):
    address = urlsplit(link)
    page = open_page(address.path.strip("/"), **dict(parse_qsl(address.query)))
    assert ":material/link_off:" not in [remark.icon for remark in page.info]
    assert not page.session_state["linked"]
