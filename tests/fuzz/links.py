"""Addresses that somebody has changed: the page opens with a choice that it offers."""

import atexit
import functools
import random
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

from streamlit.testing.v1 import AppTest

from pages.shared import link as links
from pages.shared import query
from pages.shared.sitemap import PAGES
from pages.visit.state import Visit
from tests.fuzz.registry import Kind
from tests.hostile import photo as photo_of
from tests.hostile import saved
from tl_core.lab import Lab, Settings
from tl_core.specs.training import FineTune, FineTuneSnapshot

APP = Path(__file__).parents[2] / "streamlit_app.py"
KEYS = (
    "backbone", "sample", "goal", "goal_layer", "goal_channel", "layer", "layer_2",
    "target_class", "second_class", "dataset", "steps", "seed", "start", "visit",
    "linked", "photo", "tv_weight", "recipe", "classes_of_1000", "epsilon", "method", "mix",
)  # fmt: skip
VALUES = (
    "", " ", "0", "-1", "999", "1000", "1e9", "NaN", "None", "true", "efficientnet_lite1",
    "vgg19", "own:1", "own:" + "f" * 32, "untrained:efficientnet_lite0:0", "sample:cat",
    "sample:nothing", "sha256:" + "0" * 64, "channel", "mix", "several", "bn1", "blocks.0.0",
    "blocks.99.0", "features.1", "digits", "folder:..", "../../etc/passwd", "![x](https://a.b/c)",
    "<script>", "{x}", "%00", "\0", "\u202e", "犬", "a" * 3000, "[1]", "own",
)  # fmt: skip


class State(dict):
    """A session state without Streamlit: its keys are attributes too."""

    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


def link(seed: int) -> None:
    """Any keys with any values, some of them twice, on any page."""
    chance = random.Random(seed)
    with patch("pages.shared.visit.Lab", _lab):
        app = AppTest.from_file(str(APP), default_timeout=60)
        app.switch_page(chance.choice(PAGES).path)
        for key in chance.sample(KEYS, chance.randrange(1, 6)):
            values = [chance.choice(VALUES) for _ in range(chance.choice((1, 1, 1, 2, 3)))]
            app.query_params[key] = values if len(values) > 1 else values[0]
        app.run()
    assert not app.exception, app.exception[0].stack_trace
    for widget in (*app.selectbox, *app.button_group, *app.select_slider):
        chosen = widget.value if isinstance(widget.value, list) else [widget.value]
        assert None not in chosen, widget.key


def link_value(seed: int) -> None:
    """One choice whose address says anything at all, then with other options or another set."""
    chance = random.Random(seed)
    text = "".join(chance.choices(" 0\U0001f4a9\ue000", k=chance.randrange(9)))
    params: dict[str, str] = {"layer": chance.choice((*VALUES, text))}
    visit, told = Visit(), []
    state = State(linked=dict(params), address=dict(params))
    state["remarks"] = SimpleNamespace(info=lambda words, **_how: told.append(words))
    shown = SimpleNamespace(session_state=state)
    with (
        patch.object(links, "st", shown),
        patch.object(query, "st", shown),
        patch.object(links, "the_visit", lambda: visit),
    ):
        for offered in (["bn1", "blocks.0.0", "0", ""], ["features.1", "犬"], ["0", "1"]):
            among = chance.choice(("", "a", "b"))
            with links.kept("layer", offered[0], offered, among=among):
                assert state["layer"] in offered
                if chance.random() < 0.5:
                    state["layer"] = chance.choice(offered)
            assert visit.choices.get("layer" + among, offered[0]) == state["layer"]
            held = state["address"]["layer"]
            assert held == state["layer"] or "layer" + among not in visit.choices
    assert len(told) <= 1


def other_peoples_keys(seed: int) -> None:
    """The keys of another visitor's photograph and model in an address: nothing of them shows."""
    chance = random.Random(seed)
    photo, model = _keys_of_another()
    with patch("pages.shared.visit.Lab", _lab):
        app = AppTest.from_file(str(APP), default_timeout=60)
        app.switch_page(chance.choice(PAGES).path)
        app.query_params["sample"], app.query_params["backbone"] = photo, model
        app.run()
    assert not app.exception, app.exception[0].stack_trace
    theirs = {photo, model, photo.removeprefix("sha256:")}
    for widget in (*app.selectbox, *app.button_group):
        chosen = widget.value if isinstance(widget.value, list) else [widget.value]
        assert theirs.isdisjoint(map(str, chosen)), widget.key
        assert not any(key in str(option) for option in widget.options for key in theirs)
    visitor = app.session_state["visit"].id
    assert _lab().models.of(visitor) == {}


KINDS = (
    Kind("link", link, share=0.02),
    Kind("link value", link_value),
    Kind("other people's keys", other_peoples_keys, share=0.02),
)


@functools.cache
def _keys_of_another() -> tuple[str, str]:
    """A photograph and a model of somebody who is in the lab too."""
    lab, digits = _lab(), FineTune(dataset="digits", photos_per_class=2, max_validation=20)
    job = lab.jobs.submit(digits, "ann")
    assert job.wait(120)
    assert isinstance(job.snapshot, FineTuneSnapshot)
    assert job.snapshot.result is not None
    photo = lab.photos.add(saved(photo_of(), "JPEG"), "ann")
    return photo, job.snapshot.result.model


@functools.cache
def _lab() -> Lab:
    """One lab for all cases; it ends with the process."""
    folder = Path(tempfile.mkdtemp(prefix="lab-links-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # after the lab is closed
    lab = Lab(
        Settings(
            data_dir=folder / "d",
            weights_dir=folder / "w",
            cache_dir=folder / "c",
            device="cpu",
            mirror="http://127.0.0.1:9",
        )
    )
    atexit.register(lab.close)
    return lab
