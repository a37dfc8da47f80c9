import hashlib
from collections.abc import Iterator
from concurrent.futures import wait
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torchvision

from tests.server import Faults, FileServer
from tl_core.backbones.catalogue import (
    CATALOGUE,
    BackboneRow,
    DownloadableWeights,
    PackagedWeights,
)
from tl_core.backbones.store import BackboneStore
from tl_core.commands import main
from tl_core.download import handler as downloads
from tl_core.engine.job import Job, JobCancelled
from tl_core.engine.pool import Pool
from tl_core.engine.runner import SoloRunner
from tl_core.errors import UserError
from tl_core.settings import Settings
from tl_core.specs.download import Download, DownloadProgress

ROWS = {row.key: row for row in CATALOGUE}
LITE0 = ROWS["efficientnet_lite0"]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tl_core.fetching.downloader.RETRY_WAITS_S", (0.0,))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A file as torchvision publishes MobileNetV2, with random weights."""
    path = tmp_path_factory.mktemp("published") / "weights.pth"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save(torchvision.models.mobilenet_v2(weights=None).state_dict(), path)
    return path.read_bytes()


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool(threads=1, download_threads=1)
    yield pool
    pool.close()


def published(base: str, weights: bytes) -> BackboneRow:
    name = f"mobilenet_v2-{hashlib.sha256(weights).hexdigest()[:8]}.pth"
    source = DownloadableWeights(f"{base}/models/{name}", len(weights) / 2**20)
    return replace(ROWS["mobilenet_v2"], source=source)


def serving(weights: bytes, **faults: Any) -> FileServer:
    source = published("http://nowhere", weights).source
    assert isinstance(source, DownloadableWeights)
    return FileServer({source.file_name: weights}, Faults(**faults))


def lab(folder: Path, pool: Pool, *rows: BackboneRow, mirror: str = "") -> Any:
    """The part of a context that a download uses."""
    settings = Settings(
        data_dir=folder,
        weights_dir=folder / "weights",
        cache_dir=folder / "cache",
        mirror=mirror,
    )
    store = BackboneStore(settings, torch.device("cpu"), catalogue=(*rows, LITE0))
    return SimpleNamespace(settings=settings, backbones=store, pool=pool)


def download(
    context: Any, name: str = "mobilenet_v2", job: Job[Download] | None = None
) -> DownloadProgress:
    """Turn the handler as the worker does, up to its end."""
    job = job or Job(Download(name=name), owner="visitor")
    runner = SoloRunner(job, downloads.run(job, context))
    while runner.jobs:
        parked = runner.advance()
        if parked is not None:
            wait([parked])
    assert isinstance(job.snapshot, DownloadProgress)
    return job.snapshot


def probabilities(store: BackboneStore, key: str) -> torch.Tensor:
    backbone = store.load(key)
    size = backbone.input_size
    pixels = torch.linspace(0, 1, 3 * size * size).reshape(1, 3, size, size)
    with torch.inference_mode():
        return backbone.logits(pixels).softmax(1)


def test_weights_are_downloaded_verified_loaded_and_classify(
    tmp_path: Path, pool: Pool, weights: bytes
) -> None:
    with serving(weights) as server:
        context = lab(tmp_path, pool, published(server.base, weights))
        progress = download(context)

    assert progress.is_ready
    assert (progress.received_bytes, progress.step, progress.steps) == (len(weights), 100, 100)
    store = context.backbones
    assert store.weights.path(store.row("mobilenet_v2")).read_bytes() == weights
    reference = torchvision.models.mobilenet_v2(weights=None).eval()
    reference.load_state_dict(torch.load(store.weights.path(store.row("mobilenet_v2"))))
    loaded = store.load("mobilenet_v2")
    pixels = torch.full((1, 3, 224, 224), 0.5)
    with torch.inference_mode():
        torch.testing.assert_close(
            loaded.logits(pixels), reference(loaded.normalise(pixels)), rtol=1e-3, atol=1e-5
        )


FAILURES: dict[str, tuple[dict[str, Any], str]] = {
    "a connection cut for good": ({"cut_after": 10_000, "cuts": 99}, "was lost or timed out"),
    "another file": ({"replaced_by": b"?"}, "not the published file"),
    "no such file": ({"status": 404}, "has no file"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_download_that_fails_leaves_the_rest_working(
    tmp_path: Path, pool: Pool, weights: bytes, failure: str
) -> None:
    faults, sentence = FAILURES[failure]
    with serving(weights, **faults) as server:
        context = lab(tmp_path, pool, published(server.base, weights))
        with pytest.raises(UserError, match=sentence):
            download(context)
    store = context.backbones
    assert not store.weights.is_ready(store.row("mobilenet_v2"))
    with pytest.raises(UserError, match="is not on this machine yet"):
        store.load("mobilenet_v2")
    assert probabilities(store, LITE0.key).sum().item() == pytest.approx(1)


@pytest.mark.parametrize("is_cut", [True, False])
def test_a_damaged_file_is_set_aside_and_the_published_one_downloaded(
    tmp_path: Path, pool: Pool, weights: bytes, is_cut: bool
) -> None:
    with serving(weights) as server:
        context = lab(tmp_path, pool, published(server.base, weights))
        store = context.backbones
        path = store.weights.path(store.row("mobilenet_v2"))
        path.parent.mkdir()
        for ending in (".damaged", ".damaged-2"):
            damaged = weights[:-7] if is_cut else weights[:-7] + bytes(7)
            path.write_bytes(damaged)
            assert not store.weights.is_ready(store.row("mobilenet_v2"))
            assert download(context).is_ready
            assert path.read_bytes() == weights
            assert path.with_name(path.name + ending).read_bytes() == damaged
        assert server.sent == 2 * len(weights)
        assert download(context).is_ready  # and nothing is fetched that is there
        assert server.sent == 2 * len(weights)
    assert probabilities(store, "mobilenet_v2").sum().item() == pytest.approx(1)


def test_what_was_just_downloaded_is_not_read_again(
    tmp_path: Path, pool: Pool, weights: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(weights) as server:
        context = lab(tmp_path, pool, published(server.base, weights))
        download(context)
    monkeypatch.delattr("tl_core.fetching.checksums.digest_of")
    assert context.backbones.weights.is_ready(context.backbones.row("mobilenet_v2"))


def test_a_damaged_package_is_no_download_that_is_done(tmp_path: Path, pool: Pool) -> None:
    context = lab(tmp_path, pool)
    assert isinstance(LITE0.source, PackagedWeights)
    source = replace(LITE0.source, sha256_prefix="0123abcd")
    context.backbones.rows[LITE0.key] = replace(LITE0, source=source)
    with pytest.raises(UserError, match="again"):
        download(context, LITE0.key)


def test_a_weights_folder_that_cannot_be_looked_into_is_told_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TL_WEIGHTS_DIR", str(tmp_path / ("a" * 300)))
    monkeypatch.setenv("TL_CACHE_DIR", str(tmp_path / "cache"))
    assert main(["doctor"]) == 1
    assert "cannot write to the folder of TL_WEIGHTS_DIR (File name too long)" in (
        capsys.readouterr().out
    )
    assert main(["prepare", "resnet18"]) == 2
    assert ": File name too long" in capsys.readouterr().err


def test_a_cancelled_job_stops_its_download_and_the_next_goes_on(
    tmp_path: Path, pool: Pool, weights: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tl_core.fetching.response.READ_TIMEOUT_S", 10_000.0)
    job = Job(Download(name="mobilenet_v2"), owner="visitor")
    with serving(weights, stall_after=2**20) as server:
        row = published("http://published.example", weights)
        context = lab(tmp_path, pool, row, mirror=server.base)
        runner = SoloRunner(job, downloads.run(job, context))
        parked = runner.advance()
        server.stalled.wait()
        job.cancel()
        assert parked is not None
        assert isinstance(parked.exception(), JobCancelled)

        server.faults.stall_after = None
        assert download(context).is_ready
        assert server.sent >= len(weights)


def test_a_mirror_serves_instead_of_the_publisher(
    tmp_path: Path, pool: Pool, weights: bytes
) -> None:
    with serving(weights) as server:
        row = published("http://published.example", weights)
        assert download(lab(tmp_path, pool, row, mirror=server.base)).is_ready
        assert len(server.exchanges) == 1


def test_progress_is_published_from_the_pool(
    tmp_path: Path, pool: Pool, weights: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "PUBLISH_EVERY_S", 0.0)
    job = Job(Download(name="mobilenet_v2"), owner="visitor")
    seen: list[Any] = []
    publish = job.publish

    def watched(snapshot: Any) -> None:
        seen.append(snapshot)
        publish(snapshot)

    monkeypatch.setattr(job, "publish", watched)
    with serving(weights) as server:
        download(lab(tmp_path, pool, published(server.base, weights)), job=job)

    steps = [snapshot.step for snapshot in seen]
    assert steps == sorted(steps)
    assert len(set(steps)) > 3
    assert any(snapshot.bytes_per_s > 0 and snapshot.seconds_left for snapshot in seen)


def test_what_comes_with_a_package_is_ready_at_once(tmp_path: Path, pool: Pool) -> None:
    assert download(lab(tmp_path, pool), LITE0.key).is_ready


def test_an_unknown_name_is_refused_with_the_choice(tmp_path: Path, pool: Pool) -> None:
    with pytest.raises(UserError, match=r"nothing called vgg99 .* efficientnet_lite0"):
        download(lab(tmp_path, pool), "vgg99")


def test_every_row_of_the_catalogue_can_be_asked_for(tmp_path: Path, pool: Pool) -> None:
    requests = downloads.backbone_requests(lab(tmp_path, pool, *CATALOGUE))
    for row in CATALOGUE:
        assert (requests[row.key] is None) == isinstance(row.source, PackagedWeights)


def test_a_download_without_a_name_is_refused() -> None:
    with pytest.raises(UserError, match="needs a name"):
        Download(name="")
