"""The arithmetic: (raw - dark) / (flat - dark), rows of frames at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

# Bands this size keep the temporaries in cache; with smaller ones, threads spend
# their time waiting for each other's Python, with whole frames, for memory.
_BAND_BYTES = 1024 * 1024


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
    gain = _Band(height, width, out.dtype)
    dark = _Band(height, width, out.dtype)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for top in range(rows.start, rows.stop, height):
            band = slice(top, min(top + height, rows.stop))
            for i, recipe in enumerate(recipes):
                tally[i] += _correct_band(
                    raw[i, band],
                    out[i, band],
                    gain.of(recipe.gain, band),
                    dark.of(recipe.dark, band),
                    recipe.scale,
                    rule,
                    gain.lowest,
                )
    return tally


class _Band:
    """A band of rows of one mixture after another."""

    def __init__(self, rows: int, width: int, dtype: np.dtype[Any]) -> None:
        self._buffers: np.ndarray = np.empty((3, rows, width), dtype)
        self._images: np.ndarray | None = None
        self._held: tuple[object, ...] = ()
        # What no value of the band is below; NaN if one is not a number.
        self.lowest = 0.0

    def of(self, mixture: Mixture | Blend | None, band: slice) -> np.ndarray | None:
        if mixture is None:
            return None
        if isinstance(mixture, Blend):
            return self._blended(mixture, band)
        images, near, far, weight = mixture
        source = images[near, band]
        base: np.ndarray = self._buffers[0, : len(source)]
        step: np.ndarray = self._buffers[1, : len(source)]
        mixed: np.ndarray = self._buffers[2, : len(source)]
        between = bool(weight)
        wanted = near, far, between, band
        if images is not self._images or wanted != self._held:
            np.copyto(base, source)
            self.lowest = base.min()
            if between:
                np.copyto(step, images[far, band])
                # A mixture is never below both that are mixed, rounding included.
                self.lowest = np.minimum(self.lowest, step.min())
                step -= base
            self._images, self._held = images, wanted
        if between:
            np.multiply(step, weight, out=mixed)
            mixed += base
            return mixed
        return base

    def _blended(self, blend: Blend, band: slice) -> np.ndarray:
        height = blend.images[0, band].shape[0]
        total: np.ndarray = self._buffers[0, :height]
        term: np.ndarray = self._buffers[1, :height]
        total[:] = 0
        for image, weight in zip(blend.images, blend.weights.tolist(), strict=True):
            np.multiply(image[band], weight, out=term)
            total += term
        self._images = None
        self.lowest = total.min()
        return total


def _correct_band(
    raw: np.ndarray,
    out: np.ndarray,
    gain: np.ndarray | None,
    dark: np.ndarray | None,
    scale: float,
    rule: Rule,
    least: float,
) -> tuple[int, int, int]:
    np.copyto(out, raw)
    if dark is not None:
        out -= dark
    if gain is not None and rule.multiply:
        out *= gain
    elif gain is not None:
        out /= gain
    if scale != 1:
        out *= scale
    dead = negative = saturated = 0
    lowest, highest = out.min(), out.max()
    # Comparisons with NaN are false, so these find it, too.
    alive = gain is None or least > rule.threshold
    if not (alive and lowest >= -rule.limit and highest <= rule.limit):
        good = np.abs(out) <= rule.limit
        if gain is not None:
            good &= gain > rule.threshold
        dead = good.size - int(np.count_nonzero(good))
        negative = int(np.count_nonzero((out < 0) & good))
        np.copyto(out, rule.fill, where=~good)
    elif lowest < 0:
        negative = int(np.count_nonzero(out < 0))
    # NaN hides the largest of floats.
    largest = np.inf if raw.dtype.kind == "f" else raw.max()
    if largest >= rule.saturation < np.inf:
        saturated = int(np.count_nonzero(raw >= rule.saturation))
    return dead, saturated, negative
