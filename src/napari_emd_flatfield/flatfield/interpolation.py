"""Which flats make up the flat of a position, and in what proportion."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np

from ..errors import FlatFieldError

Interpolation = Literal["linear", "nearest", "mean", "median", "first"]
INTERPOLATIONS: tuple[str, ...] = get_args(Interpolation)

# Modes that need to know where along the scan each flat was recorded.
BY_POSITION = ("linear", "nearest")


class Mix(NamedTuple):
    """``flats[before] * (1 - weight) + flats[after] * weight``."""

    before: int
    after: int
    weight: float


def check(interpolation: str) -> None:
    """Raise `FlatFieldError` unless it names a way to interpolate.

    Parameters
    ----------
    interpolation
        What the user asked for.
    """
    if interpolation not in INTERPOLATIONS:
        raise FlatFieldError(
            f"interpolation {interpolation!r} is not known; use one of "
            + ", ".join(map(repr, INTERPOLATIONS))
        )


def mix_at(position: float, positions: np.ndarray, interpolation: str) -> Mix:
    """Find the flats on both sides of a position and the weight of the later.

    Parameters
    ----------
    position
        Where the frame lies, in the units of `positions`.
    positions
        Where the flats lie, ascending, shape (n,).
    interpolation
        ``"linear"`` or ``"nearest"``; anything else has one flat only.

    Returns
    -------
    Mix
        Before the first and after the last flat it is that flat alone.
    """
    last = len(positions) - 1
    # One flat for all frames has no position.
    if last < 1 or position <= positions[0]:
        return Mix(0, 0, 0.0)
    if position >= positions[last]:
        return Mix(last, last, 0.0)
    after = int(np.searchsorted(positions, position, side="right"))
    before = after - 1
    weight = (position - positions[before]) / (positions[after] - positions[before])
    if interpolation == "nearest":
        chosen = after if weight > 0.5 else before
        return Mix(chosen, chosen, 0.0)
    return Mix(before, after, float(weight))
