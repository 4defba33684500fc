"""The pixel sizes py4DSTEM keeps apart from the dim vectors of its arrays.

    R_pixel_size R_pixel_units      of the scan (real space)
    Q_pixel_size Q_pixel_units      of the diffraction patterns

They are what its user has calibrated; the dim vectors of a datacube repeat
them, those of images derived from it count pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .. import units as _units
from ..signal import Axis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Calibration:
    """Pixel size and unit of real (``"R"``) and of diffraction space (``"Q"``).

    Parameters
    ----------
    steps
        Size and unit by space; a space that is not calibrated has none.
    """

    steps: Mapping[str, tuple[float, str]]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Take the calibration from the metadata that hold it.

        Parameters
        ----------
        values
            What the file says; anything unusable calibrates nothing.
        """
        steps = {}
        for space in "RQ":
            size = values.get(f"{space}_pixel_size")
            units = values.get(f"{space}_pixel_units")
            if not isinstance(size, int | float) or not isinstance(units, str):
                continue
            if np.isfinite(size) and size and _units.canonical(units) != _units.PIXEL:
                steps[space] = float(size), units
        return cls(steps)

    def applied(self, axes: Sequence[Axis]) -> list[Axis]:
        """Calibrate the axes that are named after one of the spaces.

        Parameters
        ----------
        axes
            Axes with names like ``"Rx"`` or ``"Q_y"``; others are kept.
        """
        return [self._applied(axis) for axis in axes]

    def _applied(self, axis: Axis) -> Axis:
        space, letter = axis.name[:1].upper(), axis.name[-1:].lower()
        if space not in self.steps or letter not in ("x", "y"):
            return axis
        size, units = self.steps[space]
        return Axis(axis.name, units, size * np.arange(len(axis)))
