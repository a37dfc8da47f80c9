import dataclasses
import io
import threading
import time
from collections import Counter
from concurrent.futures import Future

import pytest
import torch

from tests.hostile import photo, saved
from tests.local_compute import local
from tests.zips import zipped
from tl_core.backbones.weights import WeightsFiles
from tl_core.errors import UserError
from tl_core.images.decode import content_key
from tl_core.lab import BackboneState, JobState, Lab
from tl_core.local.handlers import HANDLERS
from tl_core.machine.device import choose_device
from tl_core.specs.base import Snapshot
from tl_core.specs.classify import Classify
from tl_core.specs.datasets import ImportData, PreviewData
from tl_core.specs.download import OPERATOR, Download
from tl_core.specs.ideal import IdealImage, Judge
from tl_core.specs.training import FineTune

WAIT_S = 60


def until(is_so):
    """Wait for what another thread does."""
    end = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def classified(lab: Lab, photo: str, backbone: str, owner: str = "ann"):
    job = lab.jobs.submit(Classify(photo=photo, backbone=backbone), owner)
    assert job.wait(WAIT_S)
    assert job.error is None
    return job.snapshot


@pytest.mark.parametrize("size", [0, 1, 2])
def test_a_lite_network_is_right_on_at_least_17_of_20_labelled_photographs(lab, labelled, size):
    keys = [(label, lab.photos.add(data, "ann")) for label, data in labelled]
    found = [classified(lab, key, f"efficientnet_lite{size}").answers[0] for _label, key in keys]
    right = [best.index == label for best, (label, _key) in zip(found, keys, strict=True)]
    assert sum(right) >= 17


def test_probabilities_are_sorted_and_sum_to_one(lab):
    answer = lab.jobs.ask(Classify(photo="sample:cat", top=1000), "ann", timeout_s=WAIT_S).snapshot
    probabilities = [found.probability for found in answer.answers]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) == pytest.approx(1, abs=1e-5)
    assert "cat" in answer.answers[0].label


@pytest.mark.slow
def test_two_visitors_on_two_backbones_get_exactly_the_answers_that_one_alone_gets(lab):
    photos = ["sample:cat", "sample:dalmatian", "sample:coffee", "sample:drum"]
    backbones = ["efficientnet_lite0", "efficientnet_lite1"]
    alone = {(b, p): classified(lab, p, b).logits for b in backbones for p in photos}
    wrong = []

    def visitor(backbone):
        for turn in range(60):
            photo = photos[turn % len(photos)]
            if classified(lab, photo, backbone, owner=backbone).logits != alone[backbone, photo]:
                wrong.append((backbone, turn))

    threads = [threading.Thread(target=visitor, args=(backbone,)) for backbone in backbones]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_an_unknown_backbone_and_one_not_on_disk_are_refused_in_a_sentence(lab):
    with pytest.raises(UserError, match="no backbone called resnet99"):
        lab.jobs.submit(Classify(photo="sample:cat", backbone="resnet99"), "ann")
    job = lab.jobs.submit(Classify(photo="sample:cat", backbone="vgg16"), "ann")
    assert job.wait(WAIT_S)
    assert "not on this machine yet" in str(job.error)


def test_the_ready_backbones_are_those_on_disk(lab):
    states = {found.row.key: found.state for found in lab.backbones.rows()}
    assert states["efficientnet_lite0"] is BackboneState.READY
    assert states["vgg16"] is BackboneState.DOWNLOADABLE


def test_a_damaged_file_is_said_to_be_so_and_comparisons_do_without_it(settings, monkeypatch):
    settings.weights_dir.mkdir()
    (settings.weights_dir / "resnet18-f37072fd.pth").write_bytes(b"junk")
    (settings.weights_dir / "vgg16-397923af.pth").write_bytes(b"junk")
    monkeypatch.setattr("tl_core.backbones.weights._AT_ONCE_BYTES", 2)
    with Lab(settings) as lab:  # it begins to read them, as if they were large
        lab.backbones.finish_checks()
        states = {found.row.key: found.state for found in lab.backbones.rows()}
        assert states["resnet18"] is states["vgg16"] is BackboneState.DAMAGED
        assert states["efficientnet_lite0"] is BackboneState.READY
        job = lab.jobs.ask(Judge(photo="sample:cat", target=281), "ann", timeout_s=WAIT_S)
        assert job.error is None
        assert {verdict.backbone for verdict in job.snapshot.verdicts} == {
            key for key, state in states.items() if state is BackboneState.READY
        }
        refused = lab.jobs.ask(
            Classify(photo="sample:cat", backbone="vgg16"), "ann", timeout_s=WAIT_S
        )
        assert "vgg16-397923af.pth is damaged" in str(refused.error)
        assert str(settings.weights_dir) not in str(refused.error)


def test_a_large_file_is_being_checked_until_it_was_read(settings, monkeypatch):
    settings.weights_dir.mkdir()
    (settings.weights_dir / "resnet18-f37072fd.pth").write_bytes(b"other junk")
    monkeypatch.setattr("tl_core.backbones.weights._AT_ONCE_BYTES", 2)
    may_read, really = threading.Event(), WeightsFiles.check
    monkeypatch.setattr(
        WeightsFiles, "check", lambda files, row: may_read.wait(WAIT_S) and really(files, row)
    )
    with Lab(settings) as lab:
        states = {found.row.key: found.state for found in lab.backbones.rows()}
        assert states["resnet18"] is BackboneState.CHECKING
        may_read.set()
        lab.backbones.finish_checks()
        states = {found.row.key: found.state for found in lab.backbones.rows()}
        assert states["resnet18"] is BackboneState.DAMAGED


def test_equal_downloads_are_one_and_a_failed_one_leaves_the_rest_ready(settings):
    offline = dataclasses.replace(settings, mirror="http://127.0.0.1:9")
    with Lab(offline) as lab:
        job = lab.jobs.submit(Download(name="resnet18"), "ann")
        assert lab.jobs.submit(Download(name="resnet18"), "bob") in (
            job,
            lab.jobs._downloads[job.spec],
        )
        assert job.wait(WAIT_S)
        assert job.state is JobState.FAILED
        states = {found.row.key: found.state for found in lab.backbones.rows()}
        assert states["resnet18"] is BackboneState.OFFLINE
        assert states["efficientnet_lite0"] is BackboneState.READY
        assert classified(lab, "sample:cat", "efficientnet_lite0")


@pytest.mark.parametrize("setting", ["none", "vgg16, oxford_iiit_pet"])
def test_what_visitors_may_not_download_is_refused_to_them_alone(settings, setting, monkeypatch):
    for kind in (Download, ImportData):
        monkeypatch.setitem(HANDLERS, kind, lambda job, context: iter(()))
    with Lab(dataclasses.replace(settings, visitor_downloads=setting)) as lab:
        for spec in (Download(name="resnet18"), ImportData(dataset="eurosat")):
            with pytest.raises(UserError, match="python -m tl_core prepare"):
                lab.jobs.submit(spec, "ann")
            assert lab.jobs.submit(spec, OPERATOR).wait(WAIT_S)
        assert lab.jobs.visitors_may_download("vgg16") == ("vgg16" in setting)
        if "vgg16" in setting:
            assert lab.jobs.submit(Download(name="vgg16"), "ann").wait(WAIT_S)


def test_a_lab_does_not_start_with_the_name_of_a_download_that_there_is_none_of(settings):
    with pytest.raises(UserError, match=r"can't take vgg61\. .*Choose from: .*vgg16.*eurosat"):
        Lab(dataclasses.replace(settings, visitor_downloads="vgg16,vgg61"))


@pytest.mark.parametrize("spec", [Download(name="resnet18"), ImportData(dataset="eurosat")])
def test_a_shared_download_ends_once_the_last_who_wanted_it_has_left(lab, spec, monkeypatch):
    def never_done(job, context):
        yield Future()

    monkeypatch.setitem(HANDLERS, type(spec), never_done)
    job = lab.jobs.submit(spec, "ann")
    assert lab.jobs.submit(spec, "bob") is job
    lab.jobs.leave(job, "carl")
    lab.jobs.leave(job, "ann")
    assert (job.owners, job.cancel_requested) == ({"bob"}, False)
    lab.jobs.leave(job, "bob")
    assert job.wait(WAIT_S)
    assert job.state is JobState.CANCELLED


def test_an_import_that_is_done_is_done_anew_where_the_folder_may_be_gone(lab, monkeypatch):
    def at_once(job, context):
        yield None
        return Snapshot()

    monkeypatch.setitem(HANDLERS, ImportData, at_once)
    jobs = [lab.jobs.submit(ImportData(dataset="eurosat"), "ann")]
    assert jobs[0].wait(WAIT_S)
    jobs.append(lab.jobs.submit(ImportData(dataset="eurosat"), "ann"))
    assert jobs[1] is not jobs[0]
    assert jobs[1].wait(WAIT_S)


def test_the_cloud_profile_hides_what_cannot_fit():
    from tl_core.settings import Settings

    with Lab(Settings.from_env({"TL_PROFILE": "cloud", "TL_DEVICE": "cpu"})) as lab:
        states = {found.row.key: found.state for found in lab.backbones.rows()}
        assert states["vgg16"] is BackboneState.TOO_LARGE
        assert states["efficientnet_lite0"] is BackboneState.READY
        job = lab.jobs.submit(Classify(photo="sample:cat", backbone="vgg16"), "ann")
        assert job.wait(WAIT_S)
        assert "Choose a smaller backbone" in str(job.error)


def test_a_run_that_was_paused_stays_so_when_its_owner_comes_back(lab):
    lab.touch("ann")
    job = lab.jobs.submit(IdealImage(target=340, steps=1024), "ann")
    job.pause()
    lab.set_aside("ann")
    lab.take_up("ann")
    assert job.pause_requested
    job.cancel()
    assert job.wait(WAIT_S)


def test_the_runs_of_who_is_away_pause_until_they_are_back_or_the_visit_is_over(lab, labelled):
    told = []
    lab.tell_when_forgotten(told.append)
    key = lab.photos.add(labelled[0][1], "ann")
    lab.touch("ann")
    job = lab.jobs.submit(IdealImage(target=340, steps=1024), "ann")
    until(lambda: job.snapshot is not None)
    question = lab.jobs.submit(Classify(photo="sample:cat", backbone="efficientnet_lite2"), "ann")
    lab._presence._seen["ann"] -= lab.settings.visit_timeout_s + 1
    lab._presence.reap()
    until(lambda: job.state is JobState.PAUSED)
    assert question.wait(10)
    assert (lab.status().queued, lab.status().running) == (0, 0)
    assert lab.photos.data(key)
    assert lab.resume("ann")
    until(lambda: job.state is JobState.RUNNING)
    assert told == []
    lab.end("ann")
    assert not lab.resume("ann")
    assert lab.status().visitors == 0
    lab._presence.reap()
    assert told == ["ann"]
    assert job.state is JobState.CANCELLED
    with pytest.raises(UserError):
        lab.photos.data(key)


def test_photographs_of_who_is_away_leave_before_those_of_who_is_here(settings, labelled):
    small = dataclasses.replace(settings, photo_memory_mb=1)
    with Lab(small) as lab:
        for place in (9, 12):  # 240 kB
            lab.photos.add(labelled[place][1], "bob")
        lab.touch("bob")
        lab._presence._seen["bob"] -= lab.settings.visit_timeout_s + 1
        lab._presence.reap()
        keys = [
            lab.photos.add(labelled[place][1], "ann") for place in (*range(9), 10, 13)
        ]  # 870 kB
        assert not lab.resume("bob")
        assert lab.photos.held()["bob"] == 0
        assert all(lab.photos.data(key) for key in keys)


def folder(count: int) -> list[tuple[str, bytes]]:
    return [(f"{n % 2}/{n}.png", saved(photo(16 + n, 16), "PNG")) for n in range(count)]


@pytest.mark.parametrize("end", [lambda lab: lab.forget("ann"), Lab.close])
def test_a_zip_ends_with_its_visit_and_leaves_nothing(settings, end):
    asked = []

    def is_here() -> bool:
        asked.append(lab.status().visitors)
        if len(asked) == 3:
            end(lab)
        return True

    packed = io.BytesIO(zipped(folder(6)))
    with Lab(settings) as lab:
        with pytest.raises(UserError, match="Your visit ended before"):
            lab.datasets.add_zip(packed, "ann", is_here=is_here)
        with pytest.raises(UserError, match="no longer in the lab's memory"):
            lab.photos.data(content_key(folder(1)[0][1]))
    assert asked == [0, 1, 1]  # each photograph so far was a sign of the visitor


def test_an_upload_ends_when_its_tab_is_closed(lab):
    answers = iter([True, True, False])
    with pytest.raises(UserError, match="Your visit ended before"):
        lab.datasets.add_folder(folder(6), "ann", is_here=lambda: next(answers))
    assert next(answers, None) is None


def test_closing_the_lab_ends_its_threads(settings):
    before = set(threading.enumerate())  # the lab of the page tests may be open too
    with Lab(settings) as lab:
        lab.jobs.ask(Classify(photo="sample:cat"), "ann", timeout_s=WAIT_S)
    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if thread.name.startswith(("lab-worker", "lab-reaper"))]
    assert len(left) <= 5  # idle helpers of the pool may still be ending


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(UserError, match="TL_DEVICE"):
        choose_device("cuda:9")


def test_only_the_worker_has_helpers_for_tensor_arithmetic(settings, monkeypatch):
    import torch

    from tl_core.classify import handler as classify
    from tl_core.machine.cores import usable_cores
    from tl_core.machine.threads import WorkerThreads

    real, counts = classify.look_at, {}

    def counted(backbone, pixels):
        counts["worker"] = torch.get_num_threads()
        return real(backbone, pixels)

    monkeypatch.setattr(classify, "look_at", counted)
    monkeypatch.setattr(WorkerThreads, "measured", lambda *_seconds: None)  # as on a quiet machine
    with Lab(settings) as lab:
        lab.jobs.ask(Classify(photo="sample:coffee"), "ann", timeout_s=WAIT_S)
        counts["pool"] = local(lab)._pool.submit(torch.get_num_threads).result()
    assert counts["pool"] == torch.get_num_threads() == 1
    assert counts["worker"] == usable_cores()


def test_numbers_too_small_for_the_processor_are_zero_where_networks_run(lab, monkeypatch):
    def products():
        return torch.full((2**21,), 1e-39) * 0.9  # enough of them for every helper

    def work(job, context):
        found["worker"] = products()
        found["pool"] = yield context.pool.submit(products)
        return Snapshot()

    found = {}
    monkeypatch.setitem(HANDLERS, ImportData, work)
    assert lab.jobs.submit(ImportData(dataset="eurosat"), "ann").wait(WAIT_S)
    assert {place: int(numbers.count_nonzero()) for place, numbers in found.items()} == {
        "worker": 0,
        "pool": 0,
    }


def test_answers_about_a_visitors_photograph_leave_with_the_visitor(lab, labelled):
    own = Classify(photo=lab.photos.add(labelled[0][1], "ann"))
    sample = Classify(photo="sample:cat")
    answers = {spec: lab.jobs.ask(spec, "ann", timeout_s=WAIT_S) for spec in (own, sample)}
    lab.forget("ann")
    assert lab.jobs.ask(sample, "bob") is answers[sample]
    assert lab.jobs.ask(own, "bob") is not answers[own]


def look_of(lab, labelled, owner):
    keys = [lab.photos.add(data, owner) for _label, data in labelled[:4]]
    return PreviewData(dataset="own", photos=(("a", tuple(keys[:2])), ("b", tuple(keys[2:]))))


def test_a_look_at_a_visitors_own_photographs_leaves_with_the_last_who_has_them(lab, labelled):
    spec = look_of(lab, labelled, "ann")
    look_of(lab, labelled, "bob")
    answer = lab.jobs.ask(spec, "ann", timeout_s=WAIT_S)
    assert answer.state is JobState.DONE
    lab.forget("ann")
    assert lab.jobs.ask(spec, "bob") is answer
    lab.forget("bob")
    assert all(kept.value is not answer for kept in lab._answers._done._entries.values())


def test_a_look_at_a_folder_is_taken_again_once_a_file_has_come_in(lab, labelled):
    folder = lab.settings.data_dir / "pets"
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for number, (_label, data) in enumerate(labelled[:3]):
            (folder / name / f"{number}.jpg").write_bytes(data + name.encode())
    spec = PreviewData(dataset="pets")
    answer = lab.jobs.ask(spec, "ann", timeout_s=WAIT_S)
    assert lab.jobs.ask(spec, "bob") is answer
    (folder / "cat" / "new.jpg").write_bytes(labelled[4][1])
    counts = [
        {found.name: found.train + found.validation for found in job.snapshot.classes}
        for job in (answer, lab.jobs.ask(spec, "ann", timeout_s=WAIT_S))
    ]
    assert counts == [{"cat": 3, "dog": 3}, {"cat": 4, "dog": 3}]


def test_what_the_last_slice_of_a_visitor_keeps_is_forgotten_with_the_visit(lab, monkeypatch):
    events, forgotten = [], threading.Event()
    is_at_work, has_left = threading.Event(), threading.Event()
    leave, forget = local(lab).queue.leave, local(lab).context.backbones.forget

    def keep():
        forgotten.wait(0.2)  # leaves time for what must not happen
        events.append("kept")

    def last_slice(job, context):
        is_at_work.set()
        has_left.wait(WAIT_S)
        yield context.pool.submit(keep)

    def leaving(visitor):
        jobs = leave(visitor)
        has_left.set()
        return jobs

    def forgetting(visitor):
        events.append("forgotten")
        forgotten.set()
        forget(visitor)

    monkeypatch.setattr(local(lab).queue, "leave", leaving)
    monkeypatch.setattr(local(lab).context.backbones, "forget", forgetting)
    monkeypatch.setitem(HANDLERS, FineTune, last_slice)
    job = lab.jobs.submit(FineTune(dataset="digits"), "ann")
    assert is_at_work.wait(WAIT_S)
    lab.forget("ann")
    assert events == ["kept", "forgotten"]
    assert job.state is JobState.CANCELLED


def test_an_estimate_counts_what_others_have_left_and_forgets_runs_that_are_over(lab):
    spec = IdealImage(target=340, steps=64)
    alone = lab.jobs.estimate_s([spec])
    job = lab.jobs.submit(IdealImage(target=1, steps=1024), "bob")
    assert lab.jobs.estimate_s([spec]) > alone
    job.cancel()
    assert job.wait(WAIT_S)
    assert lab.jobs._estimates.under_way() == []


def test_what_a_visitor_makes_the_lab_keep_is_counted_until_the_visit_ends(lab, labelled):
    data = labelled[0][1]
    lab.photos.add(data, "ann")
    lab.memory.record("ann", 1000)
    assert lab.memory.of("ann") == len(data) + 1000
    lab.photos.add(data, "bob")  # the same photograph is kept once
    assert lab.memory.of("ann") + lab.memory.of("bob") == len(data) // 2 * 2 + 1000
    lab.forget("ann")
    assert (lab.memory.of("ann"), lab.memory.of("bob")) == (0, len(data))


def test_forgotten_photographs_take_the_answers_about_them_along(lab, labelled):
    mine, shared = (lab.photos.add(data, "ann") for _label, data in labelled[:2])
    lab.photos.add(labelled[1][1], "bob")
    for key in (mine, shared):
        assert lab.jobs.ask(Classify(photo=key), "ann").wait(WAIT_S)
    lab.forget_photos("ann")
    assert (mine in lab.photos, shared in lab.photos) == (False, True)
    assert lab.memory.of("ann") == 0
    assert lab.jobs.ask(Classify(photo=shared), "bob").is_over
    asked = lab.jobs.ask(Classify(photo=mine), "ann")
    assert asked.wait(WAIT_S)
    assert "no longer in the lab's memory" in str(asked.error)


def test_a_visitor_whose_share_is_used_up_is_refused_and_nobody_else(lab, labelled):
    lab.memory.record("ann", lab.memory.share_bytes)
    with pytest.raises(UserError, match="You're using 1024 of your 1024 MB"):
        lab.photos.add(labelled[0][1], "ann")
    assert lab.photos.held()["ann"] == 0
    assert lab.photos.add(labelled[0][1], "bob")


def test_what_a_run_keeps_counts_as_long_as_it_lives(lab, monkeypatch):
    has_started = threading.Event()

    def keeping(job, context):
        job.held_bytes = 5000
        has_started.set()
        yield Future()

    monkeypatch.setitem(HANDLERS, FineTune, keeping)
    job = lab.jobs.submit(FineTune(dataset="digits"), "ann")
    assert has_started.wait(WAIT_S)
    assert lab.memory.of("ann") == 5000
    job.cancel()
    assert job.wait(WAIT_S)
    assert lab.memory.of("ann") == 0


@pytest.mark.parametrize(("count", "seconds"), [(1, 0.5), (4, 0.5), (7, 1.0), (32, 2.0), (33, 4.0)])
def test_the_more_runs_there_are_the_fewer_looks_at_each(lab, monkeypatch, count, seconds):
    running = Counter({JobState.RUNNING: count})
    monkeypatch.setattr(type(local(lab).queue), "counts", lambda _queue: running)
    assert lab.jobs.poll_s() == local(lab).context.poll_s() == seconds
