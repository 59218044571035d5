"""Schedules in a voice: betas in its config, and a line in its card's notes."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

from wg2.config import Config
from wg2.diffusion.schedule import NoiseSchedule
from wg2.voice import (
    WEIGHTS_FILE,
    Card,
    check_replaceable,
    copy_with_description,
    load_description,
)


def stored_steps(config: Config) -> list[int]:
    """The numbers of steps that a voice stores schedules for, rising."""
    return sorted(map(len, config.diffusion.schedules))


def voice_key(directory: Path) -> str:
    """Hash of what a voice sounds like by a given schedule: of its weights and config,
    but for the schedules that it stores."""
    from wg2.data.dataset import file_sha256  # loads TensorFlow

    config, _ = load_description(directory)
    without = _with_schedules(config, ())
    parts = file_sha256(directory / WEIGHTS_FILE), without.to_json()
    return hashlib.sha256("\n".join(parts).encode("utf-8")).hexdigest()


def base_voice(voice: Path, output: Path | None) -> Path:
    """The voice whose schedules are added to: `output`, if it exists already.

    Raises:
        ValueError: If something else, or another voice, is at `output`.
        FileNotFoundError: `voice` is none.
    """
    load_description(voice)
    if output is None or not output.exists():
        return voice
    check_replaceable(output)
    if not any(output.iterdir()):
        return voice
    if voice_key(output) != voice_key(voice):
        raise ValueError(
            f"{output} is another voice than {voice}: it is left as it is. Choose "
            "another --output"
        )
    return output


def check_free(config: Config, num_steps: int) -> None:
    """Raises ValueError if a voice stores a schedule for so many steps."""
    if num_steps in stored_steps(config):
        raise ValueError(
            f"the voice stores a schedule for {num_steps} steps already: "
            "--replace replaces it"
        )


def store_schedule(
    voice: Path, output: Path | None, schedule: NoiseSchedule, note: str
) -> None:
    """Stores a schedule in a voice, instead of one for as many steps if it has one.

    Args:
        voice: Directory.
        output: Where the changed voice goes; None: in place.
        schedule: `--steps N` uses its betas from now on.
        note: For the card: what it is.

    Raises:
        ValueError, FileNotFoundError, OSError: See `base_voice`; not writable.
    """
    _change(voice, output, schedule.num_steps, schedule.betas.tolist(), note)


def remove_schedule(voice: Path, output: Path | None, num_steps: int) -> None:
    """Undoes `store_schedule`.

    Raises:
        ValueError: If there is none for so many steps; else as `store_schedule`.
    """
    config, _ = load_description(base_voice(voice, output))
    if num_steps not in stored_steps(config):
        raise ValueError(
            f"the voice stores no schedule for {num_steps} steps. It has: "
            f"{', '.join(map(str, stored_steps(config))) or 'none'}"
        )
    _change(voice, output, num_steps, None, None)


def _change(
    voice: Path,
    output: Path | None,
    num_steps: int,
    betas: Sequence[float] | None,
    note: str | None,
) -> None:
    base = base_voice(voice, output)
    config, card = load_description(base)
    schedules = [b for b in config.diffusion.schedules if len(b) != num_steps]
    if betas is not None:
        schedules.append(tuple(betas))
    config = _with_schedules(config, sorted(schedules, key=len))
    card = _with_note(card, f"Schedule of {num_steps} steps:", note)
    copy_with_description(base, voice if output is None else output, config, card)


def _with_schedules(config: Config, schedules: Sequence[Sequence[float]]) -> Config:
    diffusion = dataclasses.replace(config.diffusion, schedules=tuple(schedules))
    return dataclasses.replace(config, diffusion=diffusion)


def _with_note(card: Card, beginning: str, note: str | None) -> Card:
    """One line of the notes begins with `beginning`, or none."""
    lines = [x for x in card.notes.splitlines() if not x.startswith(beginning)]
    if note is not None:
        lines.append(f"{beginning} {note}")
    return dataclasses.replace(card, notes="\n".join(lines))
