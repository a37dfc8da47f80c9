from tl_core.engine.job import Job
from tl_core.engine.ledger import Ledger
from tl_core.specs import Spec


def test_the_seconds_of_a_batch_are_shared_by_its_jobs_and_their_owners():
    ledger, alone, joint = Ledger(), Job(Spec(), "ann"), Job(Spec(), "bob")
    joint.owners |= {"carl"}
    for owner in ("ann", "bob", "carl"):
        ledger.welcome(owner, [])
    ledger.charge([alone, joint], 4.0)
    assert ledger.least([alone]) == 2.0
    assert ledger.least([joint]) == 1.0


def test_a_newcomer_is_charged_like_the_one_charged_least():
    ledger, ann, bob = Ledger(), Job(Spec(), "ann"), Job(Spec(), "bob")
    for job in (ann, bob):
        ledger.welcome(*job.owners, [])
    ledger.charge([ann], 100.0)
    ledger.charge([bob], 30.0)
    ledger.welcome("carl", [ann, bob])
    assert ledger.least([Job(Spec(), "carl")]) == 30.0


def test_who_is_gone_is_charged_nothing_more():
    ledger, job = Ledger(), Job(Spec(), "ann")
    ledger.welcome("ann", [])
    ledger.forget("ann")
    ledger.charge([job], 5.0)
    ledger.welcome("bob", [job])
    assert ledger.least([Job(Spec(), "bob")]) == 0.0
