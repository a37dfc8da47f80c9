"""The one error a visitor or a caller ever reads."""

from typing import Any, TypeVar

TextT = TypeVar("TextT", bound=str)


class Phrase(str):
    """Words of the lab's own in an error's arguments: pages translate them too."""


class UserError(Exception):
    """Something a person did or asked for that cannot be; one sentence says what to do about it.

    ``message`` is a ``str.format`` template in English and serves as the message id for
    translation; ``arguments`` fills it. Pages translate the template, then fill it; the command
    line prints ``str(error)``.
    """

    def __init__(self, message: str, /, **arguments: object) -> None:
        super().__init__(message)
        self.message = message
        self.arguments = arguments

    def __str__(self) -> str:
        return self.message.format(**self.arguments)

    def without_values(self) -> "UserError":
        """Return the same words without the objects they came from, which may hold others."""
        plain = (str, int, float)
        arguments = {
            name: value if isinstance(value, plain) else str(value)
            for name, value in self.arguments.items()
        }
        return UserError(self.message, **arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.message, self.arguments)


def _rebuild(message: str, arguments: dict[str, object]) -> UserError:
    return UserError(message, **arguments)


def gettext_noop(text: TextT) -> TextT:
    """Return a text of a table as it is; imported as ``N_``, it marks it as a message id."""
    return text
