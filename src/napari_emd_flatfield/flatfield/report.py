"""What a user should know before trusting a correction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import FlatFieldError
from ..lazy import adapt
from .corrected import CorrectedArray
from .counts import Counts
from .orientation import ORIENTATIONS, composed, turn

if TYPE_CHECKING:
    from ..signal import Signal
    from .references import References

# Correlations are told from so many pixels in the middle of a frame.
_SIDE = 512

# The drift of larger frames is told from every n-th of their rows and columns.
_MOST_PIXELS = 2**22

# A flat whose pattern is seen this much better when turned was turned.
_CLEARLY = 0.2


@dataclass(frozen=True)
class Report:
    """Quality of a correction, told from a sample of its frames.

    Parameters
    ----------
    frames
        Number of frames there are.
    sampled
        Leading indices of those looked at.
    counts
        Dead, saturated and negative pixels and zingers of each of them.
    outside
        Number of frames before the first or after the last flat.
    drift
        Largest change of the mean of flat - dark from the first flat, in percent.
    pattern_drift
        Largest change of its shape: spread over the pixels of the change from the
        first flat, both divided by their means, in percent; noise included.
    pattern_before, pattern_after
        Correlation of raw and of corrected frames with the flat's own pattern of
        neighbouring pixels, -1…1: near 0 after a correction that worked.
    orientation
        How the references should have been turned, if that fits much better.
    """

    frames: int
    sampled: tuple[tuple[int, ...], ...]
    counts: tuple[Counts, ...]
    outside: int
    drift: float | None
    pattern_drift: float | None
    pattern_before: float | None
    pattern_after: float | None
    orientation: str | None

    @property
    def total(self) -> Counts:
        """Counts of all frames looked at."""
        total = Counts()
        for counts in self.counts:
            total = total.plus(counts)
        return total

    def __str__(self) -> str:
        total = self.total
        lines = [
            f"{len(self.sampled)} of {self.frames} frames looked at",
            *(
                f"{kind}: {number} pixels ({number / max(1, total.pixels):.2%})"
                for kind, number in (
                    ("dead", total.dead),
                    ("saturated", total.saturated),
                    ("negative", total.negative),
                    ("zingers", total.zingers),
                )
            ),
            f"outside the flats: {self.outside} frames (the nearest flat holds)",
        ]
        if self.drift is not None:
            lines.append(f"drift between flats: {self.drift:.2f} % in brightness")
        if self.pattern_drift is not None:
            lines[-1] += f", {self.pattern_drift:.2f} % in shape"
        if self.pattern_before is not None and self.pattern_after is not None:
            lines.append(
                f"correlation with the flat's pattern: {self.pattern_before:+.3f} "
                f"before, {self.pattern_after:+.3f} after"
            )
        if self.orientation is not None:
            lines.append(
                "the references seem to be turned: try orient="
                f"{self.orientation!r} instead"
            )
        return "\n".join(lines)


def make_report(raw: Signal, corrected: Signal, frames: int) -> Report:
    """Look at some frames of a correction.

    Parameters
    ----------
    raw
        Raw frames.
    corrected
        The same as `FlatField.correct` gave them.
    frames
        How many to look at, spread evenly.
    """
    if frames < 0:
        raise FlatFieldError(f"frames={frames} cannot be looked at; give 0 or more")
    array = corrected.data
    assert isinstance(array, CorrectedArray)
    ff, source = array.flatfield, adapt(raw.data)
    references = ff._correction.references
    pattern = references.pattern if ff.mode == "flat" else None
    sampled = _spread(raw.shape[:-2], frames)
    before, after, counts = [], [], []
    for index in sampled:
        result = array[index]
        counts.append(array.counts[index])
        if pattern is not None:
            before.append(_correlation(source[index], pattern))
            after.append(_correlation(-result if ff.output.log else result, pattern))
    drift, pattern_drift = _drift(references)
    orientation = None
    if pattern is not None and sampled:
        middle = source[sampled[len(sampled) // 2]]
        orientation = _better_orientation(middle, pattern, ff.orient)
    return Report(
        frames=int(np.prod(raw.shape[:-2], dtype=np.int64)),
        sampled=sampled,
        counts=tuple(counts),
        outside=int(corrected.metadata["flatfield"].get("frames_outside_the_flats", 0)),
        drift=drift,
        pattern_drift=pattern_drift,
        pattern_before=float(np.mean(before)) if before else None,
        pattern_after=float(np.mean(after)) if after else None,
        orientation=orientation,
    )


def _spread(leading: tuple[int, ...], frames: int) -> tuple[tuple[int, ...], ...]:
    """Leading indices of some frames, from the first to the last."""
    total = int(np.prod(leading, dtype=np.int64))
    chosen = np.linspace(0, total - 1, min(frames, total)).round().astype(int)
    return tuple(tuple(map(int, np.unravel_index(k, leading))) for k in chosen)


def _correlation(frame: np.ndarray, pattern: np.ndarray) -> float:
    """Correlation of the differences between neighbouring pixels."""
    image, light = (_middle(each).astype(np.float64) for each in (frame, pattern))
    light[~(light > 0)] = np.nan
    a, b = np.diff(image), np.diff(light)
    good = np.isfinite(a) & np.isfinite(b)
    a, b = a[good], b[good]
    if not len(a) or not a.any() or not b.any():
        return 0.0
    return float(np.sum(a * b) / np.sqrt(np.sum(a * a) * np.sum(b * b)))


def _middle(image: np.ndarray) -> np.ndarray:
    top, left = (max(0, (n - _SIDE) // 2) for n in image.shape)
    return image[top : top + _SIDE, left : left + _SIDE]


def _better_orientation(
    frame: np.ndarray, pattern: np.ndarray, orient: str
) -> str | None:
    """Name the orientation in which a flat shows in a frame, if not the chosen."""
    found = {
        turned: _correlation(frame, turn(pattern, turned))
        for turned in ORIENTATIONS
        if turn(pattern, turned).shape == frame.shape
    }
    best = max(found, key=lambda turned: found[turned])
    if found[best] - found["none"] < _CLEARLY:
        return None
    return composed(orient, best)


def _drift(references: References) -> tuple[float | None, float | None]:
    gains = references.gains
    if references.eigen is not None:
        levels = references.eigen.levels
        return 100 * float(np.max(np.abs(levels / levels[0] - 1))), None
    if gains is not None:
        step = math.ceil(math.sqrt(gains[0].size / _MOST_PIXELS))
        gains = gains[:, ::step, ::step]
    alive = None if gains is None else np.all(gains > 0, axis=0)
    if gains is None or alive is None or not alive.any():
        return None, None
    levels = np.array([gain[alive].mean(dtype=np.float64) for gain in gains])
    first = gains[0][alive] / levels[0]
    shapes = [
        np.std(gain[alive] / level / first)
        for gain, level in zip(gains, levels, strict=True)
    ]
    change = np.abs(levels / levels[0] - 1)
    return 100 * float(change.max()), 100 * float(np.max(shapes))
