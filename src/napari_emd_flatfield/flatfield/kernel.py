"""The arithmetic: (raw - dark) / (flat - dark), rows of frames at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..lazy.memory import SCRATCH

if TYPE_CHECKING:
    from collections.abc import Sequence

# Bands this size keep the temporaries in cache; with smaller ones, threads spend
# their time waiting for each other's Python, with whole frames, for memory.
_BAND_BYTES = 1024 * 1024

# Unsigned integers as wide as a float.
_BITS: dict[int, type[np.unsignedinteger[Any]]] = {4: np.uint32, 8: np.uint64}


class Mixture(NamedTuple):
    """An image somewhere between two: ``near + weight * (far - near)``.

    Parameters
    ----------
    images
        Shape (n, y, x).
    near, far
        Which of them.
    weight
        Share of `far`; 0 where `near` is the image itself.
    """

    images: np.ndarray
    near: int
    far: int
    weight: float


class Blend(NamedTuple):
    """A sum of images, each with its weight.

    Parameters
    ----------
    images
        Shape (n, y, x).
    weights
        Shape (n,).
    """

    images: np.ndarray
    weights: np.ndarray


class Recipe(NamedTuple):
    """What one frame is corrected with.

    Parameters
    ----------
    gain
        What it is divided by: flat - dark; None where it is not divided.
    dark
        What is subtracted first; None where nothing is.
    scale
        What the quotient is multiplied with.
    """

    gain: Mixture | Blend | None
    dark: Mixture | None
    scale: float = 1.0


class Rule(NamedTuple):
    """What is the same for all frames.

    Parameters
    ----------
    fill
        Value of dead pixels.
    limit
        Largest magnitude a result may have.
    threshold
        A pixel whose gain is not above it is dead; at least 0.
    saturation
        Raw counts from which on a pixel is saturated.
    multiply
        Whether the gain is multiplied with instead of divided by.
    """

    fill: float
    limit: float
    threshold: float = 0.0
    saturation: float = np.inf
    multiply: bool = False


def parts(recipes: Sequence[Recipe], region: tuple[slice, ...]) -> list[Recipe]:
    """Recipes for the same part of each frame.

    Parameters
    ----------
    recipes
        For whole frames.
    region
        Rows and columns.

    Returns
    -------
    list of Recipe
        Those that mixed the same images still do, so that these are read once.
    """
    views: dict[int, np.ndarray] = {}

    def view(images: np.ndarray) -> np.ndarray:
        return views.setdefault(id(images), images[(slice(None), *region)])

    return [
        Recipe(
            gain and gain._replace(images=view(gain.images)),
            dark and dark._replace(images=view(dark.images)),
            scale,
        )
        for gain, dark, scale in recipes
    ]


def correct_rows(
    raw: np.ndarray,
    out: np.ndarray,
    recipes: Sequence[Recipe],
    rule: Rule,
    rows: slice,
) -> np.ndarray:
    """Correct some rows of frames.

    Parameters
    ----------
    raw
        Shape (n, y, x), any real dtype.
    out
        Where the result goes, shape (n, y, x), of the float dtype to compute in.
    recipes
        One a frame.
    rule
        What is done to every frame alike.
    rows
        Which rows, bounded.

    Returns
    -------
    numpy.ndarray
        How many pixels are dead, saturated and negative, shape (n, 3).

    Notes
    -----
    Integers are never subtracted from each other as such: unsigned ones would
    wrap. Bands are the outer loop: what several frames have in common is brought
    into the cache, and into `out`'s dtype, once.
    """
    tally = np.zeros((len(raw), 3), np.int64)
    width, count = raw.shape[-1], rows.stop - rows.start
    height = min(count, max(1, _BAND_BYTES // (width * out.itemsize)))
    with (
        SCRATCH.lent((2, 3, height, width), out.dtype) as buffers,
        np.errstate(divide="ignore", invalid="ignore", over="ignore"),
    ):
        gain, dark = map(_Band, buffers)
        for top in range(rows.start, rows.stop, height):
            band = slice(top, min(top + height, rows.stop))
            for i, recipe in enumerate(recipes):
                gain.hold(recipe.gain, band)
                dark.hold(recipe.dark, band)
                tally[i] += _correct_band(
                    raw[i, band], out[i, band], gain, dark, recipe.scale, rule
                )
    return tally


class _Band:
    """A band of rows of one mixture after another.

    Parameters
    ----------
    buffers
        What to keep it in, shape (3, rows, x).

    Attributes
    ----------
    values
        The mixture, shape (rows, x); None where there is nothing to mix.
    lowest
        What no value is below; NaN if one is not a number.
    """

    def __init__(self, buffers: np.ndarray) -> None:
        self._buffers = buffers
        self._images: np.ndarray | None = None
        self._held: tuple[object, ...] = ()
        self.values: np.ndarray | None = None
        self.lowest = 0.0

    def hold(self, mixture: Mixture | Blend | None, band: slice) -> None:
        if mixture is None:
            self.values = None
            return
        base, step, mixed = self._buffers[:, : band.stop - band.start]
        if isinstance(mixture, Blend):
            self._blend(mixture, band, base, step)
            return
        images, near, far, weight = mixture
        between = bool(weight)
        wanted = near, far, between, band
        if images is not self._images or wanted != self._held:
            np.copyto(base, images[near, band])
            self.lowest = float(base.min())
            if between:
                np.copyto(step, images[far, band])
                # A mixture is never below both that are mixed, rounding included.
                self.lowest = float(np.minimum(self.lowest, step.min()))
                step -= base
            self._images, self._held = images, wanted
        self.values = base
        if between:
            self.values = mixed
            np.multiply(step, weight, out=mixed)
            mixed += base

    def _blend(
        self, blend: Blend, band: slice, total: np.ndarray, term: np.ndarray
    ) -> None:
        total[:] = 0
        for image, weight in zip(blend.images, blend.weights.tolist(), strict=True):
            np.multiply(image[band], weight, out=term)
            total += term
        self._images = None
        self.lowest = float(total.min())
        self.values = total


def _correct_band(
    raw: np.ndarray,
    out: np.ndarray,
    gain: _Band,
    dark: _Band,
    scale: float,
    rule: Rule,
) -> tuple[int, int, int]:
    # Not in one go: a ufunc that has to cast takes longer than both.
    np.copyto(out, raw)
    if dark.values is not None:
        out -= dark.values
    if gain.values is not None and rule.multiply:
        out *= gain.values
    elif gain.values is not None:
        out /= gain.values
    if scale != 1:
        out *= scale
    dead = negative = saturated = 0
    # Comparisons with NaN are false, so this finds it, too.
    alive = gain.values is None or gain.lowest > rule.threshold
    if not (alive and _is_ordinary(out, rule.limit)):
        good = np.abs(out) <= rule.limit
        if gain.values is not None:
            good &= gain.values > rule.threshold
        dead = good.size - int(np.count_nonzero(good))
        negative = int(np.count_nonzero((out < 0) & good))
        if dead:
            np.copyto(out, rule.fill, where=~good)
    # NaN hides the largest of floats.
    largest = np.inf if raw.dtype.kind == "f" else raw.max()
    if largest >= rule.saturation < np.inf:
        saturated = int(np.count_nonzero(raw >= rule.saturation))
    return dead, saturated, negative


def _is_ordinary(values: np.ndarray, limit: float) -> bool:
    """Whether no value is negative, beyond a limit, or not a number, in one pass.

    Read as unsigned integers, floats keep their order, and above them lie
    infinity, NaN, and whatever has a sign.
    """
    bits = _BITS.get(values.dtype.itemsize)
    if bits is None:
        return False
    return bool(values.view(bits).max() <= values.dtype.type(limit).view(bits))
