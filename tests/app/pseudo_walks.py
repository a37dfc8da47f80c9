"""Walks through the states of each page that have words of their own; each says where it is."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from string import Formatter
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.path import quiz
from pages.shared.chapters import CHAPTERS, Chapter
from pages.visit.state import Guess, Outcome, Run
from tests import hostile
from tests.app.conftest import fill_box, photo_message, send_photo, settled
from tests.app.test_path import DIGITS
from tests.app.training import finished, two_boxes
from tests.hostile import saved
from tests.journeys.widgets import send, widgets
from tests.local_compute import local
from tl_core.engine.job import BROKEN
from tl_core.lab import BackboneState, Job, JobState, Lab, PackagedWeights, UserError
from tl_core.specs.attack import (
    Attack,
    AttackSnapshot,
    Gap,
    LevelTrial,
    SmallestBudget,
    SmallestSnapshot,
)
from tl_core.specs.base import Snapshot, Spec
from tl_core.specs.classify import Answer
from tl_core.specs.datasets import (
    ClassPreview,
    ImportData,
    ImportSnapshot,
    PreviewData,
    PreviewSnapshot,
)
from tl_core.specs.ideal import IdealImage, IdealSnapshot
from tl_core.specs.training import FineTuneSnapshot

Walk = Iterator[str]
_PICTURE = saved(hostile.photo(224, 224), "PNG")
_CAT, _ZEBRA = (
    Answer(index=281, label="tabby", probability=0.6),
    Answer(index=340, label="zebra", probability=0.3),
)


@dataclass
class Scene:
    """A page of a visitor, with the lab behind it."""

    app: AppTest
    lab: Lab
    labelled: list[tuple[int, bytes]]
    patch: pytest.MonkeyPatch

    def choose(self, key: str, place: Any) -> str:
        """Choose the option at a place, or a value; return what was done."""
        send(self.app, widgets(self.app)[key], place)
        settled(self.app)
        return f"{key} {place}"

    def each(self, key: str) -> Walk:
        """Choose every option, one after another, the first at last."""
        for place in reversed(range(len(widgets(self.app)[key].options))):
            yield self.choose(key, place)

    def press(self, key: str) -> str:
        """Press a button; return what was done."""
        self.app.button(key=key).click().run()
        return key

    def shows(self, name: str, *jobs: Job) -> str:
        """Have these jobs as the page's run; return its state."""
        self.app.session_state["visit"].runs[name] = Run([("", job) for job in jobs])
        settled(self.app)
        return f"{name} {jobs[0].state.value} {jobs[0].snapshot}"[:60]

    def job(self, spec: Spec, snapshot: Snapshot | None = None, *, state: JobState) -> Job:
        """A job of the visitor's as it stands, which no worker has."""
        job = Job(spec, self.app.session_state["visit"].id)
        job.snapshot, job.state = snapshot, state
        return job


def home(_scene: Scene) -> Walk:
    yield "start"


def backbones(scene: Scene) -> Walk:
    yield "start"
    yield scene.choose("code", place=True)
    send_photo(scene.app, photo_message(b"hello"))
    yield "refused photograph"
    yield scene.choose("backbone", 3)
    yield scene.press("download_backbone")
    settled(scene.app)
    yield "download failed"
    really = scene.lab.backbones._state
    for state in (BackboneState.CHECKING, BackboneState.DAMAGED, BackboneState.TOO_LARGE):
        scene.patch.setattr(
            scene.lab.backbones,
            "_state",
            lambda row, now=state: now if row.key == "mobilenet_v2" else really(row),
        )
        scene.app.run()
        yield state.name
    scene.patch.setattr(scene.lab.backbones, "_state", really)
    rows = local(scene.lab).context.backbones.rows
    row = rows["efficientnet_lite1"]
    assert isinstance(row.source, PackagedWeights)
    damaged = replace(row, source=replace(row.source, sha256_prefix="0123abcd"))
    scene.patch.setitem(rows, row.key, damaged)
    scene.app.selectbox(key="backbone").set_value(row.key).run()
    yield "damaged package"


def feature_maps(scene: Scene) -> Walk:
    yield "start"
    yield from scene.each("compare")
    yield scene.choose("layer", 4)


def why(scene: Scene) -> Walk:
    yield "start"
    yield scene.press("guess_why_as")
    yield scene.choose("explained", 5)
    yield scene.choose("rather_than", 1)
    yield scene.choose("methods", [0, 3])
    yield scene.choose("methods", [])


def teach(scene: Scene) -> Walk:
    app = scene.app
    yield "start"
    fill_box(app, 0, [b"no photograph"])
    yield "refused photograph"
    app.button(key="add_class").click().run()
    yield scene.press("remove_2")
    yield from scene.each("dataset")
    two_boxes(app, scene.labelled)
    yield "two boxes"
    for place in range(2):
        yield scene.choose("curve", place)
    yield from _of_data(scene)
    app.select_slider(key="trick_epochs").set_value(1).run()
    scene.choose("mode", [0, 1, 4])
    yield scene.press("start")
    finished(app)
    yield "done"
    yield from _of_training(scene)
    settled(app.button(key="start_budget").click().run())
    yield "label budget"
    app.file_uploader(key="model_file").upload("model.safetensors", b"none").run()
    yield "no model"


def _of_data(scene: Scene) -> Walk:
    """A data set of which there is much to say, one on its way, a box with a test of its own."""
    app, visit = scene.app, scene.app.session_state["visit"]
    visit.boxes[0].tests = visit.boxes[0].photos[:1]
    ask = scene.lab.jobs.ask
    seen = PreviewSnapshot(
        phase="done",
        classes=(ClassPreview("cats", 20, 1), ClassPreview("others", 2, 1)),
        imbalance=10.0,
        duplicates=2,
        duplicates_across=1,
        left_out=("photo-0.jpg",),
        is_unlike_imagenet=True,
    )

    def asked(spec: Spec, *args: Any, **options: Any) -> Job:
        if isinstance(spec, PreviewData):
            return scene.job(spec, seen, state=JobState.DONE)
        return ask(spec, *args, **options)

    with scene.patch.context() as patch:
        patch.setattr(scene.lab.jobs, "ask", asked)
        app.run()
        yield "remarks about the data"
    visit.boxes[0].tests = []
    for phase in ("downloading", "checking"):
        arrived = ImportSnapshot(phase=phase, step=1, steps=2)
        spec = ImportData(dataset="eurosat")
        visit.jobs["import eurosat"] = scene.job(spec, arrived, state=JobState.RUNNING)
        app.selectbox(key="dataset").set_value("eurosat").run()
        yield phase
    scene.choose("dataset", 0)


def _of_training(scene: Scene) -> Walk:
    """A way to teach in every state, and how it may end."""
    visit = scene.app.session_state["visit"]
    ((_label, done), *_rest) = visit.runs["teach"].jobs
    seen = FineTuneSnapshot(phase="reading photographs", seconds_left=20.0)
    for state in JobState:
        job = scene.job(done.spec, seen, state=state)
        job.error = UserError(BROKEN) if state is JobState.FAILED else None
        yield scene.shows("teach", job)
    assert isinstance(done.snapshot, FineTuneSnapshot)
    assert done.snapshot.result is not None
    result = replace(
        done.snapshot.result, is_head_alone=True, unfrozen_accuracy=0.5, has_diverged=True
    )
    ended = replace(done.snapshot, result=result)
    yield scene.shows("teach", scene.job(done.spec, ended, state=JobState.DONE))


def ideal(scene: Scene) -> Walk:
    yield "start"
    yield from scene.each("way")
    yield from scene.each("goal")
    yield from scene.each("recipe")
    yield scene.choose("from_photo", place=True)
    spec = IdealImage(steps=64)
    seen = IdealSnapshot(
        step=2,
        steps=64,
        picture=_PICTURE,
        png=_PICTURE,
        probability=0.5,
        total_variation=0.1,
        columns=("step", "probability", "total_variation", "logit", "cross_entropy"),
        history=((1, 0.4, 1, 1, 1), (2, 0.5, 1, 1, 1)),
        moves=((1, "tv_weight", 5.0), (2, "learning_rate", None)),
        steps_per_s=2.0,
        seconds_left=30.0,
    )
    for state in (JobState.RUNNING, JobState.DONE):
        yield scene.shows("ideal", scene.job(spec, seen, state=state))
    two = [scene.job(spec, seen, state=JobState.DONE) for _ in range(2)]
    yield scene.shows("ideal", *two)
    scene.choose("goal", 3)
    columns = ("step", "probability", "activation", "total_variation")
    rows = ((1, math.nan, -0.4, 1), (2, math.nan, -0.5, 1))
    channel = replace(seen, probability=math.nan, columns=columns, history=rows)
    layer = IdealImage(layer="blocks.4.2", target=284, steps=64)
    yield scene.shows("ideal", scene.job(layer, channel, state=JobState.RUNNING))


def attack(scene: Scene) -> Walk:
    yield "start"
    usual = scene.lab.settings
    for full in (replace(usual, max_jobs_per_visitor=0), replace(usual, max_queue=0)):
        with scene.patch.context() as patch:
            patch.setattr(local(scene.lab).queue, "_settings", full)
            yield scene.press("start")
    yield from scene.each("aim")
    yield from scene.each("method")
    spec = Attack(photo="sample:dalmatian", target=284)
    seen: dict[str, Any] = {"picture": _PICTURE, "original": _PICTURE}
    seen |= {"before": (_CAT, _ZEBRA), "after": (_ZEBRA, _CAT), "probability": 0.5}
    history = ((1, 0.4, 1.0), (2, 0.5, 1.0))
    for state in (JobState.RUNNING, JobState.DONE):
        for is_fooled, sure in ((False, None), (True, None), (True, 5)):
            found = AttackSnapshot(
                **seen, is_fooled=is_fooled, first_confident=sure, history=history
            )
            yield scene.shows("attack", scene.job(spec, found, state=state))
    budget = SmallestBudget(photo="sample:dalmatian", target=284)
    trials = (LevelTrial(1, True, 3, 0.9),)
    gap = Gap(linf_levels=1, changed_values=3)
    smallest = SmallestSnapshot(**seen, curve=trials, epsilon=1, gap=gap)
    yield scene.shows("smallest", scene.job(budget, smallest, state=JobState.RUNNING))
    yield scene.shows("smallest", scene.job(budget, smallest, state=JobState.DONE))
    smallest = replace(smallest, counts=((1, 20), (2, 10)))
    yield scene.shows("smallest", scene.job(budget, smallest, state=JobState.DONE))


def _figures(chapter: Chapter) -> dict[str, float | str]:
    """Something for every field of the chapter's sentences."""
    figures: dict[str, float | str] = {}
    for _text, name, form, _how in Formatter().parse(chapter.happened + chapter.failed):
        if name:
            figures[name] = 1.0 if form else figures.get(name, "zebra")
    return figures | ({"photo": "sample:cat"} if "photo" in figures else {})


def path(scene: Scene) -> Walk:
    visit = scene.app.session_state["visit"]
    yield "start"
    for when in (quiz.BEFORE, quiz.AFTER):
        for question in quiz.quiz(when).questions:
            visit.quiz[f"{when} {question.key}"] = 0
    for chapter in CHAPTERS:
        visit.guesses[chapter.key] = Guess(next(iter(chapter.answers)), is_open=True)
    scene.app.run()
    yield "all guessed"
    for place in (0, -1):
        for chapter in CHAPTERS:
            answer = [*chapter.answers][place]
            visit.guesses[chapter.key].outcome = Outcome("run", answer, _figures(chapter))
        scene.app.run()
        yield "what happened"
    visit.guesses["attack"].outcome = Outcome("run", "", _figures(CHAPTERS[-1]))
    for model, row in enumerate((DIGITS, replace(DIGITS, mode="scratch", accuracy=0.5))):
        for name, is_unlike in (("digits", True), ("own", False), ("oxford_iiit_pet", False)):
            visit.learned[f"{name} {model}"] = replace(
                row, dataset=name, is_unlike_imagenet=is_unlike
            )
    scene.app.run()
    yield "all learned"
    visit.learned["digits 0"] = replace(DIGITS, accuracy=0.4)
    scene.app.run()
    yield "nothing borrowed"


WALKS: dict[str, Callable[[Scene], Walk]] = {
    walk.__name__: walk for walk in (home, backbones, feature_maps, why, teach, ideal, attack, path)
}
