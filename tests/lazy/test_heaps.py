"""Damaged heaps of text, which HDF5 would read for ever, are told beforehand."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = ["", "1", "12345678", "123456789", "µm", "x" * 3000, "x" * 50_000]


def with_text(path: Path, before: int = 0) -> bytearray:
    with h5py.File(path, "w") as file:
        file["image"] = np.arange(12.0).reshape(3, 4)
        file["more"] = np.zeros(before)
        for i, text in enumerate(TEXTS):
            file["image"].attrs[f"a{i}"] = text
    return bytearray(path.read_bytes())


def test_sound_heaps_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with_text(path)
    (signal,) = nef.read(path)
    assert [signal.metadata[f"a{i}"] for i in range(len(TEXTS))] == TEXTS


@pytest.mark.parametrize("before", [0, 100_000])
@pytest.mark.parametrize("kept", [0, 1, 3])
@pytest.mark.parametrize("lost", [b"", b"\xff" * 16, bytes(8) + b"\xf8" + b"\xff" * 7])
def test_a_page_lost_in_a_heap_is_named(
    tmp_path: Path, before: int, kept: int, lost: bytes
) -> None:
    path = tmp_path / "x.h5"
    data = with_text(path, before)
    start = data.index(b"GCOL")
    (size,) = struct.unpack_from("<Q", data, start + 8)
    at = start + 16
    for _ in range(kept):  # objects, each of a head and what it holds
        (nbytes,) = struct.unpack_from("<Q", data, at + 8)
        at += 16 + -(-nbytes // 8) * 8
    data[at : start + size] = lost.ljust(start + size - at, b"\0")
    path.write_bytes(data)
    with pytest.raises(nef.FileOpenError, match=rf"x\.h5 .* byte {start} is damaged"):
        nef.read(path)


def test_a_heap_in_an_image_is_an_image(tmp_path: Path) -> None:
    # An HDF5 file as bytes in another, cut off.
    inner = with_text(tmp_path / "inner.h5")
    start = inner.index(b"GCOL")
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["image"] = np.frombuffer(inner[start : start + 1000], "u1").reshape(
            10, 100
        )
    (signal,) = nef.read(path)
    assert signal.data[0, :4].tobytes() == b"GCOL"
