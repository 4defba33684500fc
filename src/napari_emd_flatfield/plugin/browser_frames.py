"""The middle frame of a dataset, made small enough to glance at."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from math import ceil, prod
from typing import TYPE_CHECKING

import numpy as np

from ..errors import NoSignalError
from ..formats import read
from ..formats.entries import damage_named
from ..formats.searching import every_path
from ..formats.tree import is_image
from ..formats.wording import shape_text
from ..lazy import H5Array
from .contrast import contrast_limits

if TYPE_CHECKING:
    from ..lazy.files import SharedFile
    from ..signal import ArrayLike

# How a file lies on disk is told from all that is in it, which takes a moment
# for each object. In larger files, datasets are shown as they are stored.
_MOST_OBJECTS = 1000

_LARGEST_READ = 4096  # rows and columns; of larger frames the middle is shown
_LARGEST_SHOWN = 512


@dataclass(frozen=True)
class Preview:
    """A frame to glance at.

    Parameters
    ----------
    pixels
        Shape (y, x), uint8, at most 512 × 512.
    caption
        Which frame it is, and what black and white are.
    """

    pixels: np.ndarray
    caption: str


def preview(file: SharedFile, path: str) -> Preview | None:
    """Read the middle frame of a dataset.

    Parameters
    ----------
    file
        The file.
    path
        HDF5 path of a dataset, or of a group that holds an image.

    Returns
    -------
    Preview or None
        None when there is no image.

    Raises
    ------
    ReadError
        If it cannot be read.
    """
    with damage_named(file, path):
        data = _data(file, path)
    if data is None:
        return None
    # Not while the file is held: threads that help to read have to get at it too.
    middle = tuple(n // 2 for n in data.shape[:-2])
    rows, columns = (_middle(n) for n in data.shape[-2:])
    pixels = _shrunk(np.asarray(data[(*middle, rows, columns)]))
    low, high = contrast_limits(pixels)
    shades = (np.clip(pixels, low, high) - low) * (255 / (high - low))
    return Preview(
        np.nan_to_num(shades).astype(np.uint8),
        f"{_which(data.shape, middle)}black {low:.5g}, white {high:.5g}",
    )


def _data(file: SharedFile, path: str) -> ArrayLike | None:
    if any(islice(every_path(file), _MOST_OBJECTS, None)):
        return H5Array(file, path) if is_image(file.node(path)) else None
    try:
        return read(file.path, path, follow_external=file.follow_external)[0].data
    except NoSignalError:
        return None


def _which(shape: tuple[int, ...], middle: tuple[int, ...]) -> str:
    words = ""
    if prod(shape[:-2]) > 1:
        numbers = "×".join(str(i + 1) for i in middle)
        words = f"frame {numbers} of {shape_text(shape[:-2])}, "
    if max(shape[-2:]) > _LARGEST_READ:
        words += f"its middle of {shape_text(shape[-2:])} pixels, "
    return words


def _middle(size: int) -> slice:
    start = max(0, (size - _LARGEST_READ) // 2)
    return slice(start, start + _LARGEST_READ)


def _shrunk(frame: np.ndarray) -> np.ndarray:
    """Average blocks of pixels, without those that are not numbers."""
    values = np.abs(frame) if frame.dtype.kind == "c" else frame
    values = values.astype(np.float32)
    step = ceil(max(values.shape) / _LARGEST_SHOWN)
    if step == 1:
        return values
    (height, tall), (width, wide) = (
        (max(1, n // step), min(n, step)) for n in values.shape
    )
    blocks = values[: height * tall, : width * wide].reshape(height, tall, width, wide)
    good = np.isfinite(blocks)
    count = good.sum((1, 3))
    mean = np.where(good, blocks, 0).sum((1, 3)) / np.maximum(count, 1)
    return np.where(count > 0, mean, np.nan)
