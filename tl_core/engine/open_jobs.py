"""What can be asked of jobs that are not over, whoever turns them."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Set

from tl_core.engine.job import Job, JobState


class OpenJobs(ABC):
    """Answers from a list of jobs; safe from any thread."""

    @abstractmethod
    def open_jobs(self) -> list[Job]:
        """Every job that is not over, in a list of its own."""

    @abstractmethod
    def withdraw(self, job: Job, owner: str) -> None:
        """Let ``owner`` give up an open job; with nobody left who wants it, it is cancelled."""

    def set_aside(self, owner: str) -> None:
        """Pause the runs of a visitor who is away, and withdraw from everything else."""
        for job in self.jobs_of(owner):
            if job.owners == {owner} and job.spec.is_run:
                job.set_aside()
            else:
                self.withdraw(job, owner)

    def take_up(self, owner: str) -> None:
        """Go on with what was set aside of a visitor who is back."""
        for job in self.jobs_of(owner):
            job.take_up()

    def note_absent(self, owners: Set[str]) -> None:
        """Note whose tabs are closed: their runs give up their places for others."""
        for job in self.open_jobs():
            job.set_unattended(job.owners <= owners)

    def jobs_of(self, owner: str) -> list[Job]:
        """The visitor's jobs that are not over, oldest first."""
        mine = [job for job in self.open_jobs() if owner in job.owners]
        return sorted(mine, key=lambda job: job.submitted_at)

    def counts(self) -> dict[JobState, int]:
        """How many jobs are queued, running and paused; cameras' frames come and go uncounted."""
        found = Counter(job.state for job in self.open_jobs() if not job.spec.is_live)
        return {
            state: found[state] for state in (JobState.QUEUED, JobState.RUNNING, JobState.PAUSED)
        }

    def held(self) -> Counter[str]:
        """Bytes that open jobs keep from slice to slice, by visitor."""
        held: Counter[str] = Counter()
        for job in self.open_jobs():
            held[min(job.owners)] += job.held_bytes
        return held

    def has_runs(self) -> bool:
        """Whether a long run is at work, neither waiting nor paused."""
        return any(job.spec.is_run and job.state is JobState.RUNNING for job in self.open_jobs())
