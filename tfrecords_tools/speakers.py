"""Which speakers of a corpus a dataset has."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tfrecords_tools.utterance import Utterance
from wg2.config import Config


def choose_speakers(
    config: Config, utterances: list[Utterance], wanted: Sequence[str] | None
) -> tuple[Config, list[Utterance]]:
    """The config with its speakers, and their utterances.

    Args:
        config: If it names speakers, they stay.
        utterances: Of the whole corpus.
        wanted: ("all",), or names; None: those of the config.

    Raises:
        ValueError: If it is not clear which speakers there are to be.
    """
    found = sorted({u.speaker for u in utterances if u.speaker is not None})
    names = f"{len(found)} speakers ({', '.join(found[:5])}{' ...' * (len(found) > 5)})"
    if wanted is None:
        if len(found) > 1 and not config.text.speakers:
            raise ValueError(
                f"the corpus has {names}, the config has none: add --speakers all, or "
                f"choose some: --speakers {','.join(found[:2])}"
            )
        if not config.text.speakers:  # a name that nobody needs
            utterances = [dataclasses.replace(u, speaker=None) for u in utterances]
        return config, utterances
    if config.text.speakers:
        raise ValueError(
            "--speakers and the config's text.speakers both name some; leave one out"
        )
    if not found:
        raise ValueError("--speakers: the corpus does not name its speakers")
    chosen = found if tuple(wanted) == ("all",) else list(wanted)
    missing = [name for name in chosen if name not in found]
    if missing:
        raise ValueError(f"--speakers: no {', '.join(missing)}; the corpus has {names}")
    values = config.to_dict()
    values["text"]["speakers"] = tuple(chosen)
    return Config.from_dict(values), [u for u in utterances if u.speaker in chosen]
