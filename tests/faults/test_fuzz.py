"""Mutated files open, or are refused by an error of ours, in bounded time and memory.

What takes HDF5 itself down is no fault of ours, and none that we can mend; such
files are counted, and left in the folder the table names.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from mutating import damaged, odd, seeds


class Opener:
    """A process that opens files, started again when one takes it down."""

    def __init__(self, sound: Path) -> None:
        self._sound = sound
        self._start()

    def _start(self) -> None:
        script = Path(__file__).with_name("opening.py")
        self._complaints = self._sound.with_name("complaints.txt")
        with self._complaints.open("w") as complaints:
            self.process = subprocess.Popen(
                [sys.executable, script, self._sound],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
            )
        assert self._answer() == "ready"

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def open(self, path: Path) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        answer = self._answer()
        if answer:
            return answer
        self.close()
        answer = f"HDF5 crashed: {self.process.returncode}"
        if self.process.returncode == -signal.SIGALRM:
            first, *_, last = self._complaints.read_text().split("Timeout")[1:]
            innermost = first.partition("File ")[2].partition("\n")[0]
            in_hdf5 = first == last and "h5py" in innermost
            answer = "HDF5 hung" if in_hdf5 else f"hung: {innermost}"
        self._start()
        return answer

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        self.process.wait()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory")
@pytest.mark.parametrize("number", [150, pytest.param(5000, marks=pytest.mark.faults)])
def test_hostile_files(tmp_path: Path, tally: Any, number: int) -> None:
    dice = random.Random(number)
    (tmp_path / "seeds").mkdir()
    sound = seeds(tmp_path / "seeds")
    kept = Path(tempfile.gettempdir()) / "napari-emd-flatfield-fuzz"
    opener = Opener(tmp_path / "seeds" / "a.h5")
    failures = []
    try:
        for i in range(number):
            kind = "damaged" if i % 3 else "odd"
            path = tmp_path / f"{kind}.h5"
            if kind == "damaged":
                path.write_bytes(damaged(dice, sound))
            else:
                odd(dice, path)
            counted = tally(f"fuzz, {kind} files")
            answer = opener.open(path)
            outcome = answer.split(":")[0]
            if outcome in ("opened", "refused", "HDF5 crashed", "HDF5 hung"):
                with counted.fault():
                    counted.note(outcome)
            else:
                failures.append(f"{i}: {answer}")
                counted.note("tried")
            if outcome not in ("opened", "refused"):
                kept.mkdir(exist_ok=True)
                shutil.copy(path, kept / f"{number}-{i}-{kind}.h5")
            path.unlink()
    finally:
        opener.close()
    assert not failures, f"{len(failures)} failed:\n" + "\n".join(failures[:30])
