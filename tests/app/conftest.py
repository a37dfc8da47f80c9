import asyncio
import base64
import json
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared.sitemap import ALL_PAGES
from pages.shared.visit import the_lab
from tests.component_event import component_event
from tl_core.lab import Lab, Settings
from tl_core.specs.training import FineTune, FineTuneSnapshot

APP = Path(__file__).parents[2] / "streamlit_app.py"
PATHS = {row.address or "home": row.path for row in ALL_PAGES}


@pytest.fixture(scope="session")
def app_lab(tmp_path_factory):
    """One lab for all page tests; its folders are empty and its mirror answers nobody."""
    folder = tmp_path_factory.mktemp("lab")
    settings = Settings(
        data_dir=folder / "data",
        weights_dir=folder / "weights",
        device="cpu",
        mirror="http://127.0.0.1:9",
    )
    with Lab(settings) as lab:
        yield lab


@pytest.fixture
def open_page(app_lab, monkeypatch):
    """Open the app at a page, as a new visitor."""
    monkeypatch.setattr("pages.shared.visit.Lab", lambda: app_lab)

    def opened(page: str = "", **choices: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=60)
        for key, text in choices.items():
            app.query_params[key] = text
        app.run()
        if page:
            app.switch_page(PATHS[page]).run()
        assert not app.exception
        return app

    return opened


@pytest.fixture
def teach_own(app_lab, labelled):
    """Teach a page's visitor's own model two classes; return its key."""

    def taught(page: AppTest, **chosen: Any) -> str:
        visitor = page.session_state["visit"].id
        boxes: dict[str, list[str]] = {"dogs": [], "others": []}
        for label, data in labelled:
            is_dog = 151 <= label <= 268
            boxes["dogs" if is_dog else "others"].append(app_lab.photos.add(data, visitor))
        photos = tuple((name, tuple(keys[:4])) for name, keys in boxes.items())
        spec = FineTune(dataset="own", photos=photos, validation_share=0.25, **chosen)
        job = app_lab.jobs.submit(spec, visitor)
        assert job.wait(120)
        assert isinstance(job.snapshot, FineTuneSnapshot)
        assert job.snapshot.result is not None
        return job.snapshot.result.model

    return taught


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run it on a loop of its own, also where a browser test has left one in this thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def photo_message(data: bytes, *, number: int = 1) -> dict[str, Any]:
    """What the browser sends when a visitor has chosen a photograph."""
    return {"number": number, "data": base64.b64encode(data).decode()}


def send_photo(app: AppTest, message: object) -> AppTest:
    """Have the photograph's component send this message, and run the page."""
    return tell_component(app, "photo", "sent", message)


def fill_box(app: AppTest, box: int, files: Sequence[bytes]) -> AppTest:
    """Put photographs, named photo-0.jpg and so on, into a box, and run the page."""
    first = 1 + json.loads(_component(app, f"photos_{box}").proto.json)["taken"]
    photos = [
        {"name": f"photo-{place}.jpg", **photo_message(data, number=first + place)}
        for place, data in enumerate(files)
    ]
    return tell_component(app, f"photos_{box}", "sent", {"photos": photos})


def tell_component(app: AppTest, key: str, event: str, value: object) -> AppTest:
    """Have a component say something, and run the page."""
    states = app._tree.get_widget_states()
    states.widgets.append(component_event(_component(app, key).proto.id, event, value))
    return app._run(states)


def _component(app: AppTest, key: str) -> Any:
    (found,) = (node for node in app.get("bidi_component") if node.key == key)
    return found


def words(app: AppTest) -> str:
    """Everything a visitor reads on the page."""
    blocks = [*app.title, *app.header, *app.subheader, *app.markdown, *app.caption, *app.error]
    counts = [
        json.loads(node.proto.json or "{}").get("count", "") for node in app.get("bidi_component")
    ]  # of photographs in boxes
    said = [*(str(b.value) for b in [*blocks, *app.warning, *app.info]), *counts]
    return "\n".join(said).replace("\u00a0", " ")


def pictures(app: AppTest) -> str:
    """All pictures that stand in the page itself, with what stands on them."""
    return "\n".join(block.proto.body for block in app.get("html")).replace("\u00a0", " ")


def settled(app: AppTest) -> AppTest:
    """Run the page until it has an answer to each of its questions."""
    visitor = app.session_state["visit"].id
    was_quiet = False
    for _ in range(20):
        for job in the_lab().jobs.of(visitor):
            assert job.wait(60)
        app.run()
        is_quiet = not the_lab().jobs.of(visitor)
        has_gaps = any(node.type == "skeleton" for node in app._tree)
        if is_quiet and (was_quiet or not has_gaps):  # an answer may have come after its place
            return app
        was_quiet = is_quiet
    raise AssertionError("the page asks for ever")
