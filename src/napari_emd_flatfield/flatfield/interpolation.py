"""Which references make up those of a position, and in what proportion."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np

from ..errors import FlatFieldError

Interpolation = Literal["linear", "nearest", "mean", "median", "first", "dynamic"]
INTERPOLATIONS: tuple[str, ...] = get_args(Interpolation)

# Modes that need to know where along the scan each flat was recorded.
BY_POSITION = ("linear", "nearest")


class Mix(NamedTuple):
    """``images[near] * (1 - weight) + images[far] * weight``, weight ≤ ½."""

    near: int
    far: int
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
    """Find the references on both sides of a position and the share of each.

    Parameters
    ----------
    position
        Where the frame lies, in the units of `positions`.
    positions
        Where the references lie, ascending, shape (n,); empty when one serves
        everywhere.
    interpolation
        ``"linear"`` or ``"nearest"``; anything else has one reference only.

    Returns
    -------
    Mix
        Before the first and after the last reference it is that one alone.
    """
    last = len(positions) - 1
    if last < 1 or position <= positions[0]:
        return Mix(0, 0, 0.0)
    if position >= positions[last]:
        return Mix(last, last, 0.0)
    after = int(np.searchsorted(positions, position, side="right"))
    before = after - 1
    distance = positions[after] - positions[before]
    weight = float((position - positions[before]) / distance)
    if interpolation == "nearest":
        chosen = after if weight > 0.5 else before
        return Mix(chosen, chosen, 0.0)
    if weight <= 0.5:
        return Mix(before, after, weight)
    # Rounding then harms the sum by less than half a unit in the last place,
    # however different the two references are.
    return Mix(after, before, float((positions[after] - position) / distance))
