"""The lab as a library: photograph in, picture out, in three lines.

    import tl_core.library as tl
    net = tl.load("efficientnet-lite0")
    net.attack("dog.jpg", "Siamese cat").save("cat.png")

Everything runs in the caller's thread, by the handlers that the pages use. Importing this package
is cheap; torch is imported by ``load``.
"""

from tl_core.errors import UserError
from tl_core.library.network import Network, load
from tl_core.library.results import Answers, Attacked, Ideal, Maps, Reasons

__all__ = ["Answers", "Attacked", "Ideal", "Maps", "Network", "Reasons", "UserError", "load"]
