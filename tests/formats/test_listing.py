"""What ``info`` says of a file, to people and to programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef
from napari_emd_flatfield.cli import main
from napari_emd_flatfield.formats import listing
from napari_emd_flatfield.lazy.files import SharedFile

if TYPE_CHECKING:
    from pathlib import Path


def told(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["info", str(path)]) == 0
    return capsys.readouterr().out


def document(path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["info", str(path), "--json"]) == 0
    described: dict[str, Any] = json.loads(
        capsys.readouterr().out, parse_constant=pytest.fail
    )
    return described


def tree(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["path"]: each for each in described["tree"]}


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "scan.emd"
    with h5py.File(path, "w") as file:
        for name in ("raw", "flat"):
            group = file.create_group(f"data/{name}")
            group.attrs["emd_group_type"] = 1
            group.create_dataset(
                "data",
                data=np.zeros((4, 6, 5), "u2"),
                chunks=(1, 6, 5),
                compression="gzip",
                shuffle=True,
            )
            positions = [0.0, 10, 40, 100] if name == "raw" else [0.0, 10, 20, 30]
            for number, (axis, values) in enumerate(
                [("time", positions), ("y", np.arange(6)), ("x", np.arange(5))], 1
            ):
                dim = group.create_dataset(f"dim{number}", data=np.array(values, "f8"))
                dim.attrs["name"] = axis
                dim.attrs["units"] = "s" if axis == "time" else "[n_m]"
    return path


def test_the_document_describes_signals(
    scan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    described = document(scan, capsys)
    assert described["file"] == str(scan)
    raw, flat = described["signals"]
    assert (raw["name"], raw["role"], raw["dataset"]) == (
        "raw",
        "raw",
        "/data/raw/data",
    )
    assert (raw["shape"], raw["dtype"]) == ([4, 6, 5], "uint16")
    assert raw["axes"] == [
        {
            "name": name,
            "units": units,
            "size": size,
            "first": 0.0,
            "last": last,
            "uniform": uniform,
        }
        for name, units, size, last, uniform in [
            ("time", "s", 4, 100.0, False),
            ("y", "nm", 6, 5.0, True),
            ("x", "nm", 5, 4.0, True),
        ]
    ]
    assert flat["role"] == "flat"


def test_the_document_describes_the_tree(
    scan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = tree(document(scan, capsys))
    with h5py.File(scan) as file:
        everything = {"/"}
        file.visit(lambda name: everything.add(f"/{name}"))
    assert set(found) == everything
    assert found["/data/raw"] == {
        "path": "/data/raw",
        "kind": "group",
        "attributes": ["emd_group_type"],
        "roles": [],
    }
    data = found["/data/flat/data"]
    assert data["kind"] == "image"
    assert (data["shape"], data["dtype"]) == ([4, 6, 5], "uint16")
    assert (data["chunks"], data["layout"]) == ([1, 6, 5], "chunked")
    assert (data["filters"], data["missing_filters"]) == (["shuffle", "deflate"], [])
    assert data["roles"] == ["flat"]
    assert data["bytes"] == 4 * 6 * 5 * 2
    assert found["/data/raw/dim2"]["units"] == "nm"
    assert set(found["/data/raw/dim2"]["attributes"]) == {"name", "units"}


def test_the_text_says_units_and_roles_beside_datasets(
    scan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = told(scan, capsys).splitlines()
    assert "      data  4×6×5 uint16 chunks 1×6×5 shuffle deflate (flat)" in lines
    assert "      dim1  4 float64 [s]" in lines
    assert "    raw/" in lines


def test_every_type_of_data_is_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "types.h5"
    with h5py.File(path, "w") as file:
        date = h5py.h5t.UNIX_D32LE
        h5py.h5d.create(file.id, b"date", date, h5py.h5s.create_simple((2,)))
        opaque = h5py.h5t.create(h5py.h5t.OPAQUE, 3)
        h5py.h5d.create(file.id, b"opaque", opaque, h5py.h5s.create_simple((2,)))
        file.create_dataset("references", (2,), h5py.ref_dtype)
        file.create_dataset("regions", (2,), h5py.regionref_dtype)
        file.create_dataset("ragged", (2,), h5py.vlen_dtype("f4"))
        file.create_dataset("enum", (2,), h5py.enum_dtype({"off": 0, "on": 1}))
        file["empty"] = h5py.Empty("f4")
        file["text"] = "said"
        file["fields"] = np.zeros(2, [("a", "f4"), ("b", "u1")])
        file["big"] = np.zeros((2, 3), ">f8")
        file["wave"] = np.zeros((2, 3), "c8")
        file["named"] = np.dtype("f4")
        names = set(file)
    found = tree(document(path, capsys))
    assert set(found) == {"/", *(f"/{name}" for name in names)}
    types = {name: found[f"/{name}"].get("dtype") for name in names}
    assert types["date"] == types["opaque"] == "opaque"
    assert types["references"] == types["regions"] == "reference"
    assert (types["ragged"], types["text"]) == ("float32[]", "string")
    assert (types["big"], types["wave"]) == (">f8", "complex64")
    assert types["fields"] == "{a, b}"
    assert found["/empty"]["shape"] is None
    assert found["/named"]["kind"] == "datatype"
    assert all(f"{name}  " in told(path, capsys) for name in names)


def test_links_are_followed_by_name_and_cycles_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "links.h5"
    with h5py.File(tmp_path / "part.h5", "w") as file:
        file["inside/frames"] = np.zeros((3, 4))
        file["inside/back"] = h5py.ExternalLink("links.h5", "/")
    with h5py.File(path, "w") as file:
        file["a/image"] = np.zeros((5, 6))
        file["a/itself"] = file["a"]
        file["soft"] = h5py.SoftLink("/a/image")
        file["nowhere"] = h5py.SoftLink("/b")
        file["lost"] = h5py.ExternalLink("lost.h5", "/data")
        file["part"] = h5py.ExternalLink("part.h5", "/inside")
    with pytest.warns(UserWarning, match=r"lost\.h5"):
        found = tree(document(path, capsys))
    assert found["/soft"]["kind"] == "image"
    assert (found["/soft"]["link"], found["/soft"]["target"]) == ("soft", "/a/image")
    assert found["/nowhere"]["kind"] == found["/lost"]["kind"] == "missing"
    assert found["/lost"]["target"] == "lost.h5:/data"
    assert found["/part/frames"]["shape"] == [3, 4]
    assert len(found) < 20
    with pytest.warns(UserWarning, match=r"lost\.h5"):
        said = told(path, capsys)
    assert "soft → /a/image  5×6 float64" in said
    assert "lost → lost.h5:/data  missing" in said


def test_numbers_json_does_not_know_are_null(scan: Path) -> None:
    energy = nef.Axis("energy", "eV", np.array([np.nan, 1, np.inf]))
    signal = nef.Signal("odd", np.zeros((3, 4)), (energy, nef.Axis.index(4)))
    file = SharedFile.of(scan)
    described = json.loads(listing.document(file, [signal]), parse_constant=pytest.fail)
    first = described["signals"][0]["axes"][0]
    assert (first["first"], first["last"]) == (None, None)
