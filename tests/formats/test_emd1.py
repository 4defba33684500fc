"""EMD 1.0 as emdfile writes it, and the trees that resemble it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import emdfile
import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emd_flatfield import Signal

CUBE = np.random.default_rng(2).integers(0, 900, (2, 3, 4, 5)).astype("u2")
STACK = np.random.default_rng(3).normal(size=(3, 4, 5))


class DataCube(emdfile.Array):
    """As py4DSTEM calls it."""


class VirtualImage(emdfile.Array):
    """As py4DSTEM calls it."""


class VirtualDiffraction(emdfile.Array):
    """As py4DSTEM calls it."""


class Calibration(emdfile.Metadata):
    """As py4DSTEM calls it."""


def described(signal: Signal) -> list[tuple[str, str, float, float]]:
    return [(a.name, a.units, a.offset, pytest.approx(a.scale)) for a in signal.axes]


def by_name(path: Path) -> dict[str, Signal]:
    return {signal.name: signal for signal in nef.read(path)}


def write_cube(
    path: Path,
    *,
    dim: float = 1,
    calibrated: bool = True,
    python_class: type[emdfile.Array] = DataCube,
) -> None:
    root = emdfile.Root(name="scan")
    cube = python_class(
        CUBE,
        name="cube",
        units="counts",
        dims=[dim, dim, dim, dim],
        dim_names=["Rx", "Ry", "Qx", "Qy"],
        dim_units=["pixels"] * 4,
    )
    root.tree(cube)
    cube.tree(VirtualImage(CUBE.sum((2, 3)), name="bright"))
    cube.tree(VirtualDiffraction(CUBE.sum((0, 1)), name="mean"))
    cube.tree(emdfile.Array(STACK[0], name="other"))
    if calibrated:
        values = {
            "R_pixel_size": 0.5,
            "R_pixel_units": "nm",
            "Q_pixel_size": 0.02,
            "Q_pixel_units": "A^-1",
        }
        root.metadata = Calibration(name="calibration", data=values)
    emdfile.save(str(path), root)


@pytest.mark.parametrize("python_class", [DataCube, emdfile.Array])
def test_the_calibration_is_the_truth_for_a_datacube(
    tmp_path: Path, python_class: Any
) -> None:
    write_cube(tmp_path / "x.h5", dim=7, python_class=python_class)
    cube = by_name(tmp_path / "x.h5")["cube"]
    # Named x, y: shown y down, x right.
    np.testing.assert_array_equal(cube.data, CUBE.transpose(1, 0, 3, 2))
    assert described(cube) == [
        ("Ry", "nm", 0, 0.5),
        ("Rx", "nm", 0, 0.5),
        ("Qy", "1/Å", 0, 0.02),
        ("Qx", "1/Å", 0, 0.02),
    ]
    assert cube.metadata["calibration"]["R_pixel_units"] == "nm"
    assert cube.metadata["data"] == {"units": "counts"}


def test_images_made_from_a_datacube_inherit_its_calibration(tmp_path: Path) -> None:
    write_cube(tmp_path / "x.h5")
    signals = by_name(tmp_path / "x.h5")
    cube, bright, mean = (signals[name] for name in ("cube", "bright", "mean"))
    assert described(bright) == [("Ry", "nm", 0, 0.5), ("Rx", "nm", 0, 0.5)]
    assert described(mean) == [("Qy", "1/Å", 0, 0.02), ("Qx", "1/Å", 0, 0.02)]
    # They lie as the data cube does.
    whole = np.asarray(cube.data)
    np.testing.assert_array_equal(bright.data, whole.sum((2, 3)))
    np.testing.assert_array_equal(mean.data, whole.sum((0, 1)))
    # Any other array is what it says itself.
    np.testing.assert_array_equal(signals["other"].data, STACK[0])
    assert described(signals["other"]) == [
        ("dim0", "pixel", 0, 1),
        ("dim1", "pixel", 0, 1),
    ]


def test_without_calibration_the_dims_hold(tmp_path: Path) -> None:
    write_cube(tmp_path / "x.h5", dim=7, calibrated=False)
    signals = by_name(tmp_path / "x.h5")
    assert [axis.scale for axis in signals["cube"].axes] == [7] * 4
    assert described(signals["bright"]) == [
        ("Ry", "pixel", 0, 1),
        ("Rx", "pixel", 0, 1),
    ]


def test_stack_labels(tmp_path: Path) -> None:
    stack = emdfile.Array(
        STACK,
        name="maps",
        dims=[[2.0, 2.5], 0.25],
        dim_names=["y", "x"],
        dim_units=["nm", "nm"],
        slicelabels=["Fe", "Cö", "Ni"],
    )
    emdfile.save(str(tmp_path / "x.h5"), stack)
    truth = emdfile.read(str(tmp_path / "x.h5"))
    (signal,) = nef.read(tmp_path / "x.h5")
    np.testing.assert_array_equal(signal.data, truth.data)
    assert signal.metadata["labels"] == list(truth.slicelabels) == ["Fe", "Cö", "Ni"]
    assert described(signal) == [
        ("label", "pixel", 0, 1),
        ("y", "nm", 2, 0.5),
        ("x", "nm", 0, 0.25),
    ]


def test_dims_of_every_length(tmp_path: Path) -> None:
    uneven = [0.0, 1, 4, 9, 16]
    array = emdfile.Array(
        STACK[:1, :2],
        name="a",
        dims=[[3.0], [1.0, 5.0], uneven],
        dim_names=["z", "y", "x"],
        dim_units=["s", "nm", "nm"],
    )
    emdfile.save(str(tmp_path / "x.h5"), array)
    (signal,) = nef.read(tmp_path / "x.h5")
    assert [list(axis.values) for axis in signal.axes] == [[3], [1, 5], uneven]
    assert [axis.units for axis in signal.axes] == ["s", "nm", "nm"]


def test_several_roots_and_metadata(tmp_path: Path) -> None:
    path = str(tmp_path / "x.h5")
    items: dict[str, Any] = {
        "nothing": None,
        "text": "gold",
        "number": 2.5,
        "flag": True,
        "one": [1],
        "words": ["a", "b"],
        "pairs": ((1, 2), (3, 4)),
        "deep": {"er": {"depth": 2}},
    }
    for i, name in enumerate(("first", "second")):
        root = emdfile.Root(name=f"{name}_root")
        array = emdfile.Array(STACK + i, name=name)
        array.metadata = emdfile.Metadata("sample", {**items, "number": i + 2.5})
        root.tree(array)
        root.metadata = emdfile.Metadata("session", {"day": i})
        emdfile.save(path, root, mode="a" if i else "w")
    signals = by_name(tmp_path / "x.h5")
    assert set(signals) == {"first", "second"}
    np.testing.assert_array_equal(signals["second"].data, STACK + 1)
    expected = {**items, "pairs": [[1, 2], [3, 4]]}
    assert signals["first"].metadata["sample"] == expected
    assert signals["second"].metadata["sample"]["number"] == 3.5
    assert signals["first"].metadata["session"] == {"day": 0}
    assert signals["second"].metadata["session"] == {"day": 1}


def test_tree_without_header_and_dims_from_one(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        group = file.create_group("somewhere/scan")
        group.attrs["emd_group_type"] = "array"
        group["data"] = STACK
        for i, name in enumerate(("time", "y", "x"), 1):
            group[f"dim{i}"] = [0.0, 0.5]
            group[f"dim{i}"].attrs.update(name=name, units="s" if i == 1 else "nm")
    (signal,) = nef.read(tmp_path / "x.h5")
    np.testing.assert_array_equal(signal.data, STACK)
    assert described(signal) == [
        ("time", "s", 0, 0.5),
        ("y", "nm", 0, 0.5),
        ("x", "nm", 0, 0.5),
    ]


def test_arrays_of_a_custom_class(tmp_path: Path) -> None:
    class Pair(emdfile.Custom):
        def __init__(self) -> None:
            super().__init__(name="pair")
            self.left = emdfile.Array(STACK[0], name="left")
            self.right = emdfile.Array(STACK[1], name="right")

    emdfile.save(str(tmp_path / "x.h5"), Pair())
    signals = by_name(tmp_path / "x.h5")
    np.testing.assert_array_equal(signals["left"].data, STACK[0])
    np.testing.assert_array_equal(signals["right"].data, STACK[1])


def test_points_are_no_image(tmp_path: Path) -> None:
    root = emdfile.Root(name="scan")
    points = np.zeros(4, [("qx", float), ("qy", float)])
    root.tree(emdfile.PointList(points, name="peaks"))
    root.tree(emdfile.Array(STACK, name="a"))
    emdfile.save(str(tmp_path / "x.h5"), root)
    assert set(by_name(tmp_path / "x.h5")) == {"a"}


def write_version_13(path: Path) -> None:
    with h5py.File(path, "w") as file:
        root = file.create_group("4DSTEM")
        root.attrs.update(emd_group_type="root", version_major=0, version_minor=13)
        calibration = root.create_group("calibration")
        calibration.attrs.update(emd_group_type=0, py4dstem_class="Calibration")
        for key, value, kind in (
            ("R_pixel_size", 0.5, "number"),
            ("R_pixel_units", np.bytes_("nm"), "string"),
            ("Q_pixel_size", 0.02, "number"),
            ("Q_pixel_units", np.bytes_("A^-1"), "string"),
        ):
            calibration[key] = value
            calibration[key].attrs["type"] = np.bytes_(kind)
        cube = root.create_group("cube")
        cube.attrs.update(emd_group_type=1, py4dstem_class="DataCube")
        cube["data"] = CUBE
        for i, name in enumerate(("Rx", "Ry", "Qx", "Qy")):
            cube[f"dim{i}"] = [0, 1]
            cube[f"dim{i}"].attrs.update(name=name, units="pixels")
        maps = cube.create_group("maps")
        maps.attrs.update(emd_group_type=1, py4dstem_class="RealSlice")
        maps["data"] = STACK.transpose(1, 2, 0)
        for i in range(2):
            maps[f"dim{i}"] = [0, 1]
            maps[f"dim{i}"].attrs.update(name=f"dim{i}", units="pixels")
        maps["dim2"] = [b"e_xx", b"e_yy", b"e_xy"]
        maps["dim2"].attrs["name"] = "_labels_"
        note = maps.create_group("_metadata/note")
        note.attrs.update(emd_group_type=0, py4dstem_class="Metadata")
        note["author"] = np.bytes_("Ana")
        note["author"].attrs["type"] = np.bytes_("string")
        peaks = root.create_group("peaks")
        peaks.attrs.update(emd_group_type=2, py4dstem_class="PointList")
        peaks["qx"] = np.arange(4.0)


def test_py4dstem_13(tmp_path: Path) -> None:
    write_version_13(tmp_path / "x.h5")
    signals = by_name(tmp_path / "x.h5")
    assert set(signals) == {"cube", "maps"}
    np.testing.assert_array_equal(signals["cube"].data, CUBE.transpose(1, 0, 3, 2))
    assert [(a.units, a.scale) for a in signals["cube"].axes] == [
        ("nm", 0.5),
        ("nm", 0.5),
        ("1/Å", 0.02),
        ("1/Å", 0.02),
    ]
    # Its stacks are along the last axis.
    maps = signals["maps"]
    np.testing.assert_array_equal(maps.data, STACK.transpose(0, 2, 1))
    assert maps.metadata["labels"] == ["e_xx", "e_yy", "e_xy"]
    assert maps.metadata["note"] == {"author": "Ana"}
    assert "_metadata" not in maps.metadata
    assert described(maps) == [
        ("label", "pixel", 0, 1),
        ("Ry", "nm", 0, 0.5),
        ("Rx", "nm", 0, 0.5),
    ]


def test_a_bad_array_does_not_hide_the_good_one(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    root = emdfile.Root(name="scan")
    root.tree(emdfile.Array(STACK, name="good"))
    root.tree(emdfile.Array(STACK, name="bad"))
    emdfile.save(str(path), root)
    with h5py.File(path, "r+") as file:
        bad = file["scan/bad"]
        del bad["dim0"]
        dim = bad.create_dataset("dim0", data=[0.0, 1], chunks=True, fletcher32=True)
        place = dim.id.get_chunk_info(0).byte_offset
    with path.open("r+b") as stream:
        stream.seek(place)
        stream.write(b"\xff")
    with pytest.warns(UserWarning, match=r"x\.h5:/scan/bad is left out"):
        (signal,) = nef.read(path)
    assert signal.name == "good"
