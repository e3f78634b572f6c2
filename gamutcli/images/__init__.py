"""Pictures in and out: wide-gamut 16-bit files, and the reduced 8-bit ones.

Codecs are imported by the functions that need them, so that importing this package is quick.
"""

from gamutcli.images.decode import decode_reduced
from gamutcli.images.encode import DEFAULT_QUALITY, STORED_UPRIGHT, check_side, encode_reduced, lossy_quality
from gamutcli.images.files import format_of, read_bytes
from gamutcli.images.identify import sniff
from gamutcli.images.picture import MAX_PIXELS, Picture, believing, heeding_allow_large
from gamutcli.images.read import read_wide
from gamutcli.images.write import COMPRESSIONS, check_wide, write_wide

__all__ = [
    "COMPRESSIONS",
    "DEFAULT_QUALITY",
    "MAX_PIXELS",
    "STORED_UPRIGHT",
    "Picture",
    "believing",
    "check_side",
    "check_wide",
    "decode_reduced",
    "encode_reduced",
    "format_of",
    "heeding_allow_large",
    "lossy_quality",
    "read_bytes",
    "read_wide",
    "sniff",
    "write_wide",
]
