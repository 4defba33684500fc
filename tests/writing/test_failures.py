"""What cannot be saved, and what may happen meanwhile: said in words, by our errors."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from napari_emd_flatfield import (
    ReadError,
    Signal,
    SignalError,
    WriteError,
    read,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emd_flatfield.writing.progress import Progress

FRAMES = np.arange(12.0).reshape(3, 2, 2)


class Failing:
    """An array of somebody else's."""

    shape, dtype, ndim = (3, 4, 4), np.dtype("u2"), 3

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getitem__(self, key: Any) -> np.ndarray:
        raise self.error


@pytest.mark.parametrize("dtype", ["U3", "O", "M8[s]"])
def test_values_that_hdf5_has_no_type_for_are_refused(
    tmp_path: Path, dtype: str
) -> None:
    signal = Signal("times", np.zeros((3, 3), dtype))
    with pytest.raises(SignalError, match=r"x\.emd cannot hold 'times': HDF5 has no"):
        write(tmp_path / "x.emd", signal)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error", [KeyError("gone"), IndexError("gone"), ZeroDivisionError]
)
def test_an_array_of_somebody_elses_may_raise_anything(
    tmp_path: Path, error: Exception
) -> None:
    with pytest.raises(ReadError, match="an array of type Failing cannot be read"):
        write(tmp_path / "x.emd", Signal("a", Failing(error)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error", [RuntimeError("stop"), ValueError("stop"), OSError("stop"), KeyError("k")]
)
@pytest.mark.parametrize("verify", [False, True])
def test_what_the_callers_function_raises_comes_out_as_it_is(
    tmp_path: Path, error: Exception, verify: bool
) -> None:
    calls = []

    def stop(now: Progress) -> None:
        calls.append(now)
        # With verification, once all is written and while it is read back.
        if len(calls) > (len(FRAMES) + 2 if verify else 1):
            raise error

    with pytest.raises(type(error)) as raised:
        write(tmp_path / "x.emd", Signal("a", FRAMES), verify=verify, progress=stop)
    assert raised.value is error
    assert list(tmp_path.iterdir()) == []


def test_full_memory_is_named(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match=r"x\.emd was not written \(memory is full"):
        write(tmp_path / "x.emd", Signal("a", Failing(MemoryError())))


def test_a_folder_that_cannot_be_synced_is_no_reason_to_call_a_save_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync

    def refused(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refused)
    (saved,) = read(write(tmp_path / "x.emd", Signal("a", FRAMES)))
    np.testing.assert_array_equal(saved.data[...], FRAMES)


def test_a_virtual_source_that_changes_while_it_is_saved_is_named(
    tmp_path: Path,
) -> None:
    frames = np.random.default_rng(0).integers(0, 9, (6, 64, 64)).astype("u2")
    with h5py.File(tmp_path / "part.h5", "w") as file:
        file["d"] = frames
    layout = h5py.VirtualLayout(frames.shape, frames.dtype)
    layout[...] = h5py.VirtualSource("part.h5", "d", frames.shape)
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file.create_virtual_dataset("d", layout)
    (signal,) = read(tmp_path / "scan.h5")

    def meddle(now: Progress) -> None:
        if not now.frames:
            with h5py.File(tmp_path / "part.h5", "r+") as file:
                file["d"][...] = 0

    with pytest.warns(UserWarning, match=r"part\.h5 was written to while"):
        write(tmp_path / "x.emd", signal, progress=meddle)
