from types import SimpleNamespace

import pytest

from tl_core.engine.fairness import ServedTime, Turns
from tl_core.engine.job import Job
from tl_core.specs.base import Spec
from tl_core.specs.classify import Classify
from tl_core.specs.live import LiveFrame

FRAME, QUESTION = LiveFrame(frame=b""), Classify(photo="sample:cat")


def test_the_seconds_of_a_batch_are_shared_by_its_jobs_and_their_owners():
    served, alone, joint = ServedTime(), Job(Spec(), "ann"), Job(Spec(), "bob")
    joint.owners |= {"carl"}
    for owner in ("ann", "bob", "carl"):
        served.admit(owner, [])
    served.charge([alone, joint], 4.0)
    assert served.least([alone]) == 2.0
    assert served.least([joint]) == 1.0


def test_a_newcomer_is_charged_like_the_one_charged_least():
    served, ann, bob = ServedTime(), Job(Spec(), "ann"), Job(Spec(), "bob")
    for job in (ann, bob):
        served.admit(*job.owners, [])
    served.charge([ann], 100.0)
    served.charge([bob], 30.0)
    served.admit("carl", [ann, bob])
    assert served.least([Job(Spec(), "carl")]) == 30.0


def test_who_is_gone_is_charged_nothing_more():
    served, job = ServedTime(), Job(Spec(), "ann")
    served.admit("ann", [])
    served.forget("ann")
    served.charge([job], 5.0)
    served.admit("bob", [job])
    assert served.least([Job(Spec(), "bob")]) == 0.0


def served_s(specs_and_seconds, turns=400):
    """Seconds that each kind has had, all of which always wait."""
    order, had = Turns(), dict.fromkeys(specs_and_seconds, 0.0)
    runners = [SimpleNamespace(jobs=[Job(spec, str(spec))]) for spec in specs_and_seconds]
    for _turn in range(turns):
        runner = order.next(runners)
        job = runner.jobs[0]
        order.charge([job], specs_and_seconds[job.spec])
        had[job.spec] += specs_and_seconds[job.spec]
    return had


@pytest.mark.parametrize("frame_s", [0.008, 0.06, 0.2])
def test_cameras_frames_and_runs_have_half_of_the_time_each(frame_s):
    had = served_s({FRAME: frame_s, Spec(): 0.1})
    assert had[FRAME] == pytest.approx(had[Spec()], rel=0.05)


def test_frames_and_runs_go_on_beside_questions_without_end():
    had = served_s({QUESTION: 0.01, FRAME: 0.01, Spec(): 0.01})
    assert had[QUESTION] > 0.85 * sum(had.values())
    assert had[FRAME] == pytest.approx(had[Spec()], rel=0.1)
    assert had[Spec()] > 0


def test_runs_have_all_the_time_where_nobody_is_live():
    order, run = Turns(), SimpleNamespace(jobs=[Job(Spec(), "ann")])
    for _turn in range(10):
        assert order.next([run]) is run
        order.charge(run.jobs, 1.0)
    assert order.next([]) is None
