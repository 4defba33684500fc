"""Anything given as references, as images that are not read yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FlatFieldError
from ..lazy import adapt
from ..signal import Signal
from .positions import factor
from .settings import as_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..lazy import LazyArray
    from ..signal import ArrayLike, Axis

    Source = Signal | ArrayLike
    Sources = Source | Sequence[Source]

# Metadata of a signal that holds references as this package reduced them.
REDUCED = "flatfield_reduced"


@dataclass(frozen=True, eq=False)
class Images:
    """Reference images, read one by one.

    Parameters
    ----------
    arrays
        Each of shape (y, x) or (n, y, x), all frames of one shape.
    origins
        Where each array comes from.
    positions
        Where along the scan each image was recorded, shape (n,); None if unknown.
    axis
        The axis the positions were taken from; None where they were given as
        plain numbers, which then count in the units of the raw frames.
    monitor
        Beam current or the like of each image, shape (n,); None if unknown.
    kept
        Numbers of the images that are used.
    reduced
        Whether they were reduced by this package before: nothing is left to be
        subtracted from them or to be scaled.
    """

    arrays: tuple[LazyArray, ...]
    origins: tuple[str, ...]
    positions: np.ndarray | None
    axis: Axis | None
    monitor: np.ndarray | None
    kept: tuple[int, ...]
    reduced: bool

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Height and width of the images as they are stored, in pixels."""
        height, width = self.arrays[0].shape[-2:]
        return height, width

    @property
    def origin(self) -> str:
        """Where they come from, in a word."""
        return ", ".join(dict.fromkeys(self.origins))

    def read(self, number: int, rows: slice) -> np.ndarray:
        """Read rows of one image.

        Parameters
        ----------
        number
            Counts through all arrays, from 0.
        rows
            Bounded, of step 1.

        Returns
        -------
        numpy.ndarray
            Shape (rows, x), in the dtype it is stored in.
        """
        for array in self.arrays:
            held = _held(array)
            if number < held:
                break
            number -= held
        index = (number,) if array.ndim == 3 else ()
        return np.asarray(array[(*index, rows)])


def gather(
    sources: Sources,
    what: str,
    positions: Sequence[float] | None,
    leave_out: Sequence[int] = (),
    monitor: Sequence[float] | Signal | ArrayLike | None = None,
) -> Images:
    """Find the images in what the user gave, without reading them.

    Parameters
    ----------
    sources
        A Signal or array of shape (y, x) or (n, y, x), or several of them.
    what
        ``"flats"`` or ``"dark"``, for messages.
    positions
        One an image, or one for each of several sources; taken from their
        leading axes when left out.
    leave_out
        Numbers of images not to use.
    monitor
        One an image, or one for each of several sources.

    Raises
    ------
    FlatFieldError
        If these are not images, or not one position each.
    """
    given = _as_list(sources, what)
    arrays = tuple(_array(source, what) for source in given)
    shapes = {array.shape[-2:] for array in arrays}
    if len(shapes) > 1:
        sizes = " and ".join(sorted(size(shape) for shape in shapes))
        raise FlatFieldError(
            f"{what}: images of different shapes ({sizes} pixels) cannot be used "
            "together"
        )
    counts = [_held(array) for array in arrays]
    origins = tuple(_origin(source) for source in given)
    label = f"{what} ({', '.join(origins)})"
    reduced = any(_is_reduced(source) for source in given)
    if reduced:
        monitor = None
    where, axis = None, None
    if positions is not None:
        where = _one_each(positions, counts, label, "position")
    else:
        where, axis = _own_positions(given, what)
    return Images(
        arrays,
        origins,
        where,
        axis,
        None if monitor is None else _one_each(monitor, counts, label, "monitor value"),
        _kept(sum(counts), leave_out, what),
        reduced,
    )


def size(shape: Sequence[int]) -> str:
    """Height and width as text, e.g. ``"540×640"``."""
    return "×".join(map(str, shape))


def _as_list(sources: Any, what: str) -> list[Any]:
    if not isinstance(sources, list | tuple):
        return [sources]
    try:
        if sources and all(np.ndim(_data(source)) >= 2 for source in sources):
            return list(sources)
        return [np.asarray(sources)]
    except ValueError as error:
        raise FlatFieldError(
            f"{what}: images of different shapes cannot be used together"
        ) from error


def _data(source: Any) -> Any:
    return source.data if isinstance(source, Signal) else source


def _array(source: Any, what: str) -> LazyArray:
    data = _data(source)
    if not hasattr(data, "dtype") or not hasattr(data, "shape"):
        data = np.asarray(data)
    if np.dtype(data.dtype).kind not in "biuf":
        raise FlatFieldError(
            f"{what} ({_origin(source)}): {data.dtype} is not a real number; give a "
            "Signal or an array"
        )
    if len(data.shape) not in (2, 3) or 0 in data.shape:
        raise FlatFieldError(
            f"{what} ({_origin(source)}) must be of shape (y, x) or (n, y, x), not "
            f"{tuple(data.shape)}"
        )
    return adapt(data)


def _held(array: LazyArray) -> int:
    return array.shape[0] if array.ndim == 3 else 1


def _origin(source: Any) -> str:
    if isinstance(source, Signal):
        return source.origin
    return f"array of shape {np.shape(source)}"


def _is_reduced(source: Any) -> bool:
    return isinstance(source, Signal) and bool(source.metadata.get(REDUCED))


def _one_each(
    values: Sequence[float] | Signal | ArrayLike,
    counts: list[int],
    label: str,
    kind: str,
) -> np.ndarray:
    numbers = as_numbers(values, f"{kind}s of {label}")
    total = sum(counts)
    if numbers.shape == (len(counts),):
        numbers = np.repeat(numbers, counts) if len(counts) > 1 else numbers
    if numbers.shape != (total,):
        raise FlatFieldError(
            f"{total} {label} need one {kind} each, {numbers.size} were given"
        )
    if not np.all(np.isfinite(numbers)):
        raise FlatFieldError(f"{kind}s of {label} must be finite, not {numbers}")
    return numbers


def _own_positions(
    sources: list[Any], what: str
) -> tuple[np.ndarray | None, Axis | None]:
    axes = [
        source.axes[0]
        for source in sources
        if isinstance(source, Signal)
        and len(source.shape) == 3
        and not source.axes[0].is_index
    ]
    if not axes or len(axes) < len(sources):
        return None, None
    factors = [factor(axis, axes[0]) for axis in axes]
    if None in factors:
        units = " and ".join(sorted({repr(axis.units) for axis in axes}))
        raise FlatFieldError(
            f"{what} lie along axes in {units}; give their positions, e.g. 0 and 500"
        )
    values = [axis.values * (f or 1.0) for axis, f in zip(axes, factors, strict=True)]
    return np.concatenate(values), axes[0]


def _kept(total: int, leave_out: Sequence[int], what: str) -> tuple[int, ...]:
    for number in leave_out:
        if not 0 <= number < total:
            raise FlatFieldError(
                f"there is no {what} number {number} to leave out: there are {total}, "
                "counted from 0"
            )
    kept = tuple(n for n in range(total) if n not in set(leave_out))
    if not kept:
        raise FlatFieldError(f"all {total} {what} are left out; keep at least one")
    return kept
