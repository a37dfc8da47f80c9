"""Every spec there is, and how one is read from a settings file."""

import dataclasses
import json
from importlib import import_module
from pkgutil import iter_modules
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from tl_core import specs
from tl_core.errors import UserError
from tl_core.specs.base import KINDS, QUOTED, VERSION, Spec

for _topic in iter_modules(specs.__path__, f"{specs.__name__}."):
    import_module(_topic.name)  # whose specs are then among KINDS


def spec_from_json(text: str) -> Spec:
    """Rebuild the spec that ``Spec.to_json`` wrote.

    Raises:
        UserError: If the text is no JSON, names no known spec, or has fields it does not know or
            values of another type.
    """
    try:
        fields = json.loads(text)
        kind, is_ours = KINDS[fields.pop("kind")], "version" in fields
        version = fields.pop("version", VERSION)
        if version != VERSION:
            raise ValueError(f"its version is {version!r:.20}, and this lab reads {VERSION}")
        known = {field.name for field in dataclasses.fields(kind)}
        unknown = fields.keys() - known
        if unknown:
            raise ValueError(f"unknown fields {sorted(unknown)}")
        fields = {**(kind.left_out_means if is_ours else {}), **fields}
        values: dict[str, Any] = {name: _tuples(value) for name, value in fields.items()}
        types = get_type_hints(kind)
        for name, value in values.items():
            if not _fits(value, types[name]):
                raise ValueError(f"{name} cannot be {value!r:.60}")
        return kind(**values)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"{error!s:.{QUOTED}}"  # it may quote the file
        raise UserError(
            "This isn't one of the lab's settings files: {reason}.", reason=reason
        ) from error


def _fits(value: object, kind: Any) -> bool:
    """Whether a value out of JSON is what a field's annotation says."""
    parts = get_args(kind)
    if get_origin(kind) is Literal:
        return value in parts
    if get_origin(kind) in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if get_origin(kind) is tuple:
        if not isinstance(value, tuple):
            return False
        each = parts[:1] * len(value) if parts[-1] is ... else parts
        return len(each) == len(value) and all(map(_fits, value, each))
    return type(value) is kind or (kind is float and type(value) is int)


def _tuples(value: object) -> object:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
