"""The ways to attack a photograph, as rows: what they share is the loop, each row is one idea."""

from dataclasses import dataclass
from typing import Literal

from tl_core.errors import gettext_noop as N_
from tl_core.specs.recipe import IDENTITY, ONE, Ramp, RandomAffine, always

MAX_EPSILON = 64  # levels; more than that is a new picture
ODDS: tuple[tuple[str, Ramp], ...] = (("odds", always(1.0)),)


@dataclass(frozen=True, slots=True)
class AttackMethod:
    """One way to attack. The sizes of a step are shares of epsilon; the shape of the budget too."""

    key: str  # stable id for links and settings
    label: str  # what visitors read
    why: str  # the idea, in one sentence
    paper: str
    optimiser: str  # key in tl_core.imageopt.optimisers.UPDATE_RULES
    step_share: float  # of epsilon, at the first step
    rate: Ramp = ONE  # factor on it during the run
    terms: tuple[tuple[str, Ramp], ...] = ODDS  # weights of losses in tl_core.imageopt.losses
    max_steps: int = 4096  # what the method itself allows
    norm: Literal["linf", "l2", "l0"] = "linf"  # what it keeps small inside epsilon
    keeps: Literal["first", "shortest", "latest", "end"] = "first"  # "first" success: then stop
    smoothness: float = 0.0  # weight of the perturbation's total variation, in levels
    is_l1_normalised: bool = False  # divide each gradient by its mean size before momentum
    blur: float = 0.0  # standard deviation in pixels of a blur of the gradient
    affine: RandomAffine = IDENTITY  # random views during the attack
    uses_transforms: bool = False  # and a random one of JPEG, a blur, a smaller copy for each view


_FALLING = Ramp(1.0, 0.5)

_ROWS = (
    AttackMethod(
        key="fgsm",
        label=N_("FGSM: one step"),
        why=N_(
            "Fast gradient sign method: move every value by the full epsilon at once, each in the "
            "direction of the gradient's sign."
        ),
        paper="Goodfellow, Shlens & Szegedy 2014, arXiv:1412.6572",
        optimiser="sign",
        step_share=1.0,
        max_steps=1,
    ),
    AttackMethod(
        key="pgd",
        label=N_("PGD: many steps"),
        why=N_(
            "Projected gradient descent: work out the gradient again after every step, and stay "
            "within epsilon."
        ),
        paper="Madry et al. 2017, arXiv:1706.06083",
        optimiser="sign",
        step_share=0.5,
        rate=_FALLING,
    ),
    AttackMethod(
        key="momentum",
        label=N_("Momentum PGD"),
        why=N_("Remember earlier directions, to get past changes that fool only this network."),
        paper="Dong et al. 2017, arXiv:1710.06081 (MI-FGSM)",
        optimiser="sign_with_memory",
        step_share=1.0,
        rate=_FALLING,
        is_l1_normalised=True,
    ),
    AttackMethod(
        key="minimum",
        label=N_("Smallest L2 norm"),
        why=N_("Shrink the change while the network is fooled, and let it grow while it isn't."),
        paper="Rony et al. 2018, arXiv:1811.09600 (DDN)",
        optimiser="descent",
        step_share=1.0,
        rate=Ramp(1.0, 0.01, shape="cosine"),
        norm="l2",
        keeps="shortest",
    ),
    AttackMethod(
        key="smooth",
        label=N_("Smooth perturbation"),
        why=N_(
            "Penalise differences between neighbours in the perturbation: total "
            "variation, as in the lesson."
        ),
        paper="Mahendran & Vedaldi 2014, arXiv:1412.0035 (total variation)",
        optimiser="adam",
        step_share=0.25,
        rate=_FALLING,
        smoothness=1.0,
        keeps="latest",
    ),
    AttackMethod(
        key="sparse",
        label=N_("Few values (L0)"),
        why=N_(
            "Move only the values that matter most, by one level each, and get by with fewer and "
            "fewer."
        ),
        paper="Frank & Wolfe 1956; Chen et al. 2018, arXiv:1811.10828 (on attacks)",
        optimiser="descent",
        step_share=1.0,
        norm="l0",
        keeps="shortest",
    ),
    AttackMethod(
        key="robust",
        label=N_("Robust (EOT)"),
        why=N_(
            "Attack many altered copies at once (JPEG, shifted, smaller, blurred), so the change "
            "survives more often."
        ),
        paper="Athalye et al. 2017, arXiv:1707.07397 (expectation over transformation)",
        optimiser="sign_with_memory",
        step_share=0.25,
        rate=Ramp(1.0, 0.1),
        is_l1_normalised=True,
        terms=(("cross_entropy", always(1.0)),),
        affine=RandomAffine(shift=4 / 224, zoom=0.12, views=2),
        uses_transforms=True,
        keeps="end",
    ),
    AttackMethod(
        key="transfer",
        label=N_("Transfer attack"),
        why=N_(
            "For networks that you can't see inside (black box). Each network sees a different "
            "crop at every step, and the gradient is blurred, so the change isn't tailored to any "
            "one of them. What fools all of them often fools others too."
        ),
        paper="Xie et al. 2018, arXiv:1803.06978; Dong et al. 2019, arXiv:1904.02884; "
        "Zhao et al. 2020, arXiv:2012.11207",
        optimiser="sign_with_memory",
        step_share=0.15,
        rate=Ramp(1.0, 0.25),
        is_l1_normalised=True,
        blur=1.5,
        terms=(("logit", always(1.0)),),
        affine=RandomAffine(shift=24 / 224, zoom=0.25, views=1),
        keeps="end",
    ),
)
ATTACK_METHODS: dict[str, AttackMethod] = {row.key: row for row in _ROWS}
