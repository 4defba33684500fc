"""Flats and darks brought into one form: images at known positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FlatFieldError
from ..signal import Signal
from .interpolation import BY_POSITION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..signal import ArrayLike, Axis


@dataclass(frozen=True, eq=False)
class References:
    """Reduced references, ready to correct with.

    Parameters
    ----------
    flats
        Shape (n, y, x), in the order of `positions`.
    positions
        Ascending, shape (n,); empty where the one flat serves everywhere.
    axis
        The axis the positions were taken from; None where they were given as
        plain numbers, which then count in the units of the raw frames.
    dark
        Shape (y, x), or None.
    """

    flats: np.ndarray
    positions: np.ndarray
    axis: Axis | None
    dark: np.ndarray | None

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Height and width of the references, in pixels."""
        return self.flats.shape[1:]


def describe(source: Signal | ArrayLike | None) -> str:
    """Name references for messages and provenance.

    Parameters
    ----------
    source
        What the user gave.
    """
    if source is None:
        return "none"
    if isinstance(source, Signal):
        return source.origin
    return f"array of shape {np.shape(source)}"


def load(
    flats: Signal | ArrayLike,
    dark: Signal | ArrayLike | None,
    positions: Sequence[float] | None,
    interpolation: str,
) -> References:
    """Read references and reduce them to one image a position.

    Parameters
    ----------
    flats
        Shape (y, x) or (n, y, x).
    dark
        Shape (y, x) or (n, y, x), averaged; or None.
    positions
        One a flat; taken from the leading axis of `flats` when left out.
    interpolation
        Decides whether positions are needed, and how flats are reduced where
        they are not.

    Raises
    ------
    FlatFieldError
        If shapes do not fit, or several flats have no positions but need them.
    """
    images = _images(flats, "flats")
    average = None if dark is None else _mean(_images(dark, "dark"))
    if average is not None and average.shape != images.shape[1:]:
        raise FlatFieldError(
            f"dark ({describe(dark)}) has frames of {_size(average.shape)} pixels, "
            f"flats ({describe(flats)}) of {_size(images.shape[1:])}"
        )
    nowhere = np.empty(0)
    if interpolation not in BY_POSITION or len(images) == 1:
        if positions is not None and len(positions) != len(images):
            raise _wrong_count(flats, images, positions)
        return References(_reduce(images, interpolation), nowhere, None, average)
    where, axis = _positions(flats, images, positions)
    distinct, group = np.unique(where, return_inverse=True)
    if len(distinct) < len(images):
        images = np.stack([_mean(images[group == i]) for i in range(len(distinct))])
    elif np.any(np.diff(where) < 0):
        images = images[np.argsort(where)]
    return References(images, distinct, axis, average)


def _images(source: Signal | ArrayLike, what: str) -> np.ndarray:
    data = source.data if isinstance(source, Signal) else source
    try:
        images = np.asarray(data)
    except ValueError as error:
        raise FlatFieldError(
            f"{what}: images of different shapes cannot be used together"
        ) from error
    if images.dtype.kind not in "biuf":
        raise FlatFieldError(
            f"{what} ({describe(source)}): {images.dtype} is not a real number; "
            "give a Signal or an array"
        )
    if images.ndim not in (2, 3) or images.size == 0:
        raise FlatFieldError(
            f"{what} ({describe(source)}) must be of shape (y, x) or (n, y, x), "
            f"not {images.shape}"
        )
    return images if images.ndim == 3 else images[np.newaxis]


def _mean(images: np.ndarray) -> np.ndarray:
    # One image keeps its dtype: small integers are the least memory traffic.
    return np.asarray(
        images[0] if len(images) == 1 else images.mean(axis=0, dtype=np.float64)
    )


def _reduce(images: np.ndarray, interpolation: str) -> np.ndarray:
    if len(images) == 1 or interpolation == "first":
        return images[:1]
    if interpolation == "median":
        return np.asarray(np.median(images, axis=0, keepdims=True))
    return _mean(images)[np.newaxis]


def _positions(
    flats: Signal | ArrayLike,
    images: np.ndarray,
    positions: Sequence[float] | None,
) -> tuple[np.ndarray, Axis | None]:
    axis = None
    if positions is not None:
        where = np.asarray(positions, dtype=np.float64)
    elif isinstance(flats, Signal) and not flats.axes[0].is_index:
        axis = flats.axes[0]
        where = axis.values
    else:
        raise FlatFieldError(
            f"{len(images)} flats ({describe(flats)}) do not say where along the "
            "scan they were recorded; give their positions, e.g. "
            "positions=[0, 500], or use interpolation='mean'"
        )
    if where.shape != (len(images),):
        raise _wrong_count(flats, images, where)
    if not np.all(np.isfinite(where)):
        raise FlatFieldError(
            f"positions of flats ({describe(flats)}) must be finite, not {where}"
        )
    return where, axis


def _wrong_count(
    flats: Any, images: np.ndarray, positions: Sequence[float] | np.ndarray
) -> FlatFieldError:
    return FlatFieldError(
        f"{len(images)} flats ({describe(flats)}) need one position each, "
        f"{len(positions)} were given"
    )


def _size(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
