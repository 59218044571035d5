"""Values of schedules: the mean of the evaluation's measure, kept."""

import json

import numpy as np
import pytest

from tests.random_voice import random_voice
from wg2.data.dataset import DatasetInfo
from wg2.diffusion.schedule import NoiseSchedule
from wg2.evaluation.distances import log_mel_l1
from wg2.evaluation.held_out import choose
from wg2.inference import Synthesizer
from wg2.schedule_search.measuring import Measurements
from wg2.voice import Voice

SCHEDULE = NoiseSchedule([0.001, 0.2, 0.9])
SEEDS = [5, 6]


@pytest.fixture(scope="module")
def synthesizer(voice_dir):
    return Synthesizer.load(voice_dir)


@pytest.fixture(scope="module")
def utterances(records):
    return choose(DatasetInfo.load(records), "validation", 2)


def test_a_value_is_the_mean_over_utterances_and_noises(
    synthesizer, utterances, tmp_path
):
    config, expected = synthesizer.config, []
    for utterance in utterances:
        for seed in SEEDS:
            (spoken,) = synthesizer.speak_phonemes(
                [utterance.phoneme_ids],
                [utterance.durations],
                sampler="dpmpp",
                schedule=SCHEDULE,
                seed=seed,
            )
            expected.append(
                log_mel_l1(
                    utterance.audio,
                    spoken.audio,
                    config.audio,
                    config.samples_per_frame,
                )
            )
    assert len({round(value, 4) for value in expected}) == 4
    measured = Measurements(synthesizer, "dpmpp", SEEDS, tmp_path / "a.jsonl")
    value = measured.log_mel_l1(SCHEDULE, utterances)
    assert value == pytest.approx(np.mean(expected), rel=1e-5)
    other = Measurements(synthesizer, "ddpm", SEEDS, tmp_path / "b.jsonl")
    assert other.log_mel_l1(SCHEDULE, utterances) != pytest.approx(value, rel=1e-5)
    # A loud random voice: noise is not near silence, nor above full scale by far.
    assert -60 < measured.noise_floor_dbfs(SCHEDULE, utterances) < 20


def test_what_is_kept_is_not_spoken_again(synthesizer, utterances, tmp_path):
    path = tmp_path / "state" / "a.jsonl"
    first = Measurements(synthesizer, "ddpm", SEEDS, path)
    value = first.log_mel_l1(SCHEDULE, utterances[:1])
    with open(path, "a") as file:
        file.write('{"id": "half a li')  # killed while writing
    second = Measurements(None, "ddpm", SEEDS, path)  # cannot speak
    assert second.log_mel_l1(SCHEDULE, utterances[:1]) == value
    assert second.knows(SCHEDULE) and not second.knows(NoiseSchedule([0.5, 0.6]))
    with pytest.raises(AttributeError):
        second.log_mel_l1(SCHEDULE, utterances)
    third = Measurements(synthesizer, "ddpm", SEEDS, path)
    both = third.log_mel_l1(SCHEDULE, utterances)
    assert both != value
    fourth = Measurements(None, "ddpm", SEEDS, path)
    assert fourth.log_mel_l1(SCHEDULE, utterances) == both
    kept = [json.loads(line) for line in path.read_text().splitlines() if "}" in line]
    assert [values["betas"] for values in kept] == [SCHEDULE.betas.tolist()] * 2
    assert all(len(values["log_mel_l1"]) == 2 for values in kept)


def test_sound_that_is_not_finite_is_refused(voice_dir, utterances, tmp_path):
    voice = random_voice(Voice.load(voice_dir).config)
    voice.weights["decoder/output/bias"][:] = np.nan
    measured = Measurements(Synthesizer(voice), "ddpm", [0], tmp_path / "a.jsonl")
    with pytest.raises(ValueError, match=r"not finite"):
        measured.log_mel_l1(SCHEDULE, utterances)
