"""Links that lead nowhere, elsewhere or in circles hide nothing."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef
from factories import berkeley, plain

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = np.arange(12, dtype="u2").reshape(3, 4)


@pytest.mark.parametrize("kind", ["plain", "emd"])
def test_all_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.h5"
    if kind == "plain":
        plain(path, data__image=IMAGE)
    else:
        berkeley(path, IMAGE)
    with h5py.File(path, "r+") as file:
        group = file["data"]
        group["dangling"] = h5py.SoftLink("/nothing")
        group["itself"] = h5py.SoftLink("/data/itself")
        group["up"] = h5py.SoftLink("/")
        group["type"] = np.dtype([("a", "f4")])
        group["home"] = group
        group["top"] = file["/"]
        file["again"] = group
    (signal,) = nef.read(path)
    np.testing.assert_array_equal(signal.data, IMAGE)


def test_an_image_with_several_names_comes_once(tmp_path: Path) -> None:
    path = plain(tmp_path / "x.h5", a=IMAGE)
    with h5py.File(path, "r+") as file:
        file["b"], file["c"] = file["a"], h5py.SoftLink("/a")
    assert [signal.name for signal in nef.read(path)] == ["a"]


@pytest.mark.filterwarnings("ignore:.*links to files that are missing:UserWarning")
def test_a_missing_file_hides_nothing(tmp_path: Path) -> None:
    path = plain(tmp_path / "x.h5", image=IMAGE)
    with h5py.File(path, "r+") as file:
        file["lost"] = h5py.ExternalLink("lost.h5", "/image")
    (signal,) = nef.read(path)
    np.testing.assert_array_equal(signal.data, IMAGE)


def test_an_image_in_another_file_is_not_taken_for_one_of_its_name(
    tmp_path: Path,
) -> None:
    plain(tmp_path / "other.h5", image=IMAGE + 100)
    path = plain(tmp_path / "x.h5", image=IMAGE)
    with h5py.File(path, "r+") as file:
        file["linked"] = h5py.ExternalLink("other.h5", "/image")
    signals = {signal.name: signal for signal in nef.read(path)}
    np.testing.assert_array_equal(signals["image"].data, IMAGE)
    np.testing.assert_array_equal(signals["linked"].data, IMAGE + 100)


def test_numbered_frames_in_other_files_are_a_stack(tmp_path: Path) -> None:
    path = tmp_path / "master.h5"
    with h5py.File(path, "w") as file:
        for k in (0, 1, 10):
            plain(tmp_path / f"part{k}.h5", frame=IMAGE + k)
            file[f"scan/{k}"] = h5py.ExternalLink(f"part{k}.h5", "/frame")
    (signal,) = nef.read(path)
    assert signal.name == "scan"
    np.testing.assert_array_equal(signal.axes[0].values, [0, 1, 10])
    np.testing.assert_array_equal(signal.data, [IMAGE, IMAGE + 1, IMAGE + 10])


def test_a_file_linked_to_may_be_written_to(tmp_path: Path) -> None:
    other = plain(tmp_path / "other.h5", image=IMAGE)
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["linked"] = h5py.ExternalLink("other.h5", "/image")
    (signal,) = nef.read(path)
    signal.data[0]
    program = "import h5py, sys; h5py.File(sys.argv[1], 'r+')['new'] = 1"
    subprocess.run([sys.executable, "-c", program, other], check=True)


def test_names_that_are_not_utf_8_are_told(tmp_path: Path) -> None:
    path = plain(tmp_path / "x.h5", image=IMAGE)
    with h5py.File(path, "r+") as file:
        file[b"\xb5m"] = IMAGE
        file["image"].attrs[b"\xb5"] = 1
    with pytest.warns(UserWarning, match=r"x\.h5:/ holds what has no name in UTF-8"):
        (signal,) = nef.read(path)
    assert signal.name == "image"
    assert dict(signal.metadata) == {"µ": 1}
