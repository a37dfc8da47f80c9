"""What networks that a picture was not drawn on say of it."""

import streamlit as st

from pages.shared.choose_class import are_imagenets
from pages.shared.live import answer
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, plain
from tl_core.specs import IdealImage, IdealSnapshot, Judge, Verdicts


def draw_verdicts(spec: IdealImage, snapshot: IdealSnapshot) -> None:
    """What other networks say of each class that the picture shall show."""
    classes = the_lab().classes(spec.backbone)
    if not are_imagenets(classes):  # nobody else knows a visitor's own
        return
    mix = spec.mix
    for _step, control, value in snapshot.moves:
        if control == "mix" and value is not None:
            mix = value
    first = [spec.target] if mix < 1 else []
    second = [spec.second_target] if mix > 0 else []
    targets = list(dict.fromkeys([*first, *second]))
    photo = the_lab().add_photo(snapshot.png, the_visit().id)
    for target in targets:
        found = answer(Judge(photo=photo, target=target, backbone=spec.backbone), timeout_s=0.1)
        if found is not None:
            _verdict(spec, found, f": {plain(classes[target])}" if len(targets) > 1 else "")


def _verdict(spec: IdealImage, found: Verdicts, of_class: str) -> None:
    st.markdown("**" + _("Networks that never saw it") + f"{of_class}**")
    others = [verdict for verdict in found.verdicts if verdict.backbone != spec.backbone]
    st.markdown(
        "\n".join(
            _("- {network}: **{percent:.1f} %** (it says {top})").format(
                network=plain(verdict.label),
                percent=100 * verdict.probability,
                top=plain(verdict.top_name),
            )
            for verdict in others
        )
    )
