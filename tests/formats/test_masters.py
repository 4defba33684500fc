"""Detector masters: frames in many files, some of them lost."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from napari_emd_flatfield import NoSignalError, read

FRAMES = np.arange(10 * 4 * 6, dtype=np.uint32).reshape(10, 4, 6)


@pytest.fixture
def master(tmp_path):
    """A master of three files with 4, 4 and 2 frames, as Dectris writes them."""
    path = tmp_path / "series_master.h5"
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["start_time"] = "2026-01-31"
        data = entry.create_group("data")
        data.attrs["NX_class"] = "NXdata"
        detector = entry.create_group("instrument/detector")
        detector.attrs["NX_class"] = "NXdetector"
        for letter, size in (("x", 7.5e-5), ("y", 7.5e-5)):
            detector[f"{letter}_pixel_size"] = size
            detector[f"{letter}_pixel_size"].attrs["units"] = "m"
        for number, start in enumerate((0, 4, 8), 1):
            name = f"series_data_{number:06d}.h5"
            frames = FRAMES[start : start + 4]
            with h5py.File(tmp_path / name, "w") as part:
                stored = part.create_dataset(
                    "entry/data/data", data=frames, chunks=(1, 4, 6)
                )
                stored.attrs["image_nr_low"] = start + 1
                stored.attrs["image_nr_high"] = start + len(frames)
            data[f"data_{number:06d}"] = h5py.ExternalLink(name, "/entry/data/data")
    return path


def test_the_parts_are_one_stack(master):
    [signal] = read(master)

    assert signal.name == "data"
    assert signal.shape == FRAMES.shape
    np.testing.assert_array_equal(signal.data, FRAMES)
    np.testing.assert_array_equal(signal.data[3:9:2, 1], FRAMES[3:9:2, 1])
    np.testing.assert_array_equal(signal.axes[0].values, np.arange(10))
    assert signal.axes[2].units == "m"
    assert signal.axes[2].scale == pytest.approx(7.5e-5)
    assert signal.metadata["start_time"] == "2026-01-31"


def test_a_missing_part_is_named_and_the_rest_opens(master):
    (master.parent / "series_data_000002.h5").unlink()

    with pytest.warns(UserWarning, match=r"series_data_000002\.h5"):
        [signal] = read(master)

    left = [0, 1, 2, 3, 8, 9]
    np.testing.assert_array_equal(signal.axes[0].values, left)
    np.testing.assert_array_equal(signal.data, FRAMES[left])


def test_a_part_of_other_frames_is_left_out(master):
    with h5py.File(master.parent / "series_data_000002.h5", "a") as part:
        del part["entry/data/data"]
        part["entry/data/data"] = np.zeros((4, 3, 3), np.uint32)

    with pytest.warns(UserWarning, match="data_000002 is left out"):
        [signal] = read(master)

    assert signal.shape == (6, 4, 6)


def test_without_any_part_the_files_are_named(master):
    for part in master.parent.glob("series_data_*.h5"):
        part.unlink()

    with (
        pytest.warns(UserWarning, match=r"series_data_000001\.h5.*series_data_000003"),
        pytest.raises(NoSignalError),
    ):
        read(master)
