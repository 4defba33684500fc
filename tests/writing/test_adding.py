"""Adding signals to a file that is there, and looking at what was written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef
from factories import beamline, plain, walk_through
from napari_emd_flatfield import FileOpenError, Signal, WriteError

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = np.random.default_rng(0).integers(0, 65535, (4, 6, 8)).astype("u2")


def contents_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def visit(name: str, node: Any) -> None:
        data = node[()] if isinstance(node, h5py.Dataset) else None
        found[name] = (data, dict(node.attrs))

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


def assert_still_there(path: Path, before: dict[str, Any]) -> None:
    after = contents_of(path)
    for name, (data, attributes) in before.items():
        np.testing.assert_array_equal(after[name][0], data)
        assert attributes.items() <= after[name][1].items(), name


def a_plain_file(path: Path) -> Path:
    return plain(path, raw=FRAMES, flat=np.full((6, 8), 1000, "u2"))


def a_walk_through(path: Path) -> Path:
    return walk_through(path, (6, 8, 4))


def a_beamline_scan(path: Path) -> Path:
    return beamline(path, (6, 8))


def a_file_with_data_elsewhere(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        file["raw"] = FRAMES
        file["data"] = h5py.ExternalLink("missing.h5", "/data")
        file["comments"] = 7
    return path


@pytest.mark.filterwarnings("ignore:.*links to files that are missing:UserWarning")
@pytest.mark.parametrize(
    "make", [a_plain_file, a_walk_through, a_beamline_scan, a_file_with_data_elsewhere]
)
def test_a_result_joins_its_source(tmp_path: Path, make: Any) -> None:
    path = make(tmp_path / "scan.h5")
    before = contents_of(path)
    sources = nef.read(path)
    shown = [np.asarray(signal.data) for signal in sources]
    corrected = nef.correct(sources[0], np.full(sources[0].frame_shape, 7.0))

    assert nef.write(path, corrected, mode="a") == path

    assert_still_there(path, before)
    truth = shown[0] / np.float64(7)
    found = nef.read(path)
    (added,) = (s for s in found if s.name == corrected.name)
    np.testing.assert_allclose(added.data, truth, rtol=1e-6)
    assert added.axes == sources[0].axes
    rest = [signal for signal in found if signal is not added]
    assert [s.name for s in rest] == [s.name for s in sources]
    for signal, old, expected in zip(rest, sources, shown, strict=True):
        np.testing.assert_array_equal(signal.data, expected)
        np.testing.assert_array_equal(old.data, expected)


def test_history_of_the_file_is_continued(tmp_path: Path) -> None:
    path = nef.write(tmp_path / "x.emd", Signal("first", FRAMES))
    before = set(nef.read(path)[0].metadata["comments"].values())
    nef.write(path, Signal("second", FRAMES), mode="a")
    with h5py.File(path) as file:
        after = set(file["comments"].attrs.values())
    assert before < after
    assert any(line.startswith("saved second") for line in after - before)


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    path = nef.write(tmp_path / "x.emd", Signal("a", FRAMES))
    for k in (1, 2):
        nef.write(path, Signal("a", FRAMES + k), mode="a")
    with h5py.File(path) as file:
        stored = {name: group["data"][()] for name, group in file["data"].items()}
    assert list(stored) == ["2_a", "3_a", "a"]
    np.testing.assert_array_equal(stored["a"], FRAMES)
    np.testing.assert_array_equal(stored["2_a"], FRAMES + 1)
    np.testing.assert_array_equal(stored["3_a"], FRAMES + 2)
    assert [signal.name for signal in nef.read(path)] == ["a", "a", "a"]


def test_a_name_is_replaced_when_asked_for(tmp_path: Path) -> None:
    path = nef.write(tmp_path / "x.emd", [Signal("a", FRAMES), Signal("b", FRAMES)])
    nef.write(path, Signal("a", FRAMES + 1), mode="a", overwrite=True)
    with h5py.File(path) as file:
        assert list(file["data"]) == ["a", "b"]
        np.testing.assert_array_equal(file["data/a/data"], FRAMES + 1)
        np.testing.assert_array_equal(file["data/b/data"], FRAMES)


def test_adding_to_nothing_makes_a_file(tmp_path: Path) -> None:
    path = nef.write(tmp_path / "x.emd", Signal("a", FRAMES), mode="a")
    np.testing.assert_array_equal(nef.read(path)[0].data, FRAMES)


def test_what_is_no_hdf5_file_is_not_added_to(tmp_path: Path) -> None:
    path = tmp_path / "x.emd"
    path.write_text("notes")
    with pytest.raises(FileOpenError, match=r"x\.emd is not an HDF5 file"):
        nef.write(path, Signal("a", FRAMES), mode="a")
    with pytest.raises(WriteError, match="mode 'x' is not known"):
        nef.write(path, Signal("a", FRAMES), mode="x")  # type: ignore[arg-type]
    assert path.read_text() == "notes"


def test_no_room_for_a_copy_is_found_out_beforehand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = a_plain_file(tmp_path / "scan.h5")
    before = path.read_bytes()
    cloning = "napari_emd_flatfield.writing.cloning"
    monkeypatch.setattr(f"{cloning}._shares_blocks", lambda *_: False)
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    with pytest.raises(WriteError, match=r"takes .* 1\.0 kB left; make room"):
        nef.write(path, Signal("a", FRAMES), mode="a")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_copy_counts_as_the_frames_it_would_be_and_can_be_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = a_plain_file(tmp_path / "scan.h5")
    before, frame = path.read_bytes(), FRAMES[0].nbytes
    cloning = "napari_emd_flatfield.writing.cloning"
    monkeypatch.setattr(f"{cloning}._shares_blocks", lambda *_: False)
    monkeypatch.setattr(f"{cloning}._PIECE", 10 * frame)
    copied = -(-len(before) // frame)
    whole = copied + len(FRAMES)
    told: list[tuple[int, int]] = []

    def tell(now: nef.Progress) -> None:
        told.append((now.frames, now.total))

    def stop(now: nef.Progress) -> None:
        tell(now)
        if now.frames == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nef.write(path, Signal("a", FRAMES), mode="a", progress=stop)
    assert told == [(0, whole), (10, whole), (20, whole)]
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]

    told.clear()
    nef.write(path, Signal("a", FRAMES), mode="a", progress=tell)
    steps = [*range(0, copied, 10), *range(copied, whole + 1)]
    assert list(dict.fromkeys(told)) == [(n, whole) for n in steps]


def test_a_file_that_changes_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = a_plain_file(tmp_path / "scan.h5")

    def change(now: nef.Progress) -> None:
        if now.frames == now.total:
            with h5py.File(path, "a") as file:
                file["new"] = 1

    with pytest.raises(WriteError, match=r"changed by another program .* save again"):
        nef.write(path, Signal("a", FRAMES), mode="a", progress=change)
    with h5py.File(path) as file:
        assert set(file) == {"raw", "flat", "new"}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="Windows refuses by itself")
@pytest.mark.parametrize("mode", ["w", "a"])
def test_a_file_being_written_by_another_program_stays(
    tmp_path: Path, mode: Any
) -> None:
    path = a_plain_file(tmp_path / "scan.h5")
    program = "import h5py, sys; f = h5py.File(sys.argv[1], 'r+'); print(1); input()"
    with subprocess.Popen(
        [sys.executable, "-uc", program, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "HDF5_USE_FILE_LOCKING": "TRUE"},
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "1\n"
        with pytest.raises(WriteError, match="being written by another program"):
            nef.write(path, Signal("a", FRAMES), mode=mode)
        other.communicate("\n")
    np.testing.assert_array_equal(contents_of(path)["raw"][0], FRAMES)
    nef.write(path, Signal("a", FRAMES), mode=mode)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write all")
def test_a_protected_file_is_not_replaced(tmp_path: Path) -> None:
    path = a_plain_file(tmp_path / "scan.h5")
    path.chmod(0o400)
    with pytest.raises(WriteError, match="protected against writing"):
        nef.write(path, Signal("a", FRAMES))


@pytest.mark.parametrize("compression", ["gzip", None, "bitshuffle-lz4", "zstd"])
@pytest.mark.parametrize("shape", [(3, 5, 7), (2, 300, 401), (9,)])
def test_checksums_in_the_file_are_those_hdf5_makes(
    tmp_path: Path, compression: Any, shape: tuple[int, ...]
) -> None:
    data = np.random.default_rng(0).integers(0, 255, shape).astype("u1")
    path = tmp_path / "x.emd"
    nef.write(path, Signal("a", data), compression=compression, fletcher32=True)
    with h5py.File(path, "r+") as file:
        dataset = file["data/a/data"]
        assert dataset.fletcher32 is (len(shape) > 1)
        np.testing.assert_array_equal(dataset, data)  # HDF5 compares as it reads
        if compression is None and dataset.chunks:
            ours = dataset.id.read_direct_chunk((0,) * data.ndim)
            dataset[...] = data
            assert dataset.id.read_direct_chunk((0,) * data.ndim) == ours


@pytest.mark.parametrize("wrong", [0, 7, 19])
@pytest.mark.parametrize("everything", [True, False])
def test_a_chunk_that_came_out_wrong_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: int, everything: bool
) -> None:
    # An encoder gone wrong stands for memory or a disk that has.
    from napari_emd_flatfield.writing.encoder import Encoder, Stored

    frames = np.arange(20 * 600 * 600, dtype="u4").reshape(20, 600, 600)
    whole = Encoder.encode

    def encode(self: Encoder, fill: Any) -> Stored:
        def damaged(chunk: np.ndarray) -> None:
            fill(chunk)
            if chunk[0, 0, 0] == frames[wrong, 0, 0]:
                chunk[0, 3, 4] ^= 1

        return whole(self, damaged)

    monkeypatch.setattr(Encoder, "encode", encode)
    path = a_plain_file(tmp_path / "x.h5")
    before = path.read_bytes()
    if wrong == 7 and not everything:  # one of those that are not looked at
        nef.write(path, Signal("a", frames))
        return
    with pytest.raises(WriteError, match=rf"/data/a/data .* \({wrong}, 0, 0\) differs"):
        nef.write(path, Signal("a", frames), verify=everything)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("other", [FRAMES[:-1], FRAMES.astype("f8"), FRAMES[:, :-1]])
def test_a_dataset_that_is_not_what_it_was_made_as_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: np.ndarray
) -> None:
    from napari_emd_flatfield.writing import emd

    compare = emd.compare

    def exchange(made: Path, *args: Any) -> None:
        with h5py.File(made, "r+", locking=False) as file:
            del file["data/a/data"]
            file.create_dataset("data/a/data", data=other, chunks=True)
        compare(made, *args)

    monkeypatch.setattr(emd, "compare", exchange)
    with pytest.raises(WriteError, match=rf"{other.dtype} .* instead of uint16 \("):
        nef.write(tmp_path / "x.emd", Signal("a", FRAMES))
    assert not list(tmp_path.iterdir())


def test_sound_files_verify(tmp_path: Path) -> None:
    nan = np.full((3, 4), np.nan, "f4")
    odd = Signal("odd", np.arange(24, dtype=">u2").reshape(2, 3, 4).transpose(0, 2, 1))
    signals = [Signal("a", FRAMES), Signal("nan", nan), odd, Signal("0", np.ones(3))]
    signals.append(Signal("none", np.zeros((0, 3, 4))))
    path = nef.write(tmp_path / "x.emd", signals, verify=True, keepbits=5)
    path = nef.write(path, replace(odd, name="more"), mode="a", verify=True)
    with h5py.File(path) as file:
        assert len(file["data"]) == 6


def test_reading_back_can_be_stopped(tmp_path: Path) -> None:
    reports: list[nef.Progress] = []

    def stop(now: nef.Progress) -> None:
        reports.append(now)
        if len(reports) == len(FRAMES) + 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nef.write(tmp_path / "x.emd", Signal("a", FRAMES), verify=True, progress=stop)
    assert [now.frames for now in reports[-2:]] == [len(FRAMES)] * 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("is_written", [False, True])
def test_a_source_that_is_written_to_meanwhile_is_named(
    tmp_path: Path, is_written: bool
) -> None:
    source = tmp_path / "scan.h5"
    with h5py.File(source, "w") as file:
        file["raw"] = FRAMES
    (raw,) = nef.read(source)

    def meddle(now: nef.Progress) -> None:
        if now.frames == 0 and is_written:
            with h5py.File(source, "r+") as file:
                file["raw"][...] = 0
                file["more"] = 1
        elif now.frames == 0:
            raw.data.close()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        nef.write(tmp_path / "x.emd", raw, progress=meddle)
    told = [str(each.message) for each in caught]
    assert len(told) == is_written
    assert all("scan.h5 was written to while" in each for each in told)


@pytest.mark.skipif(os.name == "nt", reason="locks are taken by flock")
def test_leftovers_go_with_the_next_save_but_not_those_of_a_live_one(
    tmp_path: Path,
) -> None:
    dead = tmp_path / ".nef-0123456789ab.partial"
    dead.write_bytes(b"half")
    mine = tmp_path / ".nef-notes.txt"
    mine.write_text("mine")
    seen: list[set[str]] = []

    def save_another(now: nef.Progress) -> None:
        if now.frames == 1:
            nef.write(tmp_path / "other.emd", Signal("b", FRAMES))
            seen.append({path.name for path in tmp_path.iterdir()})

    nef.write(tmp_path / "x.emd", Signal("a", FRAMES), progress=save_another)
    assert not dead.exists()
    assert len(seen[0]) == 3
    assert {p.name for p in tmp_path.iterdir()} == {"x.emd", "other.emd", mine.name}
