"""Every filter hdf5plugin brings, and one that nobody has."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import h5py
import hdf5plugin
import numpy as np
import pytest

import napari_emd_flatfield as nef
from napari_emd_flatfield.cli import main

if TYPE_CHECKING:
    from pathlib import Path

NOBODYS = 40000
# Those that lose something take floating-point numbers, or have them alone.
OPTIONS: dict[str, Any] = {
    "bshuf": hdf5plugin.Bitshuffle(),
    "blosc": hdf5plugin.Blosc(),
    "blosc2": hdf5plugin.Blosc2(),
    "bzip2": hdf5plugin.BZip2(),
    "fcidecomp": hdf5plugin.FciDecomp(),
    "lz4": hdf5plugin.LZ4(),
    "zstd": hdf5plugin.Zstd(),
    "zfp": hdf5plugin.Zfp(accuracy=1e-3),
}
for name, make in {
    "htj2k": lambda: hdf5plugin.Htj2k(),
    "sperr": lambda: hdf5plugin.Sperr(absolute=1e-3),
    "sz": lambda: hdf5plugin.SZ(absolute=1e-3),
    "sz3": lambda: hdf5plugin.SZ3(absolute=1e-3),
}.items():
    with contextlib.suppress(AttributeError):  # older versions have fewer
        OPTIONS[name] = make()
FLOATS = {"sperr", "sz", "sz3", "zfp"}


@pytest.mark.parametrize("name", hdf5plugin.get_config().registered_filters)
def test_all_of_them_are_read(tmp_path: Path, name: str) -> None:
    y, x = np.mgrid[:64, :48]
    frames = np.stack([100 + y + 2 * x + 7 * k for k in range(3)])
    frames = frames.astype("f4" if name in FLOATS else "u2")
    path = tmp_path / "x.emd"
    with h5py.File(path, "w") as file:
        group = file.create_group("data/scan")
        group.attrs["emd_group_type"] = 1
        stored = group.create_dataset(
            "data", data=frames, chunks=(1, 64, 48), **OPTIONS[name]
        )
        assert stored.id.get_create_plist().get_filter(0)[0] == hdf5plugin.FILTERS[name]
    with h5py.File(path) as file:
        truth = file["data/scan/data"][()]
    (signal,) = nef.read(path)
    for k in range(3):
        np.testing.assert_array_equal(signal.data[k], truth[k])
    np.testing.assert_allclose(signal.data, frames, atol=2e-3)


def test_one_nobody_has_is_named_where_it_matters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.emd"
    with h5py.File(path, "w") as file:
        group = file.create_group("data/scan")
        group.attrs["emd_group_type"] = 1
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layout.set_chunk((4, 5))
        # An optional filter may be missing when writing; claim it was used.
        layout.set_filter(NOBODYS, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((4, 5))
        kind = h5py.h5t.NATIVE_UINT16
        dataset = h5py.h5d.create(group.id, b"data", kind, space, dcpl=layout)
        dataset.write_direct_chunk((0, 0), bytes(40), filter_mask=0)
    assert main(["info", str(path)]) == 0
    assert str(NOBODYS) in capsys.readouterr().out
    (signal,) = nef.read(path)
    with pytest.raises(nef.ReadError, match=f"x.emd:/data/scan/data .*{NOBODYS}.*pip"):
        signal.data[0]
