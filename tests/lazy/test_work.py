"""Work shared with threads: who has let go of it no longer touches its memory."""

from __future__ import annotations

import threading
from functools import partial

import numpy as np
import pytest

from napari_emd_flatfield.lazy.work import Helpers, Work


def test_nobody_fills_an_array_whose_reader_was_told_of_a_failure() -> None:
    array = np.zeros(1)
    helping, failed = threading.Event(), threading.Event()

    def slowly() -> None:
        helping.set()
        failed.wait(0.2)  # it fails while this is running
        array[0] = 1

    def fail() -> None:
        helping.wait()
        raise OSError("the disk is gone")

    work = Work(array, [slowly, fail])
    helper = threading.Thread(target=work.help)
    helper.start()
    helping.wait()
    with pytest.raises(OSError, match="the disk is gone"):
        work.result()
    left = array.copy()
    failed.set()
    helper.join()
    np.testing.assert_array_equal(array, left)


def test_who_comes_too_late_to_help_begins_nothing() -> None:
    array = np.zeros(1)
    work = Work(array, [partial(array.fill, 1)])
    with work._changed:  # where somebody is who is about to take a piece
        helper = threading.Thread(target=work.help)
        helper.start()
        work.drop()
    helper.join()
    assert array[0] == 0
    # Whoever waits for it still gets it.
    assert work.result()[0] == 1


def test_there_are_helpers_where_no_thread_has_survived(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from napari_emd_flatfield.lazy import work

    before = Helpers.shared()
    monkeypatch.setattr(Helpers, "_lock", threading.Lock())
    monkeypatch.setattr(Helpers, "_current", Helpers._current)
    Helpers._lock.acquire()  # by a thread that is not there any more
    work._after_fork_in_child()
    assert Helpers.shared() is not before
