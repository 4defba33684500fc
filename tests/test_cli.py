from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from PIL import Image
from tqdm import tqdm

import napari_emd_flatfield as nef
from napari_emd_flatfield import cli, demo
from napari_emd_flatfield.cli import main
from napari_emd_flatfield.synthetic import make_scan, non_uniformity

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def scan_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scan = make_scan(frames=5, shape=(32, 40))
    path = tmp_path_factory.mktemp("scan") / "scan.emd"
    return nef.write(path, [scan.raw, scan.flats, scan.dark])


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_correct_finds_raw_flats_and_dark_by_role(
    scan_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "corrected.emd"
    assert run("correct", scan_path, "-o", out, "--interpolation", "nearest") == 0
    raw, flats, dark = nef.read(scan_path)
    expected = nef.correct(raw, flats, dark, interpolation="nearest")
    (saved,) = nef.read(out)
    np.testing.assert_array_equal(saved.data, expected.data)
    assert saved.name == "corrected_raw"
    assert str(out) in capsys.readouterr().out


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_is_shown_frames_rates_and_time_left(
    scan_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setattr(cli, "tqdm", partial(tqdm, mininterval=0, ncols=80))
    assert run("correct", scan_path, "-o", tmp_path / "corrected.emd") == 0
    states = terminal.getvalue().split("\r")
    pattern = r"\b4/5 \[\d\d:\d\d<\d\d:\d\d, .* frames/s, [\d.]+ .?B/s\]"
    assert any(re.search(pattern, state) for state in states)
    assert not states[-1].strip()


def test_correct_reports_what_it_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scan = make_scan(frames=5, shape=(64, 80))
    path = nef.write(tmp_path / "scan.emd", [scan.raw, scan.flats, scan.dark])
    out = tmp_path / "corrected.emd"
    assert run("correct", path, "-o", out) == 0
    said = capsys.readouterr().out
    dead = 5 * np.count_nonzero(scan.dead)
    assert dead > 0
    (saved,) = nef.read(out)
    assert saved.metadata["flatfield"]["dead"] == dead
    assert f"dead: {dead} pixels" in said
    for line in (
        "5 of 5 frames",
        "saturated:",
        "negative:",
        "outside the flats: 0",
        "drift between flats:",
        "correlation with the flat's pattern:",
    ):
        assert line in said


def test_flats_of_several_groups_are_used_together(tmp_path: Path) -> None:
    path, out = tmp_path / "x.h5", tmp_path / "out.emd"
    random = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        for name, level, n in (
            ("frames", 200, 3),
            ("flat_after", 600, 2),
            ("flat_before", 400, 4),
            ("dark_after", 20, 2),
            ("dark_before", 10, 2),
        ):
            file[name] = random.integers(level, level + 50, (n, 4, 5)).astype("u2")
        images = {name: dataset[()].astype(float) for name, dataset in file.items()}
    assert run("correct", path, "-o", out, "--positions", 2, 0) == 0
    (saved,) = nef.read(out)
    after, before = (
        images[f"flat_{when}"].mean(axis=0) for when in ("after", "before")
    )
    dark = (images["dark_after"] + images["dark_before"]).mean(axis=0) / 2
    for k, frame in enumerate(images["frames"]):
        flat = before * (1 - k / 2) + after * k / 2
        expected = (frame - dark) / (flat - dark)
        np.testing.assert_allclose(saved.data[k], expected, rtol=2e-6)


def test_a_scan_is_not_replaced_by_its_correction(
    scan_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = scan_path.read_bytes()
    same = scan_path.parent / "." / scan_path.name
    assert run("correct", scan_path, "-o", same) == 1
    assert "give -o another name" in capsys.readouterr().err
    assert scan_path.read_bytes() == before


def test_correct_takes_hdf5_paths_and_settings(tmp_path: Path) -> None:
    path, out = tmp_path / "x.h5", tmp_path / "out.emd"
    random = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file["a/frames"] = random.integers(100, 200, (3, 4, 5)).astype("u2")
        file["b/empty"] = np.stack([np.full((4, 5), 300), np.full((4, 5), 500)])
        file["c/shut"] = np.full((4, 5), 10)
        frames = file["a/frames"][()].astype(float)
    assert (
        run(
            *("correct", path, "-o", out, "--raw", "/a/frames", "--flats", "b/empty"),
            *("--dark", "/c/shut", "--positions", 0, 2, "--compression", "none"),
        )
        == 0
    )
    flat = np.array([300, 400, 500])[:, None, None]
    (saved,) = nef.read(out)
    np.testing.assert_allclose(saved.data, (frames - 10) / (flat - 10), rtol=1e-6)
    with h5py.File(out) as file:
        assert file["data/corrected_frames/data"].compression is None


def test_correct_does_without_a_dark(tmp_path: Path) -> None:
    path, out = tmp_path / "x.h5", tmp_path / "out.emd"
    with h5py.File(path, "w") as file:
        file["raw"] = np.full((3, 4, 5), 3)
        file["flat"] = np.full((4, 5), 6)
    assert run("correct", path, "-o", out) == 0
    np.testing.assert_array_equal(nef.read(out)[0].data, 0.5)


def one_line_error(capsys: pytest.CaptureFixture[str]) -> str:
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert said.err.startswith("napari-emd-flatfield")
    return said.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["correct", "MISSING", "-o", "OUT"], "missing.emd does not exist"),
        (["correct", "TEXT", "-o", "OUT"], "text.emd is not an HDF5 file"),
        (["info", "TEXT"], "text.emd is not an HDF5 file"),
        (["correct", "SCAN", "-o", "OUT", "--flats", "/nope"], "no image at '/nope'"),
        (["correct", "SCAN", "-o", "OUT", "--raw", "/data/*"], "choose one with --raw"),
        (["correct", "SCAN", "-o", "NOWHERE"], "there is no folder"),
        (["correct", "SCAN", "-o", "OUT", "--positions", "1"], "one position each"),
        (["demo", "--folder", "TEXT"], "cannot be made"),
    ],
)
def test_failures_are_one_line_and_exit_1(
    scan_path: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    text = tmp_path / "text.emd"
    text.write_text("position,intensity\n")
    names = {
        "MISSING": tmp_path / "missing.emd",
        "TEXT": text,
        "SCAN": scan_path,
        "OUT": tmp_path / "out.emd",
        "NOWHERE": tmp_path / "nowhere" / "out.emd",
    }
    assert run(*(names.get(argument, argument) for argument in arguments)) == 1
    assert said in one_line_error(capsys)
    assert sorted(tmp_path.iterdir()) == [text]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["polish"],
        ["correct", "scan.emd"],
        ["correct", "scan.emd", "-o", "x.emd", "--interpolation", "cubic"],
    ],
)
def test_wrong_usage_is_one_line_and_exits_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "--help" in one_line_error(capsys)


def test_stopping_leaves_nothing(
    scan_path: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_emd_flatfield.cli.write", stopped)
    assert run("correct", scan_path, "-o", tmp_path / "x.emd") == 1
    assert "stopped; nothing was written" in one_line_error(capsys)


def test_info_lists_signals_and_tree(
    scan_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("info", scan_path) == 0
    said = capsys.readouterr().out
    assert "3 signals" in said
    assert "5×32×40 uint16  position 0…500 nm, y 0…15.5 nm" in said
    assert "data  5×32×40 uint16 chunks 1×32×40 shuffle deflate" in said


def test_info_of_a_file_without_images_shows_what_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["spectrum"] = np.arange(10)
        file["evil\x1b[31m name"] = 1
    assert run("info", path) == 0
    said = capsys.readouterr().out
    assert "no image" in said
    assert "spectrum  10 int64" in said
    assert "\x1b" not in said


def test_demo_without_display(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert run("demo", "--folder", tmp_path / "demo") == 0
    said = capsys.readouterr().out
    assert "there is no display" in said
    corrected = tmp_path / "demo" / "corrected_scan.emd"
    picture = tmp_path / "demo" / "raw_and_corrected.png"
    assert str(corrected) in said
    assert str(picture) in said
    with Image.open(picture) as opened:
        assert opened.width > 2 * 320
        assert np.ptp(np.asarray(opened)) > 200
    scan = make_scan()
    (saved,) = nef.read(corrected)
    uneven = non_uniformity(np.asarray(saved.data), scan)
    assert f"{uneven:.1%} after" in said
    assert uneven < 0.02


def test_demo_finds_every_dead_pixel_and_the_truth() -> None:
    scan = make_scan(frames=7, shape=(64, 80))
    corrected = np.asarray(nef.correct(scan.raw, scan.flats, scan.dark).data)
    np.testing.assert_array_equal(
        np.isnan(corrected), np.broadcast_to(scan.dead, (7, 64, 80))
    )
    alive = ~scan.dead
    off = (corrected - scan.truth)[:, alive]
    assert abs(off.mean()) < 1e-3
    assert off.std() < 0.03


@pytest.mark.canvas
def test_demo_with_display_opens_napari_with_the_dock(tmp_path: Path) -> None:
    code = (
        "import napari; from napari_emd_flatfield.cli import main\n"
        "def look():\n"
        "    v = napari.current_viewer()\n"
        "    print([l.name for l in v.layers], list(v.window.dock_widgets))\n"
        "    v.close()\n"
        "napari.run = look\n"
        f"main(['demo', '--folder', {str(tmp_path)!r}])"
    )
    env = {**os.environ, "NAPARI_CONFIG": str(tmp_path / "settings.yaml")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env
    )
    assert done.returncode == 0, done.stderr
    assert "['dark', 'flats', 'raw']" in done.stdout
    assert "Flat-field correction" in done.stdout


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X display names")
def test_a_display_that_is_not_there_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DISPLAY", ":987")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert "no window can be opened" in (demo.display_problem() or "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no broken pipes")
def test_a_reader_that_has_had_enough_is_no_error(scan_path: Path) -> None:
    code = "import sys; from napari_emd_flatfield.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "info", str(scan_path)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait() == 1


MAIN = "import sys; from napari_emd_flatfield.cli import main; sys.exit(main())"


@pytest.mark.skipif(sys.platform == "win32", reason="closes what a POSIX shell opens")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_program_without_streams_saves_all_the_same(
    scan_path: Path, tmp_path: Path, closed: str
) -> None:
    arguments = [sys.executable, "-c", MAIN, "correct", scan_path, "-o"]
    command = shlex.join(map(str, [*arguments, tmp_path / "out.emd"]))
    assert subprocess.run(f"{command} {closed}", shell=True).returncode == 0
    assert (tmp_path / "out.emd").exists()


def test_a_name_that_the_terminal_cannot_show_is_no_failure(
    scan_path: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", MAIN, "correct", scan_path, "-o"]
    done = subprocess.run(
        [*command, tmp_path / "日.emd"],
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert r"\u65e5.emd" in done.stdout
