"""Find the photograph among a TIFF's pages: thumbnails, pyramids and masks lie beside it, or around it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, cast

from gamutcli.errors import InputError
from gamutcli.images.reading import Reading, choose

if TYPE_CHECKING:
    import tifffile

_REDUCED, _MASK = 1, 4  # bits of NewSubfileType
_THUMBNAIL = 513  # JPEGInterchangeFormat: how Exif keeps one
_OLD_JPEG = 6
# A file that says to hold more is damaged, or none that a photograph is in.
_MOST_PAGES = 2_000


def photograph(path: str, file: tifffile.TiffFile, reading: Reading) -> tuple[tifffile.TiffPage, tuple[str, ...]]:
    """Find the one full-size picture, or the one that was chosen.

    A page at most half as wide and high as another is a smaller copy or the like, whether it says so or not.

    Returns:
        The page, and notes for the user.

    Raises:
        InputError: There is none, or there are several and none was chosen.
    """
    pages = list(islice(_chain(file), _MOST_PAGES + 1))
    if len(pages) > _MOST_PAGES:
        raise InputError(f"{path}: holds more than {_MOST_PAGES} pages; export the picture alone.")
    found = [page for page in pages if _is_picture(page)] or [page for page in _below(pages) if _is_picture(page)]
    if not found:
        raise InputError(f"{path}: holds nothing but a thumbnail; export the picture as a 16-bit TIFF.")
    full = found if reading.page is not None else [page for page in found if not _is_small(page, found)]
    if len(full) > 1:
        choose(path, reading, len(found))
    page = full[0] if reading.page is None else full[choose(path, reading, len(found))]
    left_out = len(found) - 1
    what = "a smaller picture in the file was" if left_out == 1 else f"{left_out} smaller pictures in the file were"
    return page, (f"{what} left out; --page N chooses one",) if left_out and reading.page is None else ()


def _chain(file: tifffile.TiffFile) -> Iterator[tifffile.TiffPage]:
    yield from cast("Iterable[tifffile.TiffPage]", file.pages)


def _below(pages: list[tifffile.TiffPage]) -> Iterator[tifffile.TiffPage]:
    """Yield the pages that hang below others: cameras hang the photograph below its thumbnail."""
    for page in pages:
        if page.subifds:
            yield from islice(cast("Iterable[tifffile.TiffPage]", page.pages or ()), _MOST_PAGES)


def _is_picture(page: tifffile.TiffPage) -> bool:
    is_thumbnail = int(page.compression) == _OLD_JPEG and _THUMBNAIL in page.tags
    return not page.subfiletype & (_REDUCED | _MASK) and not (is_thumbnail and page.index)


def _is_small(page: tifffile.TiffPage, others: list[tifffile.TiffPage]) -> bool:
    return any(
        2 * page.imagewidth <= other.imagewidth and 2 * page.imagelength <= other.imagelength for other in others
    )
