# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: JSON, or one line about an error, and an exit code."""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, Sequence

import emulator_background
from emulator_archive import make_archive
from emulator_catalogue import decode, read_catalogue
from emulator_checks import Mistake
from emulator_service import DEFAULT, Emulator

STATE = Path("~/.cache/alicloud.compute/emulator/state.json")


def serve(options: argparse.Namespace) -> None:
    """Serve in the foreground until the lifetime, a control request or a signal ends it."""
    if options.handover:
        line = sys.stdin.readline()
        catalogue = json.loads(line) if line.strip() else DEFAULT
    else:
        catalogue = _read(options.catalogue)
    with Emulator(catalogue, host=options.host, port=options.port) as emulator:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            print(emulator.url, flush=True)
            if options.handover:
                if sys.stdin.readline() != emulator_background.KEEP:
                    return
                # A reader of the streams of `start` must see their end.
                nowhere = os.open(os.devnull, os.O_RDWR)
                for stream in (0, 1, 2):
                    os.dup2(nowhere, stream)
            emulator.wait(options.lifetime)


def start(options: argparse.Namespace) -> Any:
    """Serve in the background."""
    catalogue = _read(options.catalogue)
    described = "" if catalogue is DEFAULT else json.dumps(catalogue, sort_keys=True, default=str)
    asked = {"host": options.host, "port": options.port, "lifetime": options.lifetime}
    arguments = [f"--{name}={value}" for name, value in asked.items()]
    return emulator_background.start(options.state, described, arguments)


def stop(options: argparse.Namespace) -> Any:
    """Stop the server in the background."""
    return emulator_background.stop(options.state)


def publish(options: argparse.Namespace) -> Any:
    """Add an image to a running server, as a pipeline does."""
    keys = ("ImageName", "ImageFamily", "RegionId", "EnsRegionId")
    given = (options.name, options.family, options.region, options.node)
    entry = {key: value for key, value in zip(keys, given) if value is not None}
    if options.tag:
        tags = [{"TagKey": key, "TagValue": value} for key, value in options.tag]
        entry["Tags"] = {"Tag": tags}
    return _ask(options, "POST publish", {**entry, **dict(options.set)})


def withdraw(options: argparse.Namespace) -> Any:
    """Remove the images with a name or an ID from a running server."""
    asked = {"image": options.image, "regions": options.region}
    return _ask(options, "POST withdraw", {key: asked[key] for key in asked if asked[key]})


def archive(options: argparse.Namespace) -> None:
    """Write the emulator as a single file that any Python from 3.8 on runs."""
    if options.file == "-":
        print(base64.b64encode(make_archive()).decode())
        return
    path = Path(options.file)
    path.write_bytes(make_archive())
    path.chmod(0o755)


def _ask(options: argparse.Namespace, request: str, body: Any) -> Any:
    url = options.url or emulator_background.running_url(options.state)
    return emulator_background.ask(url, request, body)


def _read(catalogue: str | None) -> Any:
    """Return the catalogue to serve. Only without a catalogue, it is the default one."""
    if catalogue is None:
        return DEFAULT
    if catalogue == "":
        raise Mistake("--catalogue is empty; name a file, or leave it out for the default one")
    if catalogue == "-":
        try:
            return decode(sys.stdin.read())
        except ValueError as error:
            raise Mistake(f"catalogue on standard input: {error}") from error
    return read_catalogue(Path(catalogue))


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < threading.TIMEOUT_MAX:
        raise ValueError
    return seconds


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text} is not KEY=VALUE")
    return key, value


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="emulator",
        description="A loopback stand-in for two image operations.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    made = {}
    for run in (serve, start, stop, publish, withdraw, archive):
        text = str(run.__doc__).rstrip(".")
        made[run.__name__] = commands.add_parser(
            run.__name__, help=text, description=text, allow_abbrev=False
        )
        made[run.__name__].set_defaults(run=run)
    for name in ("serve", "start"):
        add = made[name].add_argument
        add("--host", default="127.0.0.1", help="a loopback address")
        add("--port", type=int, default=0, help="0: any that is free")
        add("--catalogue", help="a JSON file (YAML with PyYAML), or - for standard input")
        add("--lifetime", type=_seconds, default=3600.0, help="in seconds")
    made["serve"].add_argument("--handover", action="store_true", help=argparse.SUPPRESS)
    for name in ("start", "stop", "publish", "withdraw"):
        add = made[name].add_argument
        add("--state", type=Path, default=STATE, help=f"the file with url and pid, {STATE}")
    for name, there in (("publish", "the family"), ("withdraw", "the image")):
        add = made[name].add_argument
        add("--url", help="of the server, instead of --state")
        add("--region", nargs="+", action="extend", help=f"by default all that have {there}")
    add = made["publish"].add_argument
    add("name", help="the ImageName")
    add("--family", help="the ImageFamily")
    add("--node", nargs="+", action="extend", help="EnsRegionIds: it is an image of ENS")
    add("--tag", type=_pair, action="append", metavar="KEY=VALUE")
    add("--set", type=_pair, action="append", default=[], metavar="KEY=VALUE", help="any other key")
    made["withdraw"].add_argument("image", help="an ImageName or ImageId")
    made["archive"].add_argument("file", help="where to, or - for Base64 on standard output")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code."""
    options = make_parser().parse_args(arguments)
    if hasattr(options, "state"):
        options.state = options.state.expanduser().absolute()
    try:
        result = options.run(options)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    if result is not None:
        print(json.dumps(result))
    return 0
