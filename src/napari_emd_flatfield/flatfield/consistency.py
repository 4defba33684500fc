"""Settings of a flat-field that make no sense together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import FlatFieldError
from . import interpolation
from .settings import FORMULAS
from .sources import size

if TYPE_CHECKING:
    from .flatfield import FlatField
    from .settings import Pixels


def check(ff: FlatField) -> None:
    """Raise `FlatFieldError` where settings contradict each other.

    Parameters
    ----------
    ff
        A flat-field, as far as the user gave it.
    """
    interpolation.check(ff.interpolation)
    if ff.mode not in FORMULAS:
        raise FlatFieldError(
            f"mode {ff.mode!r} is not known; use one of "
            + ", ".join(map(repr, FORMULAS))
        )
    if ff.mode == "background":
        if ff.flats is not None or ff.dark is None:
            raise FlatFieldError(
                "mode='background' subtracts a dark and uses no flats: "
                "FlatField(None, dark, mode='background')"
            )
    elif ff.flats is None:
        raise FlatFieldError(
            f"mode={ff.mode!r} needs flats; to subtract a dark only, use "
            "mode='background'"
        )
    if ff.mode != "flat" and ff.interpolation == "dynamic":
        raise FlatFieldError(
            f"interpolation='dynamic' takes flats apart, which mode={ff.mode!r} has not"
        )
    if ff.mode != "flat" and ff.scaling.flat_monitor is not None:
        raise FlatFieldError(f"mode={ff.mode!r} has no use for flat_monitor")
    if ff.output.log and ff.scaling.keep_counts:
        raise FlatFieldError(
            "-ln is taken of transmissions, not of counts; choose log or keep_counts"
        )
    try:
        dtype = np.dtype(ff.dtype)
        fill = np.nan if ff.fill == "median" else float(ff.fill)
    except (TypeError, ValueError) as error:
        raise FlatFieldError(
            f"fill={ff.fill!r} must be a number or 'median', and "
            f"dtype={ff.dtype!r} a type of numbers"
        ) from error
    whole = dtype.kind in "iu"
    largest = float(np.finfo(dtype if dtype.kind == "f" else np.float32).max)
    nowhere = whole and np.isnan(fill) and ff.fill != "median"
    if nowhere or abs(fill) > largest:
        raise FlatFieldError(
            f"dtype {dtype} cannot hold fill={fill}; use fill=0, 1 or 'median'"
            + (", or a float dtype" if whole else "")
        )


def check_regions(
    air: tuple[int, int, int, int] | None, pixels: Pixels, frame_shape: tuple[int, ...]
) -> None:
    """Raise `FlatFieldError` where a region or mask does not lie in the frame.

    Parameters
    ----------
    air, pixels
        As given to `FlatField`.
    frame_shape
        Height and width of the frames, in pixels.
    """
    pixels.bad(frame_shape)
    if air is not None and (air[1] > frame_shape[0] or air[3] > frame_shape[1]):
        raise FlatFieldError(
            f"air={air} reaches beyond frames of {size(frame_shape)} pixels"
        )
