"""Many images to one, without holding them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    # Reads the rows asked for of the image of a number, shape (rows, x).
    Read = Callable[[int, slice], np.ndarray]

# The median needs all values of a pixel at once: so many rows of every image as
# fit in here. Fewer bands mean fewer times that a compressed image is decoded.
_BAND_BYTES = 256 * 2**20


def reduce(
    read: Read, numbers: Sequence[int], shape: tuple[int, int], method: str
) -> np.ndarray:
    """Reduce images to one.

    Parameters
    ----------
    read
        Reads rows of an image.
    numbers
        Which images, at least one.
    shape
        Their height and width.
    method
        ``"mean"`` or ``"median"``.

    Returns
    -------
    numpy.ndarray
        Shape (y, x), float64.
    """
    everything = slice(0, shape[0])
    if len(numbers) == 1:
        return np.asarray(read(numbers[0], everything), np.float64)
    if method == "median":
        return _median(read, numbers, shape)
    total = np.zeros(shape)
    for number in numbers:
        total += read(number, everything)
    total /= len(numbers)
    return total


def _median(read: Read, numbers: Sequence[int], shape: tuple[int, int]) -> np.ndarray:
    height, width = shape
    result = np.empty(shape)
    rows = max(1, _BAND_BYTES // max(1, len(numbers) * width * result.itemsize))
    for top in range(0, height, rows):
        band = slice(top, min(top + rows, height))
        values = np.stack([read(number, band) for number in numbers])
        result[band] = np.median(values, axis=0, overwrite_input=True)
    return result
