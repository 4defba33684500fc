"""EMD dim vectors as axes, however they were written.

The EMD 0.2 specification lets a linear dim vector be cut to its first two
values. Real files also hold vectors of shape (n, 1), single values, strings,
all zeros, NaN, or the wrong length; a vector that gives no step calibrates
nothing, so its axis counts pixels.
"""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

from ..signal import Axis
from .attributes import decode, text
from .values import value_of


def axis_from_dim(dim: Any, size: int) -> Axis:
    """Make an axis from a dim vector.

    Parameters
    ----------
    dim
        The object stored as ``dimK``; anything but a dataset counts as missing.
    size
        Number of elements along the axis.

    Returns
    -------
    Axis
        With the stored coordinates where there is one for each element, or more;
        those extrapolated from the first two where there are at least two;
        otherwise indices in pixels.
    """
    if not isinstance(dim, h5py.Dataset):
        return Axis.index(size)
    name, units = text(dim, "name"), text(dim, "units", "unit")
    shape, kind = dim.shape, dim.dtype.kind
    if kind not in "biuf":
        # Early fpd files store the name itself where the vector belongs.
        value = decode(value_of(dim)) if shape == () else None
        return Axis.index(size, name or (value if isinstance(value, str) else ""))
    if not shape or labels_from_dim(dim, size) is not None:
        return Axis.index(size, name)
    stored = np.ravel(value_of(dim)).astype(np.float64)
    values = coordinates(stored, size)
    if values is None:
        return Axis.index(size, name)
    return Axis(name, units, values)


def labels_from_dim(dim: Any, size: int) -> list[Any] | None:
    """Read what a dim vector says of each index besides a coordinate.

    Parameters
    ----------
    dim
        The object stored as ``dimK``.
    size
        Number of elements along the axis.

    Returns
    -------
    list or None
        A text each where the axis stacks named images, several numbers each
        where it has more than one coordinate (Prismatic's tilts); None for an
        ordinary dim vector.
    """
    shape = dim.shape if isinstance(dim, h5py.Dataset) else None
    if not shape or shape[0] != size:
        return None
    dtype = dim.dtype
    if len(shape) == 1 and h5py.check_string_dtype(dtype) is not None:
        return [str(decode(value)).rstrip() for value in value_of(dim)]
    if len(shape) == 2 and shape[1] > 1 and dtype.kind in "iuf":
        return [decode(row) for row in value_of(dim)]
    return None


def coordinates(stored: np.ndarray, size: int) -> np.ndarray | None:
    """Expand a stored dim vector to one coordinate an element.

    Parameters
    ----------
    stored
        What the file holds, shape (m,).
    size
        Number of elements along the axis.

    Returns
    -------
    numpy.ndarray or None
        Shape (size,), float64; None where the vector gives no step.
    """
    stored = stored[:size]
    if len(stored) == size and np.all(np.isfinite(stored)):
        return stored if size < 2 or np.any(stored != stored[0]) else None
    if len(stored) < 2 or len(stored) == size:
        return None
    step = stored[1] - stored[0]
    if not np.isfinite(step) or step == 0:
        return None
    return np.asarray(stored[0] + step * np.arange(size))
