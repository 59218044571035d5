"""Command line: what a text is read as.

echo "Dr. Smith paid $3." | python -m wg2.text --normalize
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence

from wg2 import terminal

_BATCH = 64


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m wg2.text",
        description="Reads lines on standard input and prints how they are spoken.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--normalize", action="store_true", help="written out in words")
    what.add_argument("--phonemes", action="store_true", help="as phonemes")
    what.add_argument("--sentences", action="store_true", help="one sentence per line")
    parser.add_argument(
        "--graph",
        action="store_true",
        help="by the TensorFlow graph that serving embeds, not by Python",
    )
    parser.add_argument("--lexicon", help="a user lexicon: word  PH ON EMES")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    if args.graph and args.sentences:
        print(
            "text: sentences are split by Python alone, not by --graph", file=sys.stderr
        )
        return 2
    if sys.stdin is None:
        print("text: standard input is closed, expected text there", file=sys.stderr)
        return 2
    # As the graph has it: bytes that are no UTF-8 are not fatal.
    lines = (
        line.decode("utf-8", "replace").rstrip("\r\n") for line in sys.stdin.buffer
    )
    lost = _Lost()
    try:
        for line in (_graph if args.graph else _python)(lines, args, lost):
            print(line, flush=True)
    except BrokenPipeError:
        raise  # for `terminal.run`
    except (ValueError, OSError) as error:
        print(f"text: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return int(lost.any)


class _Lost:
    """Names on standard error the lines of which something is not spoken."""

    any = False

    def watch(
        self, lines: Iterable[str], check: Callable[[str], None]
    ) -> Iterable[str]:
        """`lines` as they are, each after `check` had a look at it."""
        for number, line in enumerate(lines, start=1):
            try:
                check(line)
            except ValueError as error:
                self.any = True
                print(f"text: line {number}: {error}", file=sys.stderr)
            yield line


def _python(
    lines: Iterable[str], args: argparse.Namespace, lost: _Lost
) -> Iterable[str]:
    from wg2.text import symbols
    from wg2.text.frontend import Frontend, spoken_text
    from wg2.text.lexicon import Lexicon
    from wg2.text.sentences import split_sentences

    frontend = Frontend(Lexicon(args.lexicon))
    for line in lines if args.sentences else lost.watch(lines, frontend.check):
        if args.sentences:
            yield from split_sentences(line)
        elif args.normalize:
            yield spoken_text(line)
        else:
            yield _show(frontend.encode(line, strict=False), symbols.PHONEMES)


def _graph(
    lines: Iterable[str], args: argparse.Namespace, lost: _Lost
) -> Iterable[str]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notes
    import tensorflow as tf

    from wg2.text import symbols
    from wg2.text.frontend import Encoded, Frontend, show_tokens
    from wg2.text.graph import GraphFrontend
    from wg2.text.lexicon import Lexicon

    lexicon = Lexicon(args.lexicon)
    frontend = GraphFrontend(lexicon)
    texts = tf.TensorSpec((None,), tf.string)
    call = frontend.tokenize if args.normalize else frontend.__call__
    run = tf.function(call, input_signature=[texts], autograph=False)
    for batch in _batches(lost.watch(lines, Frontend(lexicon).check)):
        if args.normalize:
            yield from (show_tokens(row.decode().split()) for row in run(batch).numpy())
            continue
        ids, lengths, pauses = (result.numpy() for result in run(batch))
        for row, length, asked in zip(ids, lengths, pauses, strict=True):
            seconds = [s if s >= 0 else None for s in asked[:length].tolist()]
            yield _show(Encoded(row[:length].tolist(), seconds), symbols.PHONEMES)


def _batches(lines: Iterable[str]) -> Iterable[list[str]]:
    batch = []
    for line in lines:
        batch.append(line)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _show(encoded, inventory: Sequence[str]) -> str:
    """Phonemes, and the pauses that the text asks for behind their symbols."""
    return " ".join(
        inventory[id]
        if seconds is None
        else f"{inventory[id]} [{seconds * 1000:.0f}ms]"
        for id, seconds in zip(encoded.ids, encoded.pauses_seconds, strict=True)
    )


if __name__ == "__main__":
    sys.exit(terminal.run("text", main))
