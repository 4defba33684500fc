"""What was written, compared with what was meant to be.

While frames stream into a dataset, a checksum is taken of chunks before they are
encoded: of each, or of the first and the last, as to decode one with HDF5 can take
as long as to save two. Afterwards the file is opened anew and these are read as any
program would read them: that their checksums agree proves that encoding, file and
decoding together changed nothing, short of what a disk does to data later.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import h5py
import numpy as np
from isal import isal_zlib

from ..errors import WriteError
from ..lazy.memory import SCRATCH
from ..lazy.opening import open_hdf5

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    # Of chunks, by where they start; of all there is, without chunks.
    Checksums = Mapping[tuple[int, ...], int]


def checksum(block: np.ndarray) -> int:
    """CRC-32 of the values of an array, in C order.

    Parameters
    ----------
    block
        Any array; one in C order is not copied.
    """
    values = np.ascontiguousarray(block).reshape(-1)
    return int(isal_zlib.crc32(values.view(np.uint8)))


def is_outermost(
    offset: tuple[int, ...], chunks: tuple[int, ...], shape: tuple[int, ...]
) -> bool:
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


def verify(path: Path, written: Mapping[str, Checksums]) -> None:
    """Check that a file holds what was written to it.

    Parameters
    ----------
    path
        A file that was completed.
    written
        Checksums of the chunks to read, by the HDF5 path of the dataset.

    Raises
    ------
    WriteError
        If a chunk is missing, cannot be read, or holds something else.
    """
    SCRATCH.close()  # what was needed to write is not needed any more
    # Each chunk is read once: a cache would only take memory.
    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    access.set_chunk_cache(0, 0, 1.0)
    with open_hdf5(path) as file:
        for name, sums in written.items():
            try:
                dataset = h5py.Dataset(h5py.h5d.open(file.id, name.encode(), access))
                wrong = next(_wrong(dataset, sums), None)
            except (OSError, RuntimeError, KeyError, ValueError) as error:
                wrong = str(error)
            if wrong is not None:
                raise WriteError(
                    f"what was written to {name} did not come back when it was read: "
                    f"{wrong}; the disk or the memory may be damaged. Nothing was "
                    "changed, save again elsewhere"
                )


def _wrong(dataset: h5py.Dataset, sums: Checksums) -> Iterator[str]:
    size = dataset.chunks or dataset.shape
    if dataset.chunks:
        count = math.prod(-(-n // c) for n, c in zip(dataset.shape, size, strict=True))
        if dataset.id.get_num_chunks() != count:
            yield f"{dataset.id.get_num_chunks()} chunks instead of {count}"
    for offset in sorted(sums):
        block = tuple(slice(o, o + n) for o, n in zip(offset, size, strict=True))
        if checksum(np.asarray(dataset[block])) != sums[offset]:
            yield f"the chunk at {offset} differs"
