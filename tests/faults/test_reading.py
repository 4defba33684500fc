"""Files that break while they are looked at, and programs that never stop looking."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef
from factories import plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FRAMES = np.random.default_rng(0).integers(1, 60_000, (30, 16, 16)).astype("u2")


@pytest.mark.parametrize("compression", ["gzip", "bitshuffle-lz4", "zstd", "blosc2"])
def test_a_corrupt_chunk_spoils_one_frame(
    tmp_path: Path, tally: Any, compression: Any
) -> None:
    path = tmp_path / "scan.emd"
    nef.write(path, nef.Signal("raw", FRAMES), compression=compression)
    with h5py.File(path) as file:
        chunk = file["data/raw/data"].id.get_chunk_info_by_coord((17, 0, 0))
    with path.open("r+b") as raw:
        raw.seek(chunk.byte_offset)
        raw.write(b"\xff" * chunk.size)
    (signal,) = nef.read(path)
    with tally("corrupt chunk").fault():
        for i in range(len(FRAMES)):
            if i != 17:
                np.testing.assert_array_equal(signal.data[i], FRAMES[i])
        with pytest.raises(nef.ReadError, match=r"scan\.emd:/data/raw/data cannot be"):
            signal.data[17]
        np.testing.assert_array_equal(signal.data[18], FRAMES[18])


def test_a_bit_that_changed_is_found_by_its_checksum(
    tmp_path: Path, tally: Any
) -> None:
    path = tmp_path / "scan.emd"
    raw = nef.Signal("raw", FRAMES)
    nef.write(path, raw, compression=None, fletcher32=True)
    with h5py.File(path) as file:
        chunk = file["data/raw/data"].id.get_chunk_info_by_coord((17, 0, 0))
    with path.open("r+b") as stream:
        stream.seek(chunk.byte_offset + 100)
        (byte,) = stream.read(1)
        stream.seek(-1, os.SEEK_CUR)
        stream.write(bytes([byte ^ 4]))
    (signal,) = nef.read(path)
    with tally("corrupt chunk").fault():
        with pytest.raises(nef.ReadError, match=r"scan\.emd:/data/raw/data cannot be"):
            signal.data[17]
        np.testing.assert_array_equal(signal.data[16], FRAMES[16])


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def replace(path: Path) -> None:
    other = plain(path.with_name("other.h5"), raw=FRAMES[:, ::-1])
    other.replace(path)


def delete(path: Path) -> None:
    path.unlink()


def overwrite(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["raw"] = FRAMES[:5]


@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize("change", [truncate, replace, delete, overwrite])
def test_what_is_shown_is_true_or_an_error(
    tmp_path: Path, tally: Any, change: Any, is_open: bool
) -> None:
    path = plain(tmp_path / "scan.h5", raw=FRAMES)
    (signal,) = nef.read(path)
    np.testing.assert_array_equal(signal.data[3], FRAMES[3])
    if not is_open:
        signal.data.close()
    if os.name == "nt" and is_open:
        pytest.skip("Windows does not change files that are open")
    change(path)
    said = ["scan.h5"]
    with tally(f"{change.__name__} a file in use").fault():
        for i in range(len(FRAMES)):
            try:
                shown = signal.data[i]
            except (nef.EmdFlatfieldError, FileNotFoundError) as error:
                said.append(str(error))
            else:
                np.testing.assert_array_equal(shown, FRAMES[i])
        assert all("scan.h5" in text for text in said)
        plain(path, raw=FRAMES)  # it comes back, or is copied again
        np.testing.assert_array_equal(signal.refreshed().data, FRAMES)


@pytest.fixture
def loose_disk(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A folder on a disk, and the image of that disk, to be lost."""
    image, folder = tmp_path / "image", tmp_path / "disk"
    folder.mkdir()
    with image.open("wb") as stream:
        stream.truncate(16 * 2**20)
    for command in (
        ["mkfs.ext4", "-q", image],
        ["mount", "-o", "loop", image, folder],
    ):
        if (
            not shutil.which(command[0])
            or subprocess.run(command, capture_output=True).returncode
        ):
            pytest.skip("cannot mount a disk image here: needs root on Linux")
    yield folder, image
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.parametrize("compression", ["gzip", None])
def test_a_disk_that_goes_away_is_an_error(
    loose_disk: tuple[Path, Path], tally: Any, compression: Any
) -> None:
    folder, image = loose_disk
    frames = np.random.default_rng(0).integers(0, 60_000, (30, 64, 64)).astype("u2")
    path = nef.write(
        folder / "scan.emd", nef.Signal("raw", frames), compression=compression
    )
    (signal,) = nef.read(path)
    np.testing.assert_array_equal(signal.data[0], frames[0])
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    os.truncate(image, 0)
    with tally("disk gone").fault():
        with pytest.raises(nef.ReadError, match=r"scan\.emd:/data/raw/data cannot be"):
            signal.data[25]
        with pytest.raises(nef.EmdFlatfieldError, match=r"scan\.emd"):
            signal.refreshed()
    signal.data.close()


THREADS = """
import faulthandler, random, sys, threading, time
faulthandler.enable()
from pathlib import Path
import numpy as np, h5py, napari_emd_flatfield as nef

folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
random_ = np.random.default_rng(0)
truth = {}
for k, compression in enumerate(["gzip", None, "bitshuffle-lz4", "blosc2"]):
    raw = random_.integers(100, 9000, (12, 40, 50)).astype("u2")
    flats = random_.integers(9000, 9100, (2, 40, 50)).astype("u2")
    path = folder / f"{k}.emd"
    signals = [nef.Signal("raw", raw), nef.Signal("flats", flats, role="flat")]
    nef.write(path, signals, compression=compression)
    weight = np.linspace(0, 1, 12)[:, None, None]
    exact = raw / ((1 - weight) * flats[0].astype("f8") + weight * flats[1])
    truth[path] = raw, exact

stop = time.monotonic() + seconds
done, failed = [0] * 8, []

def work(number):
    dice = random.Random(number)
    held = {}
    while time.monotonic() < stop and not failed:
        path = dice.choice(list(truth))
        raw, exact = truth[path]
        if path not in held or dice.random() < 0.05:
            one, flats = nef.read(path)
            held[path] = one, nef.correct(one, flats, positions=[0, 11])
        one, corrected = held[path]
        i = dice.randrange(12)
        part = slice(dice.randrange(20), dice.randrange(21, 40), dice.randrange(1, 4))
        match dice.randrange(6):
            case 0:
                np.testing.assert_array_equal(one.data[i], raw[i])
            case 1:
                np.testing.assert_array_equal(one.data[:, part, i], raw[:, part, i])
            case 2:
                np.testing.assert_allclose(corrected.data[i], exact[i], rtol=1e-5)
            case 3:
                where = (slice(None, i + 1), part)
                np.testing.assert_allclose(corrected.data[where], exact[where], 1e-5)
            case 4:
                one.data.close()
            case 5:
                saved = nef.write(folder / f"t{number}.emd", corrected)
                with h5py.File(saved, locking=False) as file:
                    (group,) = file["data"].values()
                    np.testing.assert_allclose(group["data"][i], exact[i], rtol=1e-5)
        done[number] += 1

def guarded(number):
    try:
        work(number)
    except BaseException as error:
        failed.append(repr(error))

threads = [threading.Thread(target=guarded, args=(n,)) for n in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(seconds + 60)
assert not failed, failed
assert not any(thread.is_alive() for thread in threads), "they wait for each other"
assert min(done) > 0
print(sum(done))
"""


@pytest.mark.parametrize("seconds", [3, pytest.param(60, marks=pytest.mark.faults)])
def test_eight_threads_do_all_things_at_once(
    tmp_path: Path, tally: Any, seconds: int
) -> None:
    counted = tally("8 threads at random")
    with counted.fault():
        done = subprocess.run(
            [sys.executable, "-c", THREADS, tmp_path, str(seconds)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
    counted.note("operations", int(done.stdout))


LAYERS = """
import gc, sys
from pathlib import Path
import psutil
from napari.components import ViewerModel
from napari.layers import Image
from napari_emd_flatfield.plugin.reader import read_layers

paths, number = [Path(path) for path in sys.argv[2:]], int(sys.argv[1])
viewer, process, used = ViewerModel(), psutil.Process(), []
for k in range(number):
    viewer.layers.extend(
        Image(data, **options)
        for data, options, _ in read_layers(str(paths[k % len(paths)]))
    )
    viewer.dims.current_step = (k % 4, 0, 0)
    if k % 5 == 4:
        viewer.layers.clear()
        gc.collect()
        used.append(process.memory_info().rss)
del viewer  # napari remembers the last layer it has shown
gc.collect()
open_files = {Path(file.path) for file in process.open_files()}
assert not open_files & set(paths), open_files
# The first ones fill caches that stay.
print(used[-1] - used[len(used) // 4])
"""


@pytest.mark.parametrize("number", [40, pytest.param(500, marks=pytest.mark.faults)])
def test_layers_that_were_removed_leave_nothing(
    tmp_path: Path, tally: Any, number: int
) -> None:
    pytest.importorskip("napari")
    frames = np.ones((4, 700, 700), "u2")  # 1 MB a frame
    paths = [plain(tmp_path / f"{k}.h5", raw=frames) for k in range(5)]
    counted = tally("layers opened and removed")
    with counted.fault():
        # In a process of its own: others have left memory to use again.
        done = subprocess.run(
            [sys.executable, "-c", LAYERS, str(number), *paths],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert int(done.stdout) < 30 * 2**20
    counted.note("layers", number)
