"""Ways to save a stack, each run in a process of its own.

``python contenders.py NAME SOURCE TARGET COMPRESSION FRAMES`` prints frames a
second, and the memory that took in frames of the result. What each does before it
yields is not counted. Each runs twice, the first time to warm up, into a new file,
and none waits for the disk: what is compared is what they compute and copy.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import hdf5plugin
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Contender = Callable[[Path, Path, str, int], Iterator[None]]

SIZE = 2048

OPTIONS: dict[str, Any] = {
    "none": {},
    "gzip": {"compression": "gzip", "compression_opts": 4, "shuffle": True},
    "bitshuffle-lz4": dict(hdf5plugin.Bitshuffle(cname="lz4")),
    "zstd": {**hdf5plugin.Zstd(clevel=3), "shuffle": True},
    "blosc2": dict(hdf5plugin.Blosc2(cname="zstd", clevel=1)),
}


def make_scan(path: Path, compression: str, frames: int) -> None:
    """Write counts of a shaded, noisy detector: raw, two flats, a dark."""
    random = np.random.default_rng(0)
    from_centre = np.arange(SIZE) / SIZE - 0.5
    light = np.exp(-(from_centre[:, None] ** 2) - from_centre**2) * random.normal(
        1, 0.05, (SIZE, SIZE)
    )
    offset = random.normal(100, 4, (SIZE, SIZE))
    noise = random.normal(0, 3, (SIZE, SIZE))

    def counts(photons: float) -> np.ndarray:
        values = random.poisson(photons * light) + offset + noise
        return np.clip(np.rint(values), 0, 65535).astype("u2")

    different = [counts(1000), counts(900), counts(1100)]
    chunks = (1, SIZE, SIZE)
    with h5py.File(path, "w") as file:
        shape = (frames, SIZE, SIZE)
        layout = {} if compression == "none" else {"chunks": chunks}
        raw = file.create_dataset("raw", shape, "u2", **layout, **OPTIONS[compression])
        for i in range(frames):
            raw[i] = different[i % 3]
        file["flats"] = np.stack([counts(1000), counts(950)])
        file["dark"] = np.rint(offset).astype("u2")


def create(file: h5py.File, shape: tuple[int, ...], compression: str) -> h5py.Dataset:
    """Make the dataset a careful user makes: a chunk a frame."""
    chunks = (1, SIZE, SIZE)
    return file.create_dataset(
        "data", shape, "f4", chunks=chunks, **OPTIONS[compression]
    )


def none(compression: str) -> Any:
    return None if compression == "none" else compression


def careful(
    source: Path, target: Path, compression: str, frames: int
) -> Iterator[None]:
    """One thread of h5py and NumPy that allocates nothing in its loop."""
    with h5py.File(source) as read, h5py.File(target, "w") as write:
        raw, out = read["raw"], create(write, read["raw"].shape, compression)
        dark = read["dark"][()].astype("f4")
        before, after = (read["flats"][i] - dark for i in range(2))
        drift = after - before
        counts = np.empty(raw.shape[1:], raw.dtype)
        gain, ratio = np.empty_like(dark), np.empty_like(dark)
        yield
        for i in range(frames):
            raw.read_direct(counts, np.s_[i])
            np.multiply(drift, np.float32(i / len(raw)), out=gain)
            gain += before
            np.subtract(counts, dark, out=ratio)
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio /= gain
            np.copyto(ratio, np.nan, where=gain <= 0)
            out[i] = ratio


def dask_store(
    source: Path, target: Path, compression: str, frames: int
) -> Iterator[None]:
    """A lazy expression and ``da.store``, as dask's documentation has it."""
    import dask.array as da

    with h5py.File(source) as read, h5py.File(target, "w") as write:
        out = create(write, read["raw"].shape, compression)
        raw = da.from_array(read["raw"], chunks=(1, SIZE, SIZE))[:frames]
        dark = read["dark"][()].astype("f4")
        before, after = (read["flats"][i] - dark for i in range(2))
        share = np.arange(frames, dtype="f4")[:, None, None] / len(read["raw"])
        share = da.from_array(share, chunks=(1, 1, 1))
        gain = da.from_array(before) + share * da.from_array(after - before)
        ratio = da.where(
            gain > 0, (raw - da.from_array(dark)) / gain, np.float32("nan")
        )
        yield
        da.store(ratio, out, regions=np.s_[:frames, :, :], lock=True)


def ours(source: Path, target: Path, compression: str, frames: int) -> Iterator[None]:
    """This package."""
    import napari_emd_flatfield as nef
    from napari_emd_flatfield.flatfield import kernels

    (raw,), (flats,), (dark,) = (nef.read(source, n) for n in ("raw", "flats", "dark"))
    flatfield = nef.FlatField(flats, dark, positions=[0, len(raw.data)])
    corrected = flatfield.correct(raw)
    corrected.data[0]
    for program in list(kernels._programs.values()):
        program.result()
    yield
    nef.write(target, corrected, compression=none(compression))


def h5py_alone(
    source: Path, target: Path, compression: str, frames: int
) -> Iterator[None]:
    """Frames in memory, assigned to a dataset one by one."""
    data = np.load(source)
    yield
    with h5py.File(target, "w") as file:
        out = create(file, (frames, SIZE, SIZE), compression)
        for i in range(frames):
            out[i] = data[i % len(data)]


def ours_alone(
    source: Path, target: Path, compression: str, frames: int
) -> Iterator[None]:
    """Frames in memory, saved by this package."""
    import napari_emd_flatfield as nef
    from napari_emd_flatfield.lazy import LazyArray

    class Repeated(LazyArray):
        def _read(self, slices: tuple[slice, ...]) -> np.ndarray:
            return data[slices[0].start % len(data)][None]

    data = np.load(source)
    signal = nef.Signal("data", Repeated((frames, SIZE, SIZE), "f4"))
    yield
    nef.write(target, signal, compression=none(compression))


def page_cache(
    source: Path, target: Path, compression: str, frames: int
) -> Iterator[None]:
    """Frames that are there, copied into a file: the least that saving can be."""
    with h5py.File(source) as read:
        data = [frame.astype("f4") for frame in read["raw"][:4]]
    yield
    with target.open("wb", buffering=0) as file:
        for i in range(frames):
            frame = memoryview(data[i % len(data)]).cast("B")
            os.posix_fallocate(file.fileno(), i * len(frame), len(frame))
            assert file.write(frame) == len(frame)


CONTENDERS: dict[str, Contender] = {
    function.__name__: function
    for function in (careful, dask_store, ours, h5py_alone, ours_alone, page_cache)
}


def in_frames(key: str) -> float:
    """Memory of this process now, or at its most."""
    with Path("/proc/self/status").open() as status:
        line = next(line for line in status if line.startswith(key))
    return int(line.split()[1]) * 1024 / (SIZE * SIZE * 4)


def main() -> None:
    name, source, target, compression, frames = sys.argv[1:]
    os.fsync = lambda _: None
    memory = 0.0
    warm_up = Path(target + ".warm")
    for path in (warm_up, Path(target)):
        path.unlink(missing_ok=True)
        work = CONTENDERS[name](Path(source), path, compression, int(frames))
        next(work)
        # From here on memory is for the frames, no longer for a compiler.
        Path("/proc/self/clear_refs").write_text("5")
        before = in_frames("VmRSS")
        if path is not warm_up:
            warm_up.unlink()  # its pages are there for the next file
        start = time.perf_counter()
        next(work, None)
        taken = time.perf_counter() - start
        memory = max(memory, in_frames("VmHWM") - before)
    print(int(frames) / taken, memory)


if __name__ == "__main__":
    main()
