"""One unit a kind of axis for all layers of a file.

napari shows units only while all layers agree on them, so an image in pixels
beside one in nm would take them from both. Numbers are read most easily between
one and some thousands: a Velox image of 1.1e-7 m is one of 110 nm.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING, Any

from .. import units as _units
from ..formats.display import RGB
from ..formats.skipping import listed, warn
from ..signal import Axis, Signal

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pint

# Of these, pint's prefixes make readable units; "kg m²/s²" would not be one.
_KINDS = ({"[length]": 1}, {"[length]": -1}, {"[time]": 1})
_READABLE = (0.1, 1e5)


def in_one_system(signals: Sequence[Signal]) -> list[tuple[Axis, ...]]:
    """Calibrate signals that are shown together.

    Parameters
    ----------
    signals
        The signals of a file.

    Returns
    -------
    list of tuple of Axis
        The axes to show each with. Lengths, reciprocal lengths and times are in
        one unit each: the one they have, if they agree and their numbers are
        readable, else one in which the longest axis is. Frames that are not
        calibrated are shown like others of their shape, those of which one axis is
        with square pixels; numbers that then still have no unit are shown in that
        of the others. Of the latter two a warning tells.
    """
    like = [_calibrated_like(signal, signals) for signal in signals]
    axes = _with_units([*map(_square_pixels, like)], is_index=False)
    spans: dict[str, list[Any]] = defaultdict(list)
    for axis in chain(*axes):
        unit: Any = axis.unit
        if kind := _kind(axis):
            spans[kind].append(abs(axis.scale) * max(len(axis), 1) * unit)
    targets = {kind: _common(found) for kind, found in spans.items()}
    converted = [tuple(_converted(a, targets) for a in each) for each in axes]
    changed = [
        signal
        for signal, before, after in zip(signals, like, axes, strict=True)
        if after != before
    ]
    # Pixels last: as one metre each they would not be readable beside nanometres.
    shown = _with_units(converted, is_index=True)
    changed += [
        signal
        for signal, before, after in zip(signals, converted, shown, strict=True)
        if after != before and signal not in changed
    ]
    _warn_of_lent_units(changed)
    return shown


def _warn_of_lent_units(signals: Sequence[Signal]) -> None:
    if signals:
        names = listed([signal.name for signal in signals])
        warn(
            f"{signals[0].path or 'a signal'} says no unit for some axes ({names}): "
            "napari shows them in that of the others; corrections and saved files "
            "leave them without"
        )


def shown_unit(axis: Axis) -> pint.Unit | str:
    """The unit napari shows an axis in: pixels where it takes no other.

    Parameters
    ----------
    axis
        Any axis.
    """
    unit = axis.unit
    return _units.PIXEL if unit is None or not str(f"{unit:~C}") else unit


def continued(before: Axis, shown: Axis, after: Axis) -> Axis:
    """Show an axis that has grown as it was shown when it was shorter.

    Parameters
    ----------
    before, shown
        The axis as it was, and what it was shown as.
    after
        The axis as it is now.
    """
    if after.units != before.units:
        return after
    factor = factor_between(before.units, shown.units)
    if factor is None:
        factor = shown.scale / before.scale
    values = shown.offset + (after.values - before.offset) * factor
    return Axis(shown.name, shown.units, values)


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


def _calibrated_like(signal: Signal, others: Sequence[Signal]) -> tuple[Axis, ...]:
    """Axes of a signal; those of frames of its shape if its own only count pixels."""
    frame = signal.axes[-2:]
    if not all(axis.is_index for axis in frame):
        return signal.axes
    return signal.axes[:-2] + next(
        (
            other.axes[-2:]
            for other in others
            if other.frame_shape == signal.frame_shape
            and all(_has_unit(axis) for axis in other.axes[-2:])
        ),
        frame,
    )


def _with_units(
    axes: Sequence[tuple[Axis, ...]], *, is_index: bool
) -> list[tuple[Axis, ...]]:
    """Give axes without a unit, pixels or not, that of those along the same axis."""
    known: dict[int, Axis] = {}
    for each in axes:
        for place, axis in enumerate(reversed(each)):
            if _has_unit(axis):
                known.setdefault(place, axis)
    return [
        tuple(
            _in_unit_of(axis, known[place])
            if place in known and axis.is_index == is_index
            else axis
            for place, axis in zip(reversed(range(len(each))), each, strict=True)
        )
        for each in axes
    ]


def _square_pixels(axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
    """Give the half of a frame that only counts pixels the step of the other half."""
    *leading, y, x = axes
    if y.is_index and _kind(x):
        y = Axis(y.name, x.units, abs(x.scale) * y.values)
    elif x.is_index and _kind(y):
        x = Axis(x.name, y.units, abs(y.scale) * x.values)
    return (*leading, y, x)


def _in_unit_of(axis: Axis, other: Axis) -> Axis:
    if _has_unit(axis) or axis.name == RGB:
        return axis
    return Axis(axis.name, other.units, axis.values)


def _has_unit(axis: Axis) -> bool:
    return str(shown_unit(axis)) != _units.PIXEL


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
