"""The table of data sets. To add one, add a row; nothing else asks for its name."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from tl_core.datasets import coloured_digits
from tl_core.datasets.packaged import PackagedPhotos, digits, faces
from tl_core.errors import gettext_noop as N_
from tl_core.fetching import DownloadRequest, mirrored


@dataclass(frozen=True, slots=True)
class Handful:
    """A few photographs of each class, read out of a zip by HTTP range requests."""

    per_class: int
    size_bytes: int  # about what travels: the photographs and the zip's directory


@dataclass(frozen=True, slots=True)
class DataArchive:
    """A zip or tar file on its publisher's server."""

    url: str
    size_bytes: int
    md5: str  # hexadecimal; empty where the publisher gives none
    class_of: Callable[[PurePosixPath], str | None]  # a member's class; None: not a photograph
    handful: Handful | None = None  # None: all of it is the data set

    @property
    def file_name(self) -> str:
        """Name of the downloaded file."""
        return self.url.rsplit("/", 1)[1]

    def request(self, folder: Path, mirror: str, keep_free_bytes: int) -> DownloadRequest:
        """What fetches the archive into ``folder``, from ``mirror`` if one is set.

        ``keep_free_bytes`` of the disk stay free.
        """
        return DownloadRequest(
            url=mirrored(self.url, mirror),
            target=folder / self.file_name,
            md5=self.md5,
            size_bytes=self.size_bytes,
            keep_free_bytes=keep_free_bytes,
        )


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """One data set in the picker."""

    key: str  # stable id for links and tests, and its folder in TL_DATA_DIR
    label: str  # what visitors read
    classes: int
    photographs: int  # about, as published
    licence: str  # where it comes from and who may use it
    is_unlike_imagenet: bool
    source: DataArchive | Callable[[], PackagedPhotos]  # the latter reads an installed package

    @property
    def download_bytes(self) -> int:
        """Size of the download, 0 for what an installed package holds."""
        if not isinstance(self.source, DataArchive):
            return 0
        return (self.source.handful or self.source).size_bytes


def _folder_below(parent: str) -> Callable[[PurePosixPath], str | None]:
    """A member's class is the name of its folder, which lies in ``parent``."""

    def class_of(member: PurePosixPath) -> str | None:
        parts = member.parts
        is_photo = len(parts) >= 3 and parts[-3] == parent and member.suffix.lower() == ".jpg"
        return parts[-2] if is_photo else None

    return class_of


def _breed(member: PurePosixPath) -> str | None:
    """``images/great_pyrenees_12.jpg`` is a Great Pyrenees; cats' breeds begin in upper case."""
    found = re.fullmatch(r"(.+)_\d+\.jpg", member.name)
    return found[1].replace("_", " ").title() if found else None


_CATS_AND_DOGS = DataArchive(
    url="https://download.microsoft.com/download/3/E/1/"
    "3E1C3F21-ECDB-4869-8368-6DEBA77B919F/kagglecatsanddogs_5340.zip",
    size_bytes=824_887_076,
    md5="",
    class_of=_folder_below("PetImages"),
)

_DIGITS = DatasetRow(
    key="digits",
    label=N_("Handwritten digits"),
    classes=10,
    photographs=1797,
    licence=N_("UCI's optical recognition of handwritten digits, in scikit-learn; CC BY 4.0"),
    is_unlike_imagenet=True,
    source=digits,
)

# The first that is on the machine is what an empty Teach page offers.
DATASETS: tuple[DatasetRow, ...] = (
    DatasetRow(
        key="cats_and_dogs_handful",
        label=N_("Cats and dogs, a handful"),
        classes=2,
        photographs=300,
        licence=N_("Microsoft Research and Petfinder.com; Microsoft's licence for research"),
        is_unlike_imagenet=False,
        source=replace(_CATS_AND_DOGS, handful=Handful(per_class=150, size_bytes=12_500_000)),
    ),
    _DIGITS,
    DatasetRow(
        key="faces",
        label=N_("Faces and not faces"),
        classes=2,
        photographs=200,
        licence=N_("Labeled Faces in the Wild, a subset in scikit-image; for research"),
        is_unlike_imagenet=True,
        source=faces,
    ),
    replace(
        _DIGITS,
        key="coloured_digits",
        label=N_("Digits with a shortcut in the background"),
        source=coloured_digits.telling,
    ),
    replace(
        _DIGITS,
        key="coloured_digits_at_random",
        label=N_("The same digits, random backgrounds"),
        source=coloured_digits.at_random,
    ),
    replace(
        _DIGITS,
        key="coloured_digits_grey",
        label=N_("The same digits, all on grey"),
        source=coloured_digits.grey,
    ),
    DatasetRow(
        key="microsoft_cats_and_dogs",
        label=N_("Cats and dogs (Microsoft, 25,000)"),
        classes=2,
        photographs=25_000,
        licence=N_("Microsoft Research and Petfinder.com; Microsoft's licence for research"),
        is_unlike_imagenet=False,
        source=_CATS_AND_DOGS,
    ),
    DatasetRow(
        key="oxford_iiit_pet",
        label=N_("Pet breeds (Oxford-IIIT, 37)"),
        classes=37,
        photographs=7390,
        licence=N_("Parkhi et al. 2012, University of Oxford; CC BY-SA 4.0"),
        is_unlike_imagenet=False,
        # No handful of it: a tar.gz has no directory and unpacks from its beginning only.
        source=DataArchive(
            url="https://www.robots.ox.ac.uk/~vgg/data/pets/data/images.tar.gz",
            size_bytes=791_918_971,
            md5="5c4f3ee8e5d25df40f4fd59a7f44e54c",
            class_of=_breed,
        ),
    ),
    DatasetRow(
        key="eurosat",
        label=N_("Satellite pictures (EuroSAT)"),
        classes=10,
        photographs=27_000,
        licence=N_("Helber et al. 2019, from Copernicus Sentinel-2; MIT"),
        is_unlike_imagenet=True,
        source=DataArchive(
            url="https://huggingface.co/datasets/torchgeo/eurosat/resolve/"
            "c877bcd43f099cd0196738f714544e355477f3fd/EuroSAT.zip",
            size_bytes=94_280_567,
            md5="c8fa014336c82ac7804f0398fcb19387",
            class_of=_folder_below("2750"),
        ),
    ),
)
