"""A voice: one directory with everything synthesis needs, and where it comes from.

config.json     the config, phoneme inventory and speakers included
weights.npz     averaged weights by name
card.json       name, language, corpus, licence, steps, metrics

python -m wg2.voice pack --run-dir RUN --output VOICE
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from wg2 import files, terminal
from wg2.config import Config

CONFIG_FILE, WEIGHTS_FILE, CARD_FILE = "config.json", "weights.npz", "card.json"


@dataclass(frozen=True)
class Card:
    """What people must know about a voice.

    Args:
        name, language, licence: Of the voice; the licence is the corpus' own.
        corpus: name, language, licence, source of the recordings.
        corpus_hash: Of the records.
        steps: int, of training.
        metrics: The last validation, by name.
        notes: Free text.
    """

    name: str
    language: str
    licence: str
    corpus: dict[str, str]
    corpus_hash: str
    steps: int
    metrics: dict[str, float] = field(default_factory=dict)
    notes: str = ""


@dataclass(frozen=True, eq=False)
class Voice:
    """A voice in memory. `weights` are float32 arrays by name."""

    config: Config
    weights: dict[str, np.ndarray]
    card: Card

    @classmethod
    def load(cls, directory: str | Path) -> Voice:
        """Reads a voice.

        Raises:
            FileNotFoundError: Not a voice.
            ValueError: Damaged.
        """
        from wg2.training.checkpoints import load_arrays

        directory = Path(directory)
        config, card = load_description(directory)
        arrays = load_arrays(directory / WEIGHTS_FILE)
        weights = {name: value.astype(np.float32) for name, value in arrays.items()}
        return cls(config, weights, card)

    def save(self, directory: str | Path, half: bool = False) -> None:
        """Writes the voice whole or not at all; `half` stores float16 weights.

        Raises:
            ValueError: If something other than a voice is in the way, or a weight is
                too large for `half`.
            OSError: Not writable, or no space.
        """
        from wg2.training.checkpoints import save_arrays

        directory = Path(directory)
        check_replaceable(directory)
        dtype = np.float16 if half else np.float32
        weights = {name: value.astype(dtype) for name, value in self.weights.items()}
        for name, value in weights.items():
            if not np.isfinite(value).all():
                raise ValueError(f"weight {name} is not finite as {dtype.__name__}")
        with files.atomic_directory(directory) as temporary:
            save_arrays(temporary / WEIGHTS_FILE, weights)
            _save_description(temporary, self.config, self.card)


def load_description(directory: Path) -> tuple[Config, Card]:
    """Config and card of a voice, whose weights are not read.

    Raises:
        FileNotFoundError: Not a voice.
        ValueError: Damaged.
    """
    missing = [
        name
        for name in (CONFIG_FILE, WEIGHTS_FILE, CARD_FILE)
        if not (directory / name).is_file()
    ]
    if missing:
        raise FileNotFoundError(
            f"{directory} is not a voice: it lacks {', '.join(missing)}. A voice "
            "comes from `python -m wg2.voice pack --run-dir RUN --output VOICE`"
        )
    try:
        text = (directory / CARD_FILE).read_text(encoding="utf-8")
        card = Card(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{directory / CARD_FILE} is damaged: {error}") from None
    return Config.from_file(directory / CONFIG_FILE), card


def copy_with_description(
    directory: Path, output: Path, config: Config, card: Card
) -> None:
    """Writes a copy of a voice with another config and card, whole or not at all.

    All else, the weights first of all, is copied byte for byte. `output` may be the
    voice itself.

    Raises:
        FileNotFoundError, ValueError: `directory` is no voice, or something other than
            a voice is in the way.
        OSError: Not writable, or no space.
    """
    load_description(directory)
    check_replaceable(output)
    with files.atomic_directory(output) as temporary:
        shutil.copytree(directory, temporary, dirs_exist_ok=True)
        _save_description(temporary, config, card)


def check_replaceable(directory: Path) -> None:
    """A voice's directory is replaced as a whole: never one that holds other things.

    Raises:
        ValueError: If it does.
    """
    in_use = directory.exists() and not (directory / CARD_FILE).is_file()
    if in_use and (not directory.is_dir() or any(directory.iterdir())):
        raise ValueError(
            f"{directory} exists and is not a voice; it is left as it is. Choose "
            "another --output"
        )


def _save_description(directory: Path, config: Config, card: Card) -> None:
    config.save(directory / CONFIG_FILE)
    text = json.dumps(dataclasses.asdict(card), indent=2, ensure_ascii=False)
    (directory / CARD_FILE).write_text(text + "\n", encoding="utf-8")


def run_weights(
    run_dir: Path, step: int | None = None
) -> tuple[Config, dict[str, np.ndarray], dict[str, Any]]:
    """Config, averaged weights and state of a run's checkpoint (None: the newest).

    Raises:
        FileNotFoundError, ValueError: No run or checkpoint there, or damaged.
    """
    from wg2.training.checkpoints import CheckpointStore

    arrays, state = CheckpointStore(run_dir).load(step)
    prefix = "model/"
    weights = {k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)}
    # Averages exist of what is trained; batch norm's statistics are averages already.
    weights |= {k[len("ema/") :]: v for k, v in arrays.items() if k.startswith("ema/")}
    return Config.from_dict(state["config"]), weights, state


def _last_metrics(run_dir: Path, step: int) -> dict[str, float]:
    """The newest validation up to `step`, from the run's metrics.jsonl."""
    path = run_dir / "metrics.jsonl"
    metrics: dict[str, float] = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                values = json.loads(line)
            except ValueError:  # a killed run leaves half a line
                continue
            found = {
                k[len("eval/") :]: round(v, 5)
                for k, v in values.items()
                if k.startswith("eval/")
            }
            if found and values["step"] <= step:
                metrics = {"validation_step": values["step"], **found}
    return metrics


def pack(
    run_dir: Path,
    output: Path,
    *,
    name: str | None = None,
    step: int | None = None,
    half: bool = False,
    notes: str = "",
) -> Path:
    """Makes a voice from a run's checkpoint.

    Raises:
        FileNotFoundError, ValueError, OSError: No such checkpoint, damaged, no space.
    """
    config, weights, state = run_weights(run_dir, step)
    path = run_dir / "run.json"
    if not path.is_file():
        raise FileNotFoundError(f"{run_dir} holds no training run ({path.name})")
    provenance = json.loads(path.read_text(encoding="utf-8"))
    corpus = provenance["corpus"]
    card = Card(
        name=name or run_dir.resolve().name,
        language=corpus["language"],
        licence=corpus["licence"],
        corpus=corpus,
        corpus_hash=provenance["corpus_hash"],
        steps=state["step"],
        metrics=_last_metrics(run_dir, state["step"]),
        notes=notes,
    )
    Voice(config, weights, card).save(output, half=half)
    return output


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m wg2.voice", description="Makes and shows voices."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="a voice from a training run")
    packing.add_argument("--run-dir", type=Path, required=True)
    packing.add_argument("--output", type=Path, required=True)
    packing.add_argument("--step", type=int, help="checkpoint (default: the newest)")
    packing.add_argument("--name", help="default: the run folder's name")
    packing.add_argument("--notes", default="", help="free text for the card")
    packing.add_argument(
        "--half", action="store_true", help="store float16 weights, half the size"
    )
    showing = commands.add_parser("show", help="print a voice's card")
    showing.add_argument("voice", type=Path)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    try:
        if args.command == "pack":
            path = pack(
                args.run_dir,
                args.output,
                name=args.name,
                step=args.step,
                half=args.half,
                notes=args.notes,
            )
            print(path)
        else:
            card = Voice.load(args.voice).card
            print(json.dumps(dataclasses.asdict(card), indent=2, ensure_ascii=False))
    except BrokenPipeError:
        raise  # for `terminal.run`
    except (ValueError, FileNotFoundError, OSError) as error:
        print(f"voice: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(terminal.run("voice", main))
