"""Command line: checks a built dataset and prints what is wrong with it.

python -m tfrecords_tools.validate RECORDS --json findings.json
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tfrecords_tools.inspection.terminal_text import one_line
from wg2 import terminal

if TYPE_CHECKING:
    from tfrecords_tools.inspection.findings import Finding, Findings
    from wg2.data.dataset import DatasetInfo

_MESSAGE_LENGTH = 150


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tfrecords_tools.validate",
        description="Checks every file and every record of a built dataset. Exit code "
        "0: no errors; 1: errors (the data is wrong), or warnings (worth listening "
        "to) with --strict; 2: there is no dataset to read.",
    )
    parser.add_argument("records", type=Path, metavar="RECORDS", help="its folder")
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 on warnings, too"
    )
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="CHECK",
        help="drop the findings of a check; may be repeated (--checks lists them)",
    )
    add_limit_option(parser)
    parser.add_argument(
        "--examples",
        type=int,
        default=3,
        metavar="N",
        help="findings of each check to print (default: %(default)s)",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write all findings there"
    )
    parser.add_argument(
        "--checks", action=_PrintChecks, nargs=0, help="list all checks and limits"
    )
    return parser


def add_limit_option(parser: argparse.ArgumentParser) -> None:
    """The option `--limit`, which `report` has, too."""
    parser.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="from where on to warn, e.g. phoneme_seconds=1.5; may be repeated",
    )


class _PrintChecks(argparse.Action):
    def __call__(self, parser, namespace, values, option_string=None):
        from tfrecords_tools.inspection import findings

        for title, checks in (
            ("errors", findings.ERRORS),
            ("warnings", findings.WARNINGS),
        ):
            print(title)
            for check, meaning in checks.items():
                print(f"  {check:<22}{meaning}")
        print("limits of warnings (--limit NAME=VALUE)")
        for name, value in dataclasses.asdict(findings.Limits()).items():
            print(f"  {name:<22}{value:g}")
        parser.exit()


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notes
    from tfrecords_tools.inspection.findings import Findings, Limits
    from wg2.data.dataset import DatasetInfo

    try:
        if args.examples < 0:
            raise ValueError(
                f"--examples must be at least 0. Received: {args.examples}"
            )
        limits = Limits().override(*args.limit)
        info = DatasetInfo.load(args.records)
        with _json_sink(args.json, info) as (sink, finish):
            findings = Findings(args.ignore, sink, args.examples)
            _examine(info, findings, limits)
            finish(findings)
    except (ValueError, OSError) as error:
        print(f"validate: {error}", file=sys.stderr)
        return 2
    print(table(findings))
    print(summary(info, findings))
    return int(findings.num_errors > 0 or (args.strict and findings.num_warnings > 0))


def _examine(info: DatasetInfo, findings: Findings, limits) -> None:
    import tqdm

    from tfrecords_tools.inspection.examine import examine

    def progress(listed: Iterable) -> Iterable:
        return tqdm.tqdm(listed, "validate", unit=" files", disable=None)

    examine(info, findings, limits, progress=progress)


def table(findings: Findings) -> str:
    """Checks that found something, errors first, each with its first findings."""
    from tfrecords_tools.inspection.findings import CHECKS, ERRORS

    lines = []
    for check, meaning in CHECKS.items():
        if not findings.counts[check]:
            continue
        level = "error" if check in ERRORS else "warning"
        lines.append(f"{level:<9}{findings.counts[check]:>7}  {check}: {meaning}")
        for finding in findings.examples[check]:
            place = finding.id or finding.shard
            text = f"{place}: {finding.message}" if place else finding.message
            lines.append(f"{'':<18}{one_line(text, _MESSAGE_LENGTH)}")
        more = findings.counts[check] - len(findings.examples[check])
        if more and findings.examples[check]:
            lines.append(f"{'':<18}and {more} more")
    lines.extend(f"note: {note}" for note in findings.notes)
    return "\n".join(lines)


def summary(info: DatasetInfo, findings: Findings) -> str:
    """The last line: how much was checked, and what came of it."""
    hours = sum(split.hours for split in info.splits.values())
    verdict = (
        f"{findings.num_errors} errors, {findings.num_warnings} warnings"
        if findings.counts
        else "nothing to report"
    )
    return (
        f"{info.directory}: {info.num_utterances} utterances, {hours:.3f} hours: "
        f"{verdict}"
    )


@contextlib.contextmanager
def _json_sink(path: Path | None, info: DatasetInfo) -> Iterator[tuple]:
    """A sink for findings that writes them as they come, and what completes the file.

    The file is an object with `findings`, a list, and after it `counts` by check,
    `errors`, `warnings`, `notes` and `directory`.
    """
    if path is None:
        yield None, lambda findings: None
        return
    from wg2 import files

    with files.atomic_write(path, "w") as file:
        separator = ""

        def sink(finding: Finding) -> None:
            nonlocal separator
            values = {"level": finding.level, **dataclasses.asdict(finding)}
            file.write(f"{separator}\n  {json.dumps(values, ensure_ascii=False)}")
            separator = ","

        def finish(findings: Findings) -> None:
            rest = {
                "counts": dict(findings.counts),
                "errors": findings.num_errors,
                "warnings": findings.num_warnings,
                "notes": findings.notes,
                "directory": str(info.directory),
            }
            file.write(f"\n], {json.dumps(rest, ensure_ascii=False)[1:]}\n")

        file.write('{"findings": [')
        yield sink, finish


if __name__ == "__main__":
    sys.exit(terminal.run("validate", main))
