"""Settings of a flat-field that belong together, as small immutable values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import FlatFieldError
from ..signal import Signal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..signal import ArrayLike

Mode = Literal["flat", "gain", "background"]

FORMULAS: dict[str, str] = {
    "flat": "(raw - dark) / (flat - dark)",
    "gain": "(raw - dark) * gain",
    "background": "raw - dark",
}


@dataclass(frozen=True)
class Reduction:
    """How many reference images become few.

    Parameters
    ----------
    method
        How images at one position are reduced: ``"mean"`` or ``"median"``. One flat
        for all frames is reduced as the interpolation says.
    series
        References whose positions differ by no more than this from the next are
        one series: one image at their mean position. When left out, those at
        the same position are, and those that follow each other in the numbering
        of an acquisition with no raw frame among them.
    leave_out, leave_out_darks
        Numbers of flats and darks not to use, from 0, in the order given.
    components
        Number of principal components for ``interpolation="dynamic"``; as many
        as stand out from noise when left out.
    """

    method: Literal["mean", "median"] = "mean"
    series: float | None = None
    leave_out: Sequence[int] = ()
    leave_out_darks: Sequence[int] = ()
    components: int | None = None

    def __post_init__(self) -> None:
        if self.method not in ("mean", "median"):
            raise FlatFieldError(
                f"reduction by {self.method!r} is not known; use 'mean' or 'median'"
            )
        if self.series is not None:
            _check_amount(self.series, "series", zero=True)
        components = self.components
        if components is not None and (
            not isinstance(components, int | np.integer) or components < 1
        ):
            raise FlatFieldError(
                f"components={components!r} must be a whole number, at least 1"
            )
        object.__setattr__(self, "leave_out", _whole(self.leave_out))
        object.__setattr__(self, "leave_out_darks", _whole(self.leave_out_darks))


@dataclass(frozen=True)
class Scaling:
    """What frames and references are multiplied with.

    Parameters
    ----------
    flat_monitor
        Beam current, monitor counts or exposure of each flat, or of each of a
        list of series: a dataset, array or sequence. Frames then need theirs.
    flat_factor, dark_factor
        What flats and darks are multiplied with, e.g. the exposure of the raw
        frames relative to theirs.
    air
        Rows and columns (top, bottom, left, right), the last ones not included,
        where nothing is in the beam: their mean becomes one in each frame.
    keep_counts
        Whether to multiply with the mean of flat - dark, so that the result is
        in counts again.
    """

    flat_monitor: Sequence[float] | Signal | ArrayLike | None = None
    flat_factor: float = 1.0
    dark_factor: float = 1.0
    air: tuple[int, int, int, int] | None = None
    keep_counts: bool = False

    def __post_init__(self) -> None:
        _check_amount(self.flat_factor, "flat_factor")
        _check_amount(self.dark_factor, "dark_factor")
        if self.flat_monitor is not None:
            monitor = as_numbers(self.flat_monitor, "flat_monitor").ravel()
            if not np.all((monitor > 0) & np.isfinite(monitor)):
                raise FlatFieldError(
                    f"flat_monitor must be positive and finite, not {monitor}; leave "
                    "flats out that have none: Reduction(leave_out=[…])"
                )
            object.__setattr__(self, "flat_monitor", tuple(monitor.tolist()))
        if self.air is not None:
            object.__setattr__(self, "air", _region(self.air))


@dataclass(frozen=True, eq=False)
class Pixels:
    """Which pixels cannot be believed.

    Parameters
    ----------
    threshold
        A pixel whose flat - dark is not above so many counts is dead.
    mask
        Pixels that are dead whatever they show, of the raw frames: an image that
        is not zero there, or coordinates of shape (n, 2): row, column.
    zinger
        A pixel that exceeds the median of its eight neighbours by more than this
        is a zinger (in units of the result: 1 is the open beam) and takes that
        median; none are looked for when left out.
    saturation
        Raw counts from which on a pixel is counted as saturated; the largest
        value of the raw frames' dtype when left out.
    """

    threshold: float = 0.0
    mask: ArrayLike | Signal | Sequence[tuple[int, int]] | None = None
    zinger: float | None = None
    saturation: float | None = None

    def __post_init__(self) -> None:
        _check_amount(self.threshold, "threshold", zero=True)
        if self.zinger is not None:
            _check_amount(self.zinger, "zinger")
        if self.saturation is not None:
            _check_amount(self.saturation, "saturation")
        if self.mask is not None:
            object.__setattr__(self, "mask", as_array(self.mask, "mask").copy())

    def bad(self, frame_shape: tuple[int, ...]) -> np.ndarray | None:
        """Image of the pixels masked.

        Parameters
        ----------
        frame_shape
            Height and width of the raw frames.

        Returns
        -------
        numpy.ndarray or None
            bool, shape (y, x); None without a mask.

        Raises
        ------
        FlatFieldError
            If the mask does not fit.
        """
        mask = np.asarray(self.mask)
        if self.mask is None or not mask.size:
            return None
        if mask.shape == frame_shape:
            return np.asarray(mask != 0)
        bad = np.zeros(frame_shape, np.bool_)
        pairs = mask.ndim == 2 and mask.shape[1] == 2 and mask.dtype.kind in "iu"
        if pairs and np.all((mask >= 0) & (mask < frame_shape)):
            bad[tuple(mask.T)] = True
            return bad
        raise FlatFieldError(
            f"the mask must be an image of {'×'.join(map(str, frame_shape))} pixels, "
            f"or rows and columns within it, not an array of shape {mask.shape} and "
            f"type {mask.dtype}"
        )


@dataclass(frozen=True)
class Output:
    """What becomes of the quotient.

    Parameters
    ----------
    log
        Whether to take -ln of it: absorbance instead of transmission.
    floor
        What it is raised to before, where it is smaller.
    clip
        Lowest and highest value to let through, after the logarithm; may be
        infinite. A result in integers stretches from one to the other.
    """

    log: bool = False
    floor: float = 1e-6
    clip: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        _check_amount(self.floor, "floor")
        if self.clip is None:
            return
        clip = tuple(as_numbers(self.clip, "clip").ravel().tolist())
        if len(clip) != 2 or not clip[0] < clip[1]:
            raise FlatFieldError(
                f"clip={self.clip} must be the lowest and highest value, e.g. (0, 2)"
            )
        object.__setattr__(self, "clip", clip)


def as_array(values: Any, what: str) -> np.ndarray:
    """Bring images from wherever into an array.

    Parameters
    ----------
    values
        A Signal, dataset, array or nested sequence.
    what
        What they are, for the message.
    """
    try:
        return np.asarray(values.data if isinstance(values, Signal) else values)
    except ValueError as error:
        raise FlatFieldError(f"{what} must have rows of one length") from error


def as_numbers(values: Any, what: str) -> np.ndarray:
    """Bring numbers from wherever into an array.

    Parameters
    ----------
    values
        A Signal, dataset, array or sequence.
    what
        What they are, for the message.

    Returns
    -------
    numpy.ndarray
        float64, of the shape given.
    """
    data = values.data if isinstance(values, Signal) else values
    try:
        return np.asarray(data, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise FlatFieldError(f"{what} must be numbers, not {values!r}") from error


def _check_amount(value: Any, what: str, *, zero: bool = False) -> None:
    number = as_numbers(value, what)
    good = number.ndim == 0 and (0 < number < np.inf or (zero and number == 0))
    if not good:
        raise FlatFieldError(
            f"{what}={value!r} must be {'0 or ' if zero else ''}positive and finite"
        )


def _whole(numbers: Sequence[int]) -> tuple[int, ...]:
    try:
        return tuple(int(n) for n in numbers)
    except (TypeError, ValueError) as error:
        raise FlatFieldError(
            f"references to leave out are given by number, e.g. [3, 7], not {numbers!r}"
        ) from error


def _region(air: Sequence[int]) -> tuple[int, ...]:
    region = _whole(air)
    if len(region) != 4 or not (
        0 <= region[0] < region[1] and 0 <= region[2] < region[3]
    ):
        raise FlatFieldError(
            f"air={air} must be top, bottom, left and right of a region, e.g. "
            "(0, 64, 0, 512)"
        )
    return region
