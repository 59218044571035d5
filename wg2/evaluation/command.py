"""What `python -m wg2.evaluate` does, after its arguments are parsed."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import logging
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from wg2 import files
from wg2.data.dataset import DatasetInfo, file_sha256
from wg2.diffusion.sampler import SAMPLERS
from wg2.evaluation import intelligibility
from wg2.evaluation.combinations import DURATIONS, PREDICTED, plan
from wg2.evaluation.few_steps import few_steps
from wg2.evaluation.held_out import HeldOut, choose
from wg2.evaluation.lists import names, whole_numbers
from wg2.evaluation.measures import MEASURES, VERSION
from wg2.evaluation.pauses import QUIETEST
from wg2.evaluation.running import Evaluation
from wg2.evaluation.store import Store
from wg2.evaluation.summary import Row, intervals_json, summarize, to_json
from wg2.evaluation.text_table import text_table
from wg2.inference import Synthesizer
from wg2.voice import CONFIG_FILE, WEIGHTS_FILE, Voice

FORMAT_VERSION = 1
JSON_FILE, HTML_FILE = "evaluation.json", "report.html"


def evaluate(args: argparse.Namespace) -> int:
    """Measures a voice, writes the results and prints a table; the exit status.

    Raises:
        ValueError, FileNotFoundError, OSError: With one line for the user.
    """
    if args.utterances < 1:
        raise ValueError(
            f"--utterances must be at least 1. Received: {args.utterances}"
        )
    if args.listen < 0:
        raise ValueError(f"--listen must be at least 0. Received: {args.listen}")
    info = DatasetInfo.load(args.data)
    voice = Voice.load(args.voice)
    info.check_config(voice.config)
    if not args.no_intelligibility:
        intelligibility.check_phonemes(voice.config.text.phonemes)
    diffusion = voice.config.diffusion
    planned, notes = plan(
        voice.config,
        whole_numbers(args.steps, "--steps")
        if args.steps
        else (diffusion.synthesis_steps,),
        names(args.samplers or diffusion.synthesis_sampler, "--samplers", SAMPLERS),
        names(args.schedules, "--schedules"),
        DURATIONS if args.durations == "both" else (args.durations,),
    )
    for item in planned:
        warning = item.schedule.warning()
        if warning and (line := f"{item.combination.schedule}: {warning}") not in notes:
            notes.append(line)
    for note in notes:
        print(f"evaluate: {note}", file=sys.stderr)
    settings = {
        "format_version": FORMAT_VERSION,
        "measures_version": VERSION,
        "voice": voice.card.name,
        "voice_hash": voice_hash(args.voice),
        "corpus": info.corpus.name,
        "corpus_hash": info.corpus_hash,
        "sample_rate_hz": info.sample_rate_hz,
        "split": args.split,
        "utterances": args.utterances,
        "longest_seconds": args.longest_seconds,
        "seed": args.seed,
        "listen": args.listen,
        "intelligibility": not args.no_intelligibility,
    }
    utterances = choose(info, args.split, args.utterances, args.longest_seconds)
    store = Store(args.output, settings)
    evaluation = Evaluation(
        Synthesizer(voice, batch_size=1),
        utterances,
        store,
        args.seed,
        args.listen,
        not args.no_intelligibility,
    )
    with _warnings_said_before():
        evaluation.run(planned, False if args.no_progress else None)
    ids = [utterance.id for utterance in utterances]
    rows = summarize(ids, store.recordings(), store.combinations(), args.seed)
    for note in (*_stopped(store, ids), *_without_pauses(rows)):
        print(f"evaluate: {note}", file=sys.stderr)
        notes.append(note)
    _write(args.output, settings, utterances, rows, store, notes)
    print(text_table(rows))
    print(f"{args.output / HTML_FILE}", file=sys.stderr)
    return 0


def voice_hash(directory: Path) -> str:
    """Hexadecimal hash of what a voice's sound depends on: its config and weights."""
    digests = (file_sha256(directory / name) for name in (CONFIG_FILE, WEIGHTS_FILE))
    return hashlib.sha256(" ".join(digests).encode("ascii")).hexdigest()


def _stopped(store: Store, ids: Sequence[str]) -> Iterator[str]:
    """Notes on combinations of earlier runs that have no row yet."""
    for combination, values in store.combinations().items():
        count = sum(id in values for id in ids)
        if count < len(ids):
            yield (
                f"{combination.name} was stopped after {count} of {len(ids)} "
                "utterances and is left out: ask for it again"
            )


def _without_pauses(rows: Sequence[Row]) -> Iterator[str]:
    """Notes on floors of different kinds; true durations have the recordings' pauses,
    and predicted ones are the same for all steps, samplers and schedules."""
    kinds = {"recordings": rows[0]}
    for row in rows[1:]:
        if row.combination.durations == PREDICTED:
            kinds.setdefault("utterances with predicted durations", row)
    for kind, row in kinds.items():
        without = sum(v["measured_in"] == QUIETEST for v in row.utterances)
        if without:
            yield (
                f"{without} of {len(row.utterances)} {kind} have no pauses: of them, "
                "floor, floor high and flatness are those of their quietest 5 %"
            )


def _write(
    output: Path,
    settings: dict[str, Any],
    utterances: Sequence[HeldOut],
    rows: Sequence[Row],
    store: Store,
    notes: Sequence[str],
) -> None:
    from wg2.evaluation.listening import listening
    from wg2.evaluation.report_page import report_page

    machine = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, "
        f"{len(tf.config.list_physical_devices('GPU'))} GPUs",
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
    }
    settings = {**settings, **machine}
    compared = few_steps(rows, settings["seed"])
    values = {
        "settings": settings,
        "notes": list(notes),
        "measures": {
            m.name: {"title": m.title, "unit": m.unit, "meaning": m.meaning}
            for m in MEASURES
        },
        "utterances": [
            {"id": u.id, "text": u.text, "speaker": u.speaker} for u in utterances
        ],
        "results": to_json(rows),
        "few_steps": [
            {
                "combination": one.combination.name,
                "most_steps": one.most_steps.name,
                "noise_floor_difference_db": intervals_json(
                    one.noise_floor_difference_db
                ),
                "log_mel_l1_percent": intervals_json(one.log_mel_l1_percent),
            }
            for one in compared
        ],
    }
    with files.atomic_write(output / JSON_FILE, "w") as file:
        json.dump(values, file, indent=1, ensure_ascii=False, allow_nan=False)
        file.write("\n")
    listen = listening(
        utterances, rows, store.sound, settings["listen"], settings["sample_rate_hz"]
    )
    with files.atomic_write(output / HTML_FILE, "w") as file:
        file.write(report_page(settings, rows, compared, listen, notes))


@contextlib.contextmanager
def _warnings_said_before() -> Iterator[None]:
    """Warnings of schedules are notes already; every utterance would repeat them."""
    logger = logging.getLogger("wg2.inference")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
