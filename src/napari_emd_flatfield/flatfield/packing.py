"""References kept in the smallest dtype that loses nothing of use.

The less memory a frame's correction reads, the faster it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .orientation import turn

if TYPE_CHECKING:
    from collections.abc import Iterable

_LARGEST_UINT16 = np.iinfo(np.uint16).max

# Beyond it float32 does not tell whole numbers apart.
_LARGEST_FLOAT32 = 2**24


def packed(
    images: Iterable[np.ndarray], count: int, orient: str, wide: bool
) -> np.ndarray:
    """Turn images and put them in one array, shape (n, y, x), as small as it can be.

    Parameters
    ----------
    images
        float64, shape (y, x), not to be used any more; one after another, so that
        they need not all be there twice.
    count
        How many, at least one.
    orient
        How to turn them.
    wide
        Whether fractions are kept in float64.
    """
    stack = np.empty(0, np.uint16)
    left = iter(images)
    for i in range(count):
        image = next(left)
        dtype = np.result_type(stack, _packed_dtype(image, wide))
        turned = turn(image, orient)
        if not i:
            stack = np.empty((count, *turned.shape), dtype)
        stack = stack.astype(dtype, copy=False)
        stack[i] = turned
        del image, turned  # before the next is made
    return stack


def _packed_dtype(image: np.ndarray, wide: bool) -> np.dtype[Any]:
    """Smallest dtype for a float64 image; what is infinite in it becomes NaN."""
    if all(_counts(row) for row in image):
        return np.dtype(np.uint16)
    # An infinite flat would let a finite result through.
    image[np.isinf(image)] = np.nan
    known = ~np.isnan(image)
    low = np.min(image, where=known, initial=0)
    high = np.max(image, where=known, initial=0)
    if wide or max(-low, high) > _LARGEST_FLOAT32:
        return image.dtype
    return np.dtype(np.float32)


def _counts(row: np.ndarray) -> bool:
    """Whether all values are whole numbers that uint16 can hold."""
    # Row by row, so that the first fraction ends it, and it takes no memory.
    least, most = row.min(), row.max()
    return bool(least >= 0 and most <= _LARGEST_UINT16 and np.all(row == np.rint(row)))
