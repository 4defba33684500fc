"""A flat-field applied to an array now, or to a signal when it is read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FlatFieldError
from ..lazy import adapt
from ..provenance import COMMENTS, comments_of, with_comment
from ..signal import Signal
from .corrected import CorrectedArray
from .frames import correct_frames
from .orientation import advice
from .positions import factor
from .record import sentence, to_values
from .settings import as_array, as_numbers
from .sources import size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..signal import ArrayLike, Axis
    from .flatfield import FlatField


def correct_array(
    ff: FlatField,
    frames: ArrayLike,
    at: float | Sequence[float] | None,
    monitor: float | Sequence[float] | None,
    out: np.ndarray | None,
) -> np.ndarray:
    """Correct frames that are in memory.

    Parameters
    ----------
    ff
        The correction.
    frames, at, monitor, out
        As for ``FlatField.__call__``.
    """
    raw = as_array(frames, "frames")
    what = "the frame" if raw.ndim < 3 else "the stack"
    if raw.ndim not in (2, 3) or raw.shape[-2:] != ff.frame_shape:
        raise _misfit(ff, what, raw.shape)
    if raw.dtype.kind not in "biuf":
        raise FlatFieldError(f"{what} is of type {raw.dtype}, not a real number")
    if out is None:
        out = np.empty(raw.shape, ff.dtype)
    elif not isinstance(out, np.ndarray) or not out.flags.writeable:
        raise FlatFieldError("out is no NumPy array that can be written to")
    elif out.shape != raw.shape or out.dtype != ff.dtype:
        raise FlatFieldError(
            f"out has shape {out.shape} and type {out.dtype}, the result {raw.shape} "
            f"and {ff.dtype}"
        )
    stack = raw.reshape(-1, *ff.frame_shape)
    _check_monitor(ff, what, monitor)
    where: Sequence[float | None] = [None] * len(stack)
    if at is None:
        ff = ff._for_frames(np.empty(0))
        _refuse_without_position(ff, what)
    else:
        where = _one_a_frame(at, len(stack), "position")
        ff = ff._for_frames(np.array(where))
        _refuse_nowhere(ff, what, where)
    beam = _one_a_frame(
        1.0 if monitor is None else monitor, len(stack), "monitor value"
    )
    correction = ff._correction
    recipes = [
        correction.recipe(frame.__getitem__, p, m)
        for frame, p, m in zip(stack, where, beam, strict=True)
    ]
    target = out.reshape(stack.shape)
    correct_frames(stack, target, recipes, correction.treatment())
    return out


def correct_signal(
    ff: FlatField, signal: Signal, monitor: Sequence[float] | Signal | ArrayLike | None
) -> Signal:
    """Correct a signal when it is read.

    Parameters
    ----------
    ff
        The correction.
    signal, monitor
        As for `FlatField.correct`.
    """
    if not isinstance(signal, Signal):
        raise FlatFieldError(
            f"raw is of type {type(signal).__name__}, not a Signal; make it one by "
            "Signal('raw', array)"
        )
    what = f"raw ({signal.origin})"
    if len(signal.shape) < 2 or signal.frame_shape != ff.frame_shape:
        raise _misfit(ff, what, signal.frame_shape)
    if signal.dtype.kind not in "biuf":
        raise FlatFieldError(f"{what} is of type {signal.dtype}, not a real number")
    _check_monitor(ff, what, monitor)
    number = _number_of(ff.along, signal)
    axis = signal.axes[number]
    if len(signal.shape) == 2:
        positions = np.empty(0)
        ff = ff._for_frames(positions)
        _refuse_without_position(ff, what)
    else:
        positions = axis.values * _factor(ff, axis)
        ff = ff._for_frames(axis.values)
        _refuse_nowhere(ff, what, positions)
    beam = None if monitor is None else _monitor(monitor, signal, number)
    data = CorrectedArray(adapt(signal.data), ff, positions, number, beam)
    return replace(
        signal,
        name=f"corrected_{signal.name}",
        data=data,
        role="raw",
        metadata=_documented(ff, signal, axis, positions, beam),
        path=None,
        dataset=None,
    )


def _documented(
    ff: FlatField,
    raw: Signal,
    axis: Axis,
    positions: np.ndarray,
    monitor: np.ndarray | None,
) -> dict[str, Any]:
    plan = ff._correction.plan
    values = to_values(ff)
    values["raw"] = raw.origin
    if ff.flat_positions and plan.axis is None:
        values["position_units"] = axis.units
    if len(raw.shape) > 2:
        values["frames_outside_the_flats"] = plan.outside(positions)
    if monitor is not None:
        values["monitor"] = monitor.ravel().tolist()
    comments = comments_of(raw.metadata)
    return {
        **raw.metadata,
        "flatfield": values,
        COMMENTS: with_comment(comments, sentence(values)),
    }


def _misfit(ff: FlatField, what: str, shape: tuple[int, ...]) -> FlatFieldError:
    plan = ff._correction.plan
    arranged = plan.flats or plan.darks
    assert arranged is not None
    kind = "darks" if plan.flats is None else "flats"
    frame = shape[-2:]
    return FlatFieldError(
        f"{what} has frames of {size(frame)} pixels, {kind} "
        f"({arranged.images.origin}) of {size(ff.frame_shape)}; "
        + advice(arranged.images.frame_shape, frame)
    )


def _refuse_without_position(ff: FlatField, what: str) -> None:
    if ff._correction.plan.needs_positions:
        raise FlatFieldError(
            f"{what} has no position along the scan to interpolate the flats at; say "
            "where (at=…), or use interpolation='mean'"
        )


def _refuse_nowhere(
    ff: FlatField, what: str, positions: Sequence[float | None] | np.ndarray
) -> None:
    found = np.asarray(positions, dtype=np.float64)
    if ff._correction.plan.needs_positions and not np.all(np.isfinite(found)):
        raise FlatFieldError(
            f"{what} has positions along the scan that are not finite; correct them, "
            "or use interpolation='mean'"
        )


def _check_monitor(ff: FlatField, what: str, monitor: object) -> None:
    has_flat_monitor = ff.scaling.flat_monitor is not None
    if has_flat_monitor and monitor is None:
        raise FlatFieldError(
            f"the flats have a monitor, {what} has none; give it: monitor=…"
        )
    if ff.mode == "flat" and monitor is not None and not has_flat_monitor:
        raise FlatFieldError(
            f"{what} has a monitor, the flats have none; give it: "
            "scaling=Scaling(flat_monitor=…)"
        )


def _one_a_frame(values: Any, frames: int, kind: str) -> list[float]:
    numbers = as_numbers(values, f"{kind}s")
    if numbers.ndim == 0:
        numbers = np.repeat(numbers, frames)
    if numbers.shape != (frames,):
        raise FlatFieldError(
            f"{frames} frames need one {kind} each, {numbers.size} were given"
        )
    return [float(number) for number in numbers]


def _monitor(values: Any, signal: Signal, number: int) -> np.ndarray:
    leading = signal.shape[:-2]
    numbers = as_numbers(values, "monitor")
    if numbers.shape == leading:
        return numbers
    if leading and numbers.shape == (leading[number],):
        shape = [1] * len(leading)
        shape[number] = len(numbers)
        return np.broadcast_to(numbers.reshape(shape), leading)
    raise FlatFieldError(
        f"raw ({signal.origin}) has frames in an array of shape {leading}, its monitor "
        f"has shape {numbers.shape}; one value a frame, or one a position is needed"
    )


def _number_of(along: str | None, signal: Signal) -> int:
    if along is None:
        return 0
    names = [axis.name for axis in signal.axes[:-2]]
    if along not in names:
        raise FlatFieldError(
            f"raw ({signal.origin}) has no axis {along!r} before its frames, but "
            + (", ".join(map(repr, names)) or "none")
        )
    return names.index(along)


def _factor(ff: FlatField, axis: Axis) -> float:
    """Convert positions of raw frames into the units of the references'."""
    plan = ff._correction.plan
    scale = factor(axis, plan.axis)
    if scale is None:
        arranged = plan.flats or plan.darks
        assert arranged is not None
        assert plan.axis is not None
        raise FlatFieldError(
            f"references ({arranged.images.origin}) lie along {plan.axis.units!r}, raw "
            f"frames along {axis.units!r}; give positions=[…] in {axis.units!r}"
        )
    return scale
