"""Dynamic flat-field: illumination that moves in ways the flats have shown.

The flats are taken apart into their mean and the few principal components in
which they differ; how much of each component a frame was lit with is fitted to
the frame itself: V. Van Nieuwenhove et al., Optics Express 23, 27975 (2015).

Where the paper minimises the total variation of the corrected frame, here it is
that of its logarithm: brightness then has no part in the fit, and each step of
it is the solution of a small linear system (iteratively reweighted least
squares). Brightness is that of the flats, between the two around the frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..errors import FlatFieldError
from .orientation import turn
from .slopes import fit

if TYPE_CHECKING:
    from .plan import Arrangement
    from .reduction import Read

# Frames are fitted in bins, at most so many to a side: enough for illumination,
# and noise is averaged away.
_MOST_BINS = 256

# A component is kept if its variance exceeds by this factor the largest that a
# component has when the pixels of each flat are shuffled.
_STANDS_OUT = 1.1
_NEGLIGIBLE = 1e-6

# So many bins tell it.
_ENOUGH_BINS = 2**13
_MOST_COMPONENTS = 20


@dataclass(frozen=True, eq=False)
class EigenFlats:
    """Mean and principal components of flats.

    Parameters
    ----------
    images
        Gain images, shape (1 + components, y, x): the mean, then the components.
    levels
        Brightness of each flat relative to their mean, shape (n,).
    positions
        Where the flats lie, shape (n,); None if unknown.
    noise
        What is noise in a component, in a bin, relative to the mean.
    """

    images: np.ndarray
    levels: np.ndarray
    positions: np.ndarray | None
    noise: float

    def weights(self, frame: np.ndarray, at: float | None) -> np.ndarray:
        """Find how a frame was lit.

        Parameters
        ----------
        frame
            raw - dark, shape (y, x).
        at
            Where it lies; None if it lies nowhere.

        Returns
        -------
        numpy.ndarray
            What `images` are to be multiplied with and added, to be its gain.
        """
        level = 1.0
        if at is not None and self.positions is not None:
            where, group = np.unique(self.positions, return_inverse=True)
            levels = np.bincount(group, self.levels) / np.bincount(group)
            level = float(np.interp(at, where, levels))
        weights = fit(self._bins(frame), self._basis, self.noise)
        return level * np.array([1.0, *weights])

    @cached_property
    def _bins(self) -> _Bins:
        return _Bins(self.images[0] > 0)

    @cached_property
    def _basis(self) -> np.ndarray:
        return np.stack([self._bins(image) for image in self.images])


def decompose(
    flats: Arrangement,
    read: Read,
    components: int | None,
    threshold: float,
    orient: str,
) -> EigenFlats:
    """Take flats apart.

    Parameters
    ----------
    flats
        At least two. They are read twice, one at a time.
    read
        Reads what a pixel of one counts of the illumination.
    components
        How many to keep; as many as stand out from noise when None.
    threshold
        A pixel that counts no more is dead.
    orient
        How to turn them to fit the raw frames.

    Raises
    ------
    FlatFieldError
        If there are too few flats, or one of them has no light.
    """
    (numbers,) = flats.groups
    shape = flats.images.frame_shape
    most = min(len(numbers) - 1, _MOST_COMPONENTS)
    if most < (components or 1):
        raise FlatFieldError(
            f"{len(numbers)} flats ({flats.images.origin}) have no {components or 1} "
            "components in which they differ; give more flats (ten or more), or use "
            "interpolation='linear'"
        )
    everything = slice(0, shape[0])
    alive = read(numbers[0], everything) > threshold
    bins = _Bins(alive)
    levels, seen = np.empty(len(numbers)), []
    for i, number in enumerate(numbers):
        image = read(number, everything)
        levels[i] = np.nanmean(image[alive]) if alive.any() else 0.0
        if not 0 < levels[i] < np.inf:
            raise FlatFieldError(
                f"flat {number} ({flats.images.origin}) has no light; leave it out: "
                f"reduction=Reduction(leave_out=[{number}])"
            )
        seen.append(bins(image) / levels[i])
    mixing, noise = _mixing(np.stack(seen), components, most)
    images = np.zeros((1 + len(mixing), *shape))
    for i, number in enumerate(numbers):
        image = read(number, everything) / levels[i]
        images[0] += image / len(numbers)
        for component, share in zip(images[1:], mixing[:, i], strict=True):
            component += share * image
    images *= levels.mean()
    where = flats.images.positions
    return EigenFlats(
        np.ascontiguousarray(turn(images, orient), np.float32),
        levels / levels.mean(),
        None if where is None else where[list(numbers)],
        noise,
    )


def _mixing(
    seen: np.ndarray, components: int | None, most: int
) -> tuple[np.ndarray, float]:
    """Shares of the flats in each component, shape (components, n); its noise."""
    flats = seen[:, np.all(np.isfinite(seen), axis=0)]
    mean = flats.mean(axis=0)
    flats -= mean
    kept: list[np.ndarray] = []
    random = np.random.default_rng(0)
    sample = slice(None, None, -(-flats.shape[1] // _ENOUGH_BINS) or 1)
    while len(kept) < (components or most):
        _, share = _strongest(flats)
        if components is None and _is_noise(flats[:, sample], random):
            break
        kept.append(share)
        flats -= np.outer(share, share @ flats)
    # A weight of one is then what a flat typically has of the component.
    mixing = np.array(kept).reshape(-1, len(seen)) / np.sqrt(len(seen))
    rest = np.sqrt(np.mean(np.square(flats / mean))) if flats.size else 0.0
    return mixing, float(rest / np.sqrt(len(seen)))


def _is_noise(flats: np.ndarray, random: np.random.Generator) -> bool:
    """Whether what flats have in common most would also be there by chance."""
    variance, _ = _strongest(flats)
    if variance <= _NEGLIGIBLE**2 * flats.shape[1]:
        return True
    chance = (_strongest(random.permuted(flats, axis=1))[0] for _ in range(3))
    return variance <= _STANDS_OUT * max(chance)


def _strongest(flats: np.ndarray) -> tuple[float, np.ndarray]:
    variances, vectors = np.linalg.eigh(flats @ flats.T)
    return float(variances[-1]), np.asarray(vectors[:, -1])


class _Bins:
    """Means of the alive pixels in square bins."""

    def __init__(self, alive: np.ndarray) -> None:
        side = -(-max(alive.shape) // _MOST_BINS)
        self._alive = alive
        self._edges = [np.arange(0, n, side) for n in alive.shape]
        self._counts = self._sums(alive.astype(np.float64))

    def __call__(self, image: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            means = self._sums(np.where(self._alive, image, 0)) / self._counts
        return np.asarray(means)

    def _sums(self, image: np.ndarray) -> np.ndarray:
        rows, columns = self._edges
        bands: np.ndarray = np.add.reduceat(image, rows, axis=0)
        return np.asarray(np.add.reduceat(bands, columns, axis=1))
