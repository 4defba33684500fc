"""HyperSpy's own files, written by its own package."""

from __future__ import annotations

import h5py
import numpy as np
from rsciio.hspy import file_writer

from napari_emd_flatfield import read


def write(path, data, names, navigating):
    axes = [
        {
            "_type": "UniformDataAxis",
            "name": name,
            "units": "nm",
            "scale": 0.5 * (position + 1),
            "offset": 10.0,
            "size": size,
            "navigate": position < navigating,
            "index_in_array": position,
        }
        for position, (name, size) in enumerate(zip(names, data.shape, strict=True))
    ]
    file_writer(
        path,
        {
            "data": data,
            "axes": axes,
            "metadata": {"General": {"title": "flake"}, "Signal": {}},
            "original_metadata": {"stage": {"tilt": 3}},
            "attributes": {"_lazy": False},
            "package_info": {},
            "learning_results": {},
            "models": {},
            "tmp_parameters": {},
        },
    )


def test_stack_of_images(tmp_path):
    data = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)
    path = tmp_path / "stack.hspy"
    write(path, data, ["time", "y", "x"], navigating=1)

    [signal] = read(path)

    assert signal.name == "flake"
    np.testing.assert_array_equal(signal.data, data)
    assert [axis.name for axis in signal.axes] == ["time", "y", "x"]
    assert [axis.units for axis in signal.axes] == ["nm"] * 3
    np.testing.assert_allclose(signal.axes[2].values, 10 + 1.5 * np.arange(4))
    assert signal.metadata["metadata"]["General"]["title"] == "flake"
    assert signal.metadata["original_metadata"]["stage"]["tilt"] == 3


def test_images_on_a_scan_named_y_x(tmp_path):
    data = np.arange(2 * 3 * 4 * 5, dtype=np.uint8).reshape(2, 3, 4, 5)
    path = tmp_path / "scan.hspy"
    write(path, data, ["y", "x", None, None], navigating=2)

    [signal] = read(path)

    np.testing.assert_array_equal(signal.data, data)
    assert [axis.name for axis in signal.axes] == ["y", "x", "", ""]


def test_spectrum_image_shows_the_map(tmp_path):
    data = np.arange(3 * 4 * 6, dtype=np.uint16).reshape(3, 4, 6)
    path = tmp_path / "map.hspy"
    write(path, data, ["y", "x", "Energy"], navigating=2)

    [signal] = read(path)

    assert [axis.name for axis in signal.axes] == ["Energy", "y", "x"]
    np.testing.assert_array_equal(signal.data, np.moveaxis(data, -1, 0))


def test_axis_with_each_coordinate(tmp_path):
    path = tmp_path / "uneven.hspy"
    write(path, np.zeros((3, 4, 5)), ["time", "y", "x"], navigating=1)
    with h5py.File(path, "a") as file:
        file["Experiments/flake/axis-0/axis"] = [1.0, 2.0, 4.0]

    [signal] = read(path)

    np.testing.assert_array_equal(signal.axes[0].values, [1, 2, 4])
