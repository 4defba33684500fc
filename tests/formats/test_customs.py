"""What plain HDF5 files say of their axes, by one custom or another."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from napari_emd_flatfield import read

VOLUME = np.arange(3 * 4 * 5, dtype=np.uint16).reshape(3, 4, 5)


def open_one(path, data, attributes=(), prepare=None):
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("image", data=data)
        dataset.attrs.update(attributes)
        if prepare:
            prepare(file, dataset)
    [signal] = read(path)
    return signal


def described(signal):
    return [(axis.name, axis.units, axis.scale) for axis in signal.axes]


def test_dimension_scales(tmp_path):
    def attach(file, dataset):
        for position, (name, step) in enumerate((("t", 2.0), ("y", 0.5), ("x", 0.25))):
            file[name] = 10 + step * np.arange(VOLUME.shape[position])
            file[name].attrs["units"] = "s" if name == "t" else "nm"
            file[name].make_scale(name)
            dataset.dims[position].attach_scale(file[name])

    signal = open_one(tmp_path / "scales.h5", VOLUME, prepare=attach)

    assert described(signal) == [("t", "s", 2), ("y", "nm", 0.5), ("x", "nm", 0.25)]
    assert [axis.offset for axis in signal.axes] == [10, 10, 10]
    np.testing.assert_array_equal(signal.data, VOLUME)
    assert not signal.metadata


def test_labels_without_scales_decide_the_order(tmp_path):
    def label(file, dataset):
        for dimension, name in zip(dataset.dims, "xyz", strict=True):
            dimension.label = name

    signal = open_one(tmp_path / "labels.h5", VOLUME, prepare=label)

    assert [axis.name for axis in signal.axes] == ["z", "y", "x"]
    np.testing.assert_array_equal(signal.data, VOLUME.T)


def test_netcdf_dimension_without_variable(tmp_path):
    def attach(file, dataset):
        for position, name in enumerate(("time", "lat", "lon")):
            file[name] = np.zeros(VOLUME.shape[position], np.float32)
            file[name].make_scale(
                "This is a netCDF dimension but not a netCDF variable.         3"
            )
            dataset.dims[position].attach_scale(file[name])

    signal = open_one(tmp_path / "cdf.nc.h5", VOLUME, prepare=attach)

    assert [axis.name for axis in signal.axes] == ["time", "lat", "lon"]
    assert all(axis.is_index for axis in signal.axes)


@pytest.mark.parametrize("attached", [True, False])
def test_delmic(tmp_path, attached):
    path = tmp_path / "sparc.h5"
    data = VOLUME.reshape(3, 1, 1, 4, 5)
    with h5py.File(path, "w") as file:
        group = file.create_group("Acquisition0/ImageData")
        image = group.create_dataset("Image", data=data)
        for dimension, letter in zip(image.dims, "CTZYX", strict=True):
            dimension.label = letter
        for letter, pixel in (("X", 2e-7), ("Y", 1e-7)):
            group[f"DimensionScale{letter}"] = pixel
            group[f"DimensionScale{letter}"].attrs["UNIT"] = "m"
            if attached:
                group[f"DimensionScale{letter}"].make_scale(letter)
                image.dims["CTZYX".index(letter)].attach_scale(
                    group[f"DimensionScale{letter}"]
                )
        file["type"] = np.dtype("f8")

    [signal] = read(path)

    assert described(signal)[-2:] == [("Y", "m", 1e-7), ("X", "m", 2e-7)]
    np.testing.assert_array_equal(signal.data, data)


def test_ilastik(tmp_path):
    tags = [
        {"key": "z", "typeFlags": 2, "resolution": 0, "description": ""},
        {"key": "x", "typeFlags": 2, "resolution": 0.25, "description": ""},
        {"key": "y", "typeFlags": 2, "resolution": 0.5, "description": ""},
    ]
    attributes = {
        "axistags": json.dumps({"axes": tags}),
        "axis_units": json.dumps({"x": "um", "y": "um"}),
    }

    signal = open_one(tmp_path / "ilastik.h5", VOLUME, attributes)

    assert described(signal) == [("z", "pixel", 1), ("y", "µm", 0.5), ("x", "µm", 0.25)]
    np.testing.assert_array_equal(signal.data, VOLUME.transpose(0, 2, 1))


@pytest.mark.parametrize("tags", ["{", "[]", '{"axes": [{"key": "x"}]}', b"\xff"])
def test_unusable_axistags_are_ignored(tmp_path, tags):
    signal = open_one(tmp_path / "odd.h5", VOLUME, {"axistags": tags})

    assert [axis.name for axis in signal.axes] == ["", "y", "x"]


@pytest.mark.parametrize("frame", [True, False])
def test_element_size_um(tmp_path, frame):
    data = VOLUME[0] if frame else VOLUME
    attributes = {"element_size_um": [2.0, 0.5, 0.25]}

    signal = open_one(tmp_path / "imagej.h5", data, attributes)

    expected = [("z", "µm", 2), ("y", "µm", 0.5), ("x", "µm", 0.25)]
    assert described(signal) == expected[frame:]


@pytest.mark.parametrize(
    ("mode", "shape"), [("INTERLACE_PIXEL", (4, 5, 3)), ("INTERLACE_PLANE", (3, 4, 5))]
)
def test_true_colour(tmp_path, mode, shape):
    colours = np.arange(60, dtype=np.uint8).reshape(shape)
    attributes = {
        "CLASS": np.bytes_("IMAGE"),
        "IMAGE_SUBCLASS": np.bytes_("IMAGE_TRUECOLOR"),
        "INTERLACE_MODE": np.bytes_(mode),
    }

    signal = open_one(tmp_path / "rgb.h5", colours, attributes)

    assert [axis.name for axis in signal.axes] == ["rgb", "y", "x"]
    planes = colours if mode == "INTERLACE_PLANE" else np.moveaxis(colours, -1, 0)
    np.testing.assert_array_equal(signal.data, planes)


def test_matlab_is_stored_last_axis_first(tmp_path):
    matrices = np.arange(4 * 5 * 3.0).reshape(4, 5, 3)  # A(row, column, page)
    attributes = {"MATLAB_class": np.bytes_("double")}
    path = tmp_path / "v73.mat.h5"

    signal = open_one(path, np.ascontiguousarray(matrices.T), attributes)

    assert [axis.name for axis in signal.axes] == ["", "y", "x"]
    np.testing.assert_array_equal(signal.data, np.moveaxis(matrices, -1, 0))


def test_matlab_text_is_not_an_image(tmp_path):
    def add_text(file, dataset):
        file["title"] = np.array([[104], [105]], np.uint16)
        file["title"].attrs["MATLAB_class"] = np.bytes_("char")

    attributes = {"MATLAB_class": np.bytes_("double")}
    signal = open_one(tmp_path / "v73.h5", VOLUME[0], attributes, add_text)

    assert signal.name == "image"
