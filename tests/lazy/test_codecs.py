"""What is decoded here is what h5py reads, for every filter, dtype and layout."""

from __future__ import annotations

import ctypes
import struct
import sys
import zlib
from typing import TYPE_CHECKING, Any

import h5py
import hdf5plugin
import numpy as np
import pytest

from napari_emd_flatfield.errors import ReadError, UnsafeChunkError
from napari_emd_flatfield.lazy import H5Array, blockwise
from napari_emd_flatfield.lazy.chunked import Chunked
from napari_emd_flatfield.lazy.codecs import Pipeline
from napari_emd_flatfield.lazy.fletcher import fletcher32

if TYPE_CHECKING:
    from pathlib import Path

FILTERS: dict[str, dict[str, Any]] = {
    "none": {},
    "shuffle": {"shuffle": True},
    "gzip": {"compression": "gzip"},
    "gzip-shuffle": {"compression": "gzip", "shuffle": True},
    "gzip-shuffle-fletcher": {
        "compression": "gzip",
        "shuffle": True,
        "fletcher32": True,
    },
    "fletcher": {"fletcher32": True},
    "lzf": {"compression": "lzf"},
    "lzf-shuffle-fletcher": {"compression": "lzf", "shuffle": True, "fletcher32": True},
    "bitshuffle": dict(hdf5plugin.Bitshuffle(cname="none")),
    "bitshuffle-lz4": dict(hdf5plugin.Bitshuffle(cname="lz4")),
    "bitshuffle-zstd": dict(hdf5plugin.Bitshuffle(cname="zstd")),
    "blosc": dict(hdf5plugin.Blosc(cname="lz4", shuffle=hdf5plugin.Blosc.SHUFFLE)),
    "blosc2": dict(hdf5plugin.Blosc2(cname="zstd", clevel=1)),
    "lz4": dict(hdf5plugin.LZ4()),
    "zstd": dict(hdf5plugin.Zstd(clevel=1)),
    "zstd-shuffle": {"shuffle": True, **hdf5plugin.Zstd(clevel=1)},
    "bzip2": dict(hdf5plugin.BZip2()),
    "scaleoffset": {"scaleoffset": 0},
}

DTYPES = ["u1", "i1", "<u2", ">u2", "<i4", ">f4", "<f8", "<f2", "<c8", "?", ">u8"]

# Chunks large enough to be decoded here, and not by h5py, for every dtype.
SHAPE = (5, 150, 190)
CHUNKS = (2, 128, 128)

# Outside integers it loses what NumPy's dtype cannot say, or is not defined.
_NOT_SCALED = {"?", "<c8", ">f4", "<f8", "<f2", ">u8"}
KEYS: list[Any] = [
    ...,
    3,
    (slice(1, 5), slice(100, 140), slice(120, 185)),
    (slice(None, None, 2), slice(3, None, 50), slice(None, None, 63)),
    (slice(None), 140, slice(None)),
    (-1, slice(None, None, -7), 189),
]


def sample(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).integers(0, 60, shape)
    return (values % 2 if dtype == "?" else values).astype(dtype)


def in_dataset(
    path: Path, data: np.ndarray, **options: Any
) -> tuple[np.ndarray, H5Array]:
    """Write a dataset; return it as h5py reads it, and as we shall."""
    with h5py.File(path, "w") as file:
        file.create_dataset("d", data=data, **options)
    with h5py.File(path) as file:
        return file["d"][...], H5Array(path, "d")


def assert_same(array: H5Array, expected: np.ndarray, key: Any) -> None:
    found = array[key]
    assert found.dtype == expected[key].dtype
    assert found.ndim == 0 or found.flags.writeable
    np.testing.assert_array_equal(found, expected[key])


@pytest.mark.usefixtures("decoded")
@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_reads_what_h5py_reads(tmp_path: Path, name: str, dtype: str) -> None:
    if name == "scaleoffset" and dtype in _NOT_SCALED:
        pytest.skip("h5py scales integers only")
    expected, array = in_dataset(
        tmp_path / "a.h5", sample(SHAPE, dtype), chunks=CHUNKS, **FILTERS[name]
    )
    with array:
        for key in KEYS:
            assert_same(array, expected, key)


@pytest.mark.usefixtures("decoded")
@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("userblock", [0, 512])
def test_chunks_are_found_with_and_without_hdf5(
    tmp_path: Path, name: str, userblock: int
) -> None:
    # HDF5 counts from behind a user block: it is asked for each chunk then.
    data = sample(SHAPE, "<u2")
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=userblock) as file:
        options = {"chunks": CHUNKS, **FILTERS[name]}
        dataset = file.create_dataset("d", SHAPE, "u2", fillvalue=7, **options)
        dataset[1:3, :128] = data[1:3, :128]  # other chunks are not stored
        expected = dataset[...]
    with H5Array(tmp_path / "a.h5", "d") as array:
        for key in KEYS:
            assert_same(array, expected, key)
        _, blocks = array._seen
        if blocks is not None and isinstance(blocks._layout, Chunked):
            assert (blocks._layout.places is None) == bool(userblock)


@pytest.mark.usefixtures("decoded")
@pytest.mark.parametrize("userblock", [0, 512])
def test_where_no_chunk_is_stored_the_fill_value_counts(
    tmp_path: Path, userblock: int
) -> None:
    path = tmp_path / "a.h5"
    for options in ({}, {"compression": "gzip"}):
        with h5py.File(path, "w", userblock_size=userblock) as file:
            file.create_dataset("d", SHAPE, "u2", chunks=CHUNKS, fillvalue=7, **options)
        with H5Array(path, "d") as array:
            assert_same(array, np.full(SHAPE, 7, "u2"), np.s_[1])


@pytest.mark.usefixtures("decoded")
@pytest.mark.skipif(sys.platform != "linux", reason="calls HDF5 through h5py's module")
@pytest.mark.parametrize(
    "name", ["shuffle", "gzip", "bitshuffle", "bitshuffle-lz4", "zstd", "fletcher32"]
)
def test_edge_chunks_may_be_stored_without_filters(tmp_path: Path, name: str) -> None:
    created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    created.set_chunk((1, 150, 150))
    if name == "shuffle":
        created.set_shuffle()
    elif name == "gzip":
        created.set_deflate(4)
    elif name == "fletcher32":
        created.set_fletcher32()
    else:
        options = {"zstd": (32015, 0, (3,)), "bitshuffle": (32008, 0, (0, 0))}
        created.set_filter(*options.get(name, (32008, 0, (0, 2))))
    h5p = ctypes.CDLL(h5py.h5p.__file__)
    unfiltered_edges = 2  # H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS
    assert h5p.H5Pset_chunk_opts(ctypes.c_int64(created.id), unfiltered_edges) == 0
    data = sample((3, 200, 200), "<u2")
    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        space = h5py.h5s.create_simple(data.shape)
        made = h5py.h5d.create(file.id, b"d", h5py.h5t.NATIVE_UINT16, space, created)
        h5py.Dataset(made)[...] = data
    with H5Array(tmp_path / "a.h5", "d") as array:
        for key in (np.s_[...], np.s_[1], np.s_[:, 140:170, 199]):
            assert_same(array, data, key)


def test_what_does_not_work_in_threads_is_left_to_hdf5(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    sz = hdf5plugin.SZ(absolute=0.5)
    in_dataset(path, sample((2, 128, 128), "<f4"), chunks=(1, 128, 128), **sz)
    with h5py.File(path) as file:
        assert Pipeline.of(file["d"]) is None


@pytest.mark.parametrize("name", [n for n in FILTERS if n != "scaleoffset"])
def test_every_filter_is_decoded_here(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.h5"
    data = sample((2, 128, 128), "<u2")
    in_dataset(path, data, chunks=(1, 128, 128), **FILTERS[name])
    with h5py.File(path) as file:
        pipeline = Pipeline.of(file["d"])
        if pipeline is None and "lzf" in name:
            pytest.skip("this build of h5py does not show its LZF filter")
        assert pipeline is not None
        for index, frame in enumerate(data):
            mask, stored = file["d"].id.read_direct_chunk((index, 0, 0))
            out = np.empty(frame.nbytes, np.uint8)
            pipeline.decode(np.frombuffer(stored, np.uint8), mask, out)
            np.testing.assert_array_equal(out.view("<u2"), frame.ravel())


def test_filters_only_hdf5_knows_are_left_to_it(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = sample((2, 128, 128), "<u2")
        dataset = file.create_dataset("d", data=data, scaleoffset=0)
        assert Pipeline.of(dataset) is None


@pytest.mark.parametrize("mask", range(8))
def test_skipped_filters(tmp_path: Path, mask: int) -> None:
    path = tmp_path / "a.h5"
    data = sample((1, 128, 128), "<u2")
    stored = data.tobytes()
    if not mask & 1:
        stored = data.view("u1").reshape(-1, 2).T.tobytes()
    if not mask & 2:
        stored = zlib.compress(stored)
    if not mask & 4:
        stored += fletcher32(np.frombuffer(stored, np.uint8)).to_bytes(4, "little")
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset(
            "d",
            data.shape,
            data.dtype,
            chunks=data.shape,
            **FILTERS["gzip-shuffle-fletcher"],
        )
        dataset.id.write_direct_chunk((0, 0, 0), stored, mask)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["d"][...], data)
    with H5Array(path, "d") as array:
        np.testing.assert_array_equal(array[...], data)


@pytest.mark.parametrize("fill", [None, 7])
@pytest.mark.parametrize("name", ["none", "gzip-shuffle", "zstd"])
def test_chunks_never_written(tmp_path: Path, name: str, fill: int | None) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset(
            "d", SHAPE, "u2", chunks=CHUNKS, fillvalue=fill, **FILTERS[name]
        )
        dataset[2:4, :128, :128] = 9
        file.create_dataset("contiguous", SHAPE, "u2", fillvalue=fill)
    with h5py.File(path) as file, H5Array(path, "d") as array:
        for key in KEYS:
            np.testing.assert_array_equal(array[key], file["d"][...][key])
        empty = H5Array(path, "contiguous")[...]
        np.testing.assert_array_equal(empty, file["contiguous"][...])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "shape", [(5, 150, 190), (40, 33, 3000), (9000, 5), (3, 2, 2, 70000), (100,)]
)
def test_contiguous(tmp_path: Path, shape: tuple[int, ...], dtype: str) -> None:
    expected, array = in_dataset(tmp_path / "a.h5", sample(shape, dtype))
    keys = [..., 3 % shape[0], (..., slice(1, 2)), (slice(None, None, 3), ...)]
    keys.append(tuple(slice(n // 4, n // 2 + 1, 2) for n in shape))
    with array:
        for key in keys:
            assert_same(array, expected, key)


def test_contiguous_behind_a_user_block(tmp_path: Path) -> None:
    data = sample((4, 150, 190), "<u2")
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=1024) as file:
        file["d"] = data
        file.create_dataset("chunked", data=data, chunks=(1, 150, 190), shuffle=True)
    np.testing.assert_array_equal(H5Array(tmp_path / "a.h5", "d")[2], data[2])
    np.testing.assert_array_equal(H5Array(tmp_path / "a.h5", "chunked")[2], data[2])


def test_data_in_another_file(tmp_path: Path) -> None:
    data = sample((4, 150, 190), "<u2")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["padding"] = np.zeros(5000)
        file["d"] = data
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["linked"] = h5py.ExternalLink("b.h5", "d")
        file.create_dataset(
            "external",
            data.shape,
            data.dtype,
            external=[(str(tmp_path / "raw.bin"), 0, data.nbytes)],
        )[...] = data
    for name in ("linked", "external"):
        np.testing.assert_array_equal(H5Array(tmp_path / "a.h5", name)[2], data[2])


def test_types_hdf5_converts_are_left_to_it(tmp_path: Path) -> None:
    """12 significant bits in 16: the bytes in the file are not NumPy's."""
    kind = h5py.h5t.STD_U16LE.copy()
    kind.set_precision(12)
    kind.set_offset(2)
    data = sample((4, 150, 190), "<u2") * 50
    with h5py.File(tmp_path / "a.h5", "w") as file:
        space = h5py.h5s.create_simple(data.shape)
        h5py.Dataset(h5py.h5d.create(file.id, b"d", kind, space))[...] = data
    with h5py.File(tmp_path / "a.h5") as file:
        expected = file["d"][...]
    np.testing.assert_array_equal(H5Array(tmp_path / "a.h5", "d")[...], expected)
    np.testing.assert_array_equal(expected, data)


@pytest.mark.parametrize("name", ["gzip-shuffle", "gzip-shuffle-fletcher", "zstd"])
def test_a_damaged_chunk_is_an_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.h5"
    data = sample((2, 128, 128), "<u2")
    in_dataset(path, data, chunks=(1, 128, 128), **FILTERS[name])
    with h5py.File(path, "r+") as file:
        mask, stored = file["d"].id.read_direct_chunk((1, 0, 0))
        damaged = bytearray(stored)
        damaged[len(damaged) // 2] ^= 255
        file["d"].id.write_direct_chunk((1, 0, 0), bytes(damaged), mask)
    with H5Array(path, "d") as array:
        np.testing.assert_array_equal(array[0], data[0])
        if name == "zstd":  # without a checksum HDF5 may read it, and so do we
            with h5py.File(path) as file:
                try:
                    expected = file["d"][1]
                except OSError:
                    expected = None
            if expected is not None:
                np.testing.assert_array_equal(array[1], expected)
                return
        for _ in range(2):  # what failed is not kept
            with pytest.raises(ReadError, match=r"a\.h5:d cannot be read"):
                array[1]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 720, 8192, 8193, 300_001])
@pytest.mark.parametrize("value", [None, 0, 255])
def test_fletcher32(size: int, value: int | None) -> None:
    if value is None:
        data = np.random.default_rng(size).integers(0, 256, size).astype(np.uint8)
    else:
        data = np.full(size, value, np.uint8)
    padded = data.tobytes() + bytes(size % 2)
    first = second = 0
    for high, low in zip(padded[::2], padded[1::2], strict=True):
        # HDF5 adds what is carried out of 16 bits, so that 65535 is not made 0.
        first += high << 8 | low
        first = (first & 0xFFFF) + (first >> 16)
        second += first
        second = (second & 0xFFFF) + (second >> 16)
    assert fletcher32(data) == second << 16 | first


_BLOCKWISE = {
    "bitshuffle-lz4": dict(hdf5plugin.Bitshuffle(cname="lz4")),
    "bitshuffle-zstd": dict(hdf5plugin.Bitshuffle(cname="zstd")),
    "lz4": dict(hdf5plugin.LZ4(nbytes=2**16)),
    "bitshuffle-lz4-fletcher": {
        "fletcher32": True,
        **hdf5plugin.Bitshuffle(cname="lz4"),
    },
}


@pytest.mark.parametrize("name", _BLOCKWISE)
@pytest.mark.parametrize("dtype", ["u1", "<u2", ">f4", "<c16"])
# Whole blocks, blocks and a rest, and a rest too short to be shuffled.
@pytest.mark.parametrize("shape", [(2, 1024, 3072), (2, 1733, 1901)])
@pytest.mark.parametrize("is_seen", [True, False])
def test_large_chunks_are_decoded_in_parts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    dtype: str,
    shape: tuple[int, ...],
    is_seen: bool,
) -> None:
    if not is_seen:  # what Bitshuffle's filter calls, in another build of hdf5plugin
        monkeypatch.setattr(blockwise, "_decoder", dict.fromkeys((2, 3)).get)
    path, frame = tmp_path / "a.h5", (1, *shape[1:])
    data = sample(shape, dtype)
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("d", data=data, chunks=frame, **_BLOCKWISE[name])
        mask, stored = dataset.id.read_direct_chunk((1, 0, 0))
        pipeline = Pipeline.of(dataset)
    assert pipeline is not None
    out = np.empty(data[1].nbytes, np.uint8)
    left = pipeline.begin(np.frombuffer(stored, np.uint8), mask, out)
    assert len(left) > 1
    for job in reversed(left):
        job()
    assert out.tobytes() == data[1].tobytes()
    with H5Array(path, "d") as array:
        np.testing.assert_array_equal(array[0], data[0])
        np.testing.assert_array_equal(array[:, 5:-5, ::3], data[:, 5:-5, ::3])


@pytest.mark.skipif(sys.platform == "win32", reason="libraries show nothing else")
@pytest.mark.parametrize("codec", [2, 3])
def test_what_bitshuffle_filters_call_is_seen(codec: int) -> None:
    assert blockwise._decoder(codec) is not None


@pytest.mark.parametrize("name", ["bitshuffle-lz4", "bitshuffle-zstd"])
@pytest.mark.parametrize("shape", [(1, 3), (2, 5), (7, 1)])
def test_chunks_may_be_too_small_for_any_block(
    tmp_path: Path, name: str, shape: tuple[int, int]
) -> None:
    data = sample(shape, "<u2")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset("d", data=data, chunks=shape, **_BLOCKWISE[name])
        mask, stored = dataset.id.read_direct_chunk((0, 0))
        pipeline = Pipeline.of(dataset)
    assert pipeline is not None
    out = np.empty(data.nbytes, np.uint8)
    pipeline.decode(np.frombuffer(stored, np.uint8), mask, out)
    assert out.tobytes() == data.tobytes()


def test_what_is_missing_behind_the_last_block_is_not_looked_for() -> None:
    options, nbytes = (0, 4, 16, 0, 2), 16 * (512 * 8 + 7)
    stream = struct.pack(">QI", nbytes, 8192) + 8 * struct.pack(">I4s", 4, b"abcd")
    behind = 7 * 16
    for lacking in (1, behind):
        short = np.frombuffer(stream + bytes(behind - lacking), np.uint8)
        with pytest.raises(UnsafeChunkError, match="longer than it is"):
            blockwise.parts(32008, options, short, nbytes, 2**20)
    whole = np.frombuffer(stream + bytes(behind), np.uint8)
    (part,) = blockwise.parts(32008, options, whole, nbytes, 2**20)
    assert part.blocks.size == len(stream) - 12 + behind


@pytest.mark.parametrize("side", [256, 2048])
@pytest.mark.parametrize("at", [3, 10, 12, -1])
def test_no_filter_is_given_what_leads_out_of_its_memory(
    tmp_path: Path, side: int, at: int
) -> None:
    path = tmp_path / "a.h5"
    data = sample((2, side, side), "<u2")
    options = _BLOCKWISE["bitshuffle-lz4"]
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("d", data=data, chunks=(1, side, side), **options)
        stored = bytearray(dataset.id.read_direct_chunk((1, 0, 0))[1])
        if at > 0:
            stored[at : at + 4] = b"\xff" * 4
        dataset.id.write_direct_chunk(
            (1, 0, 0), bytes(stored[: at if at < 0 else None])
        )
    with H5Array(path, "d") as array:
        np.testing.assert_array_equal(array[0], data[0])
        for key in (1, (1, slice(7), slice(9))):
            with pytest.raises(ReadError, match=r"a.h5:d .* a chunk is corrupt"):
                array[key]


def test_a_part_that_does_not_decode_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    data = sample((2, 2048, 2048), "<u2")
    options = _BLOCKWISE["bitshuffle-lz4"]
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("d", data=data, chunks=(1, 2048, 2048), **options)
        stored = bytearray(dataset.id.read_direct_chunk((1, 0, 0))[1])
        middle = 12
        for _ in range(700):
            middle += 4 + int.from_bytes(stored[middle : middle + 4], "big")
        stored[middle + 4 : middle + 40] = b"\xff" * 36
        dataset.id.write_direct_chunk((1, 0, 0), bytes(stored))
    with h5py.File(path) as file, pytest.raises(OSError, match="filter"):
        file["d"][1]
    with H5Array(path, "d") as array:
        np.testing.assert_array_equal(array[0], data[0])
        with pytest.raises(ReadError, match=r"a\.h5:d cannot be read: HDF5 says"):
            array[1]
