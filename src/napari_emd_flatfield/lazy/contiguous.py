"""Datasets in one run of bytes: read with a file descriptor of our own."""

from __future__ import annotations

import itertools
import math
import operator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Self

import numpy as np

from .grid import WASTE, Slices, cell_shape
from .indexing import selected_shape
from .layout import Layout
from .memory import SCRATCH
from .places import is_plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    import h5py

    from .files import SharedFile
    from .work import Piece

# What a thread takes at once.
_PIECE = 4 * 2**20

# Where it begins, how many indices of the axis it spans, what to fill.
_Run = tuple[int, int, np.ndarray]

# What is read at once of which pixels here and there are picked: it stays in cache.
_TURNED = 2**19

# To read on is as fast as to read anew somewhere this far away.
_NEAR = 8 * 2**10


@dataclass(frozen=True)
class Contiguous(Layout):
    """A dataset in one run of bytes.

    Parameters
    ----------
    file, name, shape, dtype
        As for `Layout`.
    offset
        Where in the file it begins.
    """

    offset: int

    @classmethod
    def of(cls, file: SharedFile, name: str, dataset: h5py.Dataset) -> Self | None:
        offset = dataset.id.get_offset()
        if offset is None or not is_plain(file, dataset):
            return None
        return cls(file, name, dataset.shape, dataset.dtype, offset)

    @cached_property
    def _strides(self) -> tuple[int, ...]:
        inner = reversed(self.shape[1:])
        strides = itertools.accumulate(inner, operator.mul, initial=self.dtype.itemsize)
        return tuple(strides)[::-1]

    def cell(self, slices: Slices, nbytes: int) -> tuple[int, ...] | None:
        axis = self._run_axis(slices)
        selected = selected_shape(slices)
        rows = slices[axis].stop - slices[axis].start
        read = math.prod(selected[:axis]) * rows * self._strides[axis]
        wanted = math.prod(selected) * self.dtype.itemsize
        if read < max(WASTE * wanted, _PIECE):
            return None
        # Windows of any size share blocks whose sides are powers of two.
        grain = [1 << (s.stop - s.start - 1).bit_length() for s in slices]
        grain[axis + 1 :] = self.shape[axis + 1 :]
        most = nbytes // self.dtype.itemsize
        return cell_shape(slices, self.shape, tuple(grain), most)

    def pieces(self, slices: Slices, target: np.ndarray) -> Iterator[Piece]:
        axis = self._run_axis(slices)
        last = len(slices) - 1
        while axis < last and self._strides[axis] > _PIECE:  # for several threads
            axis += 1
        stride, run = self._strides[axis], slices[axis]
        inner = slices[axis + 1 :]
        count = len(range(run.start, run.stop, run.step))
        whole = selected_shape(inner) == self.shape[axis + 1 :]
        turned = not (whole and target.flags.c_contiguous)
        most = max(1, (_TURNED if turned else _PIECE) // (stride * run.step))
        outer = [range(s.start, s.stop, s.step) for s in slices[:axis]]
        batch: list[_Run] = []
        for where in itertools.product(*[range(len(chosen)) for chosen in outer]):
            begin = self.offset
            for chosen, i, step in zip(outer, where, self._strides, strict=False):
                begin += chosen[i] * step
            for first in range(0, count, most):
                several = min(most, count - first)
                key: tuple[int | slice, ...] = (*where, slice(first, first + several))
                part = target[key]
                rows = (several - 1) * run.step + 1
                batch.append(
                    (begin + (run.start + first * run.step) * stride, rows, part)
                )
                if len(batch) * min(most, count) * stride * run.step >= _PIECE:
                    yield partial(self._fill, batch, run.step, inner)
                    batch = []
        if batch:
            yield partial(self._fill, batch, run.step, inner)

    def _run_axis(self, slices: Slices) -> int:
        """Along which axis to read in one go, with all that lies between."""
        axis = len(slices) - 1
        while axis > 0:
            selected, outer = slices[axis], slices[axis - 1]
            gap = outer.step > 1 or selected.stop - selected.start < self.shape[axis]
            if gap and self._strides[axis - 1] > _NEAR:
                break
            axis -= 1
        return axis

    def _fill(self, batch: list[_Run], step: int, inner: Slices) -> None:
        descriptor = self.file.descriptor()
        lengths = self.shape[len(self.shape) - len(inner) :]
        buffer = None
        for offset, rows, part in batch:
            if part.flags.c_contiguous and part.shape == (rows, *lengths):
                descriptor.read(offset, part)
            else:
                if buffer is None:
                    most = max(rows for _, rows, _ in batch)
                    buffer = SCRATCH.array((most, *lengths), self.dtype)
                descriptor.read(offset, buffer[:rows])
                part[...] = buffer[(slice(0, rows, step), *inner)]
