"""What the person who runs the lab can set, read once from ``TL_*`` environment variables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, cast, get_args

import platformdirs
import psutil

from tl_core.errors import UserError

Profile = Literal["cloud", "server"]
_CLOUD_MEMORY_BYTES = 4 * 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Places, device and limits of one lab; every field can be set as ``TL_<FIELD>``."""

    data_dir: Path
    weights_dir: Path
    cache_dir: Path = Path(platformdirs.user_cache_dir("transfer-learning-lab"))  # may be emptied
    device: str = "auto"  # auto, cpu, cuda, cuda:1, mps
    profile: Profile = "server"
    mirror: str = ""  # base address that replaces every download's own server, for a closed network
    network_memory_mb: int = 4096  # loaded backbones together, least recently used leaves
    photo_memory_mb: int = 512  # visitors' photographs together
    upload_memory_mb: int = 2048  # files that visitors have sent and no page has taken, together
    upload_visit_mb: int = 512  # the same, of one browser tab
    activation_memory_mb: int = 512  # kept feature maps together
    model_memory_mb: int = 1024  # visitors' own models together
    feature_memory_mb: int = 512  # kept embeddings of visitors' own photographs together
    feature_disk_mb: int = 2048  # kept embeddings of data sets, in cache_dir
    answer_memory_mb: int = 128  # kept answers to quick questions
    run_memory_mb: int = 2048  # photographs and activations that open trainings keep, together
    gallery_memory_mb: int = 1024  # finished pictures on the pages of all visitors together
    visitor_memory_mb: int = 1024  # what one visitor makes the lab keep, of all kinds together
    max_jobs_per_visitor: int = 6
    max_queue: int = 200
    max_running: int = 8  # long runs that take turns, paused ones apart; others queue
    max_steps: int = 4096
    max_pixels: int = 50_000_000  # width x height of a photograph
    visit_timeout_s: float = 90.0  # without a poll: then what a visitor has running pauses
    visit_resume_s: float = 600.0  # without a poll: then everything of the visit is forgotten
    hang_s: float = 120.0  # a slice that takes longer will not come back
    exit_on_hang: bool = False  # then end the process, for a supervisor that starts it again

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> "Settings":
        """Read ``TL_*`` variables; what is not set keeps its default.

        Raises:
            UserError: If a variable cannot be read as its field's type.
        """
        env = os.environ if env is None else env
        profile = _profile(env.get("TL_PROFILE", "auto"))
        chosen: dict[str, object] = _CLOUD_LIMITS.copy() if profile == "cloud" else {}
        chosen |= {"data_dir": _default_data_dir(), "weights_dir": _torch_hub_dir(env)}
        for field in fields(cls):
            text = env.get(f"TL_{field.name.upper()}", "")
            if text and field.name != "profile":
                chosen[field.name] = _parse(field.name, field.type, text)
        return cls(**chosen | {"profile": profile})  # type: ignore[arg-type]


_CLOUD_LIMITS: dict[str, object] = {
    "network_memory_mb": 160,
    "photo_memory_mb": 96,
    "upload_memory_mb": 400,
    "upload_visit_mb": 220,
    "activation_memory_mb": 96,
    "model_memory_mb": 96,
    "feature_memory_mb": 96,
    "answer_memory_mb": 32,
    "run_memory_mb": 96,
    "gallery_memory_mb": 64,
    "visitor_memory_mb": 192,
    "max_pixels": 25_000_000,
    "max_running": 4,
}


def _profile(text: str) -> Profile:
    if text == "auto":
        return "cloud" if memory_limit_bytes() < _CLOUD_MEMORY_BYTES else "server"
    if text not in get_args(Profile):
        raise UserError("TL_PROFILE must be auto, cloud or server, got {value}.", value=text)
    return cast(Profile, text)


def memory_limit_bytes() -> int:
    """Return the container's memory limit, or the machine's memory where there is none."""
    total = int(psutil.virtual_memory().total)
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            total = min(total, int(Path(path).read_text()))
        except (OSError, ValueError):
            continue  # no such control group, or "max": no limit from here
    return total


def _default_data_dir() -> Path:
    return Path(platformdirs.user_data_dir("transfer-learning-lab"))


def _torch_hub_dir(env: Mapping[str, str]) -> Path:
    """Where ``torch.hub`` keeps checkpoints, worked out without importing torch."""
    cache = env.get("XDG_CACHE_HOME", "~/.cache")
    home = env.get("TORCH_HOME", f"{cache}/torch")
    return Path(home).expanduser() / "hub" / "checkpoints"


def _parse(name: str, kind: object, text: str) -> object:
    variable = f"TL_{name.upper()}"
    try:
        if kind is bool:
            return bool(int(text))
        if kind is int:
            return int(text)
        if kind is float:
            return float(text)
        return Path(text).expanduser() if kind is Path else text
    except ValueError as error:
        raise UserError(
            "{variable} must be a number, got {value}.", variable=variable, value=text
        ) from error
