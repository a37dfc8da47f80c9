"""Names out of a visitor's files are drawn as they are, and nothing in them is acted on."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.message import Message

from pages.shared.words import chart_text, plain, sentence
from pages.visit.state import Run
from tests import hostile
from tests.app.conftest import PATHS, settled
from tests.hostile import saved
from tests.local_compute import local
from tests.model_files import of_backbone
from tl_core.lab import Job, Lab, UserError
from tl_core.specs.attack import Attack, AttackSnapshot, SmallestBudget, SmallestSnapshot
from tl_core.specs.base import Snapshot, Spec
from tl_core.specs.classify import Answer
from tl_core.specs.ideal import IdealImage, IdealSnapshot

PICTURE = "![x](https://example.com/x.png) $x$ <b>"
LINK = "[click](https://example.com) :red[x] :material/face:"
LABEL = f"{PICTURE} {LINK} www.example.com a@example.com **bold** `code` :smile:"
ACTIVE = (
    "![x](",
    "[click](",
    "://example",
    "www.ex",
    "@ex",
    "$x$",
    "<b>",
    ":red[",
    ":material/face",
)
NO_MARKDOWN = {  # what Streamlit draws as it is
    "Selectbox": {"options", "raw_value"},
    "MultiSelect": {"options", "raw_values"},
    "Code": {"code_text"},
    "TextInput": {"value", "default"},
    "Image": {"alt"},
    "PlotlyChart": {"alt", "spec"},
    "Html": {"body"},  # its tags are asked for below
}


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("猫 と 犬 (チワワ)", "猫 と 犬 (チワワ)"),
        ("bull mastiff, 2nd", "bull mastiff, 2nd"),
        ("golden_retriever", r"golden\_retriever"),
        ("![x](y)", r"!\[x\](y)"),
        ("a\n\n# b", r"a \# b"),
        (":red[x]", ":\u2060red\\[x\\]"),
        ("1. a", "\u20601. a"),
        ("- a", "\u2060- a"),
        ("http://a.b", "http:\u2060//a.b"),
        ("WWW.a.b", "WWW\u2060.a.b"),
    ],
)
def test_text_of_others_becomes_markdown_for_just_that_text(text: str, drawn: str) -> None:
    assert plain(text) == drawn


def test_what_an_error_names_is_escaped_and_its_own_words_are_not() -> None:
    error = UserError("The **class** {name} has {count:,} photographs.", name="*x*", count=1234)
    assert sentence(error) == r"The **class** \*x\* has 1,234 photographs."


def test_charts_take_no_markup_from_names() -> None:
    assert chart_text('<a href="x">y</a> $x$ & z') == (
        '&lt;a href="x"&gt;y&lt;/a&gt; &#36;x&#36; &amp; z'
    )


def drawn(message: Message) -> Iterator[str]:
    """Every text in an element but what its kind draws as it is."""
    kind = message.DESCRIPTOR.name
    for field, value in message.ListFields():
        if field.name in NO_MARKDOWN.get(kind, set()) | {"id", "key"}:
            continue
        for item in value if field.is_repeated else [value]:
            if isinstance(item, Message):
                yield from drawn(item)
            elif isinstance(item, str):
                yield f"{kind}.{field.name}: {item}"


def over(spec: Spec, snapshot: Snapshot, owner: str) -> Run:
    """A run with one job that is done."""
    job = Job(spec, owner)
    job.finish(snapshot)
    return Run([(LABEL, job)])


def runs(model: str, owner: str) -> dict[str, Run]:
    picture, photo = saved(hostile.photo(224, 224), "PNG"), "sample:cat"
    said = (Answer(index=0, label=PICTURE, probability=0.9),)
    seen: dict[str, Any] = {"picture": picture, "original": picture, "before": said, "after": said}
    return {
        "ideal": over(
            IdealImage(backbone=model, target=0, second_target=0),
            IdealSnapshot(picture=picture, png=picture, probability=0.9),
            owner,
        ),
        "attack": over(
            Attack(backbone=model, photo=photo, target=0),
            AttackSnapshot(**seen, probability=0.9, is_fooled=True),
            owner,
        ),
        "smallest": over(
            SmallestBudget(backbone=model, photo=photo, target=0),
            SmallestSnapshot(**seen, phase="done", epsilon=1),
            owner,
        ),
    }


def test_no_page_draws_the_names_of_a_models_classes_as_markdown(
    open_page, app_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.feature_maps.feature_space.feature_space", lambda *_of: None)
    app = open_page()
    visit = app.session_state["visit"]
    lite0 = local(app_lab).context.backbones.load("efficientnet_lite0")
    key = app_lab.models.load(of_backbone(lite0, LABEL, (PICTURE, LINK)), visit.id)
    app.session_state["kept_backbone"] = app.session_state["backbone"] = key
    visit.runs.update(runs(key, visit.id))
    for page in ("backbones", "feature_maps", "why", "ideal", "attack", "teach"):
        app.switch_page(PATHS[page]).run()
        settled(app)
        assert not app.exception
        assert app.selectbox(key="backbone").value == key
        protos = (getattr(node, "proto", None) for node in app._tree)
        texts = [text for p in protos if isinstance(p, Message) for text in drawn(p)]
        assert not [text for text in texts if any(mark in text for mark in ACTIVE)]
        assert all("<b>" not in block.proto.body for block in app.get("html"))
        assert all("$x$" not in chart.proto.spec for chart in app.get("plotly_chart"))
        if page not in ("feature_maps", "attack"):  # there only the picture says it
            assert any(r"\](" in text for text in texts)
