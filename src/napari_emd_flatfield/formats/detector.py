"""Axes of what a detector recorded: its frames, and its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np

from ..signal import Axis
from .attributes import text
from .tree import child
from .values import value_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .tree import Node

# What the leading axis of a stack counts: where along the scan a frame lies.
POSITION = "position"

# Numbers of frames in an acquisition have a unit, so that a flat recorded as
# frame 0 is known to lie there, rather than merely to come first.
FRAME = "frame"


def axes_of_frames(
    shape: Sequence[int], positions: np.ndarray | None, detector: Node | None
) -> tuple[Axis, ...]:
    """Describe frames by their numbers and by the size of the detector's pixels.

    Parameters
    ----------
    shape
        Shape of the frames, (…, y, x).
    positions
        Number of each frame in its acquisition, shape (n,); None where unknown.
    detector
        Group that holds x_pixel_size and y_pixel_size, or neither, or None.
    """
    axes = [Axis.index(size) for size in shape]
    if positions is not None:
        axes[0] = Axis(POSITION, FRAME, positions)
    elif len(axes) > 2:
        axes[0] = Axis.index(shape[0], POSITION)
    for position, letter in ((-2, "y"), (-1, "x")):
        axes[position] = _pixels(detector, letter, shape[position])
    return tuple(axes)


def _pixels(detector: Node | None, letter: str, size: int) -> Axis:
    if isinstance(detector, h5py.Group):
        for name in (f"{letter}_pixel_size", f"pixel_size_{letter}"):
            stored = child(detector, name)
            if not isinstance(stored, h5py.Dataset) or stored.size != 1:
                continue
            pixel = float(np.ravel(value_of(stored))[0])
            if np.isfinite(pixel) and pixel > 0:
                units = text(stored, "units", "unit") or "m"
                return Axis(letter, units, pixel * np.arange(size))
    return Axis.index(size, letter)
