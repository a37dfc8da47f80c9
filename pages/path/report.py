"""What I did: the visit as one HTML file, which holds everything and asks nobody for anything."""

import html
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from urllib.parse import urlencode

from babel.dates import format_datetime
from PIL import Image

from pages.languages import ASSETS
from pages.path import quiz
from pages.shared.chapters import CHAPTERS, said_of
from pages.shared.experiments import EXPERIMENTS
from pages.shared.picture import data_url
from pages.shared.query import VERSION
from pages.shared.sitemap import PAGES
from pages.shared.words import _, class_name, current_language, in_language, percent
from pages.visit.state import Finished, Learned, Visit
from tl_core.images.encode import encode_jpeg
from tl_core.specs.attack import Attack, AttackSnapshot
from tl_core.specs.training import mode_row

_QUALITY = 90
_WIDTH, _HEIGHT = 360, 120  # of a curve


def report(visit: Visit, code: str, zone: tzinfo = UTC) -> str:
    """The file about this visit in this language, with the time in this zone.

    Streamlit makes it in a thread of its own, which knows of no visitor.
    """
    template = (ASSETS / "report.html").read_text(encoding="utf-8")
    with in_language(code):
        now, locale = datetime.now(zone), current_language().locale
        parts = {
            "language": current_language().code,
            "title": _("What I did in the Transfer Learning Lab"),
            "when": format_datetime(now, "long", locale=locale),
            "body": "\n".join(_sections(visit)),
        }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


def _sections(visit: Visit) -> Iterator[str]:
    for title, lines in (
        (_("My guesses, and what happened"), _chapters(visit)),
        (_("What I taught it"), map(_training, visit.learned.values())),
        (_("What it drew"), map(_picture, visit.gallery)),
        (_("How I fooled it"), _attacks(visit)),
        (_("My answers to the questions"), _answers(visit)),
        (_("Where to go next"), _addresses(visit)),
    ):
        found = list(lines)
        if found:
            yield f"<h2>{html.escape(title)}</h2>" + "\n".join(found)


def _chapters(visit: Visit) -> Iterator[str]:
    for chapter in (*CHAPTERS, *(row.chapter for row in EXPERIMENTS.values())):
        guessed = visit.guesses.get(chapter.key)
        if guessed is not None and guessed.outcome is not None:
            happened = said_of(chapter, guessed, name=_escaped)
            happened = re.sub(r"\*([^*]+)\*", r"<em>\1</em>", happened)
            yield f"<p><b>{html.escape(_(chapter.question))}</b><br>{happened}</p>"


def _training(row: Learned) -> str:
    words = _(
        "{label}, {way}, {network}: accuracy {accuracy} on {tested:,} validation "
        "photographs, trained on {train:,}; top-3 accuracy {top3}."
    ).format(
        label=_(row.label),
        way=_(mode_row(row.mode).label),
        network=row.backbone,
        accuracy=percent(row.accuracy),
        tested=row.tested,
        train=row.train,
        top3=percent(row.top3),
    )
    return f"<p>{html.escape(words)}</p>{_curve(row.curve)}"


def _curve(shares: tuple[float, ...]) -> str:
    """The accuracy by epoch, from 0 to 1, as a line."""
    if len(shares) < 2:
        return ""
    last = len(shares) - 1
    points = " ".join(
        f"{_WIDTH * epoch / last:.1f},{_HEIGHT * (1 - share):.1f}"
        for epoch, share in enumerate(shares)
    )
    words = _("Accuracy by epoch, from {first} to {last}")
    alt = html.escape(words.format(first=percent(shares[0]), last=percent(shares[-1])))
    return (
        f'<figure><svg viewBox="-2 -2 {_WIDTH + 4} {_HEIGHT + 4}" role="img" aria-label="{alt}">'
        f'<polyline points="{points}"/></svg><figcaption>{alt}</figcaption></figure>'
    )


def _picture(picture: Finished) -> str:
    jpeg = encode_jpeg(Image.open(io.BytesIO(picture.png)), _QUALITY)
    return _figure(jpeg, picture.label) + _settings(picture.settings)


def _attacks(visit: Visit) -> Iterator[str]:
    """The last attack: the photograph and the picture, as the files are."""
    run = visit.runs.get("attack")
    for _label, job in run.jobs if run is not None else []:
        found = job.snapshot
        if isinstance(found, AttackSnapshot) and found.picture and isinstance(job.spec, Attack):
            for data, answers in (
                (found.original, found.before),
                (found.picture, found.after),
            ):
                label, sure = class_name(answers[0].label), percent(answers[0].probability)
                yield _figure(data, f"{label}, {sure}")
            yield _settings(found.settings or job.spec.to_json())


def _answers(visit: Visit) -> Iterator[str]:
    given = visit.quiz
    for when in (quiz.BEFORE, quiz.AFTER):
        for question in quiz.quiz(when).questions:
            chosen = given.get(f"{when} {question.key}")
            if chosen is not None:
                reply = question.replies[chosen]
                words = (question.ask, reply.text, reply.why)
                ask, text, why = map(html.escape, words)
                yield f"<p><b>{ask}</b><br><em>{text}</em> {why}</p>"


def _addresses(visit: Visit) -> Iterator[str]:
    """The ends of the pages' addresses, as text: with the lab's own before them they lead back."""
    choices = visit.choices
    if not choices:
        return
    words = _("Add one of these to the end of the lab's address:")
    yield f"<p>{html.escape(words)}</p><ul>"
    query = urlencode({**choices, "version": VERSION})
    for row in PAGES:
        address = html.escape(f"/{row.address}?{query}")
        yield f"<li>{html.escape(_(row.title))}: <code>{address}</code></li>"
    yield "</ul>"


def _figure(data: bytes, words: str) -> str:
    text = html.escape(words)
    return (
        f'<figure><img src="{data_url(data)}" alt="{text}"><figcaption>{text}</figcaption></figure>'
    )


def _settings(text: str) -> str:
    title = html.escape(_("Settings"))
    return f"<details><summary>{title}</summary><code>{html.escape(text)}</code></details>"


def _escaped(name: str) -> str:
    """The name of a class in HTML, with no mark that would be taken for emphasis."""
    return html.escape(class_name(name)).replace("*", "&#42;")
