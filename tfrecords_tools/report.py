"""Command line: a built dataset -> one HTML page that says what is in it.

python -m tfrecords_tools.report RECORDS --output report.html
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tfrecords_tools.validate import add_limit_option
from wg2 import terminal

if TYPE_CHECKING:
    from tfrecords_tools.inspection.findings import Findings


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tfrecords_tools.report",
        description="Describes a built dataset on one HTML page: hours, speakers, "
        "distributions, phonemes, what the checks of validate find, and outliers to "
        "listen to. The page needs no other file and no network.",
    )
    parser.add_argument("records", type=Path, metavar="RECORDS", help="its folder")
    parser.add_argument(
        "--output", required=True, type=Path, metavar="HTML", help="the page"
    )
    parser.add_argument(
        "--outliers",
        type=int,
        default=4,
        metavar="N",
        help="utterances of each kind to listen to (default: %(default)s)",
    )
    parser.add_argument(
        "--clip-seconds",
        type=float,
        default=10.0,
        metavar="S",
        help="longest clip; of longer utterances the part that is meant "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--rare-below",
        type=int,
        default=20,
        metavar="N",
        help="a phoneme with fewer occurrences in training is called out "
        "(default: %(default)s)",
    )
    add_limit_option(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notes
    try:
        findings = report(
            args.records,
            args.output,
            num_outliers=args.outliers,
            clip_seconds=args.clip_seconds,
            rare_below=args.rare_below,
            limits=tuple(args.limit),
        )
    except (ValueError, OSError) as error:
        print(f"report: {error}", file=sys.stderr)
        return 2
    megabytes = args.output.stat().st_size / 1e6
    print(
        f"{args.output}\t{megabytes:.1f} MB, {findings.num_errors} errors, "
        f"{findings.num_warnings} warnings"
    )
    return 0


def report(
    records: Path,
    output: Path,
    *,
    num_outliers: int = 4,
    clip_seconds: float = 10.0,
    rare_below: int = 20,
    limits: Sequence[str] = (),
) -> Findings:
    """Writes the page; see `build_parser` for the arguments.

    Returns:
        What the checks found.

    Raises:
        FileNotFoundError, ValueError: No dataset, or a bad argument.
        OSError: If a file cannot be read or written.
    """
    from wg2.reporting.plotting import require_matplotlib

    if num_outliers < 0:
        raise ValueError(f"--outliers must be at least 0. Received: {num_outliers}")
    if not 0 < clip_seconds <= 60:
        raise ValueError(
            f"--clip-seconds must lie in (0, 60]. Received: {clip_seconds}"
        )
    if rare_below < 0:
        raise ValueError(f"--rare-below must be at least 0. Received: {rare_below}")
    if output.is_dir():
        raise ValueError(f"--output {output} is a folder, expected a file")
    require_matplotlib()
    import tqdm

    from tfrecords_tools.inspection.corpus_summary import CorpusSummary
    from tfrecords_tools.inspection.examine import examine
    from tfrecords_tools.inspection.findings import Findings, Limits
    from tfrecords_tools.inspection.report_page import page
    from wg2 import files
    from wg2.data.dataset import DatasetInfo

    def progress(listed: Iterable) -> Iterable:
        return tqdm.tqdm(listed, "report", unit=" files", disable=None)

    info = DatasetInfo.load(records)
    summary = CorpusSummary(info, num_outliers, clip_seconds)
    findings = Findings()
    examine(info, findings, Limits().override(*limits), summary.add, progress)
    with files.atomic_write(output, "w") as file:
        file.write(page(info, summary, findings, rare_below))
    return findings


if __name__ == "__main__":
    sys.exit(terminal.run("report", main))
