"""Nothing is opened that nobody wants."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from napari_emd_flatfield import read


def fill(file, count, shape, prefix):
    for index in range(count):
        file[f"{prefix}{index}_image"] = np.full(shape, index, np.uint8)


def test_a_few_images_are_all_opened(tmp_path):
    path = tmp_path / "few.h5"
    with h5py.File(path, "w") as file:
        fill(file, 31, (3, 4), "small")
        file["large"] = np.zeros((2, 30, 40))

    assert len(read(path)) == 32


def test_the_largest_of_many_are_opened_and_the_rest_is_told(tmp_path):
    path = tmp_path / "many.h5"
    with h5py.File(path, "w") as file:
        fill(file, 200, (3, 4), "thumbnail")
        file["scan"] = np.zeros((5, 30, 40), np.uint16)
        file["flat"] = np.ones((30, 40), np.uint16)
        file["dark"] = np.zeros((30, 40), np.uint16)

    with pytest.warns(UserWarning, match=r"many\.h5 holds 203 images; 3 are opened"):
        signals = read(path)

    assert [(s.name, s.role) for s in signals] == [
        ("scan", "raw"),
        ("flat", "flat"),
        ("dark", "dark"),
    ]
    assert len(read(path, dataset="thumbnail*")) == 200
    assert len(read(path, dataset="*")) == 203


def test_not_even_hundreds_of_one_kind_are_opened(tmp_path):
    path = tmp_path / "alike.h5"
    with h5py.File(path, "w") as file:
        fill(file, 100, (3, 4), "a")

    with pytest.warns(UserWarning, match='100 images; 32 are opened.*dataset="…"'):
        assert len(read(path)) == 32


def test_the_default_plot_is_what_a_nexus_file_wants_shown(tmp_path):
    path = tmp_path / "many.nxs"
    with h5py.File(path, "w") as file:
        file.attrs["default"] = "entry/plot17"
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        for index in range(40):
            plot = entry.create_group(f"plot{index}")
            plot.attrs.update({"NX_class": "NXdata", "signal": "data"})
            plot["data"] = np.full((3, 4), index)

    with pytest.warns(UserWarning, match="1 are opened, its default plot"):
        [signal] = read(path)

    np.testing.assert_array_equal(signal.data, np.full((3, 4), 17))
