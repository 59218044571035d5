"""Configs: exact round trips, strict keys, facts that must fit together."""

import dataclasses
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from wg2.config import Config, DecoderConfig
from wg2.presets import BASE, LARGE, LJSPEECH, PRESETS, SMALL, TINY, load_config

ALL = pytest.mark.parametrize("name", PRESETS)


@ALL
@pytest.mark.parametrize("suffix", [".json", ".yaml", ".yml"])
def test_files_give_every_preset_back_exactly(name, suffix, tmp_path):
    config = PRESETS[name]
    config.save(tmp_path / f"config{suffix}")
    again = Config.from_file(tmp_path / f"config{suffix}")
    assert again == config
    assert hash(again) == hash(config)  # tuples all the way down
    assert again.to_json() == config.to_json()
    assert [p.name for p in tmp_path.iterdir()] == [f"config{suffix}"]


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_full_disk_leaves_the_old_file(suffix, tmp_path, monkeypatch):
    path = tmp_path / f"config{suffix}"
    TINY.save(path)

    def no_space(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        SMALL.save(path)
    assert Config.from_file(path) == TINY
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_files_hold_what_they_say(tmp_path):
    config = SMALL.override("training.learning_rate=3e-5", "text.language=de-CH")
    config.save(tmp_path / "c.json")
    config.save(tmp_path / "c.yaml")
    from_json = json.loads((tmp_path / "c.json").read_text())
    assert from_json == yaml.safe_load((tmp_path / "c.yaml").read_text())
    assert from_json["training"]["learning_rate"] == 3e-5
    assert from_json["text"]["language"] == "de-CH"
    assert from_json["decoder"]["upsampling_factors"] == [5, 5, 2, 2, 2]


def test_awkward_symbols_survive_yaml(tmp_path):
    phonemes = (*BASE.text.phonemes, "no", "null", "1e3", "'", "ʃ", "- x", "#", "~")
    config = dataclasses.replace(
        BASE, text=dataclasses.replace(BASE.text, phonemes=phonemes)
    )
    config.save(tmp_path / "c.yaml")
    assert Config.from_file(tmp_path / "c.yaml") == config


def test_handwritten_yaml_is_completed_by_the_base(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\ntraining:\n  learning_rate: 1e-4\n  batch_size: 8.0\n")
    config = Config.from_file(path)
    assert config.training.learning_rate == 1e-4  # a string for YAML 1.1
    assert config.training.batch_size == 8
    assert isinstance(config.training.batch_size, int)
    training = dataclasses.replace(BASE.training, learning_rate=1e-4, batch_size=8)
    assert config == dataclasses.replace(BASE, name="mine", training=training)


def test_configs_are_frozen():
    for target, field in ((BASE, "name"), (BASE.decoder, "data_rms")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(target, field, getattr(target, field))


@pytest.mark.parametrize(
    ("assignment", "section", "field", "expected"),
    [
        ("decoder.data_rms=0.05", "decoder", "data_rms", 0.05),
        ("training.learning_rate=5e-4", "training", "learning_rate", 5e-4),
        ("training.adam_epsilon=0", "training", "adam_epsilon", 0.0),
        ("training.batch_size=12", "training", "batch_size", 12),
        ("training.xla=true", "training", "xla", True),
        ("training.precision=bfloat16", "training", "precision", "bfloat16"),
        ("text.speakers=[ann, bob]", "text", "speakers", ("ann", "bob")),
        (
            "training.length_bucket_frames=[10, 20]",
            "training",
            "length_bucket_frames",
            (10, 20),
        ),
        (
            "decoder.downsampling_dilations=[[1,2,4],[1,2,4],[1,3,9],[1,1,1]]",
            "decoder",
            "downsampling_dilations",
            ((1, 2, 4), (1, 2, 4), (1, 3, 9), (1, 1, 1)),
        ),
        (" training.log_interval = 7 ", "training", "log_interval", 7),
    ],
)
def test_overrides_set_one_field_with_its_type(assignment, section, field, expected):
    changed = SMALL.override(assignment)
    value = getattr(getattr(changed, section), field)
    assert value == expected
    assert type(value) is type(expected)
    # ... and nothing else.
    part = dataclasses.replace(getattr(SMALL, section), **{field: expected})
    assert changed == dataclasses.replace(SMALL, **{section: part})


def test_overrides_are_checked_together():
    """Each alone would break the config."""
    changed = SMALL.override(
        "decoder.parameterization=noise",
        "diffusion.level_distribution=uniform_segments",
        "name=plain",
    )
    assert changed.name == "plain" and changed.decoder.parameterization == "noise"


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("decoder.dropuot=1", r"`decoder\.dropuot`"),
        ("encoder.dropuot=1", r"`encoder\.dropuot`.*`encoder\.dropout`"),
        ("encodr.dropout=1", r"`encodr`.*`encoder`"),
        ("nam=x", "`nam`.*`name`"),
        ("training.learning_rate", "key=value.*training.learning_rate"),
        ("training.learning_rate=fast", "`training.learning_rate`.*float.*'fast'"),
        ("training.batch_size=1.5", "`training.batch_size`.*int.*1.5"),
        ("training.batch_size=true", "`training.batch_size`.*int.*True"),
        ("training.xla=1", "`training.xla`.*bool.*1"),
        ("training.precision=16", "`training.precision`.*str.*16"),
        ("training.length_bucket_frames=10", "`training.length_bucket_frames`.*10"),
        ("training.length_bucket_frames=[10, x]", r"_frames\[1\]`.*int.*'x'"),
        ("training.batch_size=[", "not a YAML value"),
        ("name.first=x", "`name`.*no fields"),
        # A section as a whole would reset what it does not name to the base's.
        ("decoder={data_rms: 0.2}", "`decoder`"),
        ("decoder=5", "`decoder`.*5"),
    ],
)
def test_bad_overrides_say_what_is_wrong(assignment, words):
    with pytest.raises(ValueError, match=words) as error:
        SMALL.override(assignment)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("assignments", "words"),
    [
        (["audio.mel_max_hz=8001"], "mel_max_hz=8001.0.*sample_rate_hz=16000"),
        (["audio.mel_min_hz=9000"], "mel_min_hz=9000.0.*mel_max_hz=8000.0"),
        (
            ["decoder.parameterization=noise"],
            "parameterization='noise'.*level_distribution='normal_log_snr'",
        ),
        (
            ["resampler.auxiliary_mel=false"],
            r"mel_phase_steps=\d+.*auxiliary_mel=False",
        ),
        (
            ["decoder.downsampling_channels=[8, 8]"],
            "2 DBlocks, 5 UBlocks",
        ),
        (["decoder.upsampling_factors=[5, 5]"], "Received: 2, 5, 5"),
        (["resampler.frame_kernel_size=4"], "must be odd. Received: 4"),
        (
            ["resampler.frame_kernel_size=1"],
            r"\[3, 63\].*frame_kernel_size=1",
        ),
        (
            [
                "diffusion.beta_start=0.02",
            ],
            "beta_start=0.02.*beta_end=0.01",
        ),
        (["training.length_bucket_frames=[20, 10]"], r"increase.*\(20, 10\)"),
        (["text.speakers=[ann, ann]"], "speakers.*duplicates.*ann"),
        (["text.phonemes=[<pad>, sil]"], "lacks.*<eos>"),
        (["text.phonemes=[sil, <pad>, <eos>]"], "phonemes.0.*'sil'"),
        (["training.precision=float64"], "float32, bfloat16, float16.*'float64'"),
        (["diffusion.synthesis_sampler=euler"], "ddpm, ddim, dpmpp.*'euler'"),
        (["encoder.dropout=1"], "dropout.*0.95.*dropout=1.0"),
        (["training.learning_rate=nan"], "learning_rate=nan"),
        (["diffusion.log_snr_mean=nan"], "log_snr_mean=nan"),
        (["diffusion.log_snr_mean=inf"], "log_snr_mean=inf"),
        (["audio.mel_floor=inf"], "mel_floor.*inf"),
        (["encoder.kernel_size=4"], "kernel_size.*odd.*4"),
        # A FiLM of one channel has no room for a sine and a cosine.
        (["decoder.audio_channels=1"], "audio_channels=1"),
        (["decoder.downsampling_channels=[8, 8, 1, 8]"], "8, 8, 1, 8"),
        (["name="], "name"),
    ],
)
def test_what_does_not_fit_together_is_refused_with_both_values(assignments, words):
    with pytest.raises(ValueError, match=words):
        SMALL.override(*assignments)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("c.json", "{", "c.json is not valid"),
        ("c.yaml", "a: [", "c.yaml is not valid"),
        ("c.yaml", "- 1\n- 2\n", r"c.yaml: `config` must be a mapping.*\[1, 2\]"),
        ("c.yaml", "", "c.yaml: `config` must be a mapping.*None"),
        ("c.json", '{"decoder": 5}', "c.json: `decoder` must be a mapping.*5"),
        ("c.json", '{"audio": {"rate": 1}}', "c.json: Unknown.*audio.rate"),
        ("c.json", '{"audio": {"sample_rate_hz": 1}}', "c.json: audio: .*=1"),
    ],
)
def test_bad_files_are_named(name, text, words, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=words) as error:
        Config.from_file(tmp_path / name)
    assert "\n" not in str(error.value)


def test_binary_and_missing_files_are_named(tmp_path):
    (tmp_path / "c.yaml").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ValueError, match=r"c\.yaml"):
        Config.from_file(tmp_path / "c.yaml")
    with pytest.raises(FileNotFoundError, match=r"missing\.yaml"):
        Config.from_file(tmp_path / "missing.yaml")


def test_config_is_loaded_by_name_or_path_with_overrides(tmp_path):
    assert load_config("large") is not None and load_config("large") == LARGE
    SMALL.save(tmp_path / "mine.json")
    loaded = load_config(tmp_path / "mine.json", ("training.batch_size=3",))
    assert loaded.training.batch_size == 3
    assert dataclasses.replace(loaded, training=SMALL.training) == SMALL
    with pytest.raises(ValueError, match=r"base, large.*smal"):
        load_config("smal")


def test_samples_per_frame_follow_from_the_factors():
    assert BASE.samples_per_frame == LARGE.samples_per_frame == 300
    assert SMALL.samples_per_frame == 200
    assert BASE.frames_per_second == 80 == SMALL.frames_per_second
    assert BASE.decoder.downsampling_factors == (2, 2, 3, 5)
    assert TINY.decoder.downsampling_factors == (2, 4)


def test_presets_are_what_they_are_named_for():
    assert all(name == config.name for name, config in PRESETS.items())
    assert (BASE.audio.sample_rate_hz, LJSPEECH.audio.sample_rate_hz) == (24000, 22050)
    assert LJSPEECH.samples_per_frame == 300
    assert LARGE.encoder.channels == 1024
    assert LARGE.decoder.blocks_per_scale == 2
    assert set(LARGE.decoder.upsampling_dilations) == {(1, 2, 4, 8)}
    # The paper's dilations, which several repositories have reversed.
    assert BASE.decoder == DecoderConfig()
    assert BASE.decoder.upsampling_dilations[0] == (1, 2, 4, 8)
    assert BASE.decoder.upsampling_dilations[-1] == (1, 2, 1, 2)
    for config in (BASE, LARGE, LJSPEECH):
        assert config.decoder.parameterization == "noise"
        assert not config.decoder.bounded_film
        assert not config.decoder.normalize_features
    assert SMALL.decoder.parameterization == "preconditioned"


def test_config_needs_no_tensorflow():
    """Command lines read it before they start anything heavy."""
    code = "import sys, wg2.presets; print('tensorflow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[-1] == "False"
