"""Saves that are killed at any moment, and saves at the same time."""

from __future__ import annotations

import os
import random
import re
import time
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from saving import begin, frames

import napari_emd_flatfield as nef

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="forks, and kills by signal")
MANY = pytest.mark.faults
OLD, NEW = 1, 2


def stored(path: Path) -> dict[str, np.ndarray]:
    with h5py.File(path) as file:
        return {name: group["data"][()] for name, group in file["data"].items()}


def is_leftover(path: Path) -> bool:
    return re.fullmatch(r"\.nef-[0-9a-f]{12}\.partial", path.name) is not None


@pytest.mark.parametrize("moments", [4, pytest.param(50, marks=MANY)])
@pytest.mark.parametrize("kind", ["new", "overwrite", "append"])
def test_a_save_that_is_killed_loses_nothing(
    tmp_path: Path, tally: Any, kind: str, moments: int
) -> None:
    truth = {seed: frames(seed) for seed in (OLD, NEW)}
    mode = "a" if kind == "append" else "w"
    old = tmp_path / "old.emd"
    nef.write(old, nef.Signal("old", truth[OLD]))
    target = tmp_path / "saves" / "x.emd"
    target.parent.mkdir()
    counted = tally(f"kill -9, {kind}")
    dice = random.Random(0)
    took = 0.0
    for moment in range(moments + 1):
        for path in target.parent.iterdir():
            path.unlink()
        if kind != "new":
            target.write_bytes(old.read_bytes())
        process, pipe = begin(target, NEW, mode)
        start = time.monotonic()
        if not moment:  # the first is left alone, to know how long one takes
            assert pipe.recv() == "saved"
            took = time.monotonic() - start
            process.join()
            pipe.close()
            continue
        with counted.fault():
            time.sleep(dice.uniform(0, 1.2 * took))
            process.kill()
            process.join()
            pipe.close()
            others = [path for path in target.parent.iterdir() if path != target]
            assert all(map(is_leftover, others))
            found = stored(target) if target.exists() else {}
            if kind != "new":
                assert found
            expected = {"old": truth[OLD]} if kind == "append" else {}
            if kind == "overwrite" and "new" not in found:
                expected = {"old": truth[OLD]}
            if "new" in found:
                expected["new"] = truth[NEW]
            assert found.keys() == expected.keys()
            for name, data in expected.items():
                np.testing.assert_array_equal(found[name], data)
            nef.write(target.parent / "next.emd", nef.Signal("a", np.ones((2, 2))))
            left = {path.name for path in target.parent.iterdir()} - {"next.emd"}
            assert left <= {"x.emd"}
        counted.note("left a partial file, removed", len(others))
        counted.note("were saved already", "new" in found)


@pytest.mark.parametrize("times", [2, pytest.param(20, marks=MANY)])
def test_two_saves_to_one_file_leave_one_of_them(
    tmp_path: Path, tally: Any, times: int
) -> None:
    target = tmp_path / "x.emd"
    truth = {seed: frames(seed) for seed in (OLD, NEW)}
    for _ in range(times):
        with tally("two saves to one file").fault():
            both = [begin(target, seed, "w", name=str(seed)) for seed in truth]
            for process, pipe in both:
                assert pipe.recv() == "saved"
                process.join()
                pipe.close()
            ((name, data),) = stored(target).items()
            np.testing.assert_array_equal(data, truth[int(name)])
            assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("times", [2, pytest.param(20, marks=MANY)])
def test_what_two_add_at_once_is_there_or_was_refused(
    tmp_path: Path, tally: Any, times: int
) -> None:
    target = tmp_path / "x.emd"
    truth = {seed: frames(seed) for seed in (OLD, NEW)}
    for _ in range(times):
        nef.write(target, nef.Signal("base", truth[OLD]))
        expected = {"base": truth[OLD]}
        with tally("two add to one file").fault():
            both = {seed: begin(target, seed, "a", name=f"s{seed}") for seed in truth}
            for seed, (process, pipe) in both.items():
                answer = pipe.recv()
                process.join()
                pipe.close()
                if answer == "saved":
                    expected[f"s{seed}"] = truth[seed]
                else:
                    assert "changed by another program" in answer
                    tally("two add to one file").note("refused one")
            found = stored(target)
            assert found.keys() == expected.keys()
            assert len(found) > 1
            for name, data in expected.items():
                np.testing.assert_array_equal(found[name], data)
            assert list(tmp_path.iterdir()) == [target]
