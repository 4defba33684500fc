"""The EMD 0.2 writer: https://emdatasets.com/format."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from .. import units as _units
from ..errors import EmdFlatfieldError, SignalError, WriteError
from ..flatfield.corrected import CorrectedArray
from ..formats.berkeley import FRAME_LAST, NAME, ROLE
from ..formats.display import display_order
from ..formats.roles import role_of
from ..provenance import COMMENTS, comments_of, software, with_comment
from ..signal import Axis, Signal
from .encoding import Compression, chunk_shape, dataset_options
from .metadata import storable, write_metadata
from .replacing import replacing
from .rounding import check_keepbits, error_bound, recorded, rounds
from .streaming import write_frames

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from .sink import Sink

Progress = Callable[[int, int], None]

# Groups the specification keeps at the root, for the file as a whole.
_FILE_GROUPS = ("microscope", "sample", "user")


def write(
    path: str | os.PathLike[str],
    signals: Sequence[Signal] | Signal,
    *,
    compression: Compression = "gzip",
    keepbits: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Save signals as an EMD 0.2 file, a few frames at a time.

    The file is written beside its target and takes its place when complete: an
    existing file is replaced whole or not at all, and may be the very one the
    signals are read from.

    Parameters
    ----------
    path
        The file to write.
    signals
        What to save. Lazy data are read, or computed, in several threads, a few
        frames at a time.
    compression
        ``"gzip"``, which every HDF5 tool reads; ``"bitshuffle-lz4"``, ``"zstd"``
        or ``"blosc2"``, for which readers need the filter; or None.
    keepbits
        Round floats to this many bits of their mantissa (float32 has 23), which
        makes files smaller: by 12 bits, to 1 in 8000, about twice. The relative
        error is at most 2^-(keepbits + 1); it is recorded with the signal.
        Integers, and all values when left out, are saved as they are.
    progress
        Called with the number of frames written and their total, first with 0.
        An exception it raises stops the save and leaves nothing behind.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    WriteError
        If the file cannot be written; what was there before is untouched.
    ReadError
        If a signal cannot be read.
    SignalError
        If there is nothing to save.

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
    options = dataset_options(compression)
    check_keepbits(keepbits)
    target = Path(path)
    names = group_names([signal.name for signal in chosen])
    with (
        _failure_named(target),
        replacing(target) as sink,
        h5py.File(sink, "w") as file,
    ):
        advance = _counter(sink, progress, sum(map(_frame_count, chosen)))
        file.attrs["version_major"] = 0
        file.attrs["version_minor"] = 2
        _write_file_metadata(file, chosen, keepbits)
        for name, signal in zip(names, chosen, strict=True):
            group = file.create_group(f"data/{name}")
            metadata = _own_metadata(signal, chosen)
            if keepbits is not None and rounds(signal.dtype, keepbits):
                metadata = recorded(metadata, keepbits)
            _describe(group, name, signal, metadata)
            _write_data(group, signal, options, keepbits, advance)
            _write_counts(group, signal)
    return target


def group_names(names: Sequence[str]) -> list[str]:
    """Choose EMD group names that every reader keeps apart.

    Parameters
    ----------
    names
        Names of signals, in any script, possibly equal.

    Returns
    -------
    list of str
        Different names without slashes, none the beginning of another:
        rosettasciio would stack such groups into one signal.
    """
    cleaned = [name.replace("/", "_").replace("\0", "").strip(". ") for name in names]
    chosen = [name or "signal" for name in cleaned]
    # A number may make a name like another, so again; what was numbered together
    # differs from then on.
    while clashing := {i for i in range(len(chosen)) if _clashes(chosen, i)}:
        chosen = [
            f"{i + 1}_{name}" if i in clashing else name
            for i, name in enumerate(chosen)
        ]
    return chosen


def _clashes(names: list[str], index: int) -> bool:
    name, others = names[index], names[:index] + names[index + 1 :]
    return any(name.startswith(other) or other.startswith(name) for other in others)


def _own_metadata(signal: Signal, signals: Sequence[Signal]) -> dict[str, Any]:
    """What is said of one signal only, so stands in its own group."""
    return {
        key: value
        for key, value in signal.metadata.items()
        if key != COMMENTS and not _is_shared(key, signals)
    }


def _is_shared(key: str, signals: Sequence[Signal]) -> bool:
    first = signals[0].metadata.get(key)
    return (
        str(key).lower() in _FILE_GROUPS
        and isinstance(first, Mapping)
        and all(_equal(signal.metadata.get(key), first) for signal in signals)
    )


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except ValueError:  # arrays somewhere inside compare element by element
        return False


def _write_file_metadata(
    file: h5py.File, signals: Sequence[Signal], keepbits: int | None
) -> None:
    for key, value in signals[0].metadata.items():
        if _is_shared(key, signals):
            write_metadata(file.create_group(key), value)
    comments: dict[str, Any] = {}
    for signal in signals:
        for stamp, text in comments_of(signal.metadata).items():
            another = not _equal(comments.get(stamp, text), text)
            comments[f"{stamp}, {signal.name}" if another else stamp] = text
    saved = ", ".join(_saved(signal, keepbits) for signal in signals)
    comments = with_comment(comments, f"saved {saved}; {software()}")
    write_metadata(file.create_group(COMMENTS), comments)


def _saved(signal: Signal, keepbits: int | None) -> str:
    said = signal.name
    if signal.path is not None:
        said += f" from {signal.origin}"
    if keepbits is not None and rounds(signal.dtype, keepbits):
        said += (
            f" rounded to {keepbits} bits of mantissa (relative error up to "
            f"{error_bound(keepbits):.1e})"
        )
    return said


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
        dataset.attrs["name"] = axis.name
        dataset.attrs["units"] = _units.to_emd(axis.units)


def _dim_vector(axis: Axis) -> np.ndarray:
    # tomviz calibrates from float32 vectors only: use them where nothing is lost.
    single = axis.values.astype(np.float32)
    return single if np.array_equal(single, axis.values) else axis.values


def _write_data(
    group: h5py.Group,
    signal: Signal,
    options: Mapping[str, Any],
    keepbits: int | None,
    advance: Callable[[int], None],
) -> None:
    chunks = chunk_shape(signal.shape, signal.dtype.itemsize)
    dataset = group.create_dataset(
        "data",
        signal.shape,
        signal.dtype,
        chunks=chunks,
        **(options if chunks else {}),
    )
    write_frames(dataset, signal.data, keepbits, advance)


def _write_counts(group: h5py.Group, signal: Signal) -> None:
    """Store how many pixels were dead, saturated, … in the frames just computed."""
    if isinstance(signal.data, CorrectedArray) and "flatfield" in signal.metadata:
        write_metadata(group["flatfield"], signal.data.counted())


def _frame_count(signal: Signal) -> int:
    return math.prod(signal.shape[:-2])


def _counter(
    sink: Sink, progress: Progress | None, total: int
) -> Callable[[int], None]:
    """Return what is to be called with the number of frames after each few."""
    report = progress or (lambda done, total: None)  # noqa: ARG005
    report(0, total)
    done = itertools.count(1)

    def advance(frames: int) -> None:
        sink.check()
        for _ in range(frames):
            report(next(done), total)

    return advance


@contextmanager
def _failure_named(target: Path) -> Iterator[None]:
    """Turn whatever HDF5 or the system raises into one `WriteError`."""
    try:
        yield
    except EmdFlatfieldError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise WriteError(
            f"{target} was not written ({reason}); check that its folder is "
            "writable and has room, or choose another. Nothing was changed."
        ) from error
