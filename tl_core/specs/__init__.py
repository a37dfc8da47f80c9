"""Every spec and its snapshot: the vocabulary that pages, commands and handlers share."""

from tl_core.specs.attack.attack import Attack, AttackSnapshot, Gap
from tl_core.specs.attack.checks import (
    LevelTrial,
    Opinion,
    PasteBack,
    PasteBackSnapshot,
    SmallestBudget,
    SmallestSnapshot,
    Survival,
    SurvivalSnapshot,
    Transfer,
    TransferSnapshot,
    Trial,
)
from tl_core.specs.attack.goals import GROUPS, Goal, Group
from tl_core.specs.attack.methods import ATTACK_METHODS, AttackMethod
from tl_core.specs.attribution import (
    ATTRIBUTION_METHODS,
    Attribute,
    AttributeSnapshot,
    AttributionMap,
    ExplainedClass,
    Faithfulness,
    MethodRow,
)
from tl_core.specs.base import (
    DEFAULT_BACKBONE,
    OWN,
    PHOTO_PREFIX,
    Snapshot,
    SnapshotT,
    Spec,
    photo_keys,
    require,
    spec_from_json,
)
from tl_core.specs.classify import Answer, Classification, Classify
from tl_core.specs.datasets import (
    MAX_CLASSES,
    MIN_CLASSES,
    MIN_PHOTOS,
    OWN_DATASET,
    ClassPreview,
    ImportData,
    ImportSnapshot,
    OwnClasses,
    PreviewData,
    PreviewSnapshot,
    require_classes,
)
from tl_core.specs.download import Download, DownloadProgress
from tl_core.specs.features import (
    ChannelDetail,
    ChannelDetailSnapshot,
    FeatureMaps,
    FeatureMapsSnapshot,
    FeatureSpace,
    FeatureSpaceSnapshot,
    LayerFacts,
    Mosaic,
    OtherPhoto,
    SpaceMap,
    Spot,
)
from tl_core.specs.fine_tune import (
    AUGMENTATIONS,
    MODES,
    SCHEDULES,
    TRAINING_OPTIMISERS,
    ClassFigures,
    CurvePoint,
    EpochPoint,
    FineTune,
    FineTuneResult,
    FineTuneSnapshot,
    ModeRow,
    Prediction,
    mode_row,
)
from tl_core.specs.ideal import (
    IdealImage,
    IdealSnapshot,
    Judge,
    Move,
    StartPicture,
    StartSnapshot,
    Verdict,
    Verdicts,
)
from tl_core.specs.label_budget import BudgetPoint, LabelBudget, LabelBudgetSnapshot
from tl_core.specs.recipes import LADDER, RECIPES, Ramp, RandomAffine, Recipe
