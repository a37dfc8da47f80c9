"""Forward hooks that are gone afterwards, whatever happens."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager

from torch import Tensor, nn

HookCallback = Callable[[int, Tensor, Tensor], None]  # number of the module, its inputs, its output


@contextmanager
def hooked(modules: Iterable[nn.Module], callback: HookCallback) -> Iterator[None]:
    """Call ``callback(i, inputs, output)`` whenever module ``i`` runs; unhook in any case."""
    with ExitStack() as hooks:
        for index, module in enumerate(modules):
            hook = module.register_forward_hook(
                lambda _module, inputs, output, i=index: callback(i, inputs[0], output)
            )
            hooks.enter_context(hook)
        yield
