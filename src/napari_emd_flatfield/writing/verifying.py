"""What was written, compared with what was meant to be.

While frames stream into a dataset, a checksum is taken of each chunk before it is
encoded. Afterwards the file is opened anew and chunks are decoded, gzip by another
library than the one that encoded it: that their checksums agree proves that encoding
and file changed nothing, short of what a disk does to data later.
"""

from __future__ import annotations

import math
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
from h5py._objects import phil
from isal import isal_zlib

from ..errors import WriteError
from ..lazy.codecs import Pipeline
from ..lazy.memory import SCRATCH, trim
from ..lazy.opening import open_hdf5
from .pipeline import ahead, thread_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    import h5py

    from .progress import Meter

    Offset = tuple[int, ...]

# With the copies that plugins make of larger chunks, two threads would hold more
# than eight frames.
_LARGE = 8 * 2**20


class Written(NamedTuple):
    """What a dataset must be found to hold.

    Attributes
    ----------
    shape, dtype
        Of the dataset.
    sums
        Checksums, uint32: one for each chunk, by its number along each axis; of
        all values, with no axes, without chunks.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    sums: np.ndarray

    @classmethod
    def into(cls, dataset: h5py.Dataset) -> Self:
        """What is going to be written to a dataset, the sums yet to be filled in.

        Parameters
        ----------
        dataset
            New and empty.
        """
        shape, chunks = dataset.shape, dataset.chunks
        sizes = zip(shape, chunks, strict=True) if chunks else ()
        count = [math.ceil(n / c) for n, c in sizes]
        return cls(shape, dataset.dtype, np.zeros(count, np.uint32))


class _Chunk(NamedTuple):
    """A chunk as it is stored, and the checksum that its values must have."""

    offset: Offset
    skipped: int
    data: np.ndarray
    sum: int


def checksum(block: np.ndarray) -> int:
    """CRC-32 of the values of an array, in C order.

    Parameters
    ----------
    block
        Any array; one in C order is not copied.
    """
    values = np.ascontiguousarray(block).reshape(-1)
    return int(isal_zlib.crc32(values.view(np.uint8)))


def verify(
    path: Path,
    written: Mapping[str, Written],
    everything: bool = True,
    meter: Meter | None = None,
) -> None:
    """Check that a file holds what was written to it.

    Parameters
    ----------
    path
        A file that was completed.
    written
        What was written, by the HDF5 path of the dataset.
    everything
        Compare all chunks, instead of the first and the last of each dataset.
    meter
        Is told of each chunk, so that who is asked to wait can be asked to stop.

    Raises
    ------
    WriteError
        If a dataset has another shape, dtype or number of chunks, or a chunk cannot
        be read, or holds something else.
    """
    with open_hdf5(path) as file:
        for name, each in written.items():
            for wrong in _looked_at(file, name, each, everything):
                if wrong is not None:
                    raise WriteError(
                        f"what was written to {name} did not come back when it was "
                        f"read: {wrong}; the disk or the memory may be damaged. "
                        "Nothing was changed, save again elsewhere"
                    )
                if meter is not None:
                    meter.add(0, 0)


def _looked_at(
    file: h5py.File, name: str, written: Written, everything: bool
) -> Iterator[str | None]:
    """Say of each chunk looked at what is wrong with it, if anything is."""
    try:
        dataset, sums = file[name], written.sums
        kind, meant = (dataset.shape, dataset.dtype), (written.shape, written.dtype)
        if kind != meant:
            yield "{1} {0} instead of {3} {2}".format(*kind, *meant)
        elif dataset.chunks is None:
            yield "the values differ" if checksum(dataset[()]) != sums else None
        elif dataset.id.get_num_chunks() != sums.size:
            yield f"{dataset.id.get_num_chunks()} chunks instead of {sums.size}"
        else:
            last = tuple(n - 1 for n in sums.shape)
            ends = {(0,) * sums.ndim, last}
            numbers = np.ndindex(sums.shape) if everything else ends
            for offset, same in _compared(dataset, sums, numbers):
                yield None if same else f"the chunk at {offset} differs"
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        yield str(error)


def _compared(
    dataset: h5py.Dataset, sums: np.ndarray, numbers: Iterable[Offset]
) -> Iterator[tuple[Offset, bool]]:
    pipeline, shape = Pipeline.of(dataset), dataset.shape
    chunks, dtype = dataset.chunks, dataset.dtype
    assert pipeline is not None  # or it could not have been written

    def stored() -> Iterator[_Chunk]:
        for number in numbers:
            offset = tuple(n * c for n, c in zip(number, chunks, strict=True))
            skipped, data = _stored(dataset, offset, pipeline.nbytes)
            yield _Chunk(offset, skipped, np.frombuffer(data, np.uint8), sums[number])

    def as_written(found: _Chunk) -> tuple[Offset, bool]:
        with SCRATCH.lent(chunks, dtype) as chunk:
            pipeline.decode(found.data, found.skipped, chunk.reshape(-1).view(np.uint8))
            if is_large:
                trim()  # or each thread would keep what the plugin took for copies
            sizes = (n - o for n, o in zip(shape, found.offset, strict=True))
            part = chunk[tuple(map(slice, sizes))]
            return found.offset, bool(checksum(part) == found.sum)

    is_large = pipeline.copies and pipeline.nbytes > _LARGE
    threads = 1 if is_large else thread_count(3 * pipeline.nbytes)
    with closing(ahead(as_written, stored(), threads)) as results:
        yield from results


def _stored(
    dataset: h5py.Dataset, offset: Offset, nbytes: int
) -> tuple[int, bytes | memoryview]:
    # What cannot be compressed takes a little more than it is; hardly any does.
    memory = SCRATCH.array((nbytes + nbytes // 64 + 1024,), np.dtype(np.uint8))
    with phil:  # h5py before 3.16 does not take its own lock for this
        try:
            found = dataset.id.read_direct_chunk(offset, out=memory)
        except ValueError:
            found = dataset.id.read_direct_chunk(offset)
    skipped: int
    data: bytes | memoryview
    skipped, data = found
    return skipped, data
