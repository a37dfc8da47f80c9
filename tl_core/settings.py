"""What the person who runs the lab can set, read once from ``TL_*`` environment variables."""

import math
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, cast, get_args

import platformdirs
import psutil

from tl_core.errors import UserError
from tl_core.machine.control_group import memory_limit_bytes

Profile = Literal["cloud", "server"]
Precision = Literal["auto", "fp32", "bf16"]  # auto: what was measured to be quicker
COMMUNITY_CLOUD = Path("/mount/src")  # where it clones every app, as its tracebacks show
# What one file may have, in 2**20 bytes
LARGEST_PHOTO_MB = 25
LARGEST_ZIP_MB = 200  # or file of a folder: photographs fit, the Cats and Dogs set does not
LARGEST_MODEL_FILE_MB = 700  # VGG-19, the largest network, has 548
_CLOUD_MEMORY_BYTES = 4 * 2**30
_APP = "transfer-learning-lab"  # of the folders' names
_MOST = 10**9  # megabytes, seconds, pixels or runs
_MAY_BE_ZERO = ("exit_on_hang", "max_queue", "end_s")  # beside what is kept, in megabytes
_FORMS = {
    "precision": (r"auto|fp32|bf16", "fp32"),
    "mirror": (r"(?i)https?://[^/\s].*", "http://192.168.1.20:8600"),
    "cluster": (r"auto|local|.+:\d+", "ray://head:10001"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Places, device and limits of one lab; every field can be set as ``TL_<FIELD>``."""

    data_dir: Path
    weights_dir: Path
    # may be emptied
    cache_dir: Path = field(default_factory=lambda: Path(platformdirs.user_cache_dir(_APP)))
    device: str = "auto"  # auto, cpu, cuda, cuda:1, mps
    precision: Precision = "auto"  # in which pictures are drawn
    profile: Profile = "server"
    visitor_downloads: str = "all"  # all, none, or names separated by commas
    mirror: str = ""  # base address that replaces every download's own server, for a closed network
    network_memory_mb: int = 4096  # loaded backbones together, least recently used leaves
    photo_memory_mb: int = 512  # visitors' photographs together, as files
    decoded_memory_mb: int = 256  # photographs in use, decoded
    upload_memory_mb: int = 2048  # files that visitors have sent and no page has taken, together
    upload_visit_mb: int = 640  # the same, of one browser tab; the file of a whole VGG-19 has 534
    activation_memory_mb: int = 512  # kept feature maps together
    model_memory_mb: int = 1024  # visitors' own models together
    feature_memory_mb: int = 512  # kept embeddings of visitors' own photographs together
    feature_disk_mb: int = 2048  # kept embeddings of data sets, in cache_dir
    keep_free_disk_mb: int = 1024  # of each disk that downloads, data sets and caches go to
    answer_memory_mb: int = 128  # kept answers to quick questions
    run_memory_mb: int = 2048  # photographs and activations that open trainings keep, together
    gallery_memory_mb: int = 1024  # finished pictures on the pages of all visitors together
    visitor_memory_mb: int = 1024  # what one visitor makes the lab keep, of all kinds together
    process_memory_mb: int = 8192  # of the process; above it freed memory is not kept for later
    pass_photos: int = 64  # that go through networks at once where gradients are taken, on a CPU
    max_jobs_per_visitor: int = 6
    max_queue: int = 200
    max_running: int = 8  # long runs that take turns, paused ones apart; others queue
    max_steps: int = 4096
    max_pixels: int = 50_000_000  # width x height of a photograph
    visit_timeout_s: float = 90.0  # without a poll: then what a visitor has running pauses, and
    # what an app server has on a cluster ends
    visit_resume_s: float = 600.0  # without a poll: then everything of the visit is forgotten
    hang_s: float = 120.0  # a slice that takes longer will not come back
    exit_on_hang: bool = False  # then end the process, for a supervisor that starts it again
    end_s: float = 60.0  # for which runs may go on once the process was asked to end
    cluster: str = "auto"  # auto, local, or the address of a Ray cluster
    actor_cores: int = 4  # of each machine of a cluster without graphics cards
    prepare: str = ""  # backbones and data sets that the server downloads by itself, with commas

    @classmethod
    def from_env(
        cls, env: Mapping[str, str] | None = None, *, memory_share: float = 1.0
    ) -> "Settings":
        """Read ``TL_*`` variables; what is not set keeps its default.

        ``memory_share`` of this machine's memory is for this lab.

        Raises:
            UserError: If a variable makes no sense for its field.
        """
        env = os.environ if env is None else env
        memory = memory_share * memory_bytes()
        profile = _profile(env.get("TL_PROFILE", "auto"), memory)
        chosen: dict[str, object] = dict(memory_limits(0 if profile == "cloud" else memory))
        if profile == "cloud":
            chosen |= _CLOUD_LIMITS
        for one in fields(cls):
            text = env.get(f"TL_{one.name.upper()}", "")
            if one.type is Path:
                chosen[one.name] = _folder(one.name, text, env)
            elif text and one.name != "profile":
                chosen[one.name] = _parse(one.name, one.type, text)
        return cls(**chosen | {"profile": profile})  # type: ignore[arg-type]


_CLOUD_LIMITS: dict[str, object] = {
    "keep_free_disk_mb": 256,
    "max_pixels": 25_000_000,
    "max_running": 4,
}

# What the process keeps in memory at most, in MB, where there is little
_LEAST_MB: dict[str, int] = {
    "network_memory_mb": 160,
    "photo_memory_mb": 96,
    "decoded_memory_mb": 48,
    "upload_memory_mb": 400,
    "activation_memory_mb": 96,
    "model_memory_mb": 96,
    "feature_memory_mb": 96,
    "answer_memory_mb": 32,
    "run_memory_mb": 96,
    "gallery_memory_mb": 64,
}
_LEAST_OF_IT: dict[str, int] = {
    "upload_visit_mb": 220,
    "visitor_memory_mb": 192,
    "process_memory_mb": 1400,
    "pass_photos": 2,
}
_PROCESS_MB = 1300  # beside all that: packages, pages, and what a step of the networks takes
_SPARE = 0.25  # of the memory, for the system and other programs
_FOR_NETWORKS = 0.55  # of what there is beyond the least: VGG-19 from 6 GB upwards


def memory_limits(memory_bytes: float) -> dict[str, int]:
    """The limits that keep a machine with so much memory from running out of it, by field.

    Between the least and the defaults of ``Settings``; together with the process itself at most
    three quarters of the memory, once that is 4 GB.
    """
    most = {one.name: cast(int, one.default) for one in fields(Settings)}
    room = (1 - _SPARE) * memory_bytes / 2**20 - _PROCESS_MB - sum(_LEAST_MB.values())
    spread = {name: most[name] - least for name, least in _LEAST_MB.items()}
    of_networks = spread.pop("network_memory_mb")
    for_networks = min(max(_FOR_NETWORKS * room, 0.0), of_networks)
    share = min(max((room - for_networks) / sum(spread.values()), 0.0), 1.0)
    budgets = {
        name: round(least + share * (most[name] - least))
        for name, least in (_LEAST_MB | _LEAST_OF_IT).items()
    }
    return budgets | {"network_memory_mb": round(_LEAST_MB["network_memory_mb"] + for_networks)}


def _profile(text: str, memory_bytes: float) -> Profile:
    if text == "auto":
        is_hosted = Path(__file__).is_relative_to(COMMUNITY_CLOUD)  # which may not say its limit
        return "cloud" if is_hosted or memory_bytes < _CLOUD_MEMORY_BYTES else "server"
    if text not in get_args(Profile):
        raise UserError("TL_PROFILE must be auto, cloud or server, got {value}.", value=text)
    return cast(Profile, text)


def memory_bytes() -> float:
    """The machine's memory, or what this process may use of it if that is less."""
    return min(psutil.virtual_memory().total, memory_limit_bytes())


def _default_folder(name: str, env: Mapping[str, str]) -> str:
    if name == "weights_dir":  # as torch.hub has it, without importing torch
        cache = env.get("XDG_CACHE_HOME", "~/.cache")
        return f"{env.get('TORCH_HOME', f'{cache}/torch')}/hub/checkpoints"
    find = platformdirs.user_data_dir if name == "data_dir" else platformdirs.user_cache_dir
    return find(_APP)


def _parse(name: str, kind: object, text: str) -> object:
    variable = f"TL_{name.upper()}"
    if kind in (bool, int, float):
        has_zero = name.endswith("_mb") or name in _MAY_BE_ZERO
        return _number(variable, kind, text, least=0 if has_zero else 1)
    pattern, example = _FORMS.get(name, (".*", ""))
    if not re.fullmatch(pattern, text, re.DOTALL):
        raise UserError(
            "{variable} must be something such as {example}, got {value}.",
            variable=variable,
            example=example,
            value=text,
        )
    return text


def _folder(name: str, text: str, env: Mapping[str, str]) -> Path:
    """The folder that is named or the usual one: it is there, or could be made."""
    variable = f"TL_{name.upper()}"
    try:
        folder = Path(text or _default_folder(name, env)).expanduser()
    except RuntimeError as error:
        raise UserError(
            "The lab can't find your home folder. Set {variable} to a folder, or set HOME.",
            variable=variable,
        ) from error
    there = next(filter(os.path.lexists, (folder, *folder.absolute().parents)), folder)
    if not os.path.isdir(there):
        raise UserError(
            "{variable} must be a folder, but {value} isn't one.", variable=variable, value=there
        )
    return folder


def _number(variable: str, kind: object, text: str, *, least: int) -> float:
    most = 1 if kind is bool else _MOST
    value = math.nan  # which is in no range
    with suppress(ValueError):
        value = float(text) if kind is float else int(text)
    if not least <= value <= most:
        raise UserError(
            "{variable} must be a number from {low} to {high}, got {value}.",
            variable=variable,
            low=least,
            high=f"{most:,}",
            value=text,
        )
    return bool(value) if kind is bool else value
