"""What was written, compared with what was meant to be.

While frames stream into a dataset, a checksum of each chunk is taken before it is
encoded. Afterwards the file is opened anew and chunks are read as any program
would read them: that their checksums agree proves that encoding, file and decoding
together changed nothing, short of what a disk does to data later.
"""

from __future__ import annotations

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

    # Of each chunk, by where it starts; of all there is, without chunks.
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


def verify(path: Path, written: Mapping[str, Checksums], everything: bool) -> None:
    """Check that a file holds what was written to it.

    Parameters
    ----------
    path
        A file that was completed.
    written
        Checksums of what was written, by the HDF5 path of the dataset.
    everything
        Read all of it, not only the first and the last chunk of each dataset.

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
                wrong = next(_wrong(dataset, sums, everything), None)
            except (OSError, RuntimeError, KeyError, ValueError) as error:
                wrong = str(error)
            if wrong is not None:
                raise WriteError(
                    f"what was written to {name} did not come back when it was read: "
                    f"{wrong}; the disk or the memory may be damaged. Nothing was "
                    "changed, save again elsewhere"
                )


def _wrong(dataset: h5py.Dataset, sums: Checksums, everything: bool) -> Iterator[str]:
    size = dataset.chunks or dataset.shape
    if dataset.chunks and dataset.id.get_num_chunks() != len(sums):
        yield f"{dataset.id.get_num_chunks()} chunks instead of {len(sums)}"
    offsets = sorted(sums)
    # To decode one with HDF5 can take as long as to save two.
    for offset in offsets if everything else {*offsets[:1], *offsets[-1:]}:
        block = tuple(slice(o, o + n) for o, n in zip(offset, size, strict=True))
        if checksum(np.asarray(dataset[block])) != sums[offset]:
            yield f"the chunk at {offset} differs"
