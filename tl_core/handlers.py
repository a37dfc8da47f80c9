"""Which code runs a spec: one table from the spec's type to its handler or its batch runner."""

from collections.abc import Callable
from typing import Any

from tl_core import downloads, specs
from tl_core.context import Context
from tl_core.engine.job import Job
from tl_core.engine.runner import Runner, Sliced, SoloRunner
from tl_core.features import attribute, channel, classify, maps, space
from tl_core.imageopt.attack import checks, smallest
from tl_core.imageopt.attack.runner import AttackRunner
from tl_core.imageopt.ideal.judge import judge
from tl_core.imageopt.ideal.runner import IdealRunner
from tl_core.imageopt.ideal.start import start_picture
from tl_core.training.data import import_data
from tl_core.training.fine_tune import fine_tune
from tl_core.training.label_budget import label_budget
from tl_core.training.preview import preview_data

Handler = Callable[[Job[Any], Context], Sliced[specs.Snapshot]]  # takes a job of its own spec

HANDLERS: dict[type[specs.Spec], Handler] = {
    specs.Attribute: attribute.run,
    specs.ChannelDetail: channel.run,
    specs.Classify: classify.run,
    specs.Download: downloads.run,
    specs.FeatureMaps: maps.run,
    specs.FeatureSpace: space.run,
    specs.FineTune: fine_tune,
    specs.ImportData: import_data,
    specs.Judge: judge,
    specs.LabelBudget: label_budget,
    specs.PreviewData: preview_data,
    specs.PasteBack: checks.paste_back,
    specs.SmallestBudget: smallest.run,
    specs.StartPicture: start_picture,
    specs.Survival: checks.survival,
    specs.Transfer: checks.transfer,
}
BATCH_RUNNERS: dict[type[specs.Spec], Callable[[Context, Any], Runner]] = {
    specs.Attack: AttackRunner,
    specs.IdealImage: IdealRunner,
}


def make_runner(job: Job, context: Context) -> Runner:
    """Return the runner that advances a job: its own, or one that others can join."""
    make_batch = BATCH_RUNNERS.get(type(job.spec))
    if make_batch is None:
        return SoloRunner(job, HANDLERS[type(job.spec)](job, context))
    runner = make_batch(context, job.spec)
    runner.add(job)
    return runner
