"""Files appear whole or not at all, and what is there is never replaced unasked. What is in them is others' concern."""

from gamutcli.storage.publishing import Content, publish, publish_all
from gamutcli.storage.targets import check_other, check_target, means_no_file_on_windows
from gamutcli.storage.temporary import kept_of

__all__ = [
    "Content",
    "check_other",
    "check_target",
    "kept_of",
    "means_no_file_on_windows",
    "publish",
    "publish_all",
]
