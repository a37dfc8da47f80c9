from tl_core.engine.fairness import ServedTime
from tl_core.engine.job import Job
from tl_core.specs.base import Spec


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
