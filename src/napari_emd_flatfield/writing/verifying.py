"""What was written, compared with what was meant to be.

While frames stream into a dataset, a checksum is taken of chunks before they are
encoded: of each, or of the first and the last. Afterwards the file is opened anew
and these are decoded, gzip by another library than the one that encoded it: that
their checksums agree proves that encoding and file changed nothing, short of what a
disk does to data later.
"""

from __future__ import annotations

import math
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
from h5py._objects import phil
from isal import isal_zlib

from ..errors import WriteError
from ..lazy.codecs import Pipeline
from ..lazy.memory import SCRATCH
from ..lazy.opening import open_hdf5
from .pipeline import ahead, thread_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import h5py

    from .progress import Meter

    Offset = tuple[int, ...]
    # Of chunks, by where they start; of all there is, without chunks.
    Checksums = Mapping[Offset, int]


def checksum(block: np.ndarray) -> int:
    """CRC-32 of the values of an array, in C order.

    Parameters
    ----------
    block
        Any array; one in C order is not copied.
    """
    values = np.ascontiguousarray(block).reshape(-1)
    return int(isal_zlib.crc32(values.view(np.uint8)))


def is_outermost(offset: Offset, chunks: Offset, shape: Offset) -> bool:
    """Tell whether a chunk is the first or the last of a dataset.

    Parameters
    ----------
    offset
        Where it starts.
    chunks, shape
        Shapes of the chunks and of the dataset.
    """
    left = (n - o for o, n in zip(offset, shape, strict=True))
    return not any(offset) or all(n <= c for n, c in zip(left, chunks, strict=True))


def verify(
    path: Path, written: Mapping[str, Checksums], meter: Meter | None = None
) -> None:
    """Check that a file holds what was written to it.

    Parameters
    ----------
    path
        A file that was completed.
    written
        Checksums of the chunks to read, by the HDF5 path of the dataset.
    meter
        Is told of each chunk, so that who is asked to wait can be asked to stop.

    Raises
    ------
    WriteError
        If a chunk is missing, cannot be read, or holds something else.
    """
    with closing(SCRATCH), open_hdf5(path) as file:
        for name, sums in written.items():
            try:
                wrong = next(_wrong(file[name], sums, meter), None)
            except (OSError, RuntimeError, KeyError, ValueError) as error:
                wrong = str(error)
            if wrong is not None:
                raise WriteError(
                    f"what was written to {name} did not come back when it was read: "
                    f"{wrong}; the disk or the memory may be damaged. Nothing was "
                    "changed, save again elsewhere"
                )


def _wrong(
    dataset: h5py.Dataset, sums: Checksums, meter: Meter | None
) -> Iterator[str]:
    if dataset.chunks is None:
        if any(checksum(dataset[()]) != each for each in sums.values()):
            yield "the values differ"
        return
    sizes = zip(dataset.shape, dataset.chunks, strict=True)
    count = math.prod(math.ceil(n / c) for n, c in sizes)
    if dataset.id.get_num_chunks() != count:
        yield f"{dataset.id.get_num_chunks()} chunks instead of {count}"
    for offset, same in _compared(dataset, sums):
        if meter is not None:
            meter.add(0, 0)
        if same:
            continue
        yield f"the chunk at {offset} differs"


def _compared(dataset: h5py.Dataset, sums: Checksums) -> Iterator[tuple[Offset, bool]]:
    pipeline, shape = Pipeline.of(dataset), dataset.shape
    chunks, dtype = dataset.chunks, dataset.dtype
    assert pipeline is not None  # or it could not have been written

    def stored() -> Iterator[tuple[Offset, int, np.ndarray]]:
        for offset in sorted(sums):
            with phil:  # h5py before 3.16 does not take its own lock for this
                skipped, data = dataset.id.read_direct_chunk(offset)
            yield offset, skipped, np.frombuffer(data, np.uint8)

    def as_written(found: tuple[Offset, int, np.ndarray]) -> tuple[Offset, bool]:
        offset, skipped, data = found
        with SCRATCH.lent(chunks, dtype) as chunk:
            pipeline.decode(data, skipped, chunk.reshape(-1).view(np.uint8))
            sizes = (n - o for n, o in zip(shape, offset, strict=True))
            return offset, checksum(chunk[tuple(map(slice, sizes))]) == sums[offset]

    threads = thread_count(3 * pipeline.nbytes)
    with closing(ahead(as_written, stored(), threads)) as results:
        yield from results
