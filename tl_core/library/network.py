"""A network with verbs: what the pages do, each in one call."""

import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tl_core.errors import UserError
from tl_core.library.inputs import OWNER, file_bytes, find_class, photo_bytes
from tl_core.library.results import Answers, Attacked, Ideal, Maps, Reasons
from tl_core.machine.files import write_whole
from tl_core.settings import LARGEST_MODEL_FILE_MB, Settings
from tl_core.specs.attack import Attack
from tl_core.specs.attribution import Attribute
from tl_core.specs.base import DEFAULT_BACKBONE, OWN, Spec
from tl_core.specs.classify import Answer, Classify
from tl_core.specs.feature_maps import FeatureMaps
from tl_core.specs.ideal import IdealImage
from tl_core.specs.training import FineTune, FineTuneSnapshot

if TYPE_CHECKING:  # torch takes seconds
    from torch import Tensor, nn

    from tl_core.library.engine import Callback, Engine

Photograph = Any  # a path, bytes, a PIL picture, or uint8 (H, W, 3)
_MODEL_SUFFIX = ".safetensors"
_lock = threading.Lock()


def load(
    name: "str | os.PathLike[str] | nn.Module" = DEFAULT_BACKBONE,
    *,
    device: str = "",
    size: int | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    classes: Sequence[str] | None = None,
) -> "Network":
    """Load a network of the catalogue by its name, a file that ``save`` wrote, or your own module.

    A module of your own is a convolutional network, (N, 3, S, S) to scores (N, classes), whose last
    layer is ``nn.Linear``. Say what it takes and what it answers: ``size`` S in pixels, ``mean``
    and ``std`` of red, green and blue in [0, 1] (left out: 224 and ImageNet's), and the names of
    its ``classes`` by index. A photograph's shorter side becomes 8/7 S, and its centre is cut out.
    The module stays as it is; the network has a copy.

    ``device`` is "cpu", "cuda", "mps" or "auto"; left out, what ``TL_DEVICE`` says. Networks of one
    device share their memory.

    Raises:
        UserError: If nothing is called that, its weights are not here, the file is no model, or
            the module is no such network.
    """
    settings = Settings.from_env()
    with _lock:
        engine = _engine(replace(settings, device=device or settings.device))
    about = {"size": size, "mean": mean, "std": std, "classes": classes}
    said: dict[str, Any] = {key: value for key, value in about.items() if value is not None}
    if said and isinstance(name, str | os.PathLike):
        raise UserError("size, mean, std and classes are of a module of your own. Leave them out.")
    store, source = engine.context.backbones, None
    with engine.alone():
        key = f"{OWN}{uuid4().hex}"
        if not isinstance(name, str | os.PathLike):
            from tl_core.library.own import Inputs, adopt

            source = adopt(store, name, Inputs(**said), key=key)
        elif str(name).endswith(_MODEL_SUFFIX):
            from tl_core.training.model_file import load_model

            data = file_bytes(name, LARGEST_MODEL_FILE_MB)
            store.adopt(key, load_model(data, store, key=key, owner=key))
        else:
            key = str(name).strip().lower().replace("-", "_")
            store.load(key)
        return Network(engine, key, source=source)


@cache
def _engine(settings: Settings) -> "Engine":
    from tl_core.library.engine import Engine  # here: it imports torch

    return Engine(settings)


class Network:
    """A network that looks at photographs; made by ``load`` and ``train``.

    A photograph is a path, bytes of a file, a PIL picture, or an array uint8 (H, W, 3). A class is
    given by its name or its index. A verb blocks until it is done; with ``progress=True`` it draws
    tqdm's bar, and ``callback`` sees each snapshot and stops the work by returning True. One thread
    at a time.

    Every verb raises ``UserError`` for what its caller can change.
    """

    def __init__(
        self,
        engine: "Engine",
        key: str,
        training: FineTuneSnapshot | None = None,
        *,
        source: "nn.Module | Network | None" = None,
    ) -> None:
        self._engine = engine
        self.key = key
        self.training = training  # how it was taught, where ``train`` has made it
        self._source = source  # what it is made from, in memory for as long as this is
        engine.networks[key] = self

    def __repr__(self) -> str:
        found = self._backbone()
        said = f"<Network: {found.label}, {len(found.classes):,} classes"
        if self.training is not None and self.training.result is not None:
            said += f", {self.training.result.accuracy:.1%} right in validation"
        return f"{said}>"

    @property
    def label(self) -> str:
        """What people call it."""
        return str(self._backbone().label)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of its classes, by index."""
        return tuple(self._backbone().classes)

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that ``feature_maps`` can show, shallow to deep."""
        return tuple(stage.layer for stage in self._backbone().row.stages)

    @property
    def code(self) -> str:
        """A program in plain PyTorch that trains what ``train`` has trained, on a folder."""
        from tl_core.programs.program import code_of, training_program

        row, spec = self._backbone().row, self._backbone().trained_with
        if spec is None or row.build is not None:
            return ""
        row = self._engine.context.backbones.row(spec.backbone)
        return code_of(training_program(spec.mode, row, asdict(spec)), row)

    @property
    def module(self) -> "nn.Module":
        """The network in plain PyTorch: inputs of ``preprocess`` to logits (N, classes)."""
        from torch import nn

        found = self._backbone()
        return nn.Sequential(found.body, found.head)

    def preprocess(self, photo: Photograph) -> "Tensor":
        """Return what the network takes of a photograph: (1, 3, S, S), normalised."""
        from tl_core.context import pixels_from

        found = self._backbone()
        with self._engine.alone():
            photos = self._engine.context.photos
            array = found.row.fit(photos.photo(self._keep(photo)))
            inputs: Tensor = found.normalise(pixels_from(array, found.device))
            return inputs

    def classify(self, photo: Photograph, *, top: int = 5) -> Answers:
        """Say what is on a photograph: the ``top`` most probable classes."""
        with self._engine.alone():
            spec = Classify(
                photo=self._keep(photo), backbone=self.key, top=min(top, len(self.classes))
            )
            found = self._engine.run(spec)
            code = self._code(spec, photo)
            return Answers(found.seen, code, found.answers, found.milliseconds, found.novelty)

    def feature_maps(self, photo: Photograph, layer: str = "", *, top: int = 16) -> Maps:
        """Show the ``top`` most active channels of a layer, the first layer if none is named."""
        with self._engine.alone():
            spec = FeatureMaps(
                photo=self._keep(photo), backbone=self.key, layer=layer, channels=top
            )
            found = self._engine.run(spec)
            code = self._code(spec, photo)
            return Maps(found.mosaic.picture, code, found.facts, found.mosaic.channels)

    def attribute(
        self,
        photo: Photograph,
        *,
        method: str = "gradcam",
        target: str | int | None = None,
        **settings: Any,
    ) -> Reasons:
        """Map what speaks for a class, the most probable one if none is named.

        ``settings`` are further fields of ``tl_core.specs.attribution.Attribute``.
        """
        targets = () if target is None else (find_class(self.classes, target),)
        with self._engine.alone():
            spec = Attribute(
                photo=self._keep(photo),
                backbone=self.key,
                methods=(method,),
                targets=targets,
                **settings,
            )
            found = self._engine.run(spec)
            first, asked = found.maps[0], found.classes[0]
            answer = Answer(index=asked.target, label=asked.label, probability=asked.probability)
            code = ""
            if method == "gradcam" and spec.contrast is None:
                code = self._code(replace(spec, targets=(asked.target,)), photo)
            return Reasons(
                first.overlay, code, first.method, answer, first.peak, first.faithfulness
            )

    def ideal(
        self,
        target: str | int,
        *,
        steps: int = IdealImage.steps,
        tv: float | None = None,
        seed: int = 0,
        start: Photograph = None,
        progress: bool = False,
        callback: "Callback | None" = None,
        **settings: Any,
    ) -> Ideal:
        """Draw what the network would most like to see as a class, by gradient descent from noise.

        ``tv`` is the weight of the total variation, ``start`` a photograph in place of the noise;
        ``settings`` are further fields of ``tl_core.specs.ideal.IdealImage``.
        """
        index = find_class(self.classes, target)
        with self._engine.alone():
            spec = IdealImage(
                target=index,
                backbone=self.key,
                steps=steps,
                tv_weight=tv,
                seed=seed,
                photo="" if start is None else self._keep(start),
                **{"precision": self._engine.precision(self.key), **settings},
            )
            found = self._engine.run(spec, progress=progress, callback=callback)
            return Ideal(
                found.png or found.picture,
                self._code(spec),
                self.classes[index],
                found.probability,
                found.total_variation,
                found.step,
                found.settings,
            )

    def attack(
        self,
        photo: Photograph,
        target: str | int | None = None,
        *,
        epsilon: int = Attack.epsilon,
        against: "Iterable[Network]" = (),
        seed: int = 0,
        progress: bool = False,
        callback: "Callback | None" = None,
        **settings: Any,
    ) -> Attacked:
        """Change a photograph by at most ``epsilon`` levels of 255 until it is seen as ``target``.

        Without a target, as anything but what it was. The networks in ``against`` judge the picture
        and take no part; ``settings`` are further fields of ``tl_core.specs.attack.Attack``.
        """
        index = None if target is None else find_class(self.classes, target)
        with self._engine.alone():
            spec = Attack(
                photo=self._keep(photo),
                backbone=self.key,
                target=index,
                epsilon=epsilon,
                seed=seed,
                **settings,
            )
            found = self._engine.run(spec, progress=progress, callback=callback)
            code = self._code(spec, photo) if spec.method == Attack.method else ""
        judges = {other.label: other.classify(found.picture).best for other in against}
        return Attacked(
            found.picture,
            code,
            found.original,
            found.is_fooled,
            found.before[0],
            found.after[0],
            found.probability,
            found.epsilon,
            found.gap,
            found.first_success,
            found.first_confident,
            judges,
            found.settings,
        )

    def train(
        self,
        data: Any,
        *,
        mode: str = "head",
        seed: int = 0,
        progress: bool = False,
        callback: "Callback | None" = None,
        **settings: Any,
    ) -> "Network":
        """Teach the network new classes; return the taught one, this one stays as it is.

        ``data`` is a dictionary of photographs by class, a folder with a folder for each class, or
        the name of a data set of the lab, such as "digits".
        ``mode`` is a key of ``tl_core.specs.training.MODES``, ``settings`` are further fields of
        ``FineTune``. Photographs that are kept aside measure it: see ``training.result``.
        """
        engine, row = self._engine, self._backbone().row
        if row.build is not None and mode == "last-block":
            raise UserError(
                "The lab can't tell which block of your own module is the last. Choose the mode "
                "head or full."
            )
        with engine.alone():
            context, named = engine.photographs(data)
            spec = FineTune(backbone=row.key, mode=mode, seed=seed, **named, **settings)
            found = engine.run(spec, context=context, progress=progress, callback=callback)
            if found.result is None:
                raise UserError("Training was stopped before it had a result. Start it again.")
            return Network(engine, found.result.model, found, source=self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network as a safetensors file, which ``load`` and the pages open.

        Raises:
            UserError: If the name does not end in .safetensors, or it is made from a module of
                your own.
            OSError: If no file can be written there.
        """
        from tl_core.training.model_file import save_model

        if self._backbone().row.build is not None:
            raise UserError(
                "A network of your own module has no file here. Save {module}'s state_dict with "
                "torch, or safetensors.",
                module="net.module",
            )
        if not str(path).endswith(_MODEL_SUFFIX):
            raise UserError("A model's file ends in .safetensors. Give it such a name.")
        with self._engine.alone():
            write_whole(Path(path).expanduser(), save_model(self._backbone()))

    def _backbone(self) -> Any:
        return self._engine.context.backbones.load(self.key)

    def _keep(self, photo: Photograph) -> str:
        """Hand a photograph to the engine, for this verb; its key."""
        return self._engine.context.photos.add(photo_bytes(photo), OWNER)

    def _code(self, spec: Spec, photo: Photograph = None) -> str:
        """Return the program that does the same, where this is a network of the catalogue."""
        from tl_core.programs.program import code_of, program_of

        row, key = self._backbone().row, getattr(spec, "photo", "")
        program = program_of(spec, row) if self.key in self._engine.context.backbones.rows else None
        if program is None:
            return ""
        picture = self._engine.context.photos.photo(key) if key else None
        is_file = isinstance(photo, str | os.PathLike)
        return code_of(program, row, key, picture, file=str(photo) if is_file else "photo.jpg")
