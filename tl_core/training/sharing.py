"""Copies of a network that share their frozen tensors with it.

A visitor's model then takes memory only for the tensors that training changes; the rest stays the
backbone's own. ``copy.deepcopy`` has a memo for this: a dictionary from the ``id`` of an object to
the object that stands in the copy, here the object itself.
"""

from collections.abc import Iterable

from torch import Tensor, nn

from tl_core.backbones.sharing import copy_sharing


def unfreeze(
    body: nn.Module, cut: str, *, trains_batch_norm: bool
) -> tuple[nn.Module, nn.Module, list[Tensor]]:
    """Copy ``body`` so that its layers from ``cut`` on can be trained; ``body`` stays as it is.

    Args:
        body: A frozen network.
        cut: Name of the first layer to train; "" for all layers.
        trains_batch_norm: Whether batch-norm weights and statistics may change too.

    Returns:
        The copy, the part of it from ``cut`` on, and the tensors of that part that may change.
        All other tensors are shared with ``body``.
    """
    part = layers_from(body, cut)
    fixed = [] if trains_batch_norm else [t for norm in batch_norms(part) for t in tensors(norm)]
    frozen = _without(tensors(body), _without(tensors(part), fixed))
    copied = copy_sharing(body, frozen)
    trained = layers_from(copied, cut)
    return copied, trained, _without(tensors(trained), frozen)


def layers_from(body: nn.Module, cut: str) -> nn.Module:
    """Return the part of ``body`` from layer ``cut`` on, with the same tensors.

    Every layer that is registered before it becomes an identity, which works because these
    networks register their layers in the order in which they call them.
    """
    if not cut:
        return body
    part = parent = copy_sharing(body, tensors(body))
    for name in cut.split("."):
        for earlier, _ in list(parent.named_children()):
            if earlier == name:
                break
            parent.set_submodule(earlier, nn.Identity())
        parent = parent.get_submodule(name)
    return part


def tensors(module: nn.Module) -> list[Tensor]:
    """Return the module's parameters, then its buffers."""
    return [*module.parameters(), *module.buffers()]


def batch_norms(module: nn.Module) -> list[nn.BatchNorm2d]:
    """Return the batch-norm layers in a network."""
    return [layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d)]


def _without(found: Iterable[Tensor], excluded: Iterable[Tensor]) -> list[Tensor]:
    ids = {id(tensor) for tensor in excluded}  # == would compare the values
    return [tensor for tensor in found if id(tensor) not in ids]
