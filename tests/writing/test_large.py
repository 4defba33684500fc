"""A stack larger than the memory there is, from opening to saving."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

if TYPE_CHECKING:
    from pathlib import Path

FRAMES, SHAPE = 2000, (1536, 2048)
MARKED = range(0, FRAMES, 250)

CODE = """
import resource, sys
limit = 2**30
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
import numpy as np, napari_emd_flatfield as nef

source, target = sys.argv[1:]
(raw,) = nef.read(source, "/raw")
(flats,) = nef.read(source, "/flats")
(dark,) = nef.read(source, "/dark")
assert raw.data.nbytes > 12e9
corrected = nef.correct(raw, flats, dark, positions=[0, raw.shape[0] - 1])
for i in range(0, raw.shape[0], 100):
    assert corrected.data[i].shape == raw.shape[1:]
    assert corrected.data[i : i + 2, 700, 900].shape == (2,)
nef.write(target, corrected)
with open("/proc/self/status") as status:
    peak = next(line for line in status if line.startswith("VmHWM"))
print(int(peak.split()[1]) * 1024)
"""


@pytest.mark.large
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory")
def test_12_gb_are_corrected_and_saved_in_1_gb(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    source, target = tmp_path / "scan.h5", tmp_path / "corrected.emd"
    flats = random.integers(900, 1100, (2, *SHAPE)).astype("u2")
    dark = random.integers(90, 110, SHAPE).astype("u2")
    marked = {i: random.integers(100, 1100, SHAPE).astype("u2") for i in MARKED}
    with h5py.File(source, "w") as file:
        # Frames that were never written take no room: the file has holes.
        raw = file.create_dataset("raw", (FRAMES, *SHAPE), "u2")
        for i, frame in marked.items():
            raw[i] = frame
        file["flats"], file["dark"] = flats, dark
    done = subprocess.run(
        [sys.executable, "-c", CODE, source, target], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 2**30
    with h5py.File(target) as file:
        (group,) = file["data"].values()
        data = group["data"]
        assert data.shape == (FRAMES, *SHAPE)
        for i in (*MARKED, 1, FRAMES - 1):
            frame = marked.get(i, np.zeros(SHAPE)).astype("f8")
            share = i / (FRAMES - 1)
            flat = (1 - share) * flats[0] + share * flats[1]
            expected = (frame - dark) / (flat - dark)
            np.testing.assert_allclose(data[i], expected, rtol=1e-5, atol=1e-6)
    source.unlink()
    target.unlink()
