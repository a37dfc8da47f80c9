import gc
import weakref

from tl_core.engine.job import Job, JobState
from tl_core.errors import UserError
from tl_core.specs.base import Spec


class Photograph:
    """Something large that the work held when it failed."""


def failed_work() -> tuple[Exception, "weakref.ref[Photograph]"]:
    photo = Photograph()
    held = weakref.ref(photo)
    try:
        try:
            raise MemoryError(photo.__doc__)
        except MemoryError as error:
            raise ValueError("secret detail") from error
    except ValueError as error:
        return error, held


def test_a_failed_job_holds_nothing_that_its_work_held():
    job = Job(Spec(), "ann")
    error, held = failed_work()
    job.fail(error)
    gc.collect()
    assert held() is None  # although the error itself is still at hand
    assert error.__traceback__ is None
    assert job.state is JobState.FAILED


def test_what_the_work_held_is_gone_before_the_error_is_explained():
    found = []
    error, held = failed_work()

    def explain(_error):
        gc.collect()
        found.append(held())
        return UserError("Too large.")

    job = Job(Spec(), "ann", explain=explain)
    job.fail(error)
    assert found == [None]
    assert str(job.error) == "Too large."


def test_the_words_of_a_failure_keep_no_object_alive():
    job, photo = Job(Spec(), "ann"), Photograph()
    held = weakref.ref(photo)
    job.fail(UserError("{what} cannot be read, {count} times.", what=photo, count=2))
    del photo
    gc.collect()
    assert held() is None
    assert str(job.error).endswith("cannot be read, 2 times.")


def test_an_error_that_cannot_be_explained_ends_its_job_all_the_same(caplog):
    def explain(_error):
        raise RuntimeError("no words")

    job = Job(Spec(), "ann", explain=explain)
    job.fail(ValueError("secret detail"))
    assert "Something went wrong" in str(job.error)
    assert "secret detail" in caplog.text
    assert "no words" in caplog.text


def test_who_waits_for_the_end_hears_of_it_once_and_at_once_where_it_is_over():
    job, heard = Job(Spec(), "ann"), []
    job.when_over(heard.append)
    job.finish(None)
    job.mark_cancelled()
    assert heard == [job]
    job.when_over(heard.append)
    assert heard == [job, job]
