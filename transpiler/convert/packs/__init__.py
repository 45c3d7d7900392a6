"""What other people's packs make of workflows, one file per pack. A new pack is a file here and a line below."""

from .crystools import CRYSTOOLS
from .custom_scripts import CUSTOM_SCRIPTS
from .easy_use import EASY_USE
from .efficiency import EFFICIENCY
from .essentials import ESSENTIALS
from .impact import IMPACT, INSPIRE
from .kjnodes import KJNODES
from .lora_manager import LORA_MANAGER
from .mtb import MTB
from .mxtoolkit import MXTOOLKIT
from .rgthree import RGTHREE
from .use_everywhere import USE_EVERYWHERE
from .video_helper_suite import VIDEO_HELPER_SUITE

PACKS = (
    CRYSTOOLS,
    CUSTOM_SCRIPTS,
    EASY_USE,
    EFFICIENCY,
    ESSENTIALS,
    IMPACT,
    INSPIRE,
    KJNODES,
    LORA_MANAGER,
    MTB,
    MXTOOLKIT,
    RGTHREE,
    USE_EVERYWHERE,
    VIDEO_HELPER_SUITE,
)
