"""Which workroom does which spec of training and data."""

from collections.abc import Callable
from functools import partial

from tl_core.engine.job import Job
from tl_core.engine.runner import Work
from tl_core.specs import FineTune, ImportData, LabelBudget, LookAtData, Spec
from tl_core.toolbox import Toolbox
from tl_core.training.budget import label_budget
from tl_core.training.classroom import Classroom
from tl_core.training.look import import_data, look
from tl_core.training.run import fine_tune

Workroom = Callable[[Job, Toolbox], Work]


def workrooms(classroom: Classroom) -> dict[type[Spec], Workroom]:
    """Everything that can be done with data sets, sharing one classroom."""
    return {
        FineTune: partial(fine_tune, classroom=classroom),
        LabelBudget: partial(label_budget, classroom=classroom),
        LookAtData: partial(look, classroom=classroom),
        ImportData: partial(import_data, classroom=classroom),
    }
