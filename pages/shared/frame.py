"""What every page has: navigation, one bar with its title and the subject, and a lesson's strip."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from pages.languages import ASSETS
from pages.shared import link
from pages.shared.chapter_strip import strip
from pages.shared.chapters import Chapter
from pages.shared.choose_backbone import choose_backbone, offer, usable_for
from pages.shared.choose_photo import choose_photo
from pages.shared.components import style
from pages.shared.copy_link import copy_link
from pages.shared.foot import foot
from pages.shared.photo_input import show_refused_photo
from pages.shared.runs import offer_the_link
from pages.shared.sitemap import ALL_PAGES, HISTORY, HOME, TRANSFER, TRICKS, PageRow
from pages.shared.terms import explain, words_of
from pages.shared.visit import the_visit
from pages.shared.words import _, lesson
from tl_core.images import samples


@dataclass(frozen=True, slots=True)
class Subject:
    """What a visitor works on, on every page."""

    backbone: str | None  # the last chosen one that can be used; none while none can
    photo: str


def configure() -> None:
    """Give the browser's tab its title and its icon, and the page its look.

    Without an icon of our own, the browser takes the open page's from a server of Google's.
    """
    st.set_page_config(
        page_title=_("Transfer Learning Lab"), page_icon=str(ASSETS / "icon.svg"), layout="wide"
    )
    style("lab", menu=_("Pages"), guess=_("Guess first, then see"))


def navigation() -> st.Page:
    """Declare the pages, name the browser's tab after the one that is open, and return it."""
    current = st.navigation([_page(row) for row in ALL_PAGES], position="top")
    if current.url_path != HOME.address:
        st.set_page_config(page_title=f"{current.title} · {_('Transfer Learning Lab')}")
    return current


def begin(row: PageRow) -> None:
    """Take the link that opened the page, and draw the line at its foot."""
    the_visit().trim()
    link.take_address(row.path)
    offer_the_link({row.topic, row.address})
    explain(row.topic)
    foot()


def title(row: PageRow, words: str = "") -> None:
    """Draw a page's title, ``words`` where they are others than its name, and its terms."""
    with st.container(key="title", horizontal=True, width="content", gap="small"):
        st.title(words or _(row.title), anchor=False, width="content")
        words_of(row.topic)


def text_page(row: PageRow) -> None:
    """Begin a page of text: its title, and what it is about."""
    begin(row)
    with st.container(key="path_title"):
        title(row)
    st.markdown(lesson(row.topic)[""])


def header(
    row: PageRow,
    *,
    first_photo: str = samples.SAMPLES[0].key,
    has_photo: bool = True,
    has_offer: bool = True,
    chapter: Callable[[], Chapter | None] = lambda: None,
) -> Subject:
    """Draw the page's title, the subject beside it, and the strip for the lesson below.

    ``first_photo`` is the page's photograph for who has chosen none; ``chapter`` returns its
    question where that is not the usual one. Without ``has_photo`` the page itself draws its
    choice, without ``has_offer`` the offer to download a backbone that cannot be used yet.
    """
    begin(row)
    with st.container(
        key="page_head",
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="center",
    ):
        title(row)
        with st.container(key="subject", horizontal=True, width="content"):
            photo = the_visit().choices.get("sample", first_photo)
            if has_photo:
                photo = choose_photo(first_photo)
            backbone = choose_backbone()
            copy_link(photo, backbone, first_photo=first_photo)
    strip(row, chapter())
    show_refused_photo()
    shown = usable_for(backbone)
    if shown != backbone and has_offer:
        offer(backbone, shown=shown)
    return Subject(shown, photo)


def _page(row: PageRow) -> st.Page:
    return st.Page(
        row.path,
        url_path=row.address,
        title=_(row.title),
        icon=row.icon,
        default=row is HOME,
        visibility="hidden" if row in (TRICKS, HISTORY, TRANSFER) else "visible",
    )
