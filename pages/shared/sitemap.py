"""The pages of the lab as rows: to add a page, add a row."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageRow:
    """One page: where it is, what it is called, what a visitor will do there."""

    path: str
    title: str
    icon: str
    invitation: str

    @property
    def lesson(self) -> str:
        """The name of the page's lesson text."""
        return self.path.removeprefix("pages/").removesuffix(".py")


HOME = PageRow("pages/home.py", "Home", ":material/home:", "")
BACKBONES = PageRow(
    "pages/backbones.py",
    "Backbones",
    ":material/account_tree:",
    "Pick a trained network, show it a photograph, and see who is right: the big one or the "
    "fast one.",
)
FEATURE_MAPS = PageRow(
    "pages/feature_maps.py",
    "Feature maps",
    ":material/grid_view:",
    "Slide through the layers and watch a cat turn into edges, fur, ears and ideas.",
)
WHY = PageRow(
    "pages/why.py",
    "Why?",
    ":material/help:",
    "Ask the network for its reasons, and test whether they are the real ones.",
)
TEACH = PageRow(
    "pages/teach.py",
    "Teach it",
    ":material/school:",
    "Drop four photographs of your cat and four of your dog, and watch the network learn to tell "
    "them apart in seconds.",
)
IDEAL = PageRow(
    "pages/ideal.py",
    "Ideal image",
    ":material/brush:",
    "Let the network draw its ideal cat, or zebra, from pure noise, and steer it while it draws.",
)
ATTACK = PageRow(
    "pages/attack.py",
    "Fool it",
    ":material/theater_comedy:",
    "Drop a dog and turn it into a cat by a change that nobody can see.",
)
PAGES = (BACKBONES, FEATURE_MAPS, WHY, TEACH, IDEAL, ATTACK)
