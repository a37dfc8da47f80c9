"""How small, fast and robust attacks are and how they transfer, beside foolbox and Captum."""

import argparse
import itertools
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from tests.bench._library_attacks import (
    LibraryAttack,
    Network,
    brendel_bethge,
    captum_pgd,
    foolbox_pgd,
    minimum_norm,
)
from tl_core.attack.runner import AttackMember
from tl_core.attack.smallest import Search
from tl_core.attack.success import ClassGoal, answer, is_fooled
from tl_core.backbones.backbone import Backbone
from tl_core.backbones.store import BackboneStore
from tl_core.context import pixels_from
from tl_core.imageopt.batch import Batch
from tl_core.imageopt.eight_bit import array_from
from tl_core.images import samples
from tl_core.images.decode import decode, read_back
from tl_core.images.encode import encode_png
from tl_core.images.photo import PhotoArray
from tl_core.images.transforms import TRANSFORMS
from tl_core.machine.device import choose_device
from tl_core.machine.process_memory import keep_freed_memory
from tl_core.settings import Settings
from tl_core.specs.attack import Attack, SmallestBudget

SIAMESE = 284
STEPS = 60


@dataclass
class Case:
    """A photograph at the network's input size, with a class drawn at random for it."""

    array: PhotoArray
    random_target: int


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    keep_freed_memory()
    torch.set_num_threads(options.threads)
    settings = Settings.from_env()
    device = choose_device(settings.device)
    store = BackboneStore(settings, device)
    bench = Bench(store, options.photos, options.few)
    results = {}
    for name in options.only or SECTIONS:
        start = time.perf_counter()
        results[name] = SECTIONS[name](bench)
        seconds = time.perf_counter() - start
        if not options.json:
            print(f"{name} ({seconds:.0f} s on {device})", flush=True)
            for key, value in results[name].items():
                print(f"  {key:<44}{value}", flush=True)
    if options.json:
        print(json.dumps(results))
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench attack", description=__doc__)
    parser.add_argument("--photos", type=int, default=100, help="for the quick sections")
    parser.add_argument("--few", type=int, default=20, help="for the slow ones")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="*", choices=list(SECTIONS))
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def photographs() -> Iterator[bytes]:
    """Dogs and cats in turn from TL_DATA_DIR, or what packages carry."""
    folder = Path(os.environ.get("TL_DATA_DIR", ""))
    found = []
    if "TL_DATA_DIR" in os.environ:
        for kind in ("dog", "cat"):
            places = [f"cats_vs_dogs/val/{kind}/*", f"pet_breeds/{kind}_*/*"]
            found.append(sorted(file for place in places for file in folder.glob(place)))
    pairs = [file for pair in zip(*found, strict=False) for file in pair]
    if pairs:
        yield from (file.read_bytes() for file in pairs)
        return
    yield from (samples.read(row.key) for row in samples.SAMPLES)


class Bench:
    """The photographs and networks of one run."""

    def __init__(self, store: BackboneStore, count: int, few: int) -> None:
        self.store = store
        self.lite0 = store.load("efficientnet_lite0")
        draw = random.Random(0)
        row = self.lite0.row
        self.cases: list[Case] = []
        for data in photographs():
            photo = decode(data, max_pixels=2**26)
            if int(answer(self.lite0, photo).argmax()) == SIAMESE:
                continue  # nothing to attack
            array = row.fit(photo)
            self.cases.append(Case(array, draw.randrange(len(self.lite0.classes))))
            if len(self.cases) == count:
                break
        self.few = self.cases[:few]
        self._warm_up()

    def _warm_up(self) -> None:
        attack(self.lite0, self.cases[0], SIAMESE, steps=2)


def attack(
    networks: Backbone | Sequence[Backbone], case: Case, target: int, **settings
) -> tuple[PhotoArray, bool, float]:
    """The saved and decoded picture, whether it is fooled, and the seconds; checks the budget."""
    spec = Attack(photo="bench", target=target, confidence=0.0, **settings)
    backbones = [networks] if isinstance(networks, Backbone) else networks
    batch = Batch(backbones, "fp32")
    start = time.perf_counter()
    goal = ClassGoal((target,), is_targeted=True)
    found = AttackMember(spec=spec, original=case.array, goal=goal, backbones=backbones)
    batch.join(found.slot)
    while not found.is_done:
        for _, step, figures, pixels in batch.step().of_each():
            found.read(step, figures, pixels)
    seconds = time.perf_counter() - start
    picture = read_back(encode_png(found.picture))
    change = np.abs(picture.astype(int) - case.array)
    if change.max() > spec.epsilon:
        raise AssertionError(f"a value moved by {change.max()} levels of {spec.epsilon}")
    return picture, found.is_fooled, seconds


def success(bench: Bench) -> dict[str, str]:
    """One level, 60 steps: how many fall, and how soon."""
    result = {}
    goals = {"Siamese cat": lambda case: SIAMESE, "random class": lambda case: case.random_target}
    for method, (goal, target) in itertools.product(("pgd", "momentum"), goals.items()):
        found = [attack(bench.lite0, case, target(case), method=method) for case in bench.cases]
        name = f"{method}, 1 level, {goal}"
        times = [seconds for _, is_fooled, seconds in found if is_fooled]
        result[name] = (
            f"{_share(is_fooled for _, is_fooled, _ in found)} of {len(found)}, "
            f"median {statistics.median(times):.2f} s"
        )
    return result


def curve(bench: Bench) -> dict[str, str]:
    """Success against epsilon, to a random class."""
    result = {}
    for method in ("fgsm", "pgd"):
        for epsilon in (1, 2, 4, 8):
            found = [
                attack(bench.lite0, case, case.random_target, method=method, epsilon=epsilon)[1]
                for case in bench.few
            ]
            result[f"{method}, {epsilon} levels"] = _share(found)
    return result


def side_by_side(bench: Bench) -> dict[str, str]:
    """The same photographs, budget and steps; all saved, read back and asked alike."""
    result = {}
    for label, targets in (("Siamese cat", None), ("random class", "random")):
        ours = [
            attack(bench.lite0, case, case.random_target if targets else SIAMESE)
            for case in bench.few
        ]
        result[f"ours, {label}"] = _rate([found[1:] for found in ours])
        for library in (foolbox_pgd(STEPS, 1, 0.5), captum_pgd(STEPS, 1, 0.5)):
            theirs = [
                _run(bench, library, case, case.random_target if targets else SIAMESE)
                for case in bench.few
            ]
            result[f"{library.label}, {label}"] = _rate([found[1:] for found in theirs])
    return result


def smallest(bench: Bench) -> dict[str, str]:
    """How many values move at all, to a Siamese cat, after rounding."""
    result = {}
    counts, shares = [], []
    for case in bench.few:
        search = Search(bench.lite0, case.array, SmallestBudget(photo="bench"))
        for _ in search.levels():
            pass
        for _ in search.values():
            pass
        read = read_back(encode_png(search.picture))
        change = np.abs(read.astype(int) - case.array)
        if change.max() > (search.found.epsilon or 0):
            raise AssertionError("the smallest change left its budget")
        if is_fooled([bench.lite0], search.picture, search.goal):
            counts.append(int((change > 0).sum()))
        shares.append(search.found.epsilon == 1)
    result["ours: one level is enough"] = _share(shares)
    result["ours, values moved"] = _spread(counts, len(bench.few), bench.few[0].array.size, 1)
    for library in [*minimum_norm(100), *brendel_bethge(50)]:
        try:
            found = [_run(bench, library, case, SIAMESE) for case in bench.few]
        except Exception as error:  # noqa: BLE001 - some of foolbox's attacks do not run everywhere
            result[library.label] = f"does not run: {type(error).__name__}: {error}"
            continue
        changes = [
            np.abs(picture.astype(int) - case.array)
            for (picture, is_fooled, _), case in zip(found, bench.few, strict=True)
            if is_fooled
        ]
        moved = [int((change > 0).sum()) for change in changes]
        levels = statistics.median(int(change.max()) for change in changes) if changes else 0
        result[library.label] = _spread(moved, len(found), bench.few[0].array.size, levels)
    return result


def survival(bench: Bench) -> dict[str, str]:
    """What is left at 4 levels after each transform, plain and robust."""
    result = {}
    for method in ("pgd", "robust"):
        pictures = []
        for turn, case in enumerate(bench.few):
            target = case.random_target if turn % 4 > 1 else SIAMESE
            picture = attack(bench.lite0, case, target, method=method, epsilon=4, steps=STEPS)[0]
            pictures.append((picture, ClassGoal((target,), is_targeted=True)))
        for label, apply in (
            ("saved as it is", lambda photo: photo),
            *((row.label, row.apply) for row in TRANSFORMS),
        ):
            held = [
                goal.is_reached(answer(bench.lite0, apply(Image.fromarray(picture))))
                for picture, goal in pictures
            ]
            result[f"{method}: {label}"] = _share(held)
    return result


def transfer(bench: Bench) -> dict[str, str]:
    """Attacked on Lite0 and Lite2 at 8 levels; asked is Lite1, which nobody attacked."""
    lite1, lite2 = (bench.store.load(f"efficientnet_lite{i}") for i in (1, 2))
    result = {}
    for label, target in (
        ("Siamese cat", lambda _: SIAMESE),
        ("random", lambda c: c.random_target),
    ):
        held, own = [], []
        for case in bench.few:
            picture, is_fooled, _ = attack(
                [bench.lite0, lite2], case, target(case), method="transfer", epsilon=8, steps=100
            )
            own.append(is_fooled)
            held.append(int(answer(lite1, Image.fromarray(picture)).argmax()) == target(case))
        result[f"{label}: both attacked networks"] = _share(own)
        result[f"{label}: Lite1"] = _share(held)
    return result


SECTIONS: dict[str, Callable[[Bench], dict[str, str]]] = {
    "success": success,
    "curve": curve,
    "side by side": side_by_side,
    "smallest": smallest,
    "survival": survival,
    "transfer": transfer,
}


def _run(
    bench: Bench, theirs: LibraryAttack, case: Case, target: int
) -> tuple[PhotoArray, bool, float]:
    network = Network(bench.lite0)
    pixels = pixels_from(case.array, bench.lite0.device)
    start = time.perf_counter()
    found = theirs.attack(network, pixels, target)
    seconds = time.perf_counter() - start
    picture = read_back(encode_png(array_from(found)))
    hits = int(answer(bench.lite0, Image.fromarray(picture)).argmax()) == target
    return picture, hits, seconds


def _share(claims) -> str:
    claims = list(claims)
    return f"{sum(claims) / len(claims):.0%}"


def _rate(found: Sequence[tuple[bool, float]]) -> str:
    seconds = statistics.median(seconds for _, seconds in found)
    return f"{_share(is_fooled for is_fooled, _ in found)}, median {seconds:.2f} s"


def _spread(counts: Sequence[int], tried: int, values: int, levels: float) -> str:
    if not counts:
        return f"0 of {tried} still work"
    median = statistics.median(counts)
    return (
        f"{len(counts)} of {tried} still work; median {median:,.0f} values ({median / values:.2%}) "
        f"by up to {levels:.0f} levels"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
