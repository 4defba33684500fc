"""A stack corrected as it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..lazy.indexing import selected_shape
from ..lazy.views import View
from .counts import Counts
from .frames import correct_frames
from .kernel import parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..lazy import LazyArray
    from .flatfield import FlatField
    from .kernel import Recipe

    Index = tuple[int, ...]

# Raw frames read at once: enough for tiny ones to cost no more than large ones.
_BATCH_BYTES = 32 * 2**20


class CorrectedArray(View):
    """A raw array seen through a flat-field.

    Parameters
    ----------
    source
        Raw data of shape (…, y, x).
    flatfield
        The correction.
    positions
        Where each index of the axis `along` lies, in the units of the flats,
        shape (n,); ignored for a single frame.
    along
        Which axis that is.
    monitor
        Beam current or the like of each frame, of the shape of the leading axes;
        None where the flats have none.
    """

    def __init__(
        self,
        source: LazyArray,
        flatfield: FlatField,
        positions: np.ndarray,
        along: int = 0,
        monitor: np.ndarray | None = None,
    ) -> None:
        self._flatfield = flatfield
        self._positions = positions
        self._along = along
        self._monitor = monitor
        self._recipes: dict[Index, Recipe] = {}
        self._counts: dict[Index, Counts] = {}
        # Of frames that are read in bands of rows, by the first row of each band.
        self._bands: dict[Index, dict[int, tuple[int, Counts]]] = {}
        super().__init__(source, source.shape, flatfield.dtype, source.chunks)

    @property
    def source(self) -> LazyArray:
        """The raw data."""
        return self._source

    @property
    def flatfield(self) -> FlatField:
        """The correction."""
        return self._flatfield

    @property
    def counts(self) -> dict[tuple[int, ...], Counts]:
        """Counts of the frames read whole so far, by their leading indices.

        Reading all rows of one, band by band, is reading it whole.
        """
        return dict(self._counts)

    def counted(self) -> dict[str, Any]:
        """What was counted so far, in plain values, to be stored with the result.

        Returns
        -------
        dict
            Totals of the frames read whole, and numbers by frame in order.
        """
        counts = [self._counts[index] for index in sorted(self._counts)]
        found: dict[str, Any] = {"counted_frames": len(counts)}
        for kind in ("dead", "saturated", "negative", "zingers"):
            by_frame = [int(getattr(each, kind)) for each in counts]
            found[kind] = sum(by_frame)
            found[f"{kind}_by_frame"] = by_frame
        return found

    def _read(self, slices: tuple[slice, ...]) -> np.ndarray:
        out = np.empty(selected_shape(slices), self.dtype)
        self._read_into(slices, out)
        return out

    def _read_into(self, slices: tuple[slice, ...], out: np.ndarray) -> None:
        correction = self._flatfield._correction
        treatment = correction.treatment()
        leading, region = slices[:-2], slices[-2:]
        if treatment.repairs:
            grown, crop = _grown(region, self.shape[-2:], treatment.halo)
        else:
            grown, crop = region, (slice(None), slice(None))
        block = out
        if grown != region:
            block = np.empty(selected_shape((*leading, *grown)), self.dtype)
        chosen = [range(s.start, s.stop, s.step) for s in leading]
        for batch in _batches(block.shape[:-2], self._frames_at_once(grown)):
            wanted = [r[b] for r, b in zip(chosen, batch, strict=True)]
            indices = _indices(wanted)
            recipes = parts([self._recipe(index) for index in indices], grown)
            with self._source._lent((*map(_slice, wanted), *grown)) as raw:
                counts = correct_frames(
                    raw.reshape(-1, *raw.shape[-2:]),
                    block[batch].reshape(-1, *block.shape[-2:]),
                    recipes,
                    treatment,
                )
            if grown == region and _is_band(region, self.shape[-1]):
                for index, counted in zip(indices, counts, strict=True):
                    self._count(index, region[0], counted)
        if block is not out:
            rows, columns = crop
            out[...] = block[..., rows, columns]

    def _count(self, index: Index, rows: slice, counts: Counts) -> None:
        bands = self._bands.setdefault(index, {})
        bands[rows.start] = rows.stop, counts
        row, total = 0, Counts()
        while row in bands:
            row, more = bands[row]
            total = total.plus(more)
        if row == self.shape[-2]:
            self._counts[index] = total
            self._bands.pop(index, None)

    def _recipe(self, index: Index) -> Recipe:
        if index in self._recipes:
            return self._recipes[index]
        correction = self._flatfield._correction

        def read(region: tuple[slice, slice]) -> np.ndarray:
            frame = (slice(i, i + 1, 1) for i in index)
            raw = self._source._read((*frame, *region))
            return raw.reshape(raw.shape[-2:])

        recipe = correction.recipe(
            read,
            float(self._positions[index[self._along]]) if index else None,
            1.0 if self._monitor is None else float(self._monitor[index]),
        )
        if correction.fits_frames:
            self._recipes[index] = recipe
        return recipe

    def _frames_at_once(self, region: tuple[slice, ...]) -> int:
        height, width = selected_shape(region)
        return max(1, _BATCH_BYTES // (height * width * self._source.dtype.itemsize))

    def __getstate__(self) -> dict[str, Any]:
        # What was counted and fitted stays with who did it.
        return {**self.__dict__, "_counts": {}, "_bands": {}, "_recipes": {}}


def _slice(chosen: range) -> slice:
    return slice(chosen[0], chosen[-1] + 1, chosen.step)


def _is_band(region: tuple[slice, ...], width: int) -> bool:
    """Whether a region has all pixels of its rows, and leaves none of these out."""
    rows, columns = region
    return rows.step == 1 and columns == slice(0, width, 1)


def _indices(chosen: list[range]) -> list[Index]:
    lengths = (len(r) for r in chosen)
    return [
        tuple(r[i] for r, i in zip(chosen, where, strict=True))
        for where in np.ndindex(*lengths)
    ]


def _grown(
    region: tuple[slice, ...], frame: tuple[int, ...], halo: int
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Region with a margin and no steps, and where the region lies in it."""
    grown, crop = [], []
    for wanted, size in zip(region, frame, strict=True):
        start = max(0, wanted.start - halo)
        grown.append(slice(start, min(size, wanted.stop + halo), 1))
        crop.append(slice(wanted.start - start, wanted.stop - start, wanted.step))
    return tuple(grown), tuple(crop)


def _batches(counts: tuple[int, ...], most: int) -> Iterator[tuple[slice, ...]]:
    """Cut leading axes into runs of frames, in order.

    Parameters
    ----------
    counts
        Lengths of the axes.
    most
        Number of frames a run may have.
    """
    axis, inner = len(counts), 1
    while axis and inner * counts[axis - 1] <= most:
        axis -= 1
        inner *= counts[axis]
    rest = tuple(slice(0, n) for n in counts[axis:])
    if not axis:
        yield rest
        return
    run = max(1, most // inner)
    for before in np.ndindex(*counts[: axis - 1]):
        first = tuple(slice(i, i + 1) for i in before)
        for start in range(0, counts[axis - 1], run):
            yield (*first, slice(start, min(start + run, counts[axis - 1])), *rest)
