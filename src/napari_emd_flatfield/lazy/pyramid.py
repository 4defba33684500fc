"""Big arrays at several resolutions, each computed where it is looked at.

napari shows a list of arrays, each coarser than the one before, by reading only
what is on screen, as coarse as the screen is; and in 3-D, all of the last.
"""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .cache import CACHE
from .grid import box, overlaps
from .indexing import normalise, selected_shape
from .views import View
from .work import Helpers, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..signal import ArrayLike
    from .base import LazyArray
    from .cache import Key
    from .grid import Slices

# From here on napari is slow with frames, and volumes, that it has to load whole.
_LARGE_SIDE = 8192
_LARGE_VOLUME = 4 * 2**30

# What a whole frame is shown by where a window has less pixels than it, in a volume,
# and where it is smaller than an icon.
_COARSEST_FRAME = 1024
_VOLUME_SIDE = 256
_ICON_SIDE = 64

# What is read for a volume: some of the frames of a long stack.
_VOLUME_BYTES = 2**30

# Side of the squares that napari asks for.
_CHUNK = 256

# Side of the squares that are computed at once and kept, and what is read for one
# row of them at a time.
_TILE = 256
_BAND_BYTES = 16 * 2**20


def pyramid(
    array: LazyArray, in_3d: Callable[[], bool] = lambda: True
) -> list[ArrayLike]:
    """Return an array at decreasing resolutions, for ``multiscale=True`` of napari.

    Parameters
    ----------
    array
        Shape (…, y, x).
    in_3d
        Tells whether it is being shown as a volume.

    Returns
    -------
    list of array
        The array alone if it is small. Else itself, its frames binned 2 × 2, 4 × 4…
        and, for a stack, `CoarsestLevel`. Slices of them are lazy arrays in turn.
    """
    *leading, height, width = array.shape
    side = max(height, width)
    is_volume = bool(leading) and leading[-1] > 1
    if side < _LARGE_SIDE and not (is_volume and array.nbytes > _LARGE_VOLUME):
        return [array]
    levels: list[ArrayLike] = [FullLevel(array)]
    most = min(height, width)  # or nothing would be left of a strip
    factor = 2
    while side >= _LARGE_SIDE and side // factor >= _COARSEST_FRAME and factor <= most:
        levels.append(BinnedArray(array, factor))
        factor *= 2
    if is_volume:
        frame = height * width * array.dtype.itemsize
        frames = min(_VOLUME_SIDE, max(2, _VOLUME_BYTES // frame))
        every = -(-leading[-1] // frames)
        volume = BinnedArray(array, min(most, -(-side // _VOLUME_SIDE)), every)
        icons = BinnedArray(array, min(most, -(-side // _ICON_SIDE)), every=1)
        levels.append(CoarsestLevel(icons, volume, in_3d))
    return levels


class Level(View):
    """An array whose slices are lazy: napari cuts out the tile, then the frame."""

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple) and all(isinstance(k, slice) for k in key):
            selection = normalise(key, self.shape)
            steps = {s.step for s in (*selection.slices, *key)}
            if 0 not in selection.shape and steps <= {1, None}:
                return WindowArray(self, selection.slices)
        return super().__getitem__(key)


class FullLevel(Level):
    """An array at its own resolution.

    Parameters
    ----------
    source
        The array.
    """

    def __init__(self, source: LazyArray) -> None:
        # napari widens what is on screen to whole chunks: frames, were it left out.
        chunks = (*source.chunks[:-2], *(min(n, _CHUNK) for n in source.chunks[-2:]))
        super().__init__(source, source.shape, source.dtype, chunks)

    @property
    def source(self) -> LazyArray:
        """The array."""
        return self._source

    def _read(self, slices: Slices) -> np.ndarray:
        return self._source._read(slices)

    def _read_into(self, slices: Slices, out: np.ndarray) -> None:
        self._source._read_into(slices, out)


class WindowArray(View):
    """A part of another array.

    Parameters
    ----------
    source
        The array.
    window
        Which part: one normalised slice an axis, all with step 1.
    """

    def __init__(self, source: LazyArray, window: Slices) -> None:
        self._window = window
        super().__init__(source, selected_shape(window), source.dtype, source.chunks)
        # Windows come and go; what steps on is what they are windows of.
        self._stepping = source._stepping

    def _read(self, slices: Slices) -> np.ndarray:
        return self._source._read(self._inside(slices))

    def _inside(self, slices: Slices) -> Slices:
        return tuple(
            slice(w.start + s.start, w.start + s.stop, s.step)
            for w, s in zip(self._window, slices, strict=True)
        )


class BinnedArray(Level):
    """Another array with pixels averaged in squares, computed tile by tile and kept.

    Parameters
    ----------
    source
        Shape (…, y, x).
    factor
        Side of a square; pixels at the end that fill none are left out.
    every
        Show every so many indices of the axis before the frame, and average one row
        of each square alone: what is read for a volume, and for the thumbnail.
    """

    def __init__(
        self, source: LazyArray, factor: int, every: int | None = None
    ) -> None:
        *leading, height, width = source.shape
        if leading:
            leading[-1] = -(-leading[-1] // (every or 1))
        shape = (*leading, height // factor, width // factor)
        chunks = (*[1] * len(leading), _CHUNK, _CHUNK)
        super().__init__(source, shape, source.dtype, chunks)
        self._factor = factor
        self._every = every or 1
        self._rows = factor if every is None else 1
        self._tile = (1,) * len(leading) + (_TILE, _TILE)
        self._token = object()
        weakref.finalize(self, CACHE.drop, self._token).atexit = False

    def _read(self, slices: Slices) -> np.ndarray:
        found = np.empty(selected_shape(slices), self.dtype)
        parts = list(overlaps(slices, self._tile))
        state = tuple(sorted(self._source.versions().items()))
        keys = [(self._token, state, part.block) for part in parts]
        tiles = [self._binned(key) for key in keys]
        helpers = Helpers.shared()
        for tile in tiles:
            helpers.help(tile)
        for part, key, tile in zip(parts, keys, tiles, strict=True):
            found[part.where] = CACHE.finish(key, tile)[part.inside]
        for key, tile in zip(keys, tiles, strict=True):
            # The frames that were read for them may have pushed them out.
            if CACHE.get(key) is None:
                CACHE.add(key, tile)
        return found

    def _needs(self, slices: Slices) -> Iterable[tuple[LazyArray, Slices]]:  # noqa: ARG002
        return ()  # whole frames, to see a little of them

    def _binned(self, key: Key) -> Work:
        return CACHE.get(key) or CACHE.add(key, self._begun(key[-1]))

    def _begun(self, index: tuple[int, ...]) -> Work:
        *leading, rows, columns = box(index, self._tile, self.shape)
        tile = np.empty(selected_shape((*leading, rows, columns)), self.dtype)
        row = (columns.stop - columns.start) * self._factor * self.dtype.itemsize
        count = max(1, _BAND_BYTES // (row * self._rows))
        frame = [slice(s.start, s.stop, 1) for s in leading]
        if frame:
            start = frame[-1].start * self._every
            frame[-1] = slice(start, start + 1, 1)
        pieces = []
        for top in range(rows.start, rows.stop, count):
            bottom = min(top + count, rows.stop)
            step = self._factor // self._rows
            window = self._scaled(slice(top, bottom), step), self._scaled(columns)
            target = tile[..., top - rows.start : bottom - rows.start, :]
            pieces.append(partial(self._bin, (*frame, *window), target))
        return Work(tile, pieces)

    def _scaled(self, selected: slice, step: int = 1) -> slice:
        return slice(selected.start * self._factor, selected.stop * self._factor, step)

    def _bin(self, slices: Slices, target: np.ndarray) -> None:
        pixels = self._source._read(slices)
        if self.dtype.kind == "f":
            # A dead pixel must not take its whole square with it.
            good = ~np.isnan(pixels)
            with np.errstate(invalid="ignore"):  # a square of nothing else
                mean = self._sums(np.where(good, pixels, 0)) / self._sums(good)
        else:
            mean = self._sums(pixels) / (self._rows * self._factor)
        if self.dtype.kind not in "iu":
            target[...] = mean
            return
        rounded, most = np.rint(mean), np.iinfo(self.dtype).max
        with np.errstate(invalid="ignore"):  # the largest integers are no floats
            target[...] = rounded
        target[rounded >= most] = most

    def _sums(self, pixels: np.ndarray) -> np.ndarray:
        """Sum over each square."""
        *leading, rows, columns = pixels.shape
        squares = pixels.reshape(*leading, rows // self._rows, self._rows, columns)
        # Rows first, then columns one by one: sums along memory are the fast ones.
        along = squares.sum(axis=-2, dtype=np.result_type(self.dtype, np.float32))
        sums: np.ndarray = along[..., :: self._factor].copy()
        for column in range(1, self._factor):
            sums += along[..., column :: self._factor]
        return sums


class CoarsestLevel:
    """A stack as napari shows it where it has no room: in 2-D, and in 3-D.

    In 3-D napari takes the coarsest resolution, which must not be large: a volume of
    some of the frames. In 2-D it takes it too, where a layer is small on the screen,
    and for thumbnails; there the volume would show other frames than those meant.

    Parameters
    ----------
    frames
        Every frame, tiny.
    volume
        Some of the frames.
    in_3d
        Tells which is shown.
    """

    def __init__(
        self, frames: LazyArray, volume: LazyArray, in_3d: Callable[[], bool]
    ) -> None:
        self._frames, self._volume, self._in_3d = frames, volume, in_3d

    @property
    def _shown(self) -> LazyArray:
        return self._volume if self._in_3d() else self._frames

    @property
    def shape(self) -> tuple[int, ...]:
        return self._shown.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._volume.dtype

    @property
    def ndim(self) -> int:
        return self._volume.ndim

    @property
    def size(self) -> int:
        return self._shown.size

    @property
    def chunks(self) -> tuple[int, ...]:
        return self._shown.chunks

    def __getitem__(self, key: Any) -> Any:
        return self._shown[key]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self._shown.__array__(dtype, copy)
