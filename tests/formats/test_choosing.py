"""Choosing images by any name they have, or by pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef
from factories import beamline, berkeley, plain

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = np.arange(12, dtype="u2").reshape(3, 4)


@pytest.fixture
def emd(tmp_path: Path) -> Path:
    path = tmp_path / "x.emd"
    for name in ("raw", "flat_0", "flat_1"):
        berkeley(path, IMAGE, [(2.0 * np.arange(3), {})], group=f"data/{name}")
    with h5py.File(path, "r+") as file:
        file["extra/preview"] = IMAGE
        file["extra/profile"] = np.arange(4)
    return path


def chosen(path: Path, dataset: str) -> list[str | None]:
    return [signal.dataset for signal in nef.read(path, dataset)]


@pytest.mark.parametrize(
    "dataset",
    ["/data/raw/data", "data/raw/data", "/data/raw", "data/raw/", "/data/ra?"],
)
def test_a_dataset_or_the_group_that_holds_it(emd: Path, dataset: str) -> None:
    (signal,) = nef.read(emd, dataset)
    assert signal.dataset == "/data/raw/data"
    assert signal.axes[0].scale == 2


@pytest.mark.parametrize(
    "dataset", ["/data/raw", "data/raw/data", "/data/raw/same", "latest", "latest/data"]
)
def test_any_name_of_it(emd: Path, dataset: str) -> None:
    with h5py.File(emd, "r+") as file:
        file["latest"] = h5py.SoftLink("/data/raw")
        file["data/raw/same"] = file["data/raw/data"]
    (signal,) = nef.read(emd, dataset)
    assert signal.axes[0].scale == 2
    np.testing.assert_array_equal(signal.data, IMAGE)


@pytest.mark.parametrize("dataset", ["/data/flat*", "data/flat_?/data", "*flat*"])
def test_a_pattern(emd: Path, dataset: str) -> None:
    assert chosen(emd, dataset) == ["/data/flat_0/data", "/data/flat_1/data"]


@pytest.mark.parametrize("dataset", ["/extra/preview", "extra", "*/preview"])
def test_what_no_emd_group_speaks_for(emd: Path, dataset: str) -> None:
    assert chosen(emd, dataset) == ["/extra/preview"]


@pytest.mark.parametrize(
    "dataset", ["/nothing", "/extra/profile", "nothing*", "/data/ra"]
)
def test_what_is_not_there_is_said(emd: Path, dataset: str) -> None:
    with pytest.raises(nef.NoSignalError) as caught:
        nef.read(emd, dataset)
    for word in (str(emd), repr(dataset), "info"):
        assert word in str(caught.value)


def test_a_series_or_one_frame_of_it(tmp_path: Path) -> None:
    path = beamline(tmp_path / "x.h5", (3, 4))
    (series,) = nef.read(path, "/flatfield")
    assert (series.role, series.shape) == ("flat", (2, 3, 4))
    (frame,) = nef.read(path, "/data/0299")
    assert (frame.name, frame.role, frame.shape) == ("0299", "raw", (3, 4))
    np.testing.assert_array_equal(frame.data, nef.read(path, "data")[0].data[3])
    assert chosen(path, "/data/0?00") == [f"/data/0{k}00" for k in (0, 1, 2, 4, 5)]
    assert chosen(path, "*") == ["/data", "/flatfield", "/dark"]


def test_names_that_look_like_patterns(tmp_path: Path) -> None:
    path = plain(tmp_path / "x.h5", **{"EDS [Fe]": IMAGE, "EDS F": IMAGE, "a*": IMAGE})
    assert chosen(path, "/EDS [Fe]") == ["/EDS [Fe]"]
    assert chosen(path, "a*") == ["/a*"]


def test_what_lies_in_the_root(tmp_path: Path) -> None:
    path = plain(tmp_path / "x.h5", a=IMAGE, b=IMAGE, group__c=IMAGE)
    assert chosen(path, "/") == ["/a", "/b"]


def test_fields_of_a_compound_that_an_emd_group_holds(tmp_path: Path) -> None:
    table = np.zeros((4, 5), [("height", "f4"), ("counts", "u2"), ("word", "S3")])
    table["height"], table["counts"] = np.arange(20).reshape(4, 5), 7
    path = berkeley(tmp_path / "x.emd", np.ones((4, 5)))
    berkeley(path, table, group="data/table")
    assert [signal.name for signal in nef.read(path)] == ["image"]
    for asked in ("data/table", "/data/table/data", "/data/table/data/*"):
        found = nef.read(path, asked)
        assert [signal.name for signal in found] == ["height", "counts"]
        for signal in found:
            np.testing.assert_array_equal(signal.data, table[signal.name])
    (one,) = nef.read(path, "/data/table/data/counts")
    assert (one.dataset, one.dtype) == ("/data/table/data/counts", np.dtype("u2"))


@pytest.mark.parametrize("group", ["/", "/data", "data/"])
def test_a_group_of_groups_opens_all_below(emd: Path, group: str) -> None:
    names = [signal.name for signal in nef.read(emd, group)]
    assert names == ["raw", "flat_0", "flat_1"]


@pytest.mark.parametrize("dataset", [5, b"/data", ["/data/raw"]])
def test_what_is_no_name_is_refused(emd: Path, dataset: Any) -> None:
    with pytest.raises(nef.SignalError, match="dataset is an HDF5 path"):
        nef.read(emd, dataset)
