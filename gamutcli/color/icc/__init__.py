"""ICC profiles: reading those of matrices and curves and those of tables, and writing those of the spaces we know.

Numbers of sections are those of ICC.1:2022; version 2 profiles follow ICC.1:2001-04.
"""

from gamutcli.color.icc.profile import PCS_WHITE, MatrixProfile, Profile, TableProfile, profile_of
from gamutcli.color.icc.read import MAX_PROFILE, read_profile
from gamutcli.color.icc.write import write_profile

__all__ = [
    "MAX_PROFILE",
    "PCS_WHITE",
    "MatrixProfile",
    "Profile",
    "TableProfile",
    "profile_of",
    "read_profile",
    "write_profile",
]
