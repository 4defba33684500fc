"""A walk through files that link to each other."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from napari_emd_flatfield import read
from napari_emd_flatfield.formats.tree import walk

IMAGE = np.arange(12).reshape(3, 4)


def link(path, **files):
    with h5py.File(path, "a") as file:
        for name, target in files.items():
            file[name] = h5py.ExternalLink(target, "/")


def test_objects_are_named_as_the_opened_file_names_them(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["group/image"] = IMAGE
    path = tmp_path / "main.h5"
    link(path, first="other.h5")

    with h5py.File(path) as file:
        names = [node.name for node in walk(file)]
        assert names == ["/", "/first", "/first/group", "/first/group/image"]
        assert all(name in file for name in names)

    [signal] = read(path, dataset="/first/group/image")
    np.testing.assert_array_equal(signal.data, IMAGE)


def test_files_that_link_in_a_circle_end(tmp_path):
    for name in "abc":
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file[f"image_{name}"] = IMAGE
    link(tmp_path / "a.h5", to_b="b.h5", again="b.h5")
    link(tmp_path / "b.h5", to_c="c.h5")
    link(tmp_path / "c.h5", to_b="b.h5", to_a="a.h5")

    with h5py.File(tmp_path / "a.h5") as file:
        visited = [node.name for node, _ in zip(walk(file), range(20), strict=False)]

    assert visited == [
        "/",
        "/again",
        "/again/image_b",
        "/again/to_c",
        "/again/to_c/image_c",
        "/image_a",
    ]


def test_a_file_linked_to_is_closed_with_the_last_array(tmp_path):
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["image"] = IMAGE
    path = tmp_path / "main.h5"
    link(path, other="other.h5")

    [signal] = read(path)
    np.testing.assert_array_equal(signal.data, IMAGE)
    del signal

    with h5py.File(other, "a") as file:
        file["more"] = 1


def test_many_missing_files_are_one_warning(tmp_path):
    path = tmp_path / "main.h5"
    with h5py.File(path, "w") as file:
        file["image"] = IMAGE
    link(path, **{f"part{i}": f"lost_{i}.h5" for i in range(9)})

    with pytest.warns(UserWarning, match="links to files") as caught:
        read(path)

    [message] = [str(each.message) for each in caught]
    assert "main.h5" in message
    assert "lost_0.h5" in message
    assert "and 4 more" in message
