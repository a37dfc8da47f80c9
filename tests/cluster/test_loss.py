"""Machines that die, answer late, or run other code; and app servers that die."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import ray

from tests.cluster.conftest import (
    GONE_S,
    WAIT_S,
    compute_of,
    is_alive,
    machine_of,
    process_of,
    until,
    usable,
)
from tl_core.cluster import client as clients
from tl_core.errors import UserError
from tl_core.lab import Job, JobState, Lab, Settings
from tl_core.specs.base import Spec
from tl_core.specs.classify import Classify
from tl_core.specs.ideal import IdealImage, IdealSnapshot
from tl_core.specs.training import FineTune

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
LONG = IdealImage(target=281, steps=4000, seed=3)
PICTURE = IdealImage(target=281, steps=80, seed=7, precision="fp32")
TRAINING = FineTune(dataset="digits", epochs=40)


def is_safe(placed: object) -> bool:
    """Whether a state of a picture is in the object store."""
    handed = [ref for _step, ref in placed.handed]  # type: ignore[attr-defined]
    return bool(handed) and bool(ray.wait(handed, timeout=0)[0])


def started(lab: Lab, spec: Spec, owner: str) -> Job:
    job = lab.jobs.submit(spec, owner)
    until(lambda: job.snapshot is not None and job.snapshot.step > 0)
    return job


def end_process(lab: Lab, job: Job) -> None:
    os.kill(process_of(machine_of(lab, job)), signal.SIGKILL)


def end_by_ray(lab: Lab, job: Job) -> None:
    ray.kill(machine_of(lab, job)._handle)


@pytest.fixture(scope="module")
def undisturbed(cluster_settings: Settings) -> float:
    """The probability of ``PICTURE``'s class where nothing happens to it."""
    with Lab(replace(cluster_settings, cluster="auto", device="cpu")) as lab:
        job = lab.jobs.submit(PICTURE, "ann")
        assert job.wait(WAIT_S)
        assert isinstance(job.snapshot, IdealSnapshot)
        return job.snapshot.probability


@pytest.mark.parametrize("end", [end_process, end_by_ray])
def test_a_picture_goes_on_from_its_newest_state_when_its_machine_dies(
    undisturbed, on_cluster, end
):
    job = started(on_cluster, PICTURE, "ann")
    job.pause()  # however fast the processor is, a state is handed over before the last step
    until(lambda: job.state is JobState.PAUSED)
    placed = compute_of(on_cluster).queue._jobs[job.id]
    until(lambda: is_safe(placed))
    job.resume()
    until(lambda: job.state is JobState.RUNNING)
    dead = placed.client
    end(on_cluster, job)
    until(lambda: placed.client is not dead or placed.losses > 0)
    until(lambda: placed.saved is not None)
    assert job.wait(WAIT_S)
    assert job.state is JobState.DONE, str(job.error)
    assert [row[0] for row in job.snapshot.history] == list(range(80))
    assert job.snapshot.probability == pytest.approx(undisturbed, abs=0.02)
    until(lambda: len(usable(on_cluster)) == 2)


def test_a_paused_picture_outlives_its_machine(on_cluster):
    job = started(on_cluster, replace(LONG, steps=400), "ann")
    job.pause()
    until(lambda: job.state is JobState.PAUSED)
    placed = compute_of(on_cluster).queue._jobs[job.id]
    until(lambda: is_safe(placed))
    step = job.snapshot.step
    end_process(on_cluster, job)
    until(lambda: placed.losses == 1)
    until(lambda: job.state is JobState.PAUSED)
    job.resume()
    until(lambda: job.snapshot.step > step)
    assert [row[0] for row in job.snapshot.history] == list(range(job.snapshot.step))
    job.cancel()
    assert job.wait(WAIT_S)
    until(lambda: len(usable(on_cluster)) == 2)


def test_a_training_fails_in_a_sentence_and_can_be_started_again(on_cluster):
    job = started(on_cluster, TRAINING, "ann")
    end_process(on_cluster, job)
    assert job.wait(WAIT_S)
    assert str(job.error) == (
        "The machine running this was lost, along with everything learned so far. "
        "Please start the run again."
    )
    again = on_cluster.jobs.submit(replace(TRAINING, epochs=1, photos_per_class=10), "ann")
    assert again.wait(WAIT_S)
    assert again.state is JobState.DONE
    until(lambda: len(usable(on_cluster)) == 2)


def test_a_model_outlives_the_machine_that_taught_it(on_cluster):
    job = on_cluster.jobs.submit(replace(TRAINING, epochs=1, photos_per_class=10), "ann")
    teacher = machine_of(on_cluster, job)
    assert job.wait(WAIT_S)
    (key,) = on_cluster.models.of("ann")
    before = on_cluster.jobs.submit(Classify(photo="sample:cat", backbone=key), "ann")
    assert before.wait(WAIT_S)
    os.kill(process_of(teacher), signal.SIGKILL)
    until(lambda: teacher not in usable(on_cluster))
    assert on_cluster.models.save(key)
    after = on_cluster.jobs.submit(Classify(photo="sample:cat", backbone=key), "ann")
    assert after.wait(WAIT_S)
    assert after.snapshot.logits == pytest.approx(before.snapshot.logits, abs=1e-4)
    until(lambda: len(usable(on_cluster)) == 2)


def test_a_machine_that_answers_late_is_stood_in_for(on_cluster):
    job = started(on_cluster, LONG, "ann")
    placed = compute_of(on_cluster).queue._jobs[job.id]
    late = machine_of(on_cluster, job)
    pid = process_of(late)
    until(lambda: is_safe(placed))
    os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: late.is_late)
        begin = time.monotonic()
        answer = on_cluster.jobs.submit(Classify(photo="sample:cat"), "bob")
        assert answer.wait(WAIT_S)
        assert answer.state is JobState.DONE
        assert time.monotonic() - begin < clients.LATE_S
        until(lambda: placed.client is not late and job.snapshot.step > 2)
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: len(usable(on_cluster)) == 2)
    assert is_alive(pid)
    until(lambda: late.load is not None and late.load.runs == 0)
    job.cancel()
    assert job.wait(WAIT_S)


def test_a_machine_that_never_answers_again_is_started_again(cluster_settings):
    with Lab(replace(cluster_settings, hang_s=1.0)) as lab:
        until(lambda: len(usable(lab)) == 2)
        stopped = usable(lab)[0]
        pid, boot = process_of(stopped), stopped.about.boot
        os.kill(pid, signal.SIGSTOP)
        until(lambda: stopped.about is not None and stopped.about.boot != boot)
        until(lambda: len(usable(lab)) == 2)
        assert not is_alive(pid)


def test_sixteen_visitors_share_two_machines(on_cluster):
    jobs = {
        f"visitor {seed}": on_cluster.jobs.submit(
            IdealImage(target=200 + seed, steps=12, seed=seed), f"visitor {seed}"
        )
        for seed in range(16)
    }
    where = Counter(machine_of(on_cluster, job).place for job in jobs.values())
    assert where == {0: 8, 1: 8}
    assert all(job.wait(2 * WAIT_S) for job in jobs.values())
    assert {job.state for job in jobs.values()} == {JobState.DONE}
    assert max(job.snapshot.batch_size for job in jobs.values()) > 4


def test_of_two_hundred_jobs_none_is_lost_though_a_machine_dies(on_cluster):
    key = "efficientnet_lite0"
    jobs = [
        on_cluster.jobs.submit(
            Classify(photo="sample:cat", backbone=key, seed=seed), f"v{seed % 20}"
        )
        for seed in range(200)
    ]
    until(lambda: sum(job.is_over for job in jobs) > 20)
    open_job = next(job for job in jobs if not job.is_over)
    end_process(on_cluster, open_job)
    assert all(job.wait(WAIT_S) for job in jobs)
    assert Counter(job.state for job in jobs) == {JobState.DONE: 200}
    assert not compute_of(on_cluster).queue._jobs
    until(lambda: len(usable(on_cluster)) == 2)


OTHER_SERVER = """
import sys, time
from tl_core.lab import Lab, Settings
from tl_core.specs.ideal import IdealImage
from pathlib import Path
places = dict.fromkeys(("data_dir", "weights_dir", "cache_dir"), Path(sys.argv[2]))
settings = Settings(**places, cluster=sys.argv[1], actor_cores=1)
with Lab(settings) as lab:
    specs = [IdealImage(target=5, steps=4000, seed=seed) for seed in range(2)]
    jobs = [lab.jobs.submit(spec, "eve") for spec in specs]
    while not all(job.snapshot and job.snapshot.step for job in jobs):
        time.sleep(0.05)
    print("torch" in sys.modules, flush=True)
    time.sleep(600)
"""


def test_an_app_server_that_dies_takes_its_own_jobs_with_it_and_no_others(
    on_cluster, cluster, tmp_path
):
    job = started(on_cluster, LONG, "ann")
    command = [sys.executable, "-c", OTHER_SERVER, cluster.node, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "False\n"  # it holds no network
        until(lambda: batched(on_cluster) == 3)
        other.kill()
    until(lambda: batched(on_cluster) == 1, timeout_s=GONE_S + WAIT_S)
    step = job.snapshot.step
    until(lambda: job.snapshot.step > step)
    job.cancel()
    assert job.wait(WAIT_S)


def batched(lab: Lab) -> int:
    """Pictures on all machines, of all app servers."""
    return sum(sum(client.load.batches.values()) for client in usable(lab) if client.load)


def test_an_app_server_with_other_code_is_refused_in_words(cluster_settings, monkeypatch):
    monkeypatch.setattr(clients, "code_version", lambda: "0123456789")
    with Lab(cluster_settings) as lab:
        until(lambda: bool(lab.readiness()))
        assert "runs a different version of the lab's code" in lab.readiness()
        assert "(0123456789)" in lab.readiness()
        with pytest.raises(UserError, match="Put the same version on every machine"):
            lab.jobs.submit(Classify(photo="sample:cat"), "ann")


def test_a_cluster_that_is_not_there_is_missed_in_words(settings):
    with pytest.raises(UserError, match=r"The Ray cluster at 127\.0\.0\.1:9 cannot be used"):
        Lab(replace(settings, cluster="127.0.0.1:9"))
