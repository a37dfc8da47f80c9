"""The experiments of the chapter on training tricks, and what else was measured for it."""

from dataclasses import dataclass

from pages.shared.chapters import Chapter
from pages.shared.measured_examples import measured
from pages.shared.sitemap import TRAINING
from pages.shared.words import _, number
from tl_core.lab import gettext_noop as N_
from tl_core.training.tricks import TRICKS, Trick

WITHOUT, WITH, SAME = "without", "with", "same"  # the answers: which run ends better
_TO_DO = N_("Now press Start.")
_DATA = {  # of the benchmark
    "digits": N_("digits"),
    "coloured_digits_at_random": N_("digits on colours"),
    "cats_vs_dogs": N_("cats and dogs"),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs that differ in a trick, and what was learned from them."""

    trick: Trick
    title: str
    term: str  # of the glossary
    without: str  # what the runs are called
    with_it: str
    why: str  # one or two sentences

    def measured_words(self) -> str:
        """What the benchmark says of it, on each data set that it was measured on."""
        found = []
        for data, tricks in measured("tricks.json").items():
            if self.trick.key not in tricks:
                continue
            mean, low, high = tricks[self.trick.key]["difference"]
            words = _("{data} {mean} points ({low} to {high})").format(
                data=_(_DATA[data]),
                mean=number(100 * mean, "+.1f"),
                low=number(100 * low, "+.1f"),
                high=number(100 * high, "+.1f"),
            )
            found.append(words)
        words = _("“{with_it}” against “{without}”: {found}.")
        names = {"with_it": _(self.with_it), "without": _(self.without)}
        return words.format(**names, found="; ".join(found))


@dataclass(frozen=True, slots=True)
class Experiment(Pair):
    """A pair that visitors run themselves, with a question to guess first."""

    question: str
    happened: str  # with both accuracies, in per cent
    source: str  # Markdown

    @property
    def key(self) -> str:
        """Its name in links."""
        return self.trick.key

    @property
    def chapter(self) -> Chapter:
        """Its question, as pages ask one."""
        answers = {WITHOUT: self.without, WITH: self.with_it, SAME: N_("about the same")}
        return Chapter(TRAINING, self.question, answers, _TO_DO, self.happened, part=self.key)


_TRICKS = {trick.key: trick for trick in TRICKS}
_TABLE = (
    Experiment(
        trick=_TRICKS["rate"],
        title=N_("a learning rate that is too high"),
        term="learning-rate",
        question=N_("All layers, two learning rates: which ends better?"),
        without=N_("learning rate 0.05"),
        with_it=N_("learning rate 0.0001"),
        happened=N_("Learning rate 0.05: {without:.1f} %; 0.0001: {with_it:.1f} %."),
        why=N_(
            "Steps that are far too long wreck the pretrained filters at once, and no later step "
            "brings them back. A head alone forgives more: its loss has a single valley."
        ),
        source="Bengio 2012, [arXiv:1206.5533](https://arxiv.org/abs/1206.5533).",
    ),
    Experiment(
        trick=_TRICKS["head-first"],
        title=N_("the head first, then all layers"),
        term="linear-probing",
        question=N_("All layers at once, or the head first: which ends better?"),
        without=N_("all layers at once"),
        with_it=N_("head first"),
        happened=N_("All layers at once {without:.1f} %, the head first {with_it:.1f} %."),
        why=N_(
            "An untrained head is wrong about everything, so its gradients are large and push good "
            "filters anywhere. A head that knows its classes asks for small corrections. On cats "
            "and dogs, which the filters fit already, we found no difference."
        ),
        source="Kumar et al. 2022, [arXiv:2202.10054](https://arxiv.org/abs/2202.10054).",
    ),
    Experiment(
        trick=_TRICKS["batch-norm"],
        title=N_("batch normalisation kept or learned"),
        term="batch-normalisation",
        question=N_("Digits are not photographs: keep ImageNet's statistics, or learn new ones?"),
        without=N_("statistics learned anew"),
        with_it=N_("ImageNet's statistics kept"),
        happened=N_("Learned anew {without:.1f} %, kept {with_it:.1f} %."),
        why=N_(
            "Mean and variance of these pictures, and of a network that changes quickly, are not "
            "those of ImageNet; measured anew they keep every layer's values in range. Keeping "
            "them is for few photographs that look like ImageNet's, and for small batches."
        ),
        source="Ioffe & Szegedy 2015, [arXiv:1502.03167](https://arxiv.org/abs/1502.03167).",
    ),
    Experiment(
        trick=_TRICKS["clipping"],
        title=N_("gradient clipping"),
        term="gradient-clipping",
        question=N_("SGD with long steps: does it help to limit the gradient's length?"),
        without=N_("no limit"),
        with_it=N_("length at most 1"),
        happened=N_("Without a limit {without:.1f} %, clipped {with_it:.1f} %."),
        why=N_(
            "The first gradients of an untrained head are many times as long as later ones, and "
            "one such step is enough to leave the valley. Clipping keeps their direction and "
            "limits their length."
        ),
        source="Pascanu et al. 2013, [arXiv:1211.5063](https://arxiv.org/abs/1211.5063).",
    ),
    Experiment(
        trick=_TRICKS["momentum"],
        title=N_("momentum"),
        term="optimiser",
        question=N_("SGD with and without momentum: which is ahead after 30 epochs?"),
        without=N_("without momentum"),
        with_it=N_("momentum 0.9"),
        happened=N_("Without momentum {without:.1f} %, with it {with_it:.1f} %."),
        why=N_(
            "Steps that point the same way add up, so the same learning rate goes up to ten times "
            "as far. More epochs would let the slow one catch up."
        ),
        source="Polyak 1964; Sutskever et al. 2013, *On the importance of initialization and "
        "momentum in deep learning*, ICML.",
    ),
    Experiment(
        trick=_TRICKS["scaling"],
        title=N_("input scaling left out"),
        term="input-normalisation",
        question=N_("Inputs from 0 to 255, or scaled as in pretraining: which ends better?"),
        without=N_("0 to 255"),
        with_it=N_("scaled as in pretraining"),
        happened=N_("Unscaled {without:.1f} %, scaled {with_it:.1f} %."),
        why=N_(
            "The filters were learned for values around zero. Fed with 0 to 255 they are far out "
            "of range: of photographs much is lost, of white strokes on black little."
        ),
        source="LeCun et al. 1998, *Efficient BackProp*.",
    ),
)
EXPERIMENTS = {row.key: row for row in _TABLE}

ALSO_MEASURED = (
    Pair(
        _TRICKS["rate-of-a-head"],
        N_("Learning rate of a head alone"),
        "learning-rate",
        "1",
        "0.001",
        N_(
            "A thousand times the usual rate does a linear head no harm, on digits rather the "
            "contrary: its loss has a single valley, and the best epoch is kept."
        ),
    ),
    Pair(
        _TRICKS["adam"],
        N_("Adam"),
        "optimiser",
        N_("SGD with momentum"),
        N_("AdamW"),
        N_(
            "At the same learning rate AdamW goes further in 30 epochs. A higher rate gives SGD "
            "most of that too."
        ),
    ),
    Pair(
        _TRICKS["schedule"],
        N_("Warm-up and cosine decay"),
        "learning-rate",
        N_("constant rate"),
        N_("warm-up, then cosine decay"),
        N_(
            "At a rate that is a little too high it saves most trainings on cats and dogs, and few "
            "on digits: the first steps are short, and do less harm."
        ),
    ),
    Pair(
        _TRICKS["augmentation"],
        N_("Augmentation"),
        "data-augmentation",
        N_("none"),
        N_("crop, flip and colour"),
        N_("Ten epochs are short, and altered pictures take longer to learn."),
    ),
    Pair(
        _TRICKS["flips"],
        N_("Flips for a head"),
        "data-augmentation",
        N_("horizontal flip"),
        N_("none"),
        N_("A mirrored digit is no digit; a mirrored cat is a cat. Both change next to nothing."),
    ),
    Pair(
        _TRICKS["dropout"],
        N_("Dropout"),
        "dropout",
        N_("none"),
        "0.5",
        N_("On a head of one layer it shows nothing: there is little to learn by heart."),
    ),
    Pair(
        _TRICKS["weight-decay"],
        N_("Weight decay"),
        "regularisation",
        N_("none"),
        "1",
        N_("It shows nothing in 100 epochs of a head."),
    ),
    Pair(
        _TRICKS["early-stopping"],
        N_("Early stopping"),
        "early-stopping",
        N_("200 epochs"),
        N_("stops after 5 epochs without a better one"),
        N_(
            "The lab keeps the best epoch in any case, so it saves time and no accuracy; where "
            "progress is slow it stops too early."
        ),
    ),
)
