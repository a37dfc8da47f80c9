"""Which handler does which spec of training and data."""

from collections.abc import Callable
from functools import partial

from tl_core.context import Context
from tl_core.engine.job import Job
from tl_core.engine.runner import Sliced
from tl_core.specs import FineTune, ImportData, LabelBudget, LookAtData, Snapshot, Spec
from tl_core.training.data import Classroom
from tl_core.training.fine_tune import fine_tune
from tl_core.training.label_budget import label_budget
from tl_core.training.preview import import_data, look

Handler = Callable[[Job, Context], Sliced[Snapshot]]


def handlers(classroom: Classroom) -> dict[type[Spec], Handler]:
    """Everything that can be done with data sets, sharing one classroom."""
    return {
        FineTune: partial(fine_tune, classroom=classroom),
        LabelBudget: partial(label_budget, classroom=classroom),
        LookAtData: partial(look, classroom=classroom),
        ImportData: partial(import_data, classroom=classroom),
    }
