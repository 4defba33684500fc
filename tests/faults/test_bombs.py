"""Small files that ask for endless time or memory."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="limits memory"
)
IMAGE = np.arange(12, dtype="u2").reshape(3, 4)
MANY = pytest.mark.faults

OPEN = """
import resource, sys, warnings
import napari_emd_flatfield as nef
from napari_emd_flatfield.cli import main

def memory(key):
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith(key))
    return int(line.split()[1]) * 1024

path, limit = sys.argv[1], int(sys.argv[2]) * 2**20
nef.Axis.index(3).unit  # pint reads its units once
limit += memory("VmData")
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    for signal in nef.read(path):
        middle = tuple(n // 2 for n in signal.shape[:-2])
        try:
            print(signal.name, signal.data[middle].sum())
        except nef.ReadError as error:
            print(signal.name, error)
    with open("/dev/null", "w") as sys.stdout:
        main(["info", path])
sys.stdout = sys.__stdout__
for each in told:
    print(each.message)
"""


def opened(path: Path, *, seconds: int, megabytes: int) -> str:
    """Open a file, show its images and list it, in bounded time and memory."""
    done = subprocess.run(
        [sys.executable, "-c", OPEN, path, str(megabytes)],
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def endless_shapes(file: h5py.File, number: int) -> None:
    file.create_dataset("cube", (10**5,) * 3, "u1", chunks=(1, 1000, 1000))
    file.create_dataset("line", (10**14, 10), "u1", chunks=(1000, 10))
    file.create_dataset("sheet", (3, 10**7, 10**7), "u1", chunks=(1, 100, 100))


def a_chunk_that_inflates(file: h5py.File, number: int) -> None:
    image = file.create_dataset(
        "image", (3, 250, 1000), "u1", chunks=(1, 250, 1000), compression="gzip"
    )
    image[...] = 7
    stream = zlib.compressobj(9)
    packed = b"".join(stream.compress(bytes(2**20)) for _ in range(600))
    image.id.write_direct_chunk((1, 0, 0), packed + stream.flush())


def many_attributes(file: h5py.File, number: int) -> None:
    file["image"] = IMAGE
    scalar = h5py.h5s.create(h5py.h5s.SCALAR)
    for i in range(number):
        name = b"a%d" % i
        h5py.h5a.create(file["image"].id, name, h5py.h5t.NATIVE_INT8, scalar)


def many_groups(file: h5py.File, number: int) -> None:
    file["image"] = IMAGE
    many = file.create_group("many").id
    for i in range(number):
        h5py.h5g.create(many, b"%d" % i)


def deep_groups(file: h5py.File, number: int) -> None:
    group = file["/"]
    for _ in range(number):
        group = group.create_group("g")
    group["image"] = IMAGE


def circles(file: h5py.File, number: int) -> None:
    file["image"] = IMAGE
    for i in range(number):
        group = file.create_group(f"{i}")
        group["up"] = file["/"]
        group["next"] = h5py.SoftLink(f"/{(i + 1) % number}")
        group["round"] = h5py.SoftLink(f"/{(i + 1) % number}/round")
        group["self"] = h5py.ExternalLink(file.filename, f"/{i}")
    layout = h5py.VirtualLayout((3, 4), "u2")
    layout[...] = h5py.VirtualSource(".", "/virtual", (3, 4))
    file.create_virtual_dataset("virtual", layout)


def doubling(file: h5py.File, number: int) -> None:
    """Two virtual datasets a level, each made of both of the next."""
    file["image"] = IMAGE
    for name in "ab":
        file[f"{name}{number}"] = IMAGE
    half = IMAGE.shape[1] // 2
    for level in reversed(range(number)):
        for name in "ab":
            layout = h5py.VirtualLayout(IMAGE.shape, IMAGE.dtype)
            for i, part in enumerate([np.s_[:, :half], np.s_[:, half:]]):
                source = f"{'ab'[i]}{level + 1}"
                layout[part] = h5py.VirtualSource(".", source, IMAGE.shape)[part]
            file.create_virtual_dataset(f"{name}{level}", layout)


def doubling_in_files(file: h5py.File, number: int) -> None:
    """The same, each level in a file of its own."""
    file["image"] = IMAGE
    folder, half = Path(file.filename).parent, IMAGE.shape[1] // 2
    for level in reversed(range(number)):
        with h5py.File(folder / f"level{level}.h5", "w") as other:
            for name in "ab":
                layout = h5py.VirtualLayout(IMAGE.shape, IMAGE.dtype)
                for i, part in enumerate([np.s_[:, :half], np.s_[:, half:]]):
                    source = (f"level{level + 1}.h5", "ab"[i], IMAGE.shape)
                    layout[part] = h5py.VirtualSource(*source)[part]
                other.create_virtual_dataset(name, layout)
    with h5py.File(folder / f"level{number}.h5", "w") as other:
        other["a"], other["b"] = IMAGE, IMAGE
    file["virtual"] = h5py.ExternalLink("level0.h5", "a")


def deep_virtual(file: h5py.File, number: int) -> None:
    file["image"] = file[f"v{number}"] = IMAGE
    for level in reversed(range(number)):
        layout = h5py.VirtualLayout(IMAGE.shape, IMAGE.dtype)
        layout[...] = h5py.VirtualSource(".", f"v{level + 1}", IMAGE.shape)
        file.create_virtual_dataset(f"v{level}", layout)


@pytest.mark.parametrize(
    ("make", "number", "said"),
    [
        (endless_shapes, 0, ["cube", "do not fit into memory", "line (10000000000000"]),
        (a_chunk_that_inflates, 0, ["/image cannot be read", "many more"]),
        (many_attributes, 10_000, ["image 66", "10000 attributes; the first 4096"]),
        pytest.param(many_attributes, 10**6, ["image 66", "000 att"], marks=MANY),
        (many_groups, 5_000, ["image 66"]),
        pytest.param(many_groups, 100_000, ["image 66", "than 20000"], marks=MANY),
        (deep_groups, 500, ["image 66"]),
        pytest.param(deep_groups, 2_000, ["image 66"], marks=MANY),
        (circles, 50, ["image 66", "virtual is made of itself; it is not followed"]),
        (doubling, 12, ["image 66", "a0 66"]),
        (doubling, 35, ["a34 66", "too many times over"]),
        (doubling_in_files, 10, ["image 66", "virtual 66"]),
        (doubling_in_files, 30, ["image 66", "too many times over"]),
        (deep_virtual, 1_000, ["v1000 66", "too many times over"]),
    ],
)
def test_bombs(
    tmp_path: Path,
    tally: Any,
    make: Callable[[h5py.File, int], None],
    number: int,
    said: list[str],
) -> None:
    path = tmp_path / "bomb.h5"
    with h5py.File(path, "w", libver="latest") as file:
        make(file, number)
    with tally("bombs").fault():
        shown = opened(path, seconds=90, megabytes=500)
        for text in said:
            assert text in shown
