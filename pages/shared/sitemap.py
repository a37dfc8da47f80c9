"""The pages of the lab as rows: to add a page, add a row."""

from dataclasses import dataclass

from tl_core.lab import gettext_noop as N_


@dataclass(frozen=True, slots=True)
class PageRow:
    """One page: where it is, what it is called, what a visitor will do there."""

    topic: str  # its folder, and the name of its lesson text
    title: str
    icon: str
    invitation: str = ""
    elsewhere: str | None = None  # the end of its URL, where that is not the topic

    @property
    def address(self) -> str:
        """The end of its URL."""
        return self.topic if self.elsewhere is None else self.elsewhere

    @property
    def path(self) -> str:
        """Its file, as Streamlit asks for it."""
        return f"pages/{self.topic}/page.py"


HOME = PageRow("home", N_("Home"), ":material/home:", elsewhere="")
BACKBONES = PageRow(
    "backbones",
    N_("Backbones"),
    ":material/account_tree:",
    N_(
        "Pick a pretrained network, show it a photograph, and see who is right: the big "
        "one or the fast one."
    ),
)
FEATURE_MAPS = PageRow(
    "feature_maps",
    N_("Feature maps"),
    ":material/grid_view:",
    N_(
        "Slide through the layers of a convolutional network (CNN) and watch a cat turn "
        "into edges, fur and ears."
    ),
)
ATTRIBUTION = PageRow(
    "attribution",
    N_("Why?"),
    ":material/help:",
    N_(
        "Ask the network for its reasons with saliency maps such as Grad-CAM, and test "
        "whether they are faithful."
    ),
    elsewhere="why",
)
TRAINING = PageRow(
    "training",
    N_("Teach it"),
    ":material/school:",
    N_(
        "Transfer learning: drop four photographs of your cat and four of your dog, and "
        "watch the network learn to tell them apart in seconds. Then fine-tune it."
    ),
    elsewhere="teach",
)
IDEAL = PageRow(
    "ideal",
    N_("Ideal image"),
    ":material/brush:",
    N_(
        "Feature visualisation: let the network draw its ideal cat, or zebra, from pure "
        "noise, and steer it while it draws."
    ),
)
ATTACK = PageRow(
    "attack",
    N_("Fool it"),
    ":material/theater_comedy:",
    N_("An adversarial attack: take a dog and turn it into a cat with a change nobody can see."),
)
PATH = PageRow(
    "path",
    N_("Your path"),
    ":material/route:",
    N_("Six chapters with a question each, five experiments, four exercises, two quizzes."),
)
TRICKS = PageRow("tricks", N_("Training tricks"), ":material/science:")
GLOSSARY = PageRow("glossary", N_("Glossary"), ":material/dictionary:")
HISTORY = PageRow("history", N_("From VGG to today"), ":material/history:")
TRANSFER = PageRow("transfer", N_("When does transfer learning help?"), ":material/compare_arrows:")
PAGES = (BACKBONES, FEATURE_MAPS, ATTRIBUTION, TRAINING, IDEAL, ATTACK)
# in the order of the navigation
ALL_PAGES = (HOME, *PAGES, PATH, TRICKS, GLOSSARY, HISTORY, TRANSFER)
