"""Parameterisations: the numbers that the optimiser moves, and the pixels they stand for."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from tl_core.imageopt.eight_bit import rounded, straight_through
from tl_core.imageopt.randomness import start_noise
from tl_core.machine.device import constant

# How the colours of natural pictures vary together: Lucid's matrix (Olah et al. 2017, "Feature
# visualization", distill.pub), here divided by its largest column norm.
_COLOURS = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))


class Parameterisation(ABC):
    """A way to write a square picture as numbers that an optimiser can move freely.

    All methods work on several pictures at once and treat each on its own.
    """

    @abstractmethod
    def noise(self, side: int, seed: int) -> Tensor:
        """Return the parameters of the seed's random picture, on the CPU."""

    @abstractmethod
    def encode(self, pixels: Tensor) -> Tensor:
        """Return the parameters (N, ...) of pixels (N, 3, S, S) in [0, 1]."""

    @abstractmethod
    def pixels(self, parameters: Tensor) -> Tensor:
        """Return the pixels (N, 3, S, S) of ``parameters``; differentiable."""


@dataclass(frozen=True)
class Pixels(Parameterisation):
    """Every pixel by itself; needs a constraint that keeps them in [0, 1]."""

    spread: float = 0.1  # of the first noise around mid grey

    def noise(self, side: int, seed: int) -> Tensor:
        """Return grey noise, shape (3, S, S)."""
        return (0.5 + self.spread * start_noise(seed, (3, side, side))).clamp(0, 1)

    def encode(self, pixels: Tensor) -> Tensor:
        """Return the pixels as they are."""
        return pixels.clone()

    def pixels(self, parameters: Tensor) -> Tensor:
        """Return the pixels as they are."""
        return parameters


@dataclass(frozen=True)
class EightBit(Pixels):
    """Pixels that the network only ever sees as an 8-bit file will hold them."""

    def pixels(self, parameters: Tensor) -> Tensor:
        """Return the parameters rounded to whole levels of 1/255."""
        return straight_through(parameters, rounded(parameters))


@dataclass(frozen=True)
class Fourier(Parameterisation):
    """Waves, low frequencies weighted more, in decorrelated colours, through a sigmoid.

    Parameters are the real and imaginary parts of a half spectrum, shape (N, 3, S, S // 2 + 1, 2).

    Source:
        Olah, Mordvintsev & Schubert 2017, "Feature visualization", distill.pub.
    """

    spread: float = 0.01  # of the first noise
    decay: float = 1.0  # a wave of frequency f counts 1 / f ** decay

    def noise(self, side: int, seed: int) -> Tensor:
        """Return a random spectrum, almost mid grey."""
        return self.spread * start_noise(seed, (3, side, side // 2 + 1, 2))

    def encode(self, pixels: Tensor) -> Tensor:
        """Return the spectrum of pixels; pure black and white become almost so."""
        colours = torch.logit(pixels, eps=1e-3)
        waves = torch.einsum("rc,ncij->nrij", _colours(pixels).inverse(), colours) * 4
        spectrum = torch.fft.rfft2(waves, norm="ortho")
        scale = frequency_scale(pixels.shape[-1], self.decay, pixels.device)
        return torch.view_as_real(spectrum / scale)

    def pixels(self, parameters: Tensor) -> Tensor:
        """Return the picture that the waves add up to."""
        side = parameters.shape[2]
        scale = frequency_scale(side, self.decay, parameters.device)
        spectrum = torch.view_as_complex(parameters * scale[..., None])
        waves = torch.fft.irfft2(spectrum, s=(side, side), norm="ortho")
        colours = (_colours(parameters) / 4) @ waves.flatten(2)
        return torch.sigmoid(colours).view_as(waves)


@lru_cache(maxsize=8)
def frequency_scale(side: int, decay: float, device: torch.device) -> Tensor:
    """Return how much each wave of a half spectrum counts, (side, side // 2 + 1)."""
    with torch.inference_mode(mode=False):  # gradients may have to flow past it
        rows = torch.fft.fftfreq(side, device=device)[:, None]
        columns = torch.fft.rfftfreq(side, device=device)
        scale: Tensor = torch.hypot(rows, columns).clamp_min(1 / side) ** -decay
        return scale


def _colours(like: Tensor) -> Tensor:
    matrix = constant(_COLOURS, like.device)
    norm: Tensor = torch.linalg.vector_norm(matrix, dim=0).max()
    return matrix / norm


PARAMETERISATIONS: dict[str, Parameterisation] = {
    "pixels": Pixels(),
    "eight_bit": EightBit(),
    "fourier": Fourier(),
}
