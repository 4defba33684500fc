"""Virtual datasets whose sources are there, lost, renamed or virtual themselves."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from napari_emd_flatfield import read

FRAMES = np.arange(1, 4 * 3 * 5 + 1, dtype=np.uint16).reshape(4, 3, 5)


def make_virtual(path, sources, shape=FRAMES.shape):
    layout = h5py.VirtualLayout(shape, np.uint16)
    for index, (name, dataset) in enumerate(sources):
        layout[index] = h5py.VirtualSource(name, dataset, shape[1:])
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("stack", layout, fillvalue=7)


@pytest.fixture
def virtual(tmp_path):
    """A stack of four frames, each in a file of its own."""
    for index, frame in enumerate(FRAMES):
        with h5py.File(tmp_path / f"frame_{index}.h5", "w") as file:
            file["data"] = frame
    path = tmp_path / "virtual.h5"
    make_virtual(path, [(f"frame_{index}.h5", "data") for index in range(4)])
    return path


def test_all_sources_there(virtual):
    [signal] = read(virtual)

    np.testing.assert_array_equal(signal.data, FRAMES)


def test_a_missing_source_is_named(virtual):
    (virtual.parent / "frame_2.h5").unlink()

    with pytest.warns(UserWarning, match=r"virtual\.h5:/stack.*shows 7.*frame_2\.h5"):
        [signal] = read(virtual)

    np.testing.assert_array_equal(signal.data[3], FRAMES[3])


def test_a_renamed_dataset_in_a_source_is_named(virtual):
    with h5py.File(virtual.parent / "frame_1.h5", "a") as file:
        file.move("data", "other")

    with pytest.warns(UserWarning, match=r"frame_1\.h5:data"):
        read(virtual)


def test_a_damaged_source_is_named(virtual):
    (virtual.parent / "frame_1.h5").write_bytes(b"not HDF5")

    with pytest.warns(UserWarning, match=r"frame_1\.h5"):
        read(virtual)


def test_a_source_missing_two_levels_down_is_named(virtual):
    outer = virtual.parent / "outer.h5"
    layout = h5py.VirtualLayout(FRAMES.shape, np.uint16)
    layout[:] = h5py.VirtualSource(virtual.name, "stack", FRAMES.shape)
    with h5py.File(outer, "w") as file:
        file.create_virtual_dataset("all", layout)
    (virtual.parent / "frame_3.h5").unlink()

    with pytest.warns(UserWarning, match=r"outer\.h5:/all.*frame_3\.h5"):
        read(outer)


def test_sources_in_the_same_file(tmp_path):
    path = tmp_path / "self.h5"
    layout = h5py.VirtualLayout((2, 3, 5), np.uint16)
    layout[0] = h5py.VirtualSource(".", "there", (3, 5))
    layout[1] = h5py.VirtualSource(".", "gone", (3, 5))
    with h5py.File(path, "w") as file:
        file["there"] = FRAMES[0]
        file.create_virtual_dataset("stack", layout)

    with pytest.warns(UserWarning, match=r"self\.h5:gone"):
        signals = read(path)

    assert {signal.name for signal in signals} == {"there", "stack"}
