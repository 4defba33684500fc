"""A small table at the end: faults tried, survived, lost."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_TABLE: defaultdict[str, Counter[str]] = defaultdict(Counter)


class Tally:
    """Counts what became of each fault of a kind.

    Parameters
    ----------
    kind
        What the faults are called in the table.
    """

    def __init__(self, kind: str) -> None:
        self._counts = _TABLE[kind]

    @contextmanager
    def fault(self) -> Iterator[None]:
        """Count one, as lost if the test fails inside."""
        self._counts["tried"] += 1
        yield
        self._counts["survived"] += 1

    def note(self, outcome: str, number: int = 1) -> None:
        """Count something else about them."""
        self._counts[outcome] += number


@pytest.fixture
def tally() -> type[Tally]:
    return Tally


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    # The table is of all faults, not only of those that take long.
    if config.option.markexpr == "faults":
        for item in items:
            if item.path.parent == Path(__file__).parent:
                item.add_marker("faults")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _TABLE:
        return
    terminalreporter.section("faults")
    widest = max(map(len, _TABLE))
    terminalreporter.write_line(f"{'':{widest}}  tried  survived  lost")
    for kind, counts in sorted(_TABLE.items()):
        tried, survived = counts["tried"], counts["survived"]
        rest = ", ".join(
            f"{number} {name}"
            for name, number in sorted(counts.items())
            if name not in ("tried", "survived")
        )
        terminalreporter.write_line(
            f"{kind:{widest}}  {tried:5}  {survived:8}  {tried - survived:4}  {rest}"
        )
