"""Fitting an illumination to a frame by the slopes it leaves in it.

What a sample adds to a frame is flat in most places and steep in few; what is
left of the illumination is a little steep everywhere. So the right illumination
is the one that leaves least slope, added up without squaring. Slopes are looked
at on several scales: neighbouring bins tell fine stripes, means of many the
gentle ones, which drown in noise from bin to bin.
"""

from __future__ import annotations

import numpy as np

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
    for _ in range(_MOST_STEPS):
        gain = mean + np.tensordot(weights, components, 1)
        # Far from the solution, a gain may come out that has no logarithm.
        gain = np.where(lit, np.maximum(gain, mean / 16), 1)
        relative = np.where(lit, components, 0) / gain
        matrix = np.zeros((len(weights), len(weights)))
        vector = np.zeros(len(weights))
        for scale, (rest, *found) in enumerate(
            zip(slopes(seen - np.log(gain)), *map(slopes, relative), strict=True)
        ):
            changes = np.array(found)
            hidden = _CLEAR * 2 * noise**2 / 4**scale
            changes[np.mean(np.square(changes), axis=1) <= hidden] = 0
            size = np.abs(rest)
            typical = np.median(size) + 1e-12
            weighted = changes / (typical * np.maximum(size, 0.1 * typical))
            matrix += weighted @ changes.T
            vector += weighted @ rest
        step = np.linalg.lstsq(matrix, vector, rcond=None)[0]
        weights += step
        if np.max(np.abs(np.tensordot(step, relative, 1))) < _SMALL_STEP:
            break
    return weights


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
