"""A forked process and its parent read one file without disturbing each other."""

from __future__ import annotations

import multiprocessing
import os
import threading
from typing import TYPE_CHECKING

import h5py
import numpy as np
import psutil
import pytest

from napari_emd_flatfield.lazy import H5Array

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="this system does not fork processes"
)

FRAMES = 100


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file whose frame k is k everywhere, in both datasets."""
    numbers = np.repeat(np.arange(FRAMES, dtype="u2"), 128 * 128)
    numbers = numbers.reshape(-1, 128, 128)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["contiguous"] = numbers
        file.create_dataset("chunked", data=numbers, chunks=(1, 128, 128), shuffle=True)
    return tmp_path / "x.h5"


def wrong_frames(arrays: list[H5Array], seed: int) -> int:
    random = np.random.default_rng(seed)
    return sum(
        int(not np.all(lazy[k] == k))
        for k in random.integers(0, FRAMES, 4 * FRAMES)
        for lazy in arrays
    )


# Python warns of forking with threads running: what we want to survive.
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_parent_and_children_read_what_they_ask_for(path: Path) -> None:
    arrays = [H5Array(path, "/contiguous"), H5Array(path, "/chunked")]
    assert wrong_frames(arrays, 0) == 0
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()

    def work(seed: int) -> None:
        results.put(wrong_frames(arrays, seed))

    children = [context.Process(target=work, args=(seed,)) for seed in (1, 2, 3)]
    for child in children:
        child.start()
    own = wrong_frames(arrays, 4)
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert [own, *(results.get() for _ in children)] == [0, 0, 0, 0]
    results.close()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forking_while_a_thread_reads_locks_nobody_out(path: Path) -> None:
    lazy = H5Array(path, "/chunked")
    stop, wrong = threading.Event(), []

    def read_on() -> None:
        while not stop.is_set():
            wrong.append(wrong_frames([lazy], 5))

    reader = threading.Thread(target=read_on)
    reader.start()
    context = multiprocessing.get_context("fork")
    for seed in range(5):
        child = context.Process(target=lambda s=seed: os._exit(wrong_frames([lazy], s)))
        child.start()
        child.join(60)
        assert child.exitcode == 0
    stop.set()
    reader.join(60)
    assert sum(wrong) == 0


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forking_while_frames_are_read_ahead(path: Path) -> None:
    lazy = H5Array(path, "/chunked")
    context = multiprocessing.get_context("fork")
    for start in range(0, 50, 5):
        for k in range(start, start + 4):
            assert np.all(lazy[k] == k)
        child = context.Process(
            target=lambda s=start: os._exit(
                sum(not np.all(lazy[k] == k) for k in range(s, s + 12))
            )
        )
        child.start()
        assert np.all(lazy[start + 4] == start + 4)
        child.join(60)
        assert child.exitcode == 0


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_inherits_no_open_file(path: Path) -> None:
    lazy = H5Array(path, "/contiguous")
    lazy[0]
    context = multiprocessing.get_context("fork")
    opened = context.SimpleQueue()
    child = context.Process(
        target=lambda: opened.put([file.path for file in psutil.Process().open_files()])
    )
    child.start()
    child.join(60)
    assert str(path) not in opened.get()
    opened.close()
