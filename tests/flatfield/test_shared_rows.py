"""Rows shared out among threads."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from napari_emd_flatfield.flatfield import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(blocks, "core_count", lambda: 2)
    blocks._pool.cache_clear()
    yield
    blocks._pool().shutdown()
    blocks._pool.cache_clear()


def test_no_thread_works_on_once_the_caller_knows_of_a_failure() -> None:
    working, at_work = threading.Event(), []

    def work(rows: slice) -> None:
        if not rows.start:
            working.wait()
            raise OSError("the disk is gone")
        at_work.append(rows)
        working.set()
        threading.Event().wait(0.1)
        at_work.clear()

    with pytest.raises(OSError, match="the disk is gone"):
        blocks.share_rows(work, 100, 2**20)
    assert not at_work


def test_all_rows_are_worked_on_in_order() -> None:
    found = blocks.share_rows(lambda rows: (rows.start, rows.stop), 101, 2**20)
    assert found == [(0, 50), (50, 101)]
