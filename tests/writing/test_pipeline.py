from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from napari_emd_flatfield.lazy import work as helping
from napari_emd_flatfield.lazy.work import is_unaided
from napari_emd_flatfield.writing.pipeline import ahead, thread_count

if TYPE_CHECKING:
    from collections.abc import Iterator


def saving_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("saving")]


def test_results_come_in_order_whichever_is_ready_first() -> None:
    second_done = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert second_done.wait(10)
        if item == 1:
            second_done.set()
        return item * 10

    assert list(ahead(work, range(5), threads=2)) == [0, 10, 20, 30, 40]
    assert saving_threads() == []


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_only_a_few_results_exist_at_a_time(threads: int) -> None:
    asked = 0

    def items() -> Iterator[int]:
        nonlocal asked
        for item in range(40):
            asked += 1
            yield item

    for taken, _ in enumerate(ahead(abs, items(), threads), start=1):
        assert asked - taken <= threads
    assert taken == 40


def test_it_works_in_as_many_threads_as_asked() -> None:
    together = threading.Barrier(3, timeout=10)
    list(ahead(lambda _: together.wait(), range(6), threads=3))


def test_of_two_threads_one_is_the_callers() -> None:
    together = threading.Barrier(2, timeout=10)

    def work(_: int) -> str:
        together.wait()
        return threading.current_thread().name

    names = set(ahead(work, range(6), threads=2))
    assert names == {threading.current_thread().name, "saving_0"}


def test_the_caller_does_not_work_while_there_is_a_result_to_hand_out() -> None:
    here, by_caller = threading.current_thread(), []
    together = threading.Barrier(2, timeout=10)
    at_third, end = threading.Event(), threading.Event()

    def work(item: int) -> None:
        if threading.current_thread() is here:
            by_caller.append(item)
        if item < 2:
            together.wait()  # so that each thread does one of the first two
        elif threading.current_thread() is not here:
            at_third.set()
            assert end.wait(10)

    results = ahead(work, range(4), threads=2)
    next(results)
    assert at_third.wait(10)  # the first two are done, nobody has begun the fourth
    next(results)
    end.set()
    results.close()
    assert by_caller in ([0], [1])


@pytest.mark.parametrize(("cores", "alone"), [(1, True), (2, True), (3, False)])
def test_what_works_in_all_cores_asks_no_others_for_help(
    monkeypatch: pytest.MonkeyPatch, cores: int, alone: bool
) -> None:
    monkeypatch.setattr(helping, "core_count", lambda: cores)
    each = set(ahead(lambda _: is_unaided(), range(6), threads=min(cores, 2)))
    assert each == {alone}
    assert not is_unaided()


def test_an_error_in_the_work_is_raised_and_ends_it() -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        if item == 3:
            raise OSError("disk on fire")
        return item

    results = []
    with pytest.raises(OSError, match="disk on fire"):
        results.extend(ahead(work, range(1000), threads=2))
    assert len(begun) <= 6
    assert saving_threads() == []


@pytest.mark.parametrize("stop", [KeyboardInterrupt, GeneratorExit])
def test_leaving_early_ends_the_threads(stop: type[BaseException]) -> None:
    begun: list[int] = []

    def leave() -> None:
        with closing(ahead(begun.append, range(1000), threads=2)) as results:
            for _ in zip(results, range(5), strict=False):
                pass
            raise stop

    with pytest.raises(stop):
        leave()
    assert len(begun) <= 8
    assert saving_threads() == []


def test_large_results_are_worked_on_few_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(helping, "core_count", lambda: 64)
    assert thread_count(1) == 8
    frame = 2048 * 2048 * 4
    for held in (1.5, 2.5, 3.5):
        assert thread_count(int(held * frame)) * held <= 8
    assert thread_count(4 * frame) == 2
    monkeypatch.setattr(helping, "core_count", lambda: 2)
    assert thread_count(1) == thread_count(2**20) == 2
    monkeypatch.setattr(helping, "core_count", lambda: 1)
    assert thread_count(1) == thread_count(2**32) == 1
