"""EMD groups wherever they are, however marked, and what is said around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef
from factories import berkeley

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = np.arange(12, dtype="u2").reshape(3, 4)
# A step that only the dim vector of an EMD group can have told.
DIMS = [(2.0 * np.arange(3), {"name": "y", "units": "nm"})]


@pytest.mark.parametrize(
    "group",
    [
        "data/image",
        "image",
        "a/b/c/d/e/f/g/image",
        "measurement/scan 1/image",
        "signals/µ-Bild",
        "data/data",
    ],
)
def test_at_any_depth_under_any_name(tmp_path: Path, group: str) -> None:
    path = berkeley(tmp_path / "x.emd", IMAGE, DIMS, group=group)
    (signal,) = nef.read(path)
    assert signal.name == group.rpartition("/")[2]
    assert signal.dataset == f"/{group}/data"
    assert signal.axes[0].scale == 2
    np.testing.assert_array_equal(signal.data, IMAGE)


def test_the_root_itself_is_named_after_the_file(tmp_path: Path) -> None:
    path = berkeley(tmp_path / "scan.emd", IMAGE, DIMS, group="/")
    (signal,) = nef.read(path)
    assert (signal.name, signal.dataset) == ("scan", "/data")
    assert signal.axes[0].scale == 2


@pytest.mark.parametrize(
    "mark",
    [
        *(1, "1", np.bytes_("1"), np.int8(1), np.uint32(1), np.array([1])),
        pytest.param(1.0, id="MATLAB"),
        pytest.param(np.array([["1"]], h5py.string_dtype()), id="array of str"),
    ],
)
def test_however_the_group_is_marked(tmp_path: Path, mark: Any) -> None:
    marked = {"emd_group_type": mark}
    path = berkeley(tmp_path / "x.emd", IMAGE, DIMS, attributes=marked)
    assert nef.read(path)[0].axes[0].scale == 2


@pytest.mark.parametrize(
    "version", [None, (0, 1), (0, 2), ("0", "2"), (np.uint32(0), 2)]
)
def test_whatever_version_the_root_tells(tmp_path: Path, version: Any) -> None:
    path = berkeley(tmp_path / "x.emd", IMAGE, DIMS)
    if version:
        with h5py.File(path, "r+") as file:
            file.attrs["version_major"], file.attrs["version_minor"] = version
    assert nef.read(path)[0].axes[0].scale == 2


def test_several_groups_are_told_apart_by_the_end_of_their_path(tmp_path: Path) -> None:
    path = tmp_path / "x.emd"
    for i, group in enumerate(("run1/image", "run2/image", "run2/other")):
        berkeley(path, IMAGE + i, DIMS, group=group)
    signals = nef.read(path)
    assert [s.name for s in signals] == ["run1/image", "run2/image", "other"]
    for i, signal in enumerate(signals):
        np.testing.assert_array_equal(signal.data, IMAGE + i)


def test_a_group_inside_another(tmp_path: Path) -> None:
    path = berkeley(tmp_path / "x.emd", IMAGE, DIMS, group="data/cube")
    berkeley(path, IMAGE + 1, DIMS, group="data/cube/slice")
    cube, inner = nef.read(path)
    assert (cube.name, inner.name) == ("cube", "slice")
    np.testing.assert_array_equal(inner.data, IMAGE + 1)
    assert "slice" not in cube.metadata


def test_spectra_and_marked_folders_are_no_images(tmp_path: Path) -> None:
    path = berkeley(tmp_path / "x.emd", IMAGE, DIMS)
    spectrum = [(np.arange(9.0)[:, np.newaxis], {"name": "energy"})]
    berkeley(path, np.arange(9.0), spectrum, group="data/spectrum")
    berkeley(path, np.ones((9, 1, 1)), group="data/points")
    with h5py.File(path, "r+") as file:
        file["data"].attrs["emd_group_type"] = 1
        file.create_group("data/empty").attrs["emd_group_type"] = 1
    (signal,) = nef.read(path)
    assert signal.name == "image"


def test_a_series_of_one_stored_last_axis_first(tmp_path: Path) -> None:
    names = [(np.arange(2.0), {"name": name}) for name in "xyzt"]
    stored = np.arange(12.0).reshape(3, 4, 1, 1)
    (signal,) = nef.read(berkeley(tmp_path / "x.emd", stored, names))
    assert [axis.name for axis in signal.axes] == ["t", "z", "y", "x"]
    np.testing.assert_array_equal(signal.data, stored.T)


def test_the_array_may_be_a_link(tmp_path: Path) -> None:
    path = tmp_path / "x.emd"
    with h5py.File(path, "w") as file:
        file["store/pixels"] = IMAGE
    berkeley(path, h5py.SoftLink("/store/pixels"), DIMS, group="data/image")
    (signal,) = nef.read(path)
    assert signal.axes[0].scale == 2
    np.testing.assert_array_equal(signal.data, IMAGE)


def test_metadata_of_the_file_and_of_the_group(tmp_path: Path) -> None:
    path = berkeley(tmp_path / "x.emd", IMAGE, DIMS, attributes={"detector": b"HAADF"})
    berkeley(path, IMAGE, DIMS, group="data/other", attributes={"detector": "BF"})
    with h5py.File(path, "r+") as file:
        microscope = file.create_group("microscope")
        microscope.attrs.update(voltage=300e3, name=np.bytes_("TEAM"), on=True)
        microscope.attrs["latin"] = b"\xb5m"
        microscope["stage/position"] = [1.5, 2.5]
        microscope["stage/note"] = "as found"
        file.create_group("sample").attrs["tags"] = np.array([b"Au", b"C"])
        file.create_group("user").attrs["name"] = "Zoë"
        comments = file.create_group("comments")
        comments.attrs["2024-05-01 10:00:00 (UTC)"] = "recorded"
        file["data/image/exposure"] = 0.5
        file["data/image/acquisition/mode"] = "fast"
    image, other = nef.read(path)
    shared = {
        "microscope": {
            "voltage": 300e3,
            "name": "TEAM",
            "on": True,
            "latin": "µm",
            "stage": {"position": [1.5, 2.5], "note": "as found"},
        },
        "sample": {"tags": ["Au", "C"]},
        "user": {"name": "Zoë"},
        "comments": {"2024-05-01 10:00:00 (UTC)": "recorded"},
    }
    own = {"detector": "HAADF", "exposure": 0.5, "acquisition": {"mode": "fast"}}
    assert dict(image.metadata) == {**own, **shared}
    assert dict(other.metadata) == {"detector": "BF", **shared}


def test_metadata_that_cannot_be_read_hides_nothing(tmp_path: Path) -> None:
    path = berkeley(tmp_path / "x.emd", IMAGE, DIMS)
    with h5py.File(path, "r+") as file:
        group = file.create_group("microscope")
        group.attrs.update(
            voltage=300, opaque=np.void(b"\x01\x02"), empty=h5py.Empty("f4")
        )
        group.attrs["pointer"] = file["data"].ref
        group["loop"] = h5py.SoftLink("/microscope")
        group["gone"] = h5py.SoftLink("/nothing")
        group["kind"] = np.dtype("f4")
        group["itself"] = group
        space = h5py.h5s.create_simple((2,))
        h5py.h5d.create(group.id, b"date", h5py.h5t.UNIX_D32LE, space)
    (signal,) = nef.read(path)
    assert signal.metadata["microscope"]["voltage"] == 300
    assert signal.metadata["microscope"]["pointer"] is None
    assert signal.metadata["microscope"]["empty"] is None
    assert "date" not in signal.metadata["microscope"]


@pytest.mark.parametrize("name", [7, "", "a/b"])
def test_a_name_of_its_own(tmp_path: Path, name: Any) -> None:
    path = berkeley(tmp_path / "x.emd", IMAGE, attributes={"signal_name": name})
    assert nef.read(path)[0].name == str(name)


def test_a_role_nobody_knows_is_told_from_the_name(tmp_path: Path) -> None:
    role = {"signal_role": "whatever"}
    path = berkeley(tmp_path / "x.emd", IMAGE, group="data/flat", attributes=role)
    assert nef.read(path)[0].role == "flat"


def test_complex_waves_are_shown_by_their_modulus(tmp_path: Path) -> None:
    (signal,) = nef.read(berkeley(tmp_path / "x.emd", IMAGE * (3 + 4j), DIMS))
    assert signal.dtype == np.float64
    np.testing.assert_allclose(signal.data, 5.0 * IMAGE)


def test_a_group_that_does_not_say_which_array_is_its_data_is_named(
    tmp_path: Path,
) -> None:
    path = berkeley(tmp_path / "x.emd", IMAGE, DIMS)
    with h5py.File(path, "a") as file:
        group = file.create_group("data/two")
        group.attrs["emd_group_type"] = 1
        group["first"], group["second"] = IMAGE, IMAGE + 1
    with pytest.warns(UserWarning, match="which of its arrays are the data") as warned:
        (signal,) = nef.read(path)
    assert signal.name == "image"
    (message,) = [str(each.message) for each in warned]
    assert message.startswith(f"{path}:/data/two is left out: ")
    assert "(first, second)" in message
    with pytest.warns(UserWarning, match="is left out"):
        (asked,) = nef.read(path, dataset="/data/two/second")
    np.testing.assert_array_equal(asked.data, IMAGE + 1)


def test_a_group_whose_data_link_leads_nowhere_is_named(tmp_path: Path) -> None:
    path = berkeley(tmp_path / "x.emd", IMAGE, DIMS)
    with h5py.File(path, "a") as file:
        group = file.create_group("data/moved")
        group.attrs["emd_group_type"] = 1
        group["data"] = h5py.SoftLink("/data/image/gone")
    with pytest.warns(UserWarning, match="x.emd:/data/moved is left out: .*nowhere"):
        assert [signal.name for signal in nef.read(path)] == ["image"]


def test_groups_without_an_image_need_no_word(tmp_path: Path) -> None:
    path = berkeley(tmp_path / "x.emd", IMAGE, DIMS)
    berkeley(path, np.arange(9.0), [(np.arange(9.0), {})], group="data/spectrum")
    berkeley(path, "text", [(np.ones((3, 1)), {})] * 2, group="data/label")
    with h5py.File(path, "a") as file:
        file.create_group("signals").attrs["emd_group_type"] = 1
    assert [signal.name for signal in nef.read(path)] == ["image"]
