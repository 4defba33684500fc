"""The EMD 0.2 writer: https://emdatasets.com/format."""

from __future__ import annotations

from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import h5py
import numpy as np

from .. import units as _units
from ..errors import EmdFlatfieldError, SignalError, WriteError
from ..flatfield.corrected import CorrectedArray
from ..formats.berkeley import ADDED, FRAME_LAST, NAME, ROLE
from ..formats.display import display_order
from ..formats.roles import role_of
from ..lazy.memory import SCRATCH
from ..lazy.opening import open_hdf5
from ..provenance import COMMENTS
from ..signal import Axis, Signal
from .encoding import Compression, chunk_shape, dataset_options
from .filewide import shared_metadata, write_history, write_shared
from .metadata import storable, write_metadata
from .naming import data_group, group_names, new_names
from .progress import Meter
from .replacing import replacing
from .rounding import check_keepbits, recorded, rounds
from .sources import watched
from .streaming import write_frames
from .verifying import verify as compare

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence
    from fractions import Fraction

    from .progress import Report
    from .sink import Sink
    from .verifying import Written

Mode = Literal["w", "a"]


def write(
    path: str | os.PathLike[str],
    signals: Sequence[Signal] | Signal,
    *,
    mode: Mode = "w",
    overwrite: bool = False,
    compression: Compression = "gzip",
    keepbits: int | None = None,
    fletcher32: bool = False,
    verify: bool = False,
    progress: Report | None = None,
) -> Path:
    """Save signals as an EMD 0.2 file, a few frames at a time.

    The file is written beside its target and takes its place when complete: an
    existing file is replaced whole or not at all, and may be the very one the
    signals are read from. Before it does, some chunks of each signal are read
    back and compared with what was meant to be written.

    Parameters
    ----------
    path
        The file to write.
    signals
        What to save. Lazy data are read, or computed, in several threads, a few
        frames at a time.
    mode
        ``"w"`` makes a new file, in place of one that is there. ``"a"`` adds the
        signals to an HDF5 file of any kind: to a copy of it, which then takes its
        place, so what was in it is never touched.
    overwrite
        With ``mode="a"``, replace groups of the same names. When False, these
        stay, and the new ones are numbered: ``2_corrected_raw``.
    compression
        ``"gzip"``, which every HDF5 tool reads; ``"bitshuffle-lz4"``, ``"zstd"``
        or ``"blosc2"``, for which readers need the filter; or None.
    keepbits
        Round floats to this many bits of their mantissa (float32 has 23), which
        makes files smaller: a corrected camera frame of 1000 counts a pixel takes a
        third of its uncompressed size with 12 bits and gzip, against two thirds.
        The relative error is at most 2^-(keepbits + 1), with 12 bits 1.2e-4; it is
        recorded with the signal. Integers, and all values when left out, are saved
        as they are.
    fletcher32
        Store a checksum with each chunk, which every HDF5 tool checks when it
        reads: a disk that changes a bit is found out.
    verify
        Read back all of it, not only some chunks, before the file takes its place.
    progress
        Called with a `Progress` before the first frame and after each, or each band
        of rows of a very large one: frames, bytes, their rates, and the time left.
        The copy that ``mode="a"`` makes, where the file system cannot clone, counts
        as the frames that would take as many bytes. An exception it raises stops
        the save and leaves nothing behind.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    WriteError
        If the file cannot be written, or does not hold what was written to it;
        what was there before is untouched.
    FileOpenError
        If there is nothing that could be added to.
    ReadError
        If a signal cannot be read.
    SignalError
        If there is nothing to save, or values that HDF5 has no type for.

    Examples
    --------
    >>> write("corrected.emd", [corrected])  # doctest: +SKIP
    PosixPath('corrected.emd')
    """
    chosen = [signals] if isinstance(signals, Signal) else list(signals)
    if not chosen:
        raise SignalError(f"nothing to save in {path}: no signals were given")
    for signal in chosen:
        if not isinstance(signal, Signal):
            raise SignalError(
                f"{path} can hold signals, not {type(signal).__name__}; make one of "
                "an array by Signal('name', array)"
            )
        _check_storable(signal, path)
    if mode not in get_args(Mode):
        raise WriteError(f"mode {mode!r} is not known; use 'w' or 'a'")
    options = {**dataset_options(compression), "fletcher32": fletcher32}
    check_keepbits(keepbits)
    target = Path(path)
    written: dict[str, Written] = {}
    meter = Meter(chosen, progress)
    with _failure_named(target, meter), watched(chosen, target), closing(SCRATCH):
        adds = mode == "a" and target.exists()
        if adds:
            open_hdf5(target).close()
        with (
            replacing(
                target,
                check=lambda made: compare(
                    made, written, verify, meter if verify else None
                ),
                keep=meter.copied if adds else None,
            ) as sink,
            h5py.File(sink, "r+" if adds else "w") as file,
        ):
            meter.add(0, 0)

            def advance(frames: Fraction | int, nbytes: int, sink: Sink = sink) -> None:
                sink.check()
                meter.add(frames, nbytes)

            shared = {} if adds else shared_metadata(chosen)
            if not adds:
                file.attrs["version_major"], file.attrs["version_minor"] = 0, 2
            write_shared(file, shared)
            write_history(file, chosen, keepbits)
            parent = data_group(file)
            names = group_names([signal.name for signal in chosen])
            for name, signal in zip(
                new_names(parent, names, overwrite), chosen, strict=True
            ):
                group = parent.create_group(name)
                if adds:
                    group.attrs[ADDED] = True
                metadata = {
                    key: value
                    for key, value in signal.metadata.items()
                    if key != COMMENTS and key not in shared
                }
                if keepbits is not None and rounds(signal.dtype, keepbits):
                    metadata = recorded(metadata, keepbits)
                _describe(group, name, signal, metadata)
                dataset = _create(group, signal, options)
                written[dataset.name] = write_frames(
                    dataset, signal.data, keepbits, advance
                )
                _write_counts(group, signal)
    return target


def _check_storable(signal: Signal, path: str | os.PathLike[str]) -> None:
    try:
        h5py.h5t.py_create(signal.dtype, logical=True)
        is_storable = not signal.dtype.hasobject
    except TypeError:
        is_storable = False
    if not is_storable:
        raise SignalError(
            f"{path} cannot hold {signal.name!r}: HDF5 has no type for values of "
            f"{signal.dtype}; convert them to numbers first"
        )


def _describe(
    group: h5py.Group, name: str, signal: Signal, metadata: Mapping[str, Any]
) -> None:
    group.attrs["emd_group_type"] = 1
    if signal.name != name:
        group.attrs[NAME] = storable(signal.name)
    if signal.role != role_of(group.name):
        group.attrs[ROLE] = signal.role
    names = [axis.name for axis in signal.axes]
    if display_order(names) != tuple(range(len(names))):
        group.attrs[FRAME_LAST] = True  # or the names would turn it when read
    dims = [f"dim{k}" for k in range(1, len(signal.axes) + 1)]
    write_metadata(group, metadata, reserved=("data", *dims))
    for dim, axis in zip(dims, signal.axes, strict=True):
        dataset = group.create_dataset(dim, data=_dim_vector(axis))
        dataset.attrs["name"] = storable(axis.name)
        dataset.attrs["units"] = storable(_units.to_emd(axis.units))


def _dim_vector(axis: Axis) -> np.ndarray:
    # tomviz calibrates from float32 vectors only: use them where nothing is lost.
    single = axis.values.astype(np.float32)
    return single if np.array_equal(single, axis.values) else axis.values


def _create(
    group: h5py.Group, signal: Signal, options: Mapping[str, Any]
) -> h5py.Dataset:
    chunks = chunk_shape(signal.shape, signal.dtype.itemsize)
    return group.create_dataset(
        "data",
        signal.shape,
        signal.dtype,
        chunks=chunks,
        **(options if chunks else {}),
    )


def _write_counts(group: h5py.Group, signal: Signal) -> None:
    """Store how many pixels were dead, saturated, … in the frames just computed."""
    if isinstance(signal.data, CorrectedArray) and "flatfield" in signal.metadata:
        write_metadata(group["flatfield"], signal.data.counted())


@contextmanager
def _failure_named(target: Path, meter: Meter) -> Iterator[None]:
    """Turn whatever HDF5 or the system raises into one `WriteError`."""
    try:
        yield
    except EmdFlatfieldError:
        raise
    except (MemoryError, OSError, RuntimeError, ValueError) as error:
        if error is meter.raised:  # the caller's own
            raise
        if isinstance(error, MemoryError):
            reason, way_out = "memory is full", "close other layers or programs"
        else:
            reason = getattr(error, "strerror", None) or str(error)
            way_out = (
                "check that its folder is writable and has room, or choose another"
            )
        raise WriteError(
            f"{target} was not written ({reason}); {way_out}. Nothing was changed."
        ) from error
