"""References brought into one form: gain images and darks at known positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .dynamic import decompose
from .interpolation import mix_at
from .packing import packed
from .reduction import reduce

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .dynamic import EigenFlats
    from .plan import Arrangement, Plan
    from .reduction import Read
    from .settings import Mode, Scaling


@dataclass(frozen=True, eq=False)
class References:
    """Reduced references, ready to correct with.

    Parameters
    ----------
    gains
        What a pixel counts of the illumination, flat - dark, in the order of
        `positions`; shape (n, y, x), or None where nothing is divided by it.
    positions
        Ascending, shape (n,); empty where the one flat serves everywhere.
    darks
        Shape (m, y, x), or None.
    dark_positions
        As `positions`, shape (m,).
    eigen
        Mean and components of the gains, where frames are fitted with them.
    level
        What the quotient is multiplied with to be in counts, or 1.

    Notes
    -----
    Whole counts are kept as uint16: the less memory a frame's correction reads,
    the faster it is.
    """

    gains: np.ndarray | None
    positions: np.ndarray
    darks: np.ndarray | None
    dark_positions: np.ndarray
    eigen: EigenFlats | None
    level: float

    @property
    def pattern(self) -> np.ndarray | None:
        """A gain image, shape (y, x); None where nothing is divided by it."""
        if self.eigen is not None:
            return np.asarray(self.eigen.images[0])
        return None if self.gains is None else np.asarray(self.gains[0])


def load(
    plan: Plan,
    *,
    mode: Mode,
    interpolation: str,
    method: str,
    scaling: Scaling,
    orient: str,
    bad: np.ndarray | None,
    threshold: float,
    components: int | None,
    wide: bool,
) -> References:
    """Read and reduce references.

    Parameters
    ----------
    plan
        Which they are.
    mode
        Whether the dark is subtracted from the flats.
    interpolation
        How darks are mixed where the flats lie.
    method
        How images at one position are reduced.
    scaling
        What they are multiplied with.
    orient
        How to turn them to fit the raw frames.
    bad
        Pixels of the raw frames to be dead, shape (y, x), bool.
    threshold
        Gain that a pixel must have to count for the level.
    components
        How many components to take flats apart into, for ``"dynamic"``.
    wide
        Whether fractions are kept in float64.
    """
    darks = reduced_darks(plan.darks, method, scaling)
    where = np.empty(0) if plan.darks is None else plan.darks.positions
    gains, eigen, positions = None, None, np.empty(0)
    if plan.flats is not None:
        read = gain_reader(plan.flats, darks, where, mode, interpolation, scaling)
    if plan.flats is not None and interpolation == "dynamic":
        eigen = decompose(plan.flats, read, components, threshold, orient)
    elif plan.flats is not None:
        if interpolation in ("mean", "median"):
            method = interpolation
        shape, positions = plan.flats.images.frame_shape, plan.flats.positions
        groups = plan.flats.groups
        images = (reduce(read, group, shape, method) for group in groups)
        gains = packed(images, len(groups), orient, wide)
    offsets = None
    if darks:
        offsets = packed(darks, len(darks), orient, wide)
    if bad is not None and eigen is not None:
        eigen.images[:, bad] = 0
    elif bad is not None:
        gains, offsets = _masked(gains, offsets, bad)
    lit = gains if eigen is None else eigen.images[:1]
    level = 1.0
    if scaling.keep_counts and lit is not None:
        level = _level(lit, threshold)
    return References(gains, positions, offsets, where, eigen, level)


def reduced_darks(
    arranged: Arrangement | None, method: str, scaling: Scaling
) -> list[np.ndarray]:
    """Read and reduce the darks.

    Parameters
    ----------
    arranged
        Which they are; None where there are none.
    method
        How those at one position are reduced.
    scaling
        What they are multiplied with.

    Returns
    -------
    list of numpy.ndarray
        float64, shape (y, x), as they are stored, not turned.
    """
    if arranged is None:
        return []
    images = arranged.images
    factor = 1.0 if images.reduced else scaling.dark_factor
    darks = [
        reduce(images.read, group, images.frame_shape, method)
        for group in arranged.groups
    ]
    for dark in darks:
        dark *= factor
    return darks


def gain_reader(
    flats: Arrangement,
    darks: Sequence[np.ndarray],
    dark_positions: np.ndarray,
    mode: Mode,
    interpolation: str,
    scaling: Scaling,
) -> Read:
    """Return a function that reads what a pixel counts of the illumination.

    Parameters
    ----------
    flats
        The flats.
    darks, dark_positions
        What to subtract from each: the dark of its own position.
    mode
        Whether to.
    interpolation
        How darks are mixed.
    scaling
        What flats are multiplied with.

    Returns
    -------
    callable
        Takes the number of a flat and rows; gives float64.
    """
    images = flats.images

    def read(number: int, rows: slice) -> np.ndarray:
        image = images.read(number, rows).astype(np.float64)
        if images.reduced:
            return image
        image *= scaling.flat_factor
        if darks and mode == "flat":
            at = None if images.positions is None else float(images.positions[number])
            image -= _mixed(darks, dark_positions, at, interpolation, rows)
        if images.monitor is not None:
            image /= images.monitor[number]
        return image

    return read


def _mixed(
    images: Sequence[np.ndarray],
    positions: np.ndarray,
    at: float | None,
    interpolation: str,
    rows: slice,
) -> np.ndarray:
    if at is None:
        # Flats that lie nowhere have a dark of nowhere in particular.
        return np.asarray(np.mean([image[rows] for image in images], axis=0))
    mix = mix_at(at, positions, interpolation)
    near = images[mix.near][rows]
    if not mix.weight:
        return near
    return near * (1 - mix.weight) + images[mix.far][rows] * mix.weight


def _masked(
    gains: np.ndarray | None, darks: np.ndarray | None, bad: np.ndarray
) -> tuple[np.ndarray | None, np.ndarray | None]:
    if gains is not None:
        # No gain is never above the threshold.
        gains[:, bad] = 0
    elif darks is not None:
        if darks.dtype.kind != "f":
            darks = darks.astype(np.float32)
        darks[:, bad] = np.nan
    return gains, darks


def _level(gains: np.ndarray, threshold: float) -> float:
    lit = [g[g > threshold] for g in gains]
    # Where nothing is lit, all is dead, and any level will do.
    return float(np.mean([g.mean(dtype=np.float64) for g in lit if g.size] or [1.0]))
