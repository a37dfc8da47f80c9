"""Runners of ideal images and attacks, turned by hand in the scheduler's place."""

from tl_core.engine.job import Job, JobState
from tl_core.local.handlers import BATCH_RUNNERS


def started(context, *specs):
    """A runner with a job for each spec."""
    runner = BATCH_RUNNERS[type(specs[0])](context, specs[0])
    jobs = [Job(spec, "someone") for spec in specs]
    for job in jobs:
        runner.add(job)
    return runner, jobs


def turned(runner, *, until=lambda: False, see=lambda: None):
    """Turn it until it has no jobs, or until this is so; ``see`` is called after each slice."""
    for _ in range(300):
        if not runner.jobs or until():
            return
        runner.advance()
        see()
    raise AssertionError("the runner does not end")


def turned_to(runner, job, step):
    """Turn it until a job's picture has taken so many steps."""
    turned(runner, until=lambda: step_of(runner, job) >= step)


def step_of(runner, job):
    """The steps that a job's picture has taken."""
    return runner.members[job].slot.step if job in runner.members else -1


def done(context, spec):
    """The last snapshot of a spec's job alone."""
    runner, (job,) = started(context, spec)
    turned(runner)
    assert job.state is JobState.DONE, job.error
    return job.snapshot
