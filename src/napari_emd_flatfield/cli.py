"""The command line: napari-emd-flatfield info | correct | demo."""

from __future__ import annotations

import argparse
import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from tqdm import tqdm

from . import demo
from .errors import EmdFlatfieldError, NoSignalError, WriteError
from .flatfield import FlatField
from .flatfield.interpolation import INTERPOLATIONS
from .formats import read
from .formats.listing import document, listing, summary
from .formats.wording import size_text
from .lazy.files import SharedFile
from .plaintext import printable
from .provenance import software
from .writing import write
from .writing.encoding import COMPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .signal import Role, Signal
    from .writing import Progress

PROGRAM = "napari-emd-flatfield"
_CHOICE = {"raw": "--raw", "flat": "--flats", "dark": "--dark"}


class _Parser(argparse.ArgumentParser):
    """An argument parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        Those after the program's name; from `sys.argv` when left out.

    Returns
    -------
    int
        0 when it worked, 1 when a file could not be read, corrected or written;
        2 (by `SystemExit`) when the arguments make no sense.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # no name in a file ends the program
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
        print(end="", flush=True)
    except BrokenPipeError:  # `head` and the like have read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (EmdFlatfieldError, OSError) as error:
        print(f"{PROGRAM}: {printable(' '.join(str(error).split()))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{PROGRAM}: stopped; nothing was written", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM, description="Look into, flat-field and save EMD and HDF5 scans."
    )
    parser.add_argument("--version", action="version", version=software())
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    info = commands.add_parser("info", help="say what is in a file")
    info.add_argument("file", type=Path, metavar="FILE")
    info.add_argument(
        "--json", action="store_true", help="for programs: one JSON document"
    )
    info.set_defaults(run=_info)

    fix = commands.add_parser("correct", help="flat-field a scan and save it as EMD")
    fix.add_argument("file", type=Path, metavar="SCAN")
    fix.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    for role, option in _CHOICE.items():
        fix.add_argument(
            option,
            metavar="HDF5PATH",
            dest=role,
            help=f"{role} images (found by their name when left out)",
        )
    fix.add_argument(
        "--interpolation",
        choices=INTERPOLATIONS,
        default="linear",
        help="between flats",
    )
    fix.add_argument(
        "--positions",
        type=float,
        nargs="+",
        metavar="P",
        help="where along the scan the flats lie, when the file does not say",
    )
    fix.add_argument(
        "--fill", type=float, default=float("nan"), help="value of dead pixels (nan)"
    )
    fix.add_argument("--compression", choices=COMPRESSIONS, default="gzip")
    fix.set_defaults(run=_correct)

    for command in (info, fix):
        command.add_argument(
            "--follow-external",
            action="store_true",
            help="read other files wherever a file leads, not only in its folder",
        )

    show = commands.add_parser("demo", help="make, correct, save and show a small scan")
    show.add_argument(
        "--folder",
        type=Path,
        default=Path("napari-emd-flatfield-demo"),
        help="where the files go (%(default)s)",
    )
    show.add_argument(
        "--no-napari", action="store_true", help="do not open napari, write a picture"
    )
    show.set_defaults(run=lambda options: demo.run(options.folder, options.no_napari))
    return parser


def _info(options: argparse.Namespace) -> None:
    try:
        signals = read(options.file, follow_external=options.follow_external)
    except NoSignalError:
        signals = []
    file = SharedFile.of(options.file, options.follow_external)
    if options.json:
        print(document(file, signals))
    else:
        print(summary(options.file, signals))
        print(listing(file, signals))


def _correct(options: argparse.Namespace) -> None:
    _refuse_source(options.output, options.file)
    raw = _the_raw(options)
    flats = _found(options, "flat")
    try:
        darks = _found(options, "dark")
    except NoSignalError:
        if options.dark is not None:
            raise
        darks = []
    flatfield = FlatField(
        flats,
        darks or None,
        interpolation=options.interpolation,
        positions=options.positions,
        fill=options.fill,
    )
    corrected = flatfield.correct(raw)
    report = flatfield.report(raw)
    compression = None if options.compression == "none" else options.compression
    # No bar where nobody sees it; None leaves that to tqdm, which wants a stream.
    hidden = None if sys.stderr else True
    with tqdm(unit=" frames", disable=hidden, leave=False) as bar:

        def advance(now: Progress) -> None:
            bar.total = now.total
            bar.set_postfix_str(f"{size_text(now.byte_rate)}/s", refresh=False)
            done = round(now.done, 1) if now.begun else now.frames
            bar.update(done - bar.n)

        path = write(
            options.output, [corrected], compression=compression, progress=advance
        )
    used = " and ".join(signal.name for signal in (*flats, *darks))
    print(
        printable(
            f"{raw.name} {raw.shape} corrected with {used}"
            f"{'' if darks else ', without a dark'}: {path}"
        )
    )
    print(report)


def _refuse_source(output: Path, source: Path) -> None:
    """Have nobody lose a scan by giving its name to the result."""
    if output.exists() and source.exists() and output.samefile(source):
        raise WriteError(
            f"{output} is what is to be corrected, and would be replaced; "
            "give -o another name"
        )


def _the_raw(options: argparse.Namespace) -> Signal:
    signals = _found(options, "raw")
    if len(signals) > 1:
        found = ", ".join(str(signal.dataset) for signal in signals)
        raise NoSignalError(
            f"{options.file} has {len(signals)} signals for raw ({found}); choose one "
            f"with {_CHOICE['raw']} HDF5PATH"
        )
    return signals[0]


def _found(options: argparse.Namespace, role: Role) -> list[Signal]:
    """Find the signals of a role, by the path given or else by their names."""
    path, dataset = options.file, getattr(options, role)
    signals = read(path, dataset, follow_external=options.follow_external)
    if dataset is None:
        signals = [signal for signal in signals if signal.role == role]
    if not signals:
        raise NoSignalError(
            f"{path} has nothing named like {role} images; name them with "
            f"{_CHOICE[role]} HDF5PATH"
        )
    return signals
