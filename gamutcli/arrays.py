"""Names for the arrays, and the names of files, that pass between the modules."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]
CodeArray = NDArray[np.uint8]
Code16Array = NDArray[np.uint16]
BoolArray = NDArray[np.bool_]
IndexArray = NDArray[np.intp]

#: What names a file.
StrPath = str | os.PathLike[str]
