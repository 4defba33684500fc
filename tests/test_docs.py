"""The documentation does what it says: every block, script, command and link."""

from __future__ import annotations

import doctest
import gc
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import npe2
import pytest
from napari.components import ViewerModel

import napari_emd_flatfield as nef
from napari_emd_flatfield.cli import main
from napari_emd_flatfield.synthetic import make_scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.py"))
PROGRAM, PLUGIN = "napari-emd-flatfield", "napari-emd-flatfield"

FENCE = re.compile(r"^```(?P<info>[^\n`]+)\n(?P<code>.*?)^```$", re.DOTALL | re.M)
LINK = re.compile(r"\]\((?!https?:)(?P<target>[^)#]+)(?:#[^)]*)?\)")


class Block(NamedTuple):
    """A fenced block: what its fence says it is, and what is in it."""

    info: str
    code: str
    line: int


def blocks(page: Path, *infos: str) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = [
        Block(match["info"].strip(), match["code"], text.count("\n", 0, match.start()))
        for match in FENCE.finditer(text)
    ]
    return [block for block in found if block.info in infos]


def pages_with(*infos: str) -> list[Any]:
    pages = [page for page in PAGES if blocks(page, *infos)]
    assert pages, f"no page has a block of {infos}"
    return [pytest.param(page, id=page.name) for page in pages]


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_scan()
    path = tmp_path_factory.mktemp("docs") / "scan.emd"
    return nef.write(path, [made.raw, made.flats, made.dark])


@pytest.fixture
def folder(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Stand where a reader stands: in a folder of their own, with a scan."""
    shutil.copy(scan, tmp_path)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    gc.collect()  # lets go of files; Windows cannot tidy up otherwise


@pytest.fixture
def plugin() -> None:
    npe2.PluginManager.instance().discover()


def execute(page: Path, block: Block, namespace: dict[str, Any]) -> None:
    # Empty lines in front make a traceback point into the page.
    code = "\n" * (block.line + 1) + block.code
    exec(compile(code, str(page), "exec"), namespace)


@pytest.mark.parametrize("page", pages_with("python", "pycon"))
@pytest.mark.usefixtures("folder", "plugin")
def test_python_blocks(page: Path) -> None:
    namespace = {"viewer": ViewerModel()}
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    for block in blocks(page, "python", "pycon"):
        if block.info == "python":
            execute(page, block, namespace)
            continue
        session = doctest.DocTestParser().get_doctest(
            block.code, namespace, page.name, str(page), block.line + 1
        )
        report: list[str] = []
        runner.run(session, out=report.append, clear_globs=False)
        namespace.update(session.globs)
        assert not report, "".join(report)
    namespace.clear()


@pytest.mark.canvas
@pytest.mark.parametrize("page", pages_with("python gui"))
@pytest.mark.usefixtures("folder")
def test_python_blocks_with_a_window(
    page: Path,
    make_napari_viewer: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("napari.Viewer", make_napari_viewer)
    namespace: dict[str, Any] = {}
    for block in blocks(page, "python gui"):
        execute(page, block, namespace)
    viewer = namespace.pop("viewer")
    assert {layer.data.shape[-2:] for layer in viewer.layers} == {(256, 320)}
    namespace.clear()


def test_readme_has_the_commands_that_are_promised() -> None:
    shown = "".join(block.code for block in blocks(ROOT / "README.md", "bash"))
    assert 'pip install -e ".[all]" && napari-emd-flatfield demo\n' in shown
    assert 'pip install -e ".[all,test]" && pytest\n' in shown


def commands(block: Block) -> list[str]:
    if block.info == "bash":
        lines = block.code.splitlines()
    else:
        lines = [line[2:] for line in block.code.splitlines() if line.startswith("$ ")]
    return [part.strip() for line in lines for part in line.split("&&")]


@pytest.mark.parametrize("page", pages_with("bash", "console"))
@pytest.mark.usefixtures("folder")
def test_shell_commands(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for block in blocks(page, "bash", "console"):
        if block.info == "bash":
            for command in commands(block):
                check_command(command)
            continue
        capsys.readouterr()
        for shown in re.split(r"^\$ ", block.code, flags=re.M)[1:]:
            command, _, expected = shown.partition("\n")
            check_command(command)
            printed = capsys.readouterr().out
            assert doctest.OutputChecker().check_output(
                expected, printed, doctest.ELLIPSIS
            ), f"{page.name}: {command} prints\n{printed}\nnot\n{expected}"


def check_command(command: str) -> None:
    program, *arguments = shlex.split(command)
    if program == PROGRAM:
        if arguments[0] == "demo" and "--no-napari" not in arguments:
            arguments.append("--no-napari")
        assert main(arguments) == 0, command
    elif program == "pip":
        extras = set(re.search(r"\[(.*)\]", command)[1].split(","))
        assert extras <= set(project()["optional-dependencies"]), command
    elif program == "napari":
        assert Path(arguments[0]).exists(), command
        if len(arguments) > 1:
            assert arguments[1:4] == ["--plugin", PLUGIN, "-w"], command
            manifest = npe2.PluginManifest.from_distribution(PLUGIN)
            widgets = {w.display_name for w in manifest.contributions.widgets}
            assert arguments[4] == PLUGIN, command
            assert arguments[5:], command
            assert widgets.issuperset(arguments[5:]), command
    else:  # what contributors' tools are given must be there
        for argument in arguments:
            if argument.endswith((".py", ".yaml")):
                assert (ROOT / argument).exists(), command


def project() -> dict[str, Any]:
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(pyproject)["project"]


@pytest.mark.skipif(
    os.name == "nt" or shutil.which("bash") is None, reason="needs bash"
)
@pytest.mark.parametrize("page", pages_with("bash script"))
def test_shell_scripts(page: Path, folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for block in blocks(page, "bash script"):
        subprocess.run(
            ["bash", "-eu", "-c", block.code],
            check=True,
            cwd=folder,
            env={**os.environ, "PATH": path, "SLURM_ARRAY_TASK_ID": "0"},
        )
    (corrected,) = nef.read(folder / "corrected_scan.emd")
    assert corrected.shape == (51, 256, 320)


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.name)
def test_examples(script: Path, tmp_path: Path) -> None:
    outcome = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", str(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout
    assert not list(tmp_path.iterdir()), "an example leaves files behind"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for match in LINK.finditer(page.read_text(encoding="utf-8")):
        assert (page.parent / match["target"]).exists(), match["target"]


def test_pictures_are_small_and_shown() -> None:
    pictures = sorted((ROOT / "docs" / "images").glob("*.png"))
    assert pictures
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for picture in pictures:
        assert picture.stat().st_size < 200_000, picture.name
        assert f"images/{picture.name})" in text, f"{picture.name} is shown nowhere"


def test_reference_is_complete(capsys: pytest.CaptureFixture[str]) -> None:
    reference = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    for name in nef.__all__:
        assert re.search(rf"`{name}\b", reference), f"{name} is missing"
    for command in ("info", "correct", "demo"):
        with pytest.raises(SystemExit, match="0"):
            main([command, "--help"])
        for option in re.findall(r"--[a-z-]+", capsys.readouterr().out):
            assert option in reference, f"{command} {option} is missing"


def test_extensions_are_those_of_the_manifest() -> None:
    manifest = npe2.PluginManifest.from_distribution(PLUGIN)
    (reader,) = manifest.contributions.readers
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    extensions = [pattern.removeprefix("*") for pattern in reader.filename_patterns]
    assert f"`{' '.join(extensions)}`" in readme
