"""Named configs. `base` is the paper; every other one says only what differs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from wg2.config import (
    AudioConfig,
    Config,
    DecoderConfig,
    DiffusionConfig,
    EncoderConfig,
    ResamplerConfig,
    TrainingConfig,
)

_replace = dataclasses.replace

BASE = Config()

LARGE = _replace(
    BASE,
    name="large",
    encoder=EncoderConfig(channels=1024, lstm_units=512),
    decoder=DecoderConfig(blocks_per_scale=2, upsampling_dilations=((1, 2, 4, 8),) * 5),
)

# 22.05 kHz with the same 300 samples a frame: 13.6 ms instead of 12.5 ms.
LJSPEECH = _replace(
    BASE,
    name="ljspeech",
    audio=AudioConfig(sample_rate_hz=22050, mel_max_hz=8000.0, mel_window_samples=1024),
    training=_replace(BASE.training, batch_size=64),
)

# Learns on a laptop: a narrower network, the preconditioned noise prediction, and
# a first phase on the mel target (see "Beyond the paper" in the README).
SMALL = Config(
    name="small",
    audio=AudioConfig(sample_rate_hz=16000, mel_window_samples=800, mel_max_hz=8000.0),
    encoder=EncoderConfig(channels=192, dropout=0.2, lstm_units=96),
    resampler=ResamplerConfig(
        lstm_units=64, num_lstm_layers=1, frame_blocks=3, auxiliary_mel=True
    ),
    decoder=DecoderConfig(
        upsampling_factors=(5, 5, 2, 2, 2),
        upsampling_channels=(144, 112, 80, 48, 32),
        upsampling_dilations=((1, 2, 4, 8),) * 3 + ((1, 2, 1, 2),) * 2,
        downsampling_channels=(32, 48, 80, 112),
        features_channels=192,
        audio_channels=16,
        parameterization="preconditioned",
        bounded_film=True,
        normalize_features=True,
    ),
    # Six steps of DPM-Solver++ come as near to recordings as a thousand; the paper's
    # sampler wants twelve (the bundled voice's log-mel L1, see voices/slt/evaluation).
    diffusion=DiffusionConfig(
        level_distribution="normal_log_snr",
        synthesis_steps=6,
        synthesis_sampler="dpmpp",
    ),
    training=TrainingConfig(
        batch_size=16,
        window_frames=32,
        mel_phase_steps=500,
        duration_loss_weight=0.02,
        learning_rate=1e-3,
        warmup_steps=100,
        decay_steps=20000,
        final_learning_rate_ratio=0.05,
        ema_decay=0.999,
        validation_interval=500,
        checkpoint_interval=500,
    ),
)

TINY = _replace(
    SMALL,
    name="tiny",
    audio=AudioConfig(
        sample_rate_hz=8000, num_mel_bands=20, mel_window_samples=128, mel_max_hz=4000.0
    ),
    encoder=EncoderConfig(channels=16, dropout=0.1, lstm_units=8, speaker_channels=4),
    resampler=ResamplerConfig(
        lstm_units=8,
        num_lstm_layers=1,
        frame_blocks=2,
        frame_kernel_size=3,
        auxiliary_mel=True,
    ),
    decoder=_replace(
        SMALL.decoder,
        upsampling_factors=(5, 4, 2),
        upsampling_channels=(16, 12, 8),
        upsampling_dilations=((1, 2, 4, 8), (1, 2, 4, 8), (1, 2, 1, 2)),
        downsampling_channels=(8, 12),
        downsampling_dilations=((1, 2, 4),) * 2,
        features_channels=16,
        audio_channels=8,
    ),
    diffusion=_replace(SMALL.diffusion, synthesis_steps=12, synthesis_sampler="ddpm"),
    training=_replace(
        SMALL.training,
        batch_size=4,
        window_frames=16,
        mel_phase_steps=0,
        mel_phase_window_frames=32,
        shuffle_buffer=16,
        length_bucket_frames=(50, 100),
        warmup_steps=10,
        log_interval=5,
        validation_interval=10,
        validation_batches=1,
        checkpoint_interval=10,
    ),
)

PRESETS = {c.name: c for c in (BASE, LARGE, LJSPEECH, SMALL, TINY)}


def load_config(name_or_path: str | Path, overrides: tuple[str, ...] = ()) -> Config:
    """A preset by name or a config by path, with `a.b=c` overrides applied.

    Raises:
        ValueError, FileNotFoundError: Neither a preset nor a readable, valid file.
    """
    if str(name_or_path) in PRESETS:
        config = PRESETS[str(name_or_path)]
    elif Path(name_or_path).suffix in (".json", ".yaml", ".yml"):
        config = Config.from_file(name_or_path)
    else:
        raise ValueError(
            f"--config wants a preset ({', '.join(PRESETS)}) or a .json or .yaml file."
            f" Received: {name_or_path}"
        )
    return config.override(*overrides)
