"""Which reference images are reduced to which, known before one is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import FlatFieldError
from . import orientation
from .interpolation import BY_POSITION
from .positions import (
    are_whole,
    counts_frames,
    factor,
    has_runs,
    interrupted,
    series,
)
from .sources import gather, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..signal import ArrayLike, Axis, Signal
    from .settings import Reduction
    from .sources import Images, Sources


@dataclass(frozen=True, eq=False)
class Arrangement:
    """Images in groups, each to be reduced to one.

    Parameters
    ----------
    images
        All of them.
    groups
        Numbers of the images of each group.
    positions
        Where the groups lie, ascending, shape (n,); empty where the one group
        serves everywhere.
    """

    images: Images
    groups: tuple[tuple[int, ...], ...]
    positions: np.ndarray


@dataclass(frozen=True, eq=False)
class Plan:
    """Flats and darks, arranged.

    Parameters
    ----------
    flats, darks
        None where there are none.
    axis
        The axis all positions lie on; None where they are plain numbers, which
        count in the units of the raw frames.
    frame_shape
        Height and width of the frames they correct, in pixels.
    """

    flats: Arrangement | None
    darks: Arrangement | None
    axis: Axis | None
    frame_shape: tuple[int, ...]

    @property
    def needs_positions(self) -> bool:
        """Whether a frame can only be corrected when its position is known."""
        return any(len(each.positions) for each in self._arranged)

    @property
    def _arranged(self) -> list[Arrangement]:
        return [each for each in (self.flats, self.darks) if each is not None]

    def outside(self, positions: np.ndarray) -> int:
        """Count frames that lie before the first or after the last flat.

        Parameters
        ----------
        positions
            Where frames lie, in the units of the flats.
        """
        where = np.empty(0) if self.flats is None else self.flats.positions
        if not len(where):
            return 0
        return int(np.count_nonzero((positions < where[0]) | (positions > where[-1])))

    def gap(self, frames: np.ndarray) -> float | None:
        """How far apart references of one series are, told from their numbers.

        Parameters
        ----------
        frames
            Positions of the raw frames, as far as they are known.

        Returns
        -------
        float or None
            1 where references number the frames of an acquisition, and some follow
            each other with no raw frame among them; 0 where raw frames are; None
            where none follow each other.
        """
        numbered = [
            each.images.positions[list(each.images.kept)]
            for each in self._arranged
            if len(each.positions)
            and each.images.positions is not None
            and counts_frames(each.images.axis)
        ]
        runs = [each for each in numbered if has_runs(each)]
        if not runs:
            return None
        apart = are_whole(frames) and not any(interrupted(run, frames) for run in runs)
        return 1.0 if apart else 0.0


def make_plan(
    flats: Sources | None,
    dark: Sources | None,
    positions: Sequence[float] | None,
    dark_positions: Sequence[float] | None,
    interpolation: str,
    orient: str,
    reduction: Reduction,
    flat_monitor: Sequence[float] | Signal | ArrayLike | None,
) -> Plan:
    """Arrange references, reading nothing.

    Parameters
    ----------
    flats, dark, positions, dark_positions, interpolation, orient, reduction
        As given to `FlatField`.
    flat_monitor
        As given to `Scaling`.

    Raises
    ------
    FlatFieldError
        If they do not fit each other, or lack positions they need.
    """
    orientation.check(orient)
    images = darks = None
    if flats is not None:
        left_out = reduction.leave_out
        images = gather(flats, "flats", positions, left_out, flat_monitor)
    if dark is not None:
        darks = gather(dark, "dark", dark_positions, reduction.leave_out_darks)
    shapes = {each.frame_shape for each in (images, darks) if each is not None}
    if images is not None and darks is not None and len(shapes) > 1:
        raise FlatFieldError(
            f"dark ({darks.origin}) has frames of {size(darks.frame_shape)} pixels, "
            f"flats ({images.origin}) of {size(images.frame_shape)}; turn one of them "
            "first, or give references of the same detector area"
        )
    distance = reduction.series or 0.0
    arranged, axis = None, None
    if images is not None:
        arranged = _arranged_flats(images, interpolation, distance)
        if len(arranged.positions) or interpolation == "dynamic":
            axis = images.axis
    arranged_darks = None
    if darks is not None:
        by_position = interpolation in BY_POSITION
        along = _along(darks, axis, arranged) if by_position else None
        arranged_darks = _arranged(darks, along, distance)
        if len(arranged_darks.positions) and axis is None:
            axis = darks.axis
    return Plan(
        arranged, arranged_darks, axis, orientation.turned(shapes.pop(), orient)
    )


def _arranged_flats(images: Images, interpolation: str, gap: float) -> Arrangement:
    if interpolation == "first":
        return Arrangement(images, (images.kept[:1],), np.empty(0))
    if interpolation not in BY_POSITION:
        return _arranged(images, None, gap)
    if images.positions is None and len(images.kept) > 1:
        raise FlatFieldError(
            f"{len(images.kept)} flats ({images.origin}) do not say where along the "
            "scan they were recorded; give their positions, e.g. 0 and 500, or choose "
            "the interpolation 'mean'"
        )
    return _arranged(images, images.positions, gap)


def _arranged(images: Images, positions: np.ndarray | None, gap: float) -> Arrangement:
    kept = np.array(images.kept)
    groups = [kept] if positions is None else []
    if positions is not None:
        groups = [kept[members] for members in series(positions[kept], gap)]
    where = np.empty(0)
    if positions is not None and len(groups) > 1:
        where = np.array([_centre(positions[group]) for group in groups])
    return Arrangement(images, tuple(tuple(g.tolist()) for g in groups), where)


def _centre(positions: np.ndarray) -> float:
    # The mean of equal numbers need not be that number.
    same = np.all(positions == positions[0])
    return float(positions[0] if same else positions.mean())


def _along(
    darks: Images, axis: Axis | None, flats: Arrangement | None
) -> np.ndarray | None:
    """Positions of darks in the units of the flats; None where they have none."""
    if darks.positions is None or darks.axis is None:
        return darks.positions
    if axis is None and flats is not None and len(flats.positions):
        # Nobody knows what the numbers given for the flats count in.
        return None
    scale = factor(darks.axis, axis)
    return None if scale is None else darks.positions * scale
