"""What a page asks, as one line of the library."""

from dataclasses import fields

from tl_core.specs.attack import Attack
from tl_core.specs.attribution import Attribute
from tl_core.specs.base import Spec
from tl_core.specs.classify import Classify
from tl_core.specs.feature_maps import FeatureMaps
from tl_core.specs.ideal import IdealImage

_VERBS: dict[type[Spec], str] = {
    Classify: "classify",
    FeatureMaps: "feature_maps",
    Attribute: "attribute",
    IdealImage: "ideal",
    Attack: "attack",
}
_NAMES = {"tv_weight": "tv", "channels": "top"}  # of arguments, where they are not the field's
_FIRST = {
    "methods": "method",
    "targets": "target",
}  # fields with several, of which a verb takes one
_LEFT_OUT = ("photo", "backbone", "target", "precision")  # said otherwise; the library measures too


def call_of(spec: Spec) -> str:
    """Return the call of a network ``net`` that does what a spec asks; ``photo`` is its photograph.

    Of several methods or classes it does the first.
    """
    first = ["photo"] if getattr(spec, "photo", "") else []
    if isinstance(spec, IdealImage):
        first = [repr(spec.target), *(["start=photo"] if spec.photo else [])]
    if isinstance(spec, Attack):
        first.append(repr(spec.target))
    more = []
    for field in fields(spec):
        value = getattr(spec, field.name)
        if field.name in _LEFT_OUT or value == field.default:
            continue
        if field.name in _FIRST:
            more.append(f"{_FIRST[field.name]}={value[0]!r}")
        else:
            more.append(f"{_NAMES.get(field.name, field.name)}={value!r}")
    return f"net.{_VERBS[type(spec)]}({', '.join([*first, *more])})"
