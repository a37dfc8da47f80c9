"""The slot that an ideal image's spec stands for, and what its controls change in it."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.build import channel_counts
from tl_core.errors import UserError
from tl_core.imageopt.losses import ChannelObjective
from tl_core.imageopt.optimisers import UPDATE_RULES
from tl_core.imageopt.pixels import PARAMETERISATIONS
from tl_core.imageopt.slot import (
    Augmentation,
    Objective,
    Slot,
    Update,
    clamp_pixels,
    fresh_state,
)
from tl_core.specs.base import OWN
from tl_core.specs.ideal import IdealImage
from tl_core.specs.ideal_recipes import Recipe
from tl_core.specs.recipe import Ramp, always

_CLASS_TERMS = ("logit", "cross_entropy", "other_classes")
_LITE0_SPREAD = 2.3  # mean distance of its head's rows, one for each class, from their centre
_MAX_LOGIT_SCALE = 1000.0
_ACTIVATION_WEIGHT = 4.0  # of a channel beside total variation; the last layers need as much


def slot_of(spec: IdealImage, backbone: Backbone, pixels: Tensor | None) -> Slot:
    """Return a fresh slot for a spec, from ``pixels`` (1, 3, S, S) or from noise.

    Raises:
        UserError: If the network lacks the class, the layer or the channel.
    """
    slot = recipe_slot(
        spec.row,
        target_weights=_target_weights(spec, backbone),
        seed=spec.seed,
        steps=spec.steps,
        side=spec.size or backbone.input_size,
        pixels=pixels,
    )
    if spec.optimiser:
        slot.update = replace(slot.update, rule=UPDATE_RULES[spec.optimiser])
    terms, channel = _terms(spec, backbone), _channel(spec, backbone)
    slot.objective = replace(slot.objective, terms=terms, channel=channel)
    steer(slot, spec, backbone)
    return slot


def steer(slot: Slot, spec: IdealImage, backbone: Backbone) -> None:
    """Set total variation, learning rate, random views and the mix of classes.

    Raises:
        UserError: If the network lacks a class.
    """
    slot.objective = replace(
        slot.objective,
        tv_weight=spec.control("tv_weight"),
        target_weights=_target_weights(spec, backbone),
    )
    slot.update = replace(slot.update, learning_rate=spec.control("learning_rate"))
    slot.augmentation = replace(slot.augmentation, strength=spec.control("augmentation"))


def recipe_slot(
    recipe: Recipe,
    *,
    target_weights: Tensor,
    seed: int,
    steps: int,
    side: int,
    pixels: Tensor | None = None,
) -> Slot:
    """Return a fresh slot that follows a recipe, from ``pixels`` (1, 3, S, S) or from noise."""
    parameterisation = PARAMETERISATIONS[recipe.parameterisation]
    parameters = (
        parameterisation.noise(side, seed)[None].to(target_weights.device)
        if pixels is None
        else parameterisation.encode(pixels)
    )
    return Slot(
        parameterisation=parameterisation,
        state=fresh_state(parameters),
        seed=seed,
        steps=steps,
        objective=Objective(
            target_weights,
            terms=dict(recipe.terms),
            tv_weight=recipe.tv_weight,
            residual_factor=recipe.residual_factor,
        ),
        augmentation=Augmentation(
            affine=recipe.affine, ramp=recipe.affine_strength, noise=recipe.noise
        ),
        update=Update(
            UPDATE_RULES[recipe.optimiser],
            recipe.learning_rate,
            ramp=recipe.rate,
            decay=recipe.decay,
            constraint=clamp_pixels if recipe.parameterisation == "pixels" else None,
        ),
    )


def _terms(spec: IdealImage, backbone: Backbone) -> dict[str, Ramp]:
    if spec.layer:  # no statistics: they would draw what the photographs showed
        return {"activation": always(_ACTIVATION_WEIGHT)}
    scale = _logit_scale(backbone)
    return {n: r.times(scale) if n in _CLASS_TERMS else r for n, r in spec.row.terms}


def _target_weights(spec: IdealImage, backbone: Backbone) -> Tensor:
    count = len(backbone.classes)
    for target in (spec.target, spec.second_target) if spec.mix > 0 else (spec.target,):
        if target >= count and not spec.layer:
            raise UserError(
                "target must be a class between 0 and {last}, got {target}. This network "
                "knows {count} classes.",
                last=count - 1,
                target=target,
                count=count,
            )
    weights = torch.zeros(count)
    if not spec.layer:
        weights[spec.target] += 1 - spec.mix
        weights[min(spec.second_target, count - 1)] += spec.mix
    return weights.to(backbone.device)


def _channel(spec: IdealImage, backbone: Backbone) -> ChannelObjective | None:
    if not spec.layer:
        return None
    counts = channel_counts(backbone.row)
    if spec.layer not in counts:
        raise UserError(
            "{label} has no layer called {layer}. Choose one of: {layers}.",
            label=backbone.label,
            layer=spec.layer,
            layers=", ".join(counts),
        )
    count = counts[spec.layer]
    if spec.channel >= count:
        raise UserError(
            "channel must be between 0 and {last} in {layer}, got {channel}.",
            last=count - 1,
            layer=spec.layer,
            channel=spec.channel,
        )
    return ChannelObjective(spec.layer, spec.channel, spec.is_unit)


def _logit_scale(backbone: Backbone) -> float:
    """The factor that brings a visitor's own head to the scale that the recipes are written for.

    A head trained on few photographs has small weights, and total variation would outweigh its
    logits.
    """
    if not backbone.key.startswith(OWN):
        return 1.0
    (weight,) = (m.weight for m in backbone.head.modules() if isinstance(m, nn.Linear))
    spread = (weight - weight.mean(dim=0)).norm(dim=1).mean().item()
    return min(_LITE0_SPREAD / spread, _MAX_LOGIT_SCALE) if spread > 0 else 1.0
