"""The experiments of the chapter on training tricks, and what else was measured for it."""

from dataclasses import dataclass

from pages.shared.chapters import Chapter
from pages.shared.measured_examples import measured
from pages.shared.sitemap import TRAINING
from pages.shared.words import _, number
from tl_core.lab import gettext_noop as N_
from tl_core.specs.tricks import TRICKS, Trick

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
        question=N_("All layers, two learning rates: which does better?"),
        without=N_("learning rate 0.05"),
        with_it=N_("learning rate 0.0001"),
        happened=N_("Learning rate 0.05: {without:.1f} %; 0.0001: {with_it:.1f} %."),
        why=N_(
            "With steps that are far too long, even training accuracy ends up no better than a "
            "guess. Pretraining is lost, and five epochs don't bring it back."
        ),
        source="Bengio 2012, [arXiv:1206.5533](https://arxiv.org/abs/1206.5533).",
    ),
    Experiment(
        trick=_TRICKS["rate-of-a-head"],
        title=N_("the same for a head alone"),
        term="learning-rate",
        question=N_("A head alone, at the usual rate or a thousand times that: which does better?"),
        without=N_("learning rate 1"),
        with_it=N_("learning rate 0.001"),
        happened=N_("Learning rate 1: {without:.1f} %; 0.001: {with_it:.1f} %."),
        why=N_(
            "The frozen filters can't be damaged, and a linear head has only one lowest loss, "
            "without lesser dips to get stuck in. On digits the high rate even comes out ahead "
            "after 30 epochs; on cats and dogs it costs a little. Both keep their best epoch."
        ),
        source="Bengio 2012, [arXiv:1206.5533](https://arxiv.org/abs/1206.5533).",
    ),
    Experiment(
        trick=_TRICKS["scaling"],
        title=N_("input scaling left out"),
        term="input-normalisation",
        question=N_("Inputs from 0 to 255, or scaled as in pretraining: which does better?"),
        without=N_("0 to 255"),
        with_it=N_("scaled as in pretraining"),
        happened=N_("Unscaled {without:.1f} %, scaled {with_it:.1f} %."),
        why=N_(
            "The filters were learned for values around zero, and 0 to 255 is far out of their "
            "range. A head can make up for some of that on white strokes, less on colours, and "
            "least on photographs."
        ),
        source="LeCun et al. 1998, *Efficient BackProp*.",
    ),
    Experiment(
        trick=_TRICKS["momentum"],
        title=N_("momentum"),
        term="optimiser",
        question=N_("SGD with and without momentum: which does better after 30 epochs?"),
        without=N_("without momentum"),
        with_it=N_("momentum 0.9"),
        happened=N_("Without momentum {without:.1f} %, with it {with_it:.1f} %."),
        why=N_(
            "Steps that point the same way add up. At a learning rate of 0.01, a tenth of the one "
            "used here, that's worth eight to ten points. Once each side has its best rate, it's "
            "worth two or three on digits, and none on cats and dogs."
        ),
        source="Polyak 1964; Sutskever et al. 2013, *On the importance of initialization and "
        "momentum in deep learning*, ICML.",
    ),
    Experiment(
        trick=_TRICKS["adam"],
        title=N_("Adam"),
        term="optimiser",
        question=N_("SGD with momentum or AdamW, each at its best rate: which does better?"),
        without=N_("SGD with momentum"),
        with_it=N_("AdamW"),
        happened=N_("SGD {without:.1f} %, AdamW {with_it:.1f} %."),
        why=N_(
            "AdamW gives every weight a step size of its own. On digits, that's worth two or "
            "three points; on cats and dogs, nothing we could measure."
        ),
        source="Loshchilov & Hutter 2019, [arXiv:1711.05101](https://arxiv.org/abs/1711.05101).",
    ),
)
EXPERIMENTS = {row.key: row for row in _TABLE}

ALSO_MEASURED = (
    Pair(
        _TRICKS["head-first"],
        N_("The head first, then all layers"),
        "linear-probing",
        N_("all layers at once"),
        N_("head first"),
        N_(
            "Both had the same number of updates. On plain digits, like the ones they learned "
            "from, all layers at once did better. On digits with other backgrounds, starting with "
            "the head did: see below."
        ),
    ),
    Pair(
        _TRICKS["batch-norm"],
        N_("Batch normalisation: statistics kept or measured"),
        "batch-normalisation",
        N_("statistics measured during training"),
        N_("ImageNet's statistics kept"),
        N_("The five runs are too far apart to tell."),
    ),
    Pair(
        _TRICKS["clipping"],
        N_("Gradient clipping"),
        "gradient-clipping",
        N_("no limit"),
        N_("length at most 1"),
        N_(
            "With a limit, longer steps were best on digits. Without one, shorter steps did just "
            "as well."
        ),
    ),
    Pair(
        _TRICKS["flips"],
        N_("Flips when only the head learns"),
        "data-augmentation",
        N_("horizontal flip"),
        N_("none"),
        N_(
            "Most mirrored digits aren't digits any more; a mirrored cat is still a cat. Yet "
            "flips change next to nothing for either."
        ),
    ),
    Pair(
        _TRICKS["dropout"],
        N_("Dropout"),
        "dropout",
        N_("none"),
        "0.5",
        N_("Both learn nearly every training photograph by heart, and nothing else changes."),
    ),
    Pair(
        _TRICKS["weight-decay"],
        N_("Weight decay"),
        "regularisation",
        N_("none"),
        "1",
        N_("Here too, both learn nearly everything by heart, and nothing else changes."),
    ),
    Pair(
        _TRICKS["early-stopping"],
        N_("Early stopping"),
        "early-stopping",
        N_("200 epochs"),
        N_("stops after 5 epochs without a better one"),
        N_(
            "The lab keeps the best epoch anyway, so stopping saves time: about 30 updates "
            "instead of 400."
        ),
    ),
)
