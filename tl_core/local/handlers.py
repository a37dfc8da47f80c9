"""Which code runs a spec: one table from the spec's type to its handler or its batch runner."""

from collections.abc import Callable
from typing import Any

from tl_core.attack import robustness as checks
from tl_core.attack import smallest
from tl_core.attack.runner import AttackRunner
from tl_core.attribution import handler as attribution
from tl_core.classify import handler as classify
from tl_core.context import Context
from tl_core.download import handler as downloads
from tl_core.engine.job import Job
from tl_core.engine.runner import Runner, Sliced, SoloRunner
from tl_core.feature_maps import channel, space
from tl_core.feature_maps import handler as maps
from tl_core.ideal.judge import judge
from tl_core.ideal.runner import IdealRunner
from tl_core.ideal.start import start_picture
from tl_core.live.runner import FrameRunner
from tl_core.specs.attack import Attack, PasteBack, SmallestBudget, Survival, Transfer
from tl_core.specs.attribution import Attribute
from tl_core.specs.base import Snapshot, Spec
from tl_core.specs.classify import Classify
from tl_core.specs.datasets import ImportData, PreviewData
from tl_core.specs.download import Download
from tl_core.specs.feature_maps import ChannelDetail, FeatureMaps, FeatureSpace
from tl_core.specs.ideal import IdealImage, Judge, StartPicture
from tl_core.specs.live import LiveFrame
from tl_core.specs.training import FineTune, LabelBudget
from tl_core.training.data import import_data
from tl_core.training.handler import fine_tune
from tl_core.training.label_budget import label_budget
from tl_core.training.preview import preview_data

Handler = Callable[[Job[Any], Context], Sliced[Snapshot]]  # takes a job of its own spec

HANDLERS: dict[type[Spec], Handler] = {
    Attribute: attribution.run,
    ChannelDetail: channel.run,
    Classify: classify.run,
    Download: downloads.run,
    FeatureMaps: maps.run,
    FeatureSpace: space.run,
    FineTune: fine_tune,
    ImportData: import_data,
    Judge: judge,
    LabelBudget: label_budget,
    PreviewData: preview_data,
    PasteBack: checks.paste_back,
    SmallestBudget: smallest.run,
    StartPicture: start_picture,
    Survival: checks.survival,
    Transfer: checks.transfer,
}
BATCH_RUNNERS: dict[type[Spec], Callable[[Context, Any], Runner]] = {
    Attack: AttackRunner,
    IdealImage: IdealRunner,
    LiveFrame: FrameRunner,
}


def make_runner(job: Job, context: Context) -> Runner:
    """Return the runner that advances a job: its own, or one that others can join."""
    make_batch = BATCH_RUNNERS.get(type(job.spec))
    if make_batch is None:
        return SoloRunner(job, HANDLERS[type(job.spec)](job, context))
    runner = make_batch(context, job.spec)
    runner.add(job)
    return runner
