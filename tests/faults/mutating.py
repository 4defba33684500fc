"""Files as no program would write them: damaged ones, and odd but valid ones."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import h5py
import hdf5plugin
import numpy as np

import factories

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

WORDS = ["data", "dim1", "dim2", "dim0", "flatfield", "dark", "raw", "entry", "Data"]
WORDS += ["Image", "Displays", "signal", "axes", "units", "name", "emd_group_type"]
WORDS += ["NX_class", "image_key", "instrument", "detector", "sample", "metadata"]
WORDS += ["0000", "0100", "data_000001", "axis-0", "Experiments", "__unnamed__", "x"]
WORDS += ["version_major", "python_class", "dim_units", "dim_names", "interpretation"]
TEXTS = ["", "1", "array", "NXdata", "NXentry", "data", "[n_m]", "µm", "\x1b[31m", "nm"]
TEXTS += [
    "[",
    "{}",
    '{"a": [',
    "NaN",
    "1e400",
    "/",
    "../..",
    "<b>x</b>",
    "9" * 400,
    "nm^9^9^9",
]
TEXTS += ["[" * 3000, '{"a":' * 3000]
TYPES: list[Any] = ["u1", ">u2", "i4", "u8", "f2", ">f4", "f8", "c8", "?", "S3", "V5"]
TYPES += [h5py.string_dtype(), h5py.ref_dtype, h5py.vlen_dtype("i2")]
TYPES += [[("r", "f4"), ("i", "f4")], [("a", "u1", (2, 3)), ("b", "S2")]]
TYPES += [h5py.enum_dtype({"a": 0, "b": 1}, basetype="i2")]
FILTERS: list[dict[str, Any]] = [{}, {"compression": "gzip"}, {"fletcher32": True}]
FILTERS += [{"compression": "lzf", "shuffle": True}, {"scaleoffset": 2}]
FILTERS += [dict(hdf5plugin.Bitshuffle()), dict(hdf5plugin.Blosc2())]
FILTERS += [dict(hdf5plugin.Zstd()), {"compression": "szip"}]


def seeds(folder: Path) -> list[bytes]:
    """Small sound files of several kinds."""
    factories.walk_through(folder / "a.h5", (5, 6, 4))
    factories.beamline(folder / "b.h5", (4, 5))
    frames = np.arange(60, dtype="u2").reshape(3, 4, 5)
    for i, options in enumerate(FILTERS[:-1]):
        with h5py.File(
            folder / f"c{i}.h5", "w", libver=["latest", None][i % 2]
        ) as file:
            chunks = {"chunks": (1, 4, 5)} if options else {}
            entry = file.create_group("entry", track_order=True)
            entry.attrs["NX_class"] = "NXentry"
            data = entry.create_group("data")
            data.attrs.update(NX_class="NXdata", signal="data", axes=["z", "y", "x"])
            data.create_dataset("data", data=frames, **chunks, **options)
            data["y"] = np.arange(4.0)
            data["y"].attrs["units"] = "nm"
            entry["link"] = h5py.SoftLink("/entry/data/data")
            entry["self"] = file["/"]
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def damaged(dice: Random, sound: list[bytes]) -> bytes:
    """A sound file with some bytes changed, lost or moved."""
    file = bytearray(dice.choice(sound))
    # Most of what steers HDF5 is small numbers in the first kilobytes.
    reach = min(len(file), dice.choice([100, 1000, 4000, len(file)]))
    for _ in range(dice.choice([1, 1, 2, 5, 20])):
        at = dice.randrange(min(reach, len(file)))
        match dice.randrange(6):
            case 0 | 1:
                file[at] ^= 1 << dice.randrange(8)
            case 2:
                file[at] = dice.choice([0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)])
            case 3:
                end = at + dice.choice([2, 4, 8, 64])
                file[at:end] = dice.randbytes(end - at)
            case 4:
                end = at + dice.choice([4, 8, 32])
                file[at:end] = bytes([dice.choice([0, 0xFF])]) * (end - at)
            case 5:
                other, size = dice.choice(sound), dice.choice([8, 64, 512])
                start = dice.randrange(len(other))
                file[at : at + size] = other[start : start + size]
    if dice.random() < 0.15:
        del file[dice.randrange(len(file)) :]
    return bytes(file)


def odd(dice: Random, path: Path) -> None:
    """A valid file of random groups, arrays, attributes and links."""
    with h5py.File(path, "w", libver=dice.choice(["earliest", "latest"])) as file:
        groups = [file["/"]]
        for _ in range(dice.randrange(1, 25)):
            group, name = dice.choice(groups), dice.choice(WORDS)
            if name in group:
                name += str(dice.randrange(100))
            try:
                node = _odd_node(dice, group, name, groups)
            except (OSError, RuntimeError, TypeError, ValueError, KeyError):
                continue  # HDF5 does not make just anything
            for _ in range(dice.randrange(5)):
                _odd_attribute(dice, node or group)


def _odd_node(dice: Random, group: Any, name: str, groups: list[Any]) -> Any:
    match dice.randrange(8):
        case 0 | 1:
            groups.append(group.create_group(name))
            return groups[-1]
        case 2:
            target = dice.choice(["/", "/data", "..", ".", "/nowhere", f"/{name}"])
            group[name] = h5py.SoftLink(target)
        case 3:
            other = dice.choice(["nowhere.h5", "/etc/passwd", ".", group.file.filename])
            group[name] = h5py.ExternalLink(other, dice.choice(["/", "/data", "x"]))
        case 4:
            group[name] = dice.choice(groups)
        case _:
            return _odd_dataset(dice, group, name)
    return None


def _odd_dataset(dice: Random, group: Any, name: str) -> Any:
    lengths = [0, 1, 1, 2, 3, 4, 5, 7, 10**5, 2**31, 2**62]
    weights = [1, 2, 2, 5, 5, 5, 5, 5, 0.3, 0.3, 0.1]
    shape = tuple(dice.choices(lengths, weights, k=dice.randrange(6)))
    dtype, options = np.dtype(dice.choice(TYPES)), dict(dice.choice(FILTERS))
    if shape and (options or dice.random() < 0.4):
        options["chunks"] = tuple(max(1, min(n, 5)) for n in shape)
    if dice.random() < 0.2:
        layout = h5py.VirtualLayout(shape, dtype)
        own = [".", ".", group.file.filename]
        source = dice.choice([*own, "nowhere.h5", "/etc/passwd", "part_%b.h5"])
        # Often of one that is virtual, too, in a circle at times.
        there = dice.choice(["x", name, "n%b", *list(group)])
        layout[...] = h5py.VirtualSource(source, f"{group.name}/{there}", shape)
        return group.create_virtual_dataset(name, layout)
    made = group.create_dataset(name, shape, dtype, **options)
    small = np.prod(shape, dtype=float) < 10_000
    if small and dtype.kind in "iufc?":
        made[...] = np.asarray(dice.randrange(200)).astype(dtype)
    if small and "chunks" in options and shape and dice.random() < 0.3:
        stored = dice.choice([b"", b"\0" * 9, dice.randbytes(40), _bomb()])
        made.id.write_direct_chunk((0,) * len(shape), stored, dice.choice([0, 0, 1]))
    return made


def _bomb() -> bytes:
    return zlib.compress(bytes(10**7))


def _odd_attribute(dice: Random, node: Any) -> None:
    text = dice.choice(TEXTS)
    values = [text, text.encode("utf-8"), text.encode("utf-16"), [text, ""], 1, -7, 1.5]
    values += [np.nan, np.arange(5), np.zeros((0,)), np.ones((3, 2)), h5py.Empty("f")]
    values += [node.ref, 2**63, np.void(b"\xff\x00"), [WORDS[0], dice.choice(WORDS)]]
    try:
        node.attrs[dice.choice(WORDS)] = dice.choice(values)
    except (OSError, RuntimeError, TypeError, ValueError):
        return
