"""What I did: one file that holds the visit, and asks nobody for anything."""

from html.parser import HTMLParser
from zoneinfo import ZoneInfo

from pages.path.report import report
from pages.shared.chapters import CHAPTERS
from pages.visit.state import Finished, Guess, Outcome, Visit
from tests import hostile
from tests.app.test_foreign_words import LABEL, over
from tests.app.test_path import DIGITS
from tests.hostile import saved
from tl_core.specs.attack import Attack, AttackSnapshot
from tl_core.specs.classify import Answer

MOST_BYTES = 5 * 10**6


class Addresses(HTMLParser):
    """Everything in a page that may lead out of it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        names = {"href", "src", "srcset", "action", "data", "poster"}
        self.found += [value or "" for name, value in attrs if name in names]


def busy(label: str) -> Visit:
    """A visit with all that a report can hold, as much of it as a visit keeps."""
    visit = Visit()
    picture = saved(hostile.photo(260, 260), "PNG")
    visit.gallery = [Finished(label, picture, '{"kind": "IdealImage"}', (), False)] * 24
    answers = (Answer(index=0, label=label, probability=0.9),)
    snapshot = AttackSnapshot(picture=picture, original=picture, before=answers, after=answers)
    visit.runs["attack"] = over(Attack(photo="sample:cat"), snapshot, visit.id)
    figures: dict[str, float | str] = {
        "levels": 1,
        "before": label,
        "after": "Siamese cat",
        "percent": 90.0,
    }
    visit.guesses["attack"] = Guess("8", is_open=True, outcome=Outcome("run", "1", figures))
    visit.learned["model"] = DIGITS
    visit.quiz["before training"] = 0
    visit.choices["steps"] = "256"
    return visit


def test_the_report_holds_guesses_trainings_pictures_attack_answers_and_links():
    text = report(busy("zebra"), "en")
    assert CHAPTERS[-1].question in text
    assert "A change of 1 of 255 levels turned <em>zebra</em> into <em>Siamese cat</em>" in text
    assert "You guessed <em>3 to 16</em>." in text
    assert "accuracy 90.0\u00a0% on 500 validation photographs" in text
    assert "<polyline" in text
    assert text.count("data:image/jpeg;base64,") == 24
    assert text.count("data:image/png;base64,") == 2
    assert "zebra, 90.0\u00a0%" in text
    assert "EfficientNet-Lite0 has 18 MB" in text
    assert "/ideal?steps=256&amp;version=1" in text
    assert "&quot;kind&quot;: &quot;IdealImage&quot;" in text


def test_the_report_opens_without_a_network_and_is_below_five_megabytes():
    text = report(busy(LABEL), "en")
    assert len(text.encode()) < MOST_BYTES
    addresses = Addresses()
    addresses.feed(text)
    assert len(addresses.found) == 26
    assert all(address.startswith("data:image/") for address in addresses.found)
    assert not {"script", "link", "iframe", "base"} & addresses.tags
    assert "url(" not in text
    assert "default-src 'none'" in text


def test_names_in_the_report_are_text():
    text = report(busy('<b onclick="x">*y*'), "en")
    assert "<b onclick" not in text
    assert "&lt;b onclick=&quot;x&quot;&gt;&#42;y&#42;" in text


def test_an_empty_visit_has_a_report_too():
    assert "<h2>" not in report(Visit(), "en")


def test_the_report_is_in_the_language_that_it_is_asked_for_in():
    text = report(busy("zebra"), "ja", ZoneInfo("Asia/Tokyo"))
    assert "JST" in text
    assert '<html lang="ja">' in text
    assert "予想は「3～16段階」でした。" in text
    assert "シマウマ" in text
    assert "ラボのアドレスの後ろに" in text
