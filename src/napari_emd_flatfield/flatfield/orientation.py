"""Turning references that were recorded in another orientation than the frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from ..errors import FlatFieldError

if TYPE_CHECKING:
    from collections.abc import Callable

Orientation = Literal[
    "none",
    "rot90",
    "rot180",
    "rot270",
    "fliplr",
    "flipud",
    "transpose",
    "antitranspose",
]
ORIENTATIONS: tuple[str, ...] = get_args(Orientation)

_TURNS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "none": lambda image: image,
    "rot90": lambda image: np.rot90(image, 1, (-2, -1)),
    "rot180": lambda image: np.rot90(image, 2, (-2, -1)),
    "rot270": lambda image: np.rot90(image, 3, (-2, -1)),
    "fliplr": lambda image: image[..., ::-1],
    "flipud": lambda image: image[..., ::-1, :],
    "transpose": lambda image: image.swapaxes(-2, -1),
    "antitranspose": lambda image: np.rot90(image, 2, (-2, -1)).swapaxes(-2, -1),
}


def check(orient: str) -> None:
    """Raise `FlatFieldError` unless it names an orientation.

    Parameters
    ----------
    orient
        What the user asked for.
    """
    if orient not in ORIENTATIONS:
        raise FlatFieldError(
            f"orient={orient!r} is not known; use one of "
            + ", ".join(map(repr, ORIENTATIONS))
        )


def turn(images: np.ndarray, orient: str) -> np.ndarray:
    """Turn images as asked.

    Parameters
    ----------
    images
        Shape (…, y, x).
    orient
        One of `ORIENTATIONS`; ``"rot90"`` is a quarter turn to the left.

    Returns
    -------
    numpy.ndarray
        A view, of shape (…, y, x) or (…, x, y).
    """
    return _TURNS[orient](images)


def turned(shape: tuple[int, ...], orient: str) -> tuple[int, ...]:
    """Shape an image of `shape` has after `turn`."""
    return turn(np.empty(shape, np.bool_), orient).shape


def composed(first: str, then: str) -> str:
    """Name the one turn that does what two do.

    Parameters
    ----------
    first, then
        Of `ORIENTATIONS`.
    """
    image = np.arange(6).reshape(2, 3)
    wanted = turn(turn(image, first), then)
    return next(o for o in ORIENTATIONS if np.array_equal(turn(image, o), wanted))


def advice(shape: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """Say whether turning images of one shape would fit them to another.

    Parameters
    ----------
    shape, wanted
        Height and width, in pixels, known to differ.
    """
    if shape == wanted[::-1]:
        fitting = [
            repr(o) for o in ORIENTATIONS if o != "none" and turned(shape, o) == wanted
        ]
        return "they would fit when turned: orient=" + " or ".join(fitting)
    return "no turn or flip makes them fit; all must show the same detector area"
