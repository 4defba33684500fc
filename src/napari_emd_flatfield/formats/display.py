"""The order in which axes are shown: y down, x right, whatever the file has.

Storage order is never changed; names decide, and without telling names the
stored order stands. HyperSpy and tomviz store x, y, z; Prismatic R_x, R_y, Q_x,
Q_y; most others z, y, x.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..lazy import LazyArray
    from ..signal import Axis

# "x", "Rx", "R_x", "det x", "scanX"; not "index" or "energy".
_NAME = re.compile(r"((?:[A-Za-z]?|.*[\W_])[xyXY])|(.*[a-z][XY])", re.DOTALL)
# "x [nm]", "y (pixels)", "X axis"
_DECORATION = re.compile(r"\s*(\[[^][]*\]|\([^()]*\)|[\s_-]axis)$", re.IGNORECASE)
# "Qx", "kx", "dx", "Detector x", "diffX"
_RECIPROCAL = re.compile(r"[qk].*|d|det.*|diff.*")
_POSITIONS = ("scan", "tilt")

# Name of the axis that holds the colours of a pixel; it comes first.
RGB = "rgb"


def display_order(names: Sequence[str]) -> tuple[int, ...]:
    """Find the order that puts the frame last, y before x.

    Parameters
    ----------
    names
        Axis names in stored order; one called ``"rgb"`` is put first.

    Returns
    -------
    tuple of int
        For each displayed axis the stored one.
    """
    colour = [axis for axis, name in enumerate(names) if name == RGB]
    return (
        *colour,
        *(axis for axis in _frame_last(tuple(names)) if axis not in colour),
    )


@lru_cache(maxsize=256)  # a file of a thousand images has few kinds of them
def _frame_last(names: tuple[str, ...]) -> tuple[int, ...]:
    pairs = _pairs(names)
    if not pairs:
        return tuple(range(len(names)))
    y, x = pairs[_frame(list(pairs))]
    others = [axis for axis in range(len(names)) if axis not in (y, x)]
    if others and min(others) > max(y, x) and x < y:
        # Fortran-like order (x, y, z, t): the slowest axis is stored last.
        others.reverse()
    for scan_y, scan_x in pairs.values():
        if scan_y in others and others.index(scan_x) < others.index(scan_y):
            first, second = others.index(scan_x), others.index(scan_y)
            others[first], others[second] = scan_y, scan_x
    return (*others, y, x)


def _frame(pairs: Sequence[str]) -> str:
    """Which pair of axes is the image, not where the beam was for it."""
    reciprocal = [pair for pair in pairs if _RECIPROCAL.fullmatch(pair)]
    images = [pair for pair in pairs if not pair.startswith(_POSITIONS)]
    return (reciprocal[:1] or images[-1:] or pairs[-1:])[0]


def _pairs(names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Axes that belong together as (y, x), by what their names share."""
    found: dict[str, dict[str, int]] = {}
    for axis, name in enumerate(names):
        stripped = _DECORATION.sub("", name.strip())
        if _NAME.fullmatch(stripped):
            shared, letter = stripped[:-1].lower(), stripped[-1].lower()
            found.setdefault(shared.strip("_ -."), {})[letter] = axis
    return {k: (v["y"], v["x"]) for k, v in found.items() if len(v) == 2}


def in_display_order(
    data: LazyArray, axes: Sequence[Axis], *, by_name: bool = True
) -> tuple[LazyArray, tuple[Axis, ...]]:
    """Permute an array and its axes, as views, into display order.

    Parameters
    ----------
    data
        Array in stored order.
    axes
        Its axes.
    by_name
        False where the file itself says that the frame is stored last.
    """
    names = [axis.name if by_name or axis.name == RGB else "" for axis in axes]
    order = display_order(names)
    return data.transpose(*order), tuple(axes[i] for i in order)
