"""Fitting an illumination to a frame by the slopes it leaves in it.

What a sample adds to a frame is flat in most places and steep in few; what is
left of the illumination is a little steep everywhere. So the right illumination
is the one that leaves least slope, added up without squaring. Slopes are looked
at on several scales: neighbouring bins tell fine stripes, means of many the
gentle ones, which drown in noise from bin to bin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

# A step that changes no bin's illumination by more than this share is the last.
_SMALL_STEP = 1e-4
_MOST_STEPS = 30

# How much larger than its noise the square of a component's slopes has to be.
_CLEAR = 10

# The coarsest scale has at least so many means to a side.
_FEWEST_MEANS = 8


def fit(frame: np.ndarray, basis: np.ndarray, noise: float) -> np.ndarray:
    """Find the illumination for which frame / illumination has least slope.

    Parameters
    ----------
    frame
        Shape (y, x), float64; NaN where nothing is known.
    basis
        Illumination without and its changes with each component, shape
        (1 + components, y, x).
    noise
        What is noise in a component, in a bin, relative to the mean. On scales
        where it hides a component's slopes, the component is not looked at:
        noise would be taken for it, and it be found too weak.

    Returns
    -------
    numpy.ndarray
        How much of each component there is; zeros where nothing can be told.
    """
    mean, components = basis[0], basis[1:]
    weights = np.zeros(len(components))
    with np.errstate(invalid="ignore"):
        lit = (frame > 0) & (frame < np.inf) & (mean > 0)
    slopes = _Slopes(lit)
    if not len(components) or not slopes.any:
        return weights
    seen = np.log(np.where(lit, frame, 1))
    relative = np.where(lit, components, 0) / np.where(lit, mean, 1)
    changes = _clear(map(slopes, relative), noise)
    for _ in range(_MOST_STEPS):
        gain = mean + np.einsum("k,kyx->yx", weights, components)
        # Far from the solution, a gain may come out that has no logarithm.
        gain = np.where(lit, np.maximum(gain, mean / 16), 1)
        matrix = np.zeros((len(weights), len(weights)))
        vector = np.zeros(len(weights))
        for rest, change in zip(slopes(seen - np.log(gain)), changes, strict=True):
            size = np.abs(rest)
            typical = np.mean(size) + 1e-12
            weighted = change / (typical * np.maximum(size, 0.1 * typical))
            # Not by BLAS: its threads cost more than such a thin product takes.
            matrix += np.einsum("ip,jp->ij", weighted, change)
            vector += np.einsum("ip,p->i", weighted, rest)
        step = np.linalg.lstsq(matrix, vector, rcond=None)[0]
        weights += step
        if np.max(np.abs(np.einsum("k,kyx->yx", step, relative))) < _SMALL_STEP:
            break
    return weights


def _clear(slopes: Iterable[list[np.ndarray]], noise: float) -> list[np.ndarray]:
    """Slopes of the components on each scale, zero where they are but noise."""
    changes = [np.stack(found) for found in zip(*slopes, strict=True)]
    for scale, change in enumerate(changes):
        hidden = _CLEAR * 2 * noise**2 / 4**scale
        change[np.mean(np.square(change), axis=1) <= hidden] = 0
    return changes


class _Slopes:
    """Differences between neighbours that are both lit, on several scales.

    Parameters
    ----------
    lit
        Which bins count, shape (y, x), bool.
    """

    def __init__(self, lit: np.ndarray) -> None:
        self._counts = [lit.astype(np.float64)]
        while min(self._counts[-1].shape) >= 2 * _FEWEST_MEANS:
            self._counts.append(_added(self._counts[-1]))
        self._pairs = [
            ((n[1:] > 0) & (n[:-1] > 0), (n[:, 1:] > 0) & (n[:, :-1] > 0))
            for n in self._counts
        ]
        self.any = all(bool(d.any() or r.any()) for d, r in self._pairs)

    def __call__(self, image: np.ndarray) -> list[np.ndarray]:
        total = image * self._counts[0]
        found = []
        for i, (counts, (down, right)) in enumerate(
            zip(self._counts, self._pairs, strict=True)
        ):
            total = _added(total) if i else total
            mean = total / np.maximum(counts, 1)
            found.append(
                np.concatenate(
                    [np.diff(mean, axis=0)[down], np.diff(mean, axis=1)[right]]
                )
            )
        return found


def _added(image: np.ndarray) -> np.ndarray:
    """Sums of 2 × 2 pixels."""
    rows = np.add.reduceat(image, np.arange(0, image.shape[0], 2), axis=0)
    return np.asarray(np.add.reduceat(rows, np.arange(0, rows.shape[1], 2), axis=1))
