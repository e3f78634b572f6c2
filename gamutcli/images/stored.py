"""A large picture that stays in its file: its rows are read when they are wanted.

Memory that a process has never touched costs more time than reading again what the system keeps of the file.  A map of
the file would do as well, but where another program cuts the file short, or a share is gone, the system ends a process
that looks into its map.
"""

from __future__ import annotations

import math
import os
import weakref
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from gamutcli.errors import InputError
from gamutcli.images.files import changed

#: Whether rows can be read from any place of a file, by several threads at a time.
CAN_STAY = hasattr(os, "preadv")
#: Bytes of a picture from which on it stays in its file.
WORTH_STAYING = 1 << 24
#: Bytes that are read at once: some systems refuse more than 2 GB.
_MOST = 1 << 30


class StoredCodes:
    """(height, width, channels) of a file, for those who take rows of an array.

    ``codes[rows]`` and ``codes[rows, columns]`` read those rows; ``np.asarray`` reads all of them.

    Args:
        name: The file, for the message of an error.
        file: Its descriptor, which is closed when this is forgotten.
        dtype: Of the codes in the file.
        offset: Where they begin.
        shape: All of them lie there, row behind row.
    """

    ndim = 3

    def __init__(self, name: str, file: int, dtype: np.dtype[Any], offset: int, shape: tuple[int, int, int]) -> None:
        self.shape = shape
        self.dtype = dtype.newbyteorder("=")
        self.size = math.prod(shape)
        self.nbytes = self.size * dtype.itemsize
        self._name, self._file, self._stored, self._offset = name, file, dtype, offset
        self._row_bytes = self.nbytes // len(self)
        weakref.finalize(self, os.close, file)

    def __reduce__(self) -> NoReturn:
        raise TypeError("an open file is neither copied nor sent to another process")

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[Any]:
        rows, *others = key if isinstance(key, tuple) and key else (key,)
        if not isinstance(rows, slice):
            return self[:][key]  # type: ignore[no-any-return]
        start, stop, step = rows.indices(len(self))
        if step == 1:
            found = self._read(start, max(0, stop - start))
            return found[(slice(None), *others)] if others else found
        pieces = [self._read(row, 1)[(slice(None), *others)] for row in range(start, stop, step)]
        return np.concatenate(pieces) if pieces else self[:0][(slice(None), *others)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:].astype(dtype or self.dtype, copy=False)

    def _read(self, row: int, count: int) -> NDArray[Any]:
        """Read rows.

        Raises:
            InputError: They are there no more.
        """
        codes = np.empty((count, *self.shape[1:]), self._stored)
        room, place = memoryview(codes.reshape(-1).view(np.uint8).data), self._offset + row * self._row_bytes
        while room:
            try:
                read = os.preadv(self._file, [room[:_MOST]], place)
            except OSError as error:
                reason = error.strerror or str(error)
                raise InputError(f"{self._name}: cannot be read any more ({reason}); try again.") from error
            if not read:
                raise changed(self._name)
            room, place = room[read:], place + read
        return codes.astype(self.dtype, copy=False)
