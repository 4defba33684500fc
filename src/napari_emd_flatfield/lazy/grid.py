"""Selections cut along a grid of equal blocks."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

Slices = tuple[slice, ...]

# HDF5 spends less on a chunk smaller than this, in bytes, than Python does.
SMALLEST_CHUNK = 16 * 2**10

# And on reading less of one, as it is stored.
SMALLEST_READ = 32 * 2**10

# To read this many times what is asked for is worth keeping what is left.
WASTE = 4


class Overlap(NamedTuple):
    """What a selection and one block of a grid have in common.

    Parameters
    ----------
    block
        Which block, counted along each axis.
    inside
        The part, as slices of the block.
    where
        The part, as slices of what is selected.
    """

    block: tuple[int, ...]
    inside: Slices
    where: Slices


def overlaps(slices: Slices, size: tuple[int, ...]) -> Iterator[Overlap]:
    """Cut a selection along a grid; blocks it steps over are left out.

    Parameters
    ----------
    slices
        One normalised slice an axis.
    size
        Shape of a block; those at the end of an axis may be smaller.

    Returns
    -------
    iterator of Overlap
        In C order.
    """
    axes = [_along(s, n) for s, n in zip(slices, size, strict=True)]
    several = (itertools.product(*each) for each in zip(*axes, strict=True))
    return map(Overlap._make, zip(*several, strict=True))


def spanned(slices: Slices, size: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of all the blocks that a selection has a part of, taken together.

    Parameters
    ----------
    slices
        One normalised slice an axis.
    size
        Shape of a block.
    """
    spans = zip(slices, size, strict=True)
    return tuple((-(-s.stop // n) - s.start // n) * n for s, n in spans)


def box(
    index: tuple[int, ...], size: tuple[int, ...], shape: tuple[int, ...]
) -> Slices:
    """Where a block lies, cut off where the array ends.

    Parameters
    ----------
    index
        Which block, counted along each axis.
    size
        Shape of a block.
    shape
        Shape of the array.
    """
    return tuple(
        slice(i * step, min((i + 1) * step, n), 1)
        for i, step, n in zip(index, size, shape, strict=True)
    )


def inside_array(
    index: tuple[int, ...], size: tuple[int, ...], inside: Slices
) -> Slices:
    """Turn slices of a block into slices of the array.

    Parameters
    ----------
    index
        Which block, counted along each axis.
    size
        Shape of a block.
    inside
        Slices of that block.
    """
    starts = [i * n for i, n in zip(index, size, strict=True)]
    return tuple(
        slice(start + s.start, start + s.stop, s.step)
        for start, s in zip(starts, inside, strict=True)
    )


def _along(selected: slice, size: int) -> tuple[list[int], list[slice], list[slice]]:
    """Which blocks along an axis, what inside each, and where in the selection."""
    start, stop, step = selected.start, selected.stop, selected.step
    only = start // size
    if stop <= (only + 1) * size:  # mostly
        inside = slice(start - only * size, stop - only * size, step)
        return [only], [inside], [slice(0, len(range(start, stop, step)), 1)]
    blocks, insides, wheres = [], [], []
    for block in range(only, -(-stop // size)):
        begin = block * size
        # Which of the selected are the first inside and the first beyond.
        first = max(0, -(-(begin - start) // step))
        beyond = -(-(min(begin + size, stop) - start) // step)
        if first < beyond:
            chosen = range(start - begin, stop - begin, step)[first:beyond]
            blocks.append(block)
            insides.append(slice(chosen[0], chosen[-1] + 1, step))
            wheres.append(slice(first, beyond, 1))
    return blocks, insides, wheres


def cell_shape(
    slices: Slices, shape: tuple[int, ...], grain: tuple[int, ...], most: int
) -> tuple[int, ...]:
    """Shape of the blocks to read and keep, for a selection and its neighbours.

    Along an axis it selects whole, the whole; else what is cheap to read at once,
    or less of it where that is too much.

    Parameters
    ----------
    slices
        The selection.
    shape
        Shape of the array.
    grain
        Shape of what is cheap to read at once.
    most
        Number of elements a block may have, if it can be that small.
    """
    whole = [s.stop - s.start == n for s, n in zip(slices, shape, strict=True)]
    size = [
        n if all_ else min(g, n) for n, g, all_ in zip(shape, grain, whole, strict=True)
    ]
    for axis, (selected, all_) in enumerate(zip(slices, whole, strict=True)):
        count = math.prod(size)
        if count > most and not all_:
            extent = selected.stop - selected.start
            size[axis] = max(min(extent, size[axis]), most * size[axis] // count)
    return tuple(size)
