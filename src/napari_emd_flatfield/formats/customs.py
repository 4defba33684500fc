"""What plain HDF5 files say of the axes of an image, by one custom or another.

dimension scales     h5py's ``dims``: labels, and vectors attached to axes
                     (netCDF-4, xarray; Delmic: one value, the pixel size)
axistags             ilastik: JSON with key, resolution and description an axis
element_size_um      ImageJ, ImSwitch, plantseg: voxel size (z, y, x) in µm
CLASS = IMAGE        HDF5's image specification: true colour has an rgb axis
MATLAB_class         MATLAB v7.3: axes are stored last to first
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from ..signal import Axis
from .attributes import text
from .dimvectors import coordinates
from .display import RGB
from .paths import stem
from .tree import child
from .values import value_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Attributes that hold the above, and references HDF5 keeps for itself.
BOOKKEEPING = {
    *("DIMENSION_LIST", "DIMENSION_LABELS", "REFERENCE_LIST"),
    *("axistags", "axis_units", "element_size_um", "CLASS", "MATLAB_class"),
}
_NAMELESS = "This is a netCDF dimension but not a netCDF variable"


def axes_of(dataset: h5py.Dataset, attributes: Mapping[str, Any]) -> list[Axis]:
    """Describe the axes of an image as well as the file does.

    Parameters
    ----------
    dataset
        The image.
    attributes
        Its attributes.

    Returns
    -------
    list of Axis
        In stored order; named y and x where nothing else is known.
    """
    shape = dataset.shape
    if stem(dataset.name) == "Image" and "DimensionScaleX" in dataset.parent:
        letters = "CTZYX"[-len(shape) :]
        scales = [child(dataset.parent, f"DimensionScale{key}") for key in letters]
        return list(map(_scaled, letters, scales, shape))
    if "DIMENSION_LIST" in attributes or "DIMENSION_LABELS" in attributes:
        return list(map(_attached, dataset.dims, shape))
    if len(tags := _tags(attributes)) == len(shape):
        return list(map(_stepped, *zip(*tags, strict=True), shape))
    names = _names(len(shape), attributes)
    voxel = attributes.get("element_size_um")
    if isinstance(voxel, list) and len(voxel) == 3:
        steps = ([0.0] * len(shape) + voxel)[-len(shape) :]
        names = ([""] * len(shape) + ["z", "y", "x"])[-len(shape) :]
        return list(map(_stepped, names, ["µm"] * len(shape), steps, shape))
    return list(map(Axis.index, shape, names))


def pixels(shape: Sequence[int]) -> tuple[Axis, ...]:
    """Axes of an image of which only the shape is known.

    Parameters
    ----------
    shape
        Frames last.
    """
    return tuple(map(Axis.index, shape, _names(len(shape), {})))


def _names(ndim: int, attributes: Mapping[str, Any]) -> list[str]:
    others = [""] * (ndim - 2)
    if "MATLAB_class" in attributes:
        return [*others, "x", "y"]
    if attributes.get("IMAGE_SUBCLASS") == "IMAGE_TRUECOLOR" and ndim == 3:
        planes = attributes.get("INTERLACE_MODE") == "INTERLACE_PLANE"
        return [RGB, "y", "x"] if planes else ["y", "x", RGB]
    return [*others, "y", "x"]


def _tags(attributes: Mapping[str, Any]) -> list[tuple[str, str, float]]:
    """Name, unit and step of each axis that ilastik describes."""
    if "axistags" not in attributes:
        return []
    try:
        axes = json.loads(attributes["axistags"]).get("axes", [])
        units = json.loads(attributes.get("axis_units", "{}"))
        return [
            (axis["key"], units.get(axis["key"], ""), float(axis.get("resolution", 0)))
            for axis in axes
        ]
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError):
        return []


def _stepped(name: str, units: str, step: float, size: int) -> Axis:
    if not np.isfinite(step) or step <= 0:
        return Axis.index(size, name)
    return Axis(name, units, step * np.arange(size))


def _attached(dimension: Any, size: int) -> Axis:
    if not len(dimension):
        return Axis.index(size, dimension.label)
    scale = dimension[0]
    if text(scale, "NAME").startswith(_NAMELESS):
        return Axis.index(size, stem(scale.name))
    return _scaled(dimension.label or stem(scale.name), scale, size)


def _scaled(name: str, scale: Any, size: int) -> Axis:
    if not isinstance(scale, h5py.Dataset) or scale.dtype.kind not in "biuf":
        return Axis.index(size, name)
    units = text(scale, "units", "unit", "UNIT")
    stored = np.ravel(value_of(scale)).astype(np.float64)
    if scale.shape == () or len(stored) == 1 < size:
        # One value is the size of a pixel, in metres unless it says otherwise.
        return _stepped(name, units or "m", float(stored[0]), size)
    values = coordinates(stored, size)
    return Axis.index(size, name) if values is None else Axis(name, units, values)
