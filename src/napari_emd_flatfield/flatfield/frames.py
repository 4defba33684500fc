"""Frames, or one region of them, through kernel, repair and finish."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .blocks import share_rows
from .counts import Counts
from .kernel import Recipe, Rule, parts
from .kernels import correct_rows
from .repair import HALO, find_zingers, neighbour_median

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .output import Finish
    from .settings import Pixels

# Rows of this many bytes pass through a buffer on their way to another dtype.
_BUFFER_BYTES = 256 * 1024


@dataclass(frozen=True, eq=False)
class Treatment:
    """What is done to all frames alike.

    Parameters
    ----------
    fill
        Value of dead pixels; None for the median of good neighbours.
    pixels
        Which those are.
    multiply
        Whether frames are multiplied with the gain.
    finish
        What becomes of the quotient.
    """

    fill: float | None
    pixels: Pixels
    multiply: bool
    finish: Finish

    @property
    def halo(self) -> int:
        """How many pixels around a region its result depends on."""
        return HALO if self.repairs else 0

    @property
    def repairs(self) -> bool:
        """Whether some pixels take after their neighbours."""
        return self.fill is None or self.pixels.zinger is not None

    def rule(self, raw: np.dtype[Any]) -> Rule:
        """What the kernel has to know.

        Parameters
        ----------
        raw
            Type of the raw frames.
        """
        saturation = self.pixels.saturation
        if saturation is None:
            saturation = np.iinfo(raw).max if raw.kind in "iu" else np.inf
        return Rule(
            np.nan if self.repairs or self.fill is None else self.fill,
            self.finish.limit,
            self.pixels.threshold,
            float(saturation),
            self.multiply,
        )


def correct_frames(
    raw: np.ndarray,
    out: np.ndarray,
    recipes: Sequence[Recipe],
    treatment: Treatment,
) -> list[Counts]:
    """Correct frames, or the same region of frames.

    Parameters
    ----------
    raw
        Shape (n, y, x), any real dtype.
    out
        Where the result goes, shape (n, y, x), of the dtype of the finish.
    recipes
        One a frame, for the same region of it.
    treatment
        What is done to all of them.

    Returns
    -------
    list of Counts
        One a frame.
    """
    work = _work_dtype(raw, recipes, out.dtype)
    if treatment.repairs:
        return [
            _repaired(raw[i : i + 1], out[i], recipe, treatment, work)
            for i, recipe in enumerate(recipes)
        ]
    rule, finish = treatment.rule(raw.dtype), treatment.finish
    direct = work == out.dtype

    def correct(rows: slice) -> np.ndarray:
        if not direct:
            return _through_buffer(raw, out, recipes, rule, rows, finish, work)
        counted = correct_rows(raw, out, recipes, rule, rows)
        if not finish.is_plain:
            for part in out[:, rows]:
                finish(part, part)
        return counted

    _, height, width = raw.shape
    tally = np.sum(share_rows(correct, height, raw.size), axis=0)
    return [Counts(height * width, *row) for row in tally.tolist()]


def _work_dtype(
    raw: np.ndarray, recipes: Sequence[Recipe], result: np.dtype[Any]
) -> np.dtype[Any]:
    """Type to compute in: float32, or wider where that would lose digits."""
    mixtures = [m for recipe in recipes for m in (recipe.gain, recipe.dark)]
    dtypes = {m.images.dtype for m in mixtures if m is not None}
    if result.kind == "f":
        dtypes.add(result)
    return np.result_type(raw.dtype, np.float32, *dtypes)


def _through_buffer(
    raw: np.ndarray,
    out: np.ndarray,
    recipes: Sequence[Recipe],
    rule: Rule,
    rows: slice,
    finish: Finish,
    work: np.dtype[Any],
) -> np.ndarray:
    """Correct rows whose results are of another dtype than is computed in."""
    n, _, width = raw.shape
    height = max(1, _BUFFER_BYTES // (width * work.itemsize))
    buffer = np.empty((1, min(height, rows.stop - rows.start), width), work)
    tally = np.zeros((n, 3), np.int64)
    for top in range(rows.start, rows.stop, height):
        band = slice(top, min(top + height, rows.stop))
        target, every = buffer[:, : band.stop - top], slice(0, band.stop - top)
        for i, recipe in enumerate(parts(recipes, (band, slice(None)))):
            part = raw[i : i + 1, band]
            tally[i] += correct_rows(part, target, [recipe], rule, every)[0]
            finish(target[0], out[i, band])
    return tally


def _repaired(
    raw: np.ndarray,
    out: np.ndarray,
    recipe: Recipe,
    treatment: Treatment,
    work: np.dtype[Any],
) -> Counts:
    """Correct one frame whose pixels depend on each other."""
    frame = np.empty(raw.shape, work)
    rule = treatment.rule(raw.dtype)

    def correct(rows: slice) -> np.ndarray:
        return correct_rows(raw, frame, [recipe], rule, rows)

    _, height, width = raw.shape
    tally = np.sum(share_rows(correct, height, raw.size), axis=0)
    dead, saturated, negative = (int(n) for n in tally[0])
    values = frame[0]
    good = np.isfinite(values)
    zingers = np.zeros(values.shape, np.bool_)
    if treatment.pixels.zinger is not None:
        zingers = find_zingers(values, good, treatment.pixels.zinger)
    wanted = zingers if treatment.fill is not None else zingers | ~good
    rows, columns = np.nonzero(wanted)
    medians = neighbour_median(values, good & ~zingers, rows, columns)
    values[rows, columns] = medians
    if treatment.fill is not None:
        values[~good] = treatment.fill
    treatment.finish(values, out)
    hit = int(np.count_nonzero(zingers))
    return Counts(height * width, dead, saturated, negative, hit)
