"""Axes of a NeXus plot: https://manual.nexusformat.org/datarules.html.

    plot/  @axes = [y, x]            names, the last of which are those of the frame
           @x_indices = 1            where an axis belongs, if not where it is named
    data   @axes = "y:x"             older files: on the signal
    y      @axis = 1 @primary = 1    the oldest: on each axis, counted from 1

An axis one longer than its signal holds the edges of bins; one of two values is an
offset and a step, as silx reads it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from ..signal import Axis
from .attributes import attributes, text
from .dimvectors import coordinates
from .tree import children
from .values import value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .tree import Node


def axes_of_plot(
    group: h5py.Group,
    child: Callable[[str], Node | None],
    described: Mapping[str, Any],
    shape: Sequence[int],
) -> list[Axis]:
    """Describe the axes of a signal.

    Parameters
    ----------
    group
        The NXdata group it is in.
    child
        Finds what is in that by name.
    described
        Attributes of the group and of the signal.
    shape
        Shape of the signal.

    Returns
    -------
    list of Axis
        In stored order; pixels where nothing is known.
    """
    axes = [Axis.index(size) for size in shape]
    names = texts(described.get("axes"))
    if len(names) == 1:
        names = re.split(r"[:,]", names[0].strip("[] "))
    # Fewer names than axes are those of the last ones.
    first = max(0, len(axes) - len(names))
    for position, name in enumerate((each.strip() for each in names), first):
        where = described.get(f"{name}_indices", position)
        if where not in range(len(axes)):
            where = position
        if name not in ("", ".") and where < len(axes):
            axes[where] = _axis(child(name), name, len(axes[where]))
    if not names:
        for where, name in _numbered(group).items():
            if where in range(len(axes)):
                axes[where] = _axis(child(name), name, len(axes[where]))
    return axes


def texts(value: Any) -> list[str]:
    """Read an attribute that holds a name, or several.

    Parameters
    ----------
    value
        As `attributes` gives it; None where there is none.
    """
    if value is None:
        return []
    return [str(each) for each in (value if isinstance(value, list) else [value])]


def _numbered(group: h5py.Group) -> dict[int, str]:
    """Names of axes that say themselves where they belong, the primary one each."""
    found: dict[int, str] = {}
    for name, node in children(group):
        own = attributes(node) if isinstance(node, h5py.Dataset) else {}
        number = str(own.get("axis", ""))
        if number.isdecimal():
            where = int(number) - 1
            if where not in found or str(own.get("primary")) == "1":
                found[where] = name
    return found


def _axis(stored: Node | None, name: str, size: int) -> Axis:
    if not isinstance(stored, h5py.Dataset) or stored.dtype.kind not in "biuf":
        return Axis.index(size, name)
    values = np.ravel(value_of(stored)).astype(np.float64)
    if len(values) == size + 1:
        values = (values[:-1] + values[1:]) / 2
    elif len(values) == 2 != size:
        values = values[0] + values[1] * np.arange(size)
    known = coordinates(values, size) if len(values) == size else None
    if known is None:
        return Axis.index(size, name)
    return Axis(name, text(stored, "units"), known)
