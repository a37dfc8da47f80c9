from dataclasses import dataclass

from tl_core.engine.answers import Answers
from tl_core.engine.job import Job
from tl_core.errors import UserError
from tl_core.specs.base import Snapshot, Spec


@dataclass(frozen=True, kw_only=True)
class Question(Spec):
    text: str


@dataclass(frozen=True, kw_only=True)
class Reply(Snapshot):
    picture: bytes = b""


def join(job: Job, owner: str) -> bool:
    job.owners |= {owner}
    return not job.cancel_requested


def answered(answers: Answers, text: str, size: int = 10) -> Job:
    job = answers.job_for(Question(text=text), "ann", Job, join)
    if not job.is_over:
        job.finish(Reply(picture=bytes(size)))
    return job


def test_the_same_question_is_answered_once():
    answers = Answers(10**6)
    assert answered(answers, "cat?") is answered(answers, "cat?")
    assert answered(answers, "dog?") is not answered(answers, "cat?")


def test_an_open_question_is_joined_and_belongs_to_both():
    answers = Answers(10**6)
    first = answers.job_for(Question(text="cat?"), "ann", Job, join)
    assert answers.job_for(Question(text="cat?"), "bob", Job, join) is first
    assert first.owners == {"ann", "bob"}


def test_a_failed_or_cancelled_answer_is_asked_again():
    answers = Answers(10**6)
    failed = answers.job_for(Question(text="cat?"), "ann", Job, join)
    failed.fail(UserError("No."))
    again = answers.job_for(Question(text="cat?"), "ann", Job, join)
    assert again is not failed
    again.cancel()
    assert answers.job_for(Question(text="cat?"), "ann", Job, join) is not again


def test_the_least_recently_used_answers_leave_when_the_budget_is_full():
    answers = Answers(3000)
    first, second = answered(answers, "1", 1000), answered(answers, "2", 1000)
    assert answered(answers, "1", 1000) is first
    answered(answers, "3", 1000)
    answered(answers, "4", 10)
    assert answered(answers, "1", 1000) is first
    assert answered(answers, "2", 1000) is not second


def test_stale_answers_are_forgotten():
    answers = Answers(10**6)
    job = answered(answers, "cat?")
    answers.forget(lambda spec: spec.text == "cat?")
    assert answered(answers, "cat?") is not job


def test_only_answers_that_are_done_are_kept():
    answers = Answers(10**6)
    for number in range(5):
        job = answers.job_for(Question(text=str(number)), "ann", Job, join)
        job.mark_cancelled() if number else job.finish(Reply(picture=bytes(1000)))
    assert not answers._open
    assert 1000 < answers.held().total() < 2000
