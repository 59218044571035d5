"""What `python -m wg2.schedule search` does, after its arguments are parsed."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tqdm

from wg2.config import SAMPLERS, Config
from wg2.data.dataset import DatasetInfo
from wg2.diffusion.schedule import NoiseSchedule, derived_schedule
from wg2.evaluation.held_out import HeldOut, choose
from wg2.evaluation.lists import names, whole_numbers
from wg2.evaluation.measures import VERSION
from wg2.inference import Synthesizer
from wg2.schedule_search.measuring import Measurements
from wg2.schedule_search.outcome import Outcome, compare, percent
from wg2.schedule_search.searching import Found, search_schedule
from wg2.schedule_search.storing import (
    base_voice,
    check_free,
    store_schedule,
    stored_steps,
    voice_key,
)
from wg2.schedule_search.warping import num_parameters
from wg2.voice import Voice, load_description

FORMAT_VERSION = 1


def search(args: argparse.Namespace) -> int:
    """Searches a schedule for each number of steps, stores what is better than the
    derived one, and prints what was found; the exit status.

    Raises:
        ValueError, FileNotFoundError, OSError: With one line for the user.
    """
    steps = whole_numbers(args.steps, "--steps")
    for count in steps:
        num_parameters(count)  # refuses what has nothing to search
    _check_numbers(args)
    samplers = names(args.sampler, "--sampler", SAMPLERS) if args.sampler else ()
    base = base_voice(args.voice, args.output)
    key = voice_key(args.voice)
    info = DatasetInfo.load(args.data)
    voice = Voice.load(args.voice)
    info.check_config(voice.config)
    samplers = samplers or (voice.config.diffusion.synthesis_sampler,)
    measured = _measurements(args, key, info.corpus_hash, voice)
    if not args.replace:
        _check_free(load_description(base)[0], steps, measured[samplers[0]])
    searched, held_back = _utterances(info, args)
    print(f"schedule: candidates are kept in {_state(args)}", file=sys.stderr)
    bar = tqdm.tqdm(
        desc="search",
        total=len(steps) * args.evaluations,
        unit=" candidates",
        disable=True if args.no_progress else None,
        dynamic_ncols=True,
    )
    with bar:
        for count in steps:
            asked = [measured[name] for name in samplers]
            found = _search(voice.config, count, asked, searched, args.evaluations, bar)
            outcome = compare(
                found,
                measured,
                samplers,
                derived_schedule(voice.config, count),
                searched,
                held_back,
            )
            done = _store(args, outcome, key)
            for line in (*outcome.lines(), done):
                bar.write(f"{count} steps: {line}", file=sys.stdout)
    return 0


def _measurements(
    args: argparse.Namespace, key: str, corpus_hash: str, voice: Voice
) -> dict[str, Measurements]:
    """By sampler. What is kept is found again by all that values depend on."""
    seeds = [args.seed + i for i in range(args.noises)]
    synthesizer = Synthesizer(voice, batch_size=args.noises)
    measured = {}
    for sampler in SAMPLERS:
        settings = {
            "format_version": FORMAT_VERSION,
            "measures_version": VERSION,
            "voice_key": key,
            "corpus_hash": corpus_hash,
            "seeds": seeds,
            "sampler": sampler,
        }
        text = json.dumps(settings, sort_keys=True)
        digest = hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]
        path = _state(args) / f"{sampler}-{digest}.jsonl"
        measured[sampler] = Measurements(synthesizer, sampler, seeds, path)
    return measured


def _state(args: argparse.Namespace) -> Path:
    """Where candidates are kept: never in a voice, which is replaced as a whole."""
    if args.state is not None:
        return args.state
    target = (args.output or args.voice).absolute()  # "." has no name
    return target.with_name(f"{target.name}.search")


def _search(
    config: Config,
    count: int,
    measurements: Sequence[Measurements],
    searched: Sequence[HeldOut],
    evaluations: int,
    bar: tqdm.tqdm,
) -> Found:
    values: list[float] = []

    def measure(schedule: NoiseSchedule) -> float:
        by_sampler = [one.log_mel_l1(schedule, searched) for one in measurements]
        values.append(float(np.mean(by_sampler)))
        best = percent(values[0], min(values))
        bar.set_postfix_str(f"{count} steps, log-mel L1 {best:+.2f} %")
        bar.update()
        return values[-1]

    found = search_schedule(config, count, measure, evaluations)
    bar.total -= evaluations - found.evaluations  # a search may end before
    bar.refresh()
    return found


def _store(args: argparse.Namespace, outcome: Outcome, key: str) -> str:
    """What was done."""
    target = args.output or args.voice
    if not outcome.is_better:
        seen = "worse on the utterances held back: " if outcome.held_back else ""
        return f"{seen}nothing is stored"
    if voice_key(args.voice) != key:
        raise ValueError(
            f"{args.voice} was changed while this search ran: start it again"
        )
    store_schedule(args.voice, args.output, outcome.found.schedule, outcome.summary())
    return f"stored in {target}"


def _check_free(
    config: Config, steps: Sequence[int], measurements: Measurements
) -> None:
    """As `check_free`, but what this search itself has stored may be searched on."""
    stored = {len(b): NoiseSchedule(b) for b in config.diffusion.schedules}
    for count in steps:
        if count in stored_steps(config) and not measurements.knows(stored[count]):
            check_free(config, count)


def _utterances(
    info: DatasetInfo, args: argparse.Namespace
) -> tuple[list[HeldOut], list[HeldOut]]:
    """To search with, and to hold back."""
    wanted = args.utterances + args.held_back
    options = "--utterances or --held-back"
    chosen = choose(info, args.split, wanted, args.longest_seconds, options)
    return chosen[: args.utterances], chosen[args.utterances :]


def _check_numbers(args: argparse.Namespace) -> None:
    for name in ("utterances", "held_back", "noises", "evaluations"):
        if (value := getattr(args, name)) < 1:
            option = "--" + name.replace("_", "-")
            raise ValueError(f"{option} must be at least 1. Received: {value}")
