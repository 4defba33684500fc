"""Types of pixels besides the common ones, in plain HDF5."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import tables

from napari_emd_flatfield import read

VALUES = np.arange(4 * 5).reshape(4, 5)


@pytest.mark.parametrize("dtype", [">u2", ">f4", "f2", "?", "i1", "u8"])
def test_pixels_keep_their_values(tmp_path, dtype):
    path = tmp_path / "typed.h5"
    values = VALUES.astype(dtype)
    with h5py.File(path, "w") as file:
        file["image"] = values

    [signal] = read(path)

    assert signal.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(signal.data, values)


def test_enumeration(tmp_path):
    path = tmp_path / "enum.h5"
    with h5py.File(path, "w") as file:
        kind = h5py.enum_dtype({"background": 0, "cell": 1}, basetype="u1")
        file.create_dataset("labels", data=VALUES % 2, dtype=kind)

    [signal] = read(path)

    np.testing.assert_array_equal(signal.data, VALUES % 2)


def test_every_numeric_field_of_a_compound_is_an_image(tmp_path):
    path = tmp_path / "compound.h5"
    kinds = [("height", ">f4"), ("label", "S3"), ("phase", "i2"), ("wave", "c8")]
    fields = np.zeros((2, 4, 5), kinds)
    fields["wave"] = 3 + 4j
    fields["height"] = np.arange(40).reshape(2, 4, 5) / 2
    fields["phase"] = -np.arange(40).reshape(2, 4, 5)
    with h5py.File(path, "w") as file:
        file["group/table"] = fields
        file["plain"] = VALUES

    signals = {signal.dataset: signal for signal in read(path)}

    assert set(signals) == {
        "/plain",
        "/group/table/height",
        "/group/table/phase",
        "/group/table/wave",
    }
    np.testing.assert_array_equal(
        signals["/group/table/wave"].data, np.full((2, 4, 5), 5)
    )
    assert [a.name for a in signals["/group/table/height"].axes] == ["", "y", "x"]
    for field in ("height", "phase"):
        data = signals[f"/group/table/{field}"].data
        np.testing.assert_array_equal(data, fields[field])
        np.testing.assert_array_equal(data[1, ::2, -1], fields[field][1, ::2, -1])
    assert [s.name for s in read(path, dataset="/group/table")] == [
        "height",
        "phase",
        "wave",
    ]


def test_pytables(tmp_path):
    path = tmp_path / "tables.h5"
    rows = np.zeros(3, [("index", "i4"), ("image", "u2", (4, 5))])
    rows["image"] = np.arange(60).reshape(3, 4, 5)
    with tables.open_file(path, "w") as file:
        file.create_carray("/", "mask", obj=VALUES % 2 == 1)
        file.create_earray(
            "/", "frames", atom=tables.UInt16Atom(), shape=(0, 4, 5)
        ).append(rows["image"])
        file.create_table("/", "table", obj=rows)
        file.create_vlarray("/", "objects", tables.ObjectAtom()).append({"a": 1})

    signals = {signal.name: signal for signal in read(path)}

    assert set(signals) == {"mask", "frames", "image"}
    np.testing.assert_array_equal(signals["mask"].data, VALUES % 2)
    np.testing.assert_array_equal(signals["frames"].data, rows["image"])
    np.testing.assert_array_equal(signals["image"].data, rows["image"])
    np.testing.assert_array_equal(
        signals["image"].data[1, 2:, ::2], rows["image"][1, 2:, ::2]
    )


def test_what_is_no_image_is_passed_over(tmp_path):
    path = tmp_path / "odd.h5"
    with h5py.File(path, "w") as file:
        file["image"] = VALUES
        file["empty"] = h5py.Empty("f4")
        file["none"] = np.zeros((0, 5))
        file["pixel"] = np.zeros((3, 1, 1))
        file["text"] = np.full((2, 2), "a", h5py.string_dtype())
        file["ragged"] = h5py.Empty(h5py.vlen_dtype("u2"))
        file.create_dataset("pointers", (2, 2), h5py.ref_dtype)
        date = h5py.h5t.UNIX_D32LE
        space = h5py.h5s.create_simple((4, 5))
        h5py.h5d.create(file.id, b"dates", date, space)

    assert [signal.name for signal in read(path)] == ["image"]
