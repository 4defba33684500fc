"""One unit a kind of axis for all layers of a file.

napari shows units only while all layers agree on them, and numbers are read
most easily between one and some thousands: a Velox image of 1.1e-7 m is one of
110 nm.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .. import units as _units
from ..signal import Axis, Signal

if TYPE_CHECKING:
    from collections.abc import Sequence

# Of these, pint's prefixes make readable units; "kg m²/s²" would not be one.
_KINDS = ({"[length]": 1}, {"[length]": -1}, {"[time]": 1})
_READABLE = (0.1, 1e5)


def in_one_system(signals: Sequence[Signal]) -> list[Signal]:
    """Convert the axes of signals that are shown together.

    Parameters
    ----------
    signals
        The signals of a file.

    Returns
    -------
    list of Signal
        Lengths, reciprocal lengths and times are in one unit each: the one they
        have, if they agree and their numbers are readable, else one in which the
        longest axis is. All else is unchanged.
    """
    spans: dict[str, list[Any]] = defaultdict(list)
    for signal in signals:
        for axis in signal.axes:
            unit: Any = axis.unit
            if kind := _kind(axis):
                spans[kind].append(abs(axis.scale) * max(len(axis), 1) * unit)
    targets = {kind: _common(found) for kind, found in spans.items()}
    return [
        replace(signal, axes=tuple(_converted(a, targets) for a in signal.axes))
        for signal in signals
    ]


def factor_between(units: str, wanted: str) -> float | None:
    """What coordinates are multiplied with to change their units.

    Parameters
    ----------
    units, wanted
        Any spelling; what is not understood counts as pixels, as napari shows it.

    Returns
    -------
    float or None
        None where one cannot be converted into the other.
    """
    have, want = (_units.parse(_shown(text)) for text in (units, wanted))
    if have is None or want is None or not have.is_compatible_with(want):
        return None
    return float((1 * have).to(want).magnitude)


def _shown(units: str) -> str:
    return units if _units.parse(units) is not None and units else _units.PIXEL


def _kind(axis: Axis) -> str:
    unit = axis.unit
    if unit is None:
        return ""
    dimensions = dict(unit.dimensionality)
    return str(dimensions) if dimensions in _KINDS else ""


def _common(spans: list[Any]) -> Any:
    longest = max(spans)
    low, high = _READABLE
    if len({span.units for span in spans}) == 1 and low <= longest.magnitude < high:
        return longest.units
    return longest.to_base_units().to_compact().units


def _converted(axis: Axis, targets: dict[str, Any]) -> Axis:
    target, unit = targets.get(_kind(axis)), axis.unit
    if target is None or unit is None or target == unit:
        return axis
    factor = (1 * unit).to(target).magnitude
    return Axis(axis.name, f"{target:~C}", axis.values * factor)
