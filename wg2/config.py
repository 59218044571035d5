"""One configuration for records, model, training, synthesis and export.

Frozen dataclasses, checked when they are made. A config round-trips through JSON
and YAML exactly; unknown keys are errors that name the nearest field. Values that
follow from others (samples per frame, say) are properties, never fields.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import math
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from wg2 import files
from wg2.text import symbols


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    _require(
        value in choices,
        f"`{name}` must be one of {', '.join(choices)}. Received: {name}={value!r}",
    )


def _check_range(config: Any, low: float, high: float, *names: str) -> None:
    """Every named field must lie in [low, high]."""
    for name in names:
        value = getattr(config, name)
        _require(
            low <= value <= high,
            f"`{name}` must lie in [{low:g}, {high:g}]. Received: {name}={value!r}",
        )


@dataclass(frozen=True)
class AudioConfig:
    """Sampling, and the mel spectrogram of the auxiliary task and of evaluation.

    `mel_window_samples` is the analysis window and FFT length; the hop is one frame.
    """

    sample_rate_hz: int = 24000
    num_mel_bands: int = 80
    mel_window_samples: int = 1200
    mel_min_hz: float = 60.0
    mel_max_hz: float = 12000.0
    mel_floor: float = 1e-4

    def __post_init__(self):
        _check_range(self, 4000, 192000, "sample_rate_hz")
        _check_range(self, 1, 1024, "num_mel_bands")
        _check_range(self, 16, 65536, "mel_window_samples")
        _require(
            0 <= self.mel_min_hz < self.mel_max_hz <= self.sample_rate_hz / 2,
            "mel bands must satisfy 0 <= mel_min_hz < mel_max_hz <= sample_rate_hz / 2."
            f" Received: mel_min_hz={self.mel_min_hz}, mel_max_hz={self.mel_max_hz}, "
            f"sample_rate_hz={self.sample_rate_hz}",
        )
        _check_range(self, 1e-12, 1.0, "mel_floor")


@dataclass(frozen=True)
class TextConfig:
    """Phoneme inventory (ids are positions) and speaker names (empty: one speaker)."""

    phonemes: tuple[str, ...] = symbols.PHONEMES
    speakers: tuple[str, ...] = ()
    language: str = "en-US"

    def __post_init__(self):
        for name in ("phonemes", "speakers"):
            values = getattr(self, name)
            doubles = sorted({v for v in values if values.count(v) > 1})
            _require(not doubles, f"`{name}` has duplicates: {doubles}")
        missing = [
            s
            for s in (symbols.PAD, symbols.END, symbols.SILENCE)
            if s not in self.phonemes
        ]
        _require(not missing, f"`phonemes` lacks the required symbols {missing}")
        _require(
            self.phonemes[0] == symbols.PAD,
            f"`phonemes[0]` must be {symbols.PAD!r}, so that zero padding is valid. "
            f"Received: phonemes[0]={self.phonemes[0]!r}",
        )

    @property
    def num_phonemes(self) -> int:
        return len(self.phonemes)

    @property
    def num_speakers(self) -> int:
        return max(1, len(self.speakers))


@dataclass(frozen=True)
class EncoderConfig:
    """Tacotron 2 text encoder. `lstm_units` counts one direction."""

    channels: int = 512
    num_convolutions: int = 3
    kernel_size: int = 5
    dropout: float = 0.5
    lstm_units: int = 256
    zoneout: float = 0.1
    speaker_channels: int = 64

    def __post_init__(self):
        _check_range(self, 1, 8192, "channels", "lstm_units", "speaker_channels")
        _check_range(self, 0, 16, "num_convolutions")
        _check_range(self, 1, 63, "kernel_size")
        _require(
            self.kernel_size % 2 == 1,
            f"`kernel_size` must be odd. Received: kernel_size={self.kernel_size}",
        )
        _check_range(self, 0.0, 0.95, "dropout", "zoneout")


@dataclass(frozen=True)
class ResamplerConfig:
    """Duration and range predictors, Gaussian upsampling, options on the frames.

    `frame_blocks` > 0 puts residual convolutions behind the upsampling: they tell every
    frame what stands around it (not in the paper; see `FrameConvolutions`).
    `num_*_masks` > 0 turns on the SpecAugment-like masking of the upsampled features.
    """

    lstm_units: int = 512
    num_lstm_layers: int = 2
    min_range_frames: float = 0.05
    num_frame_masks: int = 0
    max_masked_frames: int = 8
    num_channel_masks: int = 0
    max_masked_channels: int = 64
    frame_blocks: int = 0
    frame_kernel_size: int = 5
    auxiliary_mel: bool = False

    def __post_init__(self):
        _check_range(self, 1, 8192, "lstm_units")
        _check_range(self, 1, 8, "num_lstm_layers")
        _check_range(self, 1e-3, 100.0, "min_range_frames")
        _check_range(self, 0, 16, "num_frame_masks", "num_channel_masks")
        _check_range(self, 1, 4096, "max_masked_frames", "max_masked_channels")
        _check_range(self, 0, 16, "frame_blocks")
        _check_range(self, 3, 63, "frame_kernel_size")
        _require(
            self.frame_kernel_size % 2 == 1,
            f"`frame_kernel_size` must be odd. Received: {self.frame_kernel_size}",
        )


@dataclass(frozen=True)
class DecoderConfig:
    """WaveGrad decoder.

    `blocks_per_scale` is 1 for Base and 2 for Large. `parameterization` "noise" is
    the paper's; "preconditioned" predicts the noise from the best linear estimate
    plus a unit-variance residual (see `wg2.diffusion.parameterization`), for which
    `data_rms`, the RMS of the corpus, is needed.
    """

    upsampling_factors: tuple[int, ...] = (5, 5, 3, 2, 2)
    upsampling_channels: tuple[int, ...] = (512, 512, 256, 128, 128)
    upsampling_dilations: tuple[tuple[int, ...], ...] = (
        (1, 2, 4, 8),
        (1, 2, 4, 8),
        (1, 2, 4, 8),
        (1, 2, 1, 2),
        (1, 2, 1, 2),
    )
    downsampling_channels: tuple[int, ...] = (128, 128, 256, 512)
    downsampling_dilations: tuple[tuple[int, ...], ...] = ((1, 2, 4),) * 4
    features_channels: int = 768
    audio_channels: int = 32
    blocks_per_scale: int = 1
    parameterization: str = "noise"
    data_rms: float = 0.1
    bounded_film: bool = False
    normalize_features: bool = False

    def __post_init__(self):
        up, down = len(self.upsampling_factors), len(self.downsampling_channels)
        _require(up >= 2, f"at least two upsampling factors: {self.upsampling_factors}")
        _require(
            len(self.upsampling_channels) == len(self.upsampling_dilations) == up,
            "upsampling factors, channels and dilations must be equally many. "
            f"Received: {up}, {len(self.upsampling_channels)}, "
            f"{len(self.upsampling_dilations)}",
        )
        _require(
            len(self.downsampling_dilations) == down == up - 1,
            "there must be one DBlock fewer than UBlocks (each UBlock meets a signal "
            f"of its own rate). Received: {down} DBlocks, {up} UBlocks, "
            f"{len(self.downsampling_dilations)} downsampling_dilations",
        )
        _require(
            all(len(d) == 4 for d in self.upsampling_dilations)
            and all(len(d) == 3 for d in self.downsampling_dilations),
            "a UBlock has 4 dilations, a DBlock 3. Received: "
            f"{self.upsampling_dilations}, {self.downsampling_dilations}",
        )
        _require(
            min(self.upsampling_factors + self.upsampling_channels) >= 1
            and min(self.downsampling_channels) >= 2
            and min(map(min, self.upsampling_dilations)) >= 1
            and min(map(min, self.downsampling_dilations)) >= 1,
            "decoder factors, channels and dilations must be >= 1, downsampling "
            "channels >= 2. Received: downsampling_channels="
            f"{self.downsampling_channels}",
        )
        _check_range(self, 1, 8192, "features_channels")
        # A FiLM encodes the level as sines and cosines: two channels at least.
        _check_range(self, 2, 8192, "audio_channels")
        _check_range(self, 1, 2, "blocks_per_scale")
        _check_range(self, 1e-4, 1.0, "data_rms")
        _check_choice(
            "parameterization", self.parameterization, ("noise", "preconditioned")
        )

    @property
    def samples_per_frame(self) -> int:
        return math.prod(self.upsampling_factors)

    @property
    def downsampling_factors(self) -> tuple[int, ...]:
        """2, 2, 3, 5 for 5, 5, 3, 2, 2: from the audio rate to the first UBlock's."""
        return self.upsampling_factors[:0:-1]


@dataclass(frozen=True)
class DiffusionConfig:
    """Training levels and the defaults of synthesis.

    `level_distribution` "uniform_segments" is the paper's draw between neighbouring
    levels of the linear training schedule; "normal_log_snr" draws the log
    signal-to-noise ratio from N(log_snr_mean, log_snr_std), clipped to
    +-log_snr_limit. `schedules` are the betas that synthesis uses instead of the
    derived ones, at most one list for a number of steps.
    """

    beta_start: float = 1e-6
    beta_end: float = 0.01
    num_steps: int = 1000
    level_distribution: str = "uniform_segments"
    log_snr_mean: float = 0.0
    log_snr_std: float = 3.0
    log_snr_limit: float = 9.0
    synthesis_steps: int = 50
    synthesis_sampler: str = "ddpm"
    schedules: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self):
        _require(
            0 < self.beta_start <= self.beta_end < 1,
            "betas must satisfy 0 < beta_start <= beta_end < 1. Received: "
            f"beta_start={self.beta_start}, beta_end={self.beta_end}",
        )
        _check_range(self, 1, 100000, "num_steps")
        _check_range(self, 1, 1000, "synthesis_steps")
        _check_range(self, -20.0, 20.0, "log_snr_mean")
        _check_range(self, 1e-3, 20.0, "log_snr_std", "log_snr_limit")
        _check_choice(
            "level_distribution",
            self.level_distribution,
            ("uniform_segments", "normal_log_snr"),
        )
        _check_choice("synthesis_sampler", self.synthesis_sampler, SAMPLERS)
        lengths = [len(betas) for betas in self.schedules]
        _require(
            len(set(lengths)) == len(lengths) and all(lengths),
            "`schedules` must be lists of betas, each of another length. Received "
            f"lengths: {lengths}",
        )
        _require(
            all(0 < beta < 1 for betas in self.schedules for beta in betas),
            f"`schedules` must hold betas in (0, 1). Received: {self.schedules}",
        )


SAMPLERS = ("ddpm", "ddim", "dpmpp")


@dataclass(frozen=True)
class TrainingConfig:
    """Optimisation, batches, validation.

    `batch_size` is global, over all replicas. `mel_phase_steps` > 0 trains encoder,
    durations and frames on the auxiliary mel target alone before the decoder joins.
    """

    batch_size: int = 256
    window_frames: int = 64
    mel_phase_steps: int = 0
    mel_phase_learning_rate: float = 1e-3
    mel_phase_window_frames: int = 256
    learning_rate: float = 2e-4
    warmup_steps: int = 1000
    decay_steps: int = 1_000_000
    final_learning_rate_ratio: float = 0.1
    adam_beta_1: float = 0.9
    adam_beta_2: float = 0.999
    adam_epsilon: float = 1e-8
    gradient_clip_norm: float = 1.0
    ema_decay: float = 0.9999
    noise_loss_weight: float = 1.0
    duration_loss_weight: float = 0.1
    mel_loss_weight: float = 1.0
    precision: str = "float32"
    xla: bool = False
    shuffle_buffer: int = 1024
    length_bucket_frames: tuple[int, ...] = (200, 300, 400, 500, 600, 700, 800, 1000)
    max_frames: int = 2000
    log_interval: int = 50
    validation_interval: int = 1000
    validation_batches: int = 4
    checkpoint_interval: int = 1000
    checkpoints_kept: int = 3

    def __post_init__(self):
        _check_range(self, 1, 1 << 20, "batch_size", "window_frames", "max_frames")
        _check_range(self, 1, 1 << 20, "mel_phase_window_frames", "shuffle_buffer")
        _check_range(self, 0, 1 << 31, "warmup_steps", "mel_phase_steps")
        _check_range(self, 1, 1 << 31, "decay_steps", "log_interval")
        _check_range(self, 1, 1 << 31, "validation_interval", "checkpoint_interval")
        _check_range(self, 1, 1 << 20, "validation_batches", "checkpoints_kept")
        _check_range(self, 1e-9, 1.0, "learning_rate", "mel_phase_learning_rate")
        _check_range(self, 0.0, 1.0, "final_learning_rate_ratio")
        _check_range(self, 0.0, 0.99999999, "ema_decay", "adam_beta_1", "adam_beta_2")
        _check_range(self, 0.0, 1.0, "adam_epsilon")
        _check_range(self, 1e-6, 1e6, "gradient_clip_norm")
        _check_range(
            self,
            0.0,
            1e6,
            "noise_loss_weight",
            "duration_loss_weight",
            "mel_loss_weight",
        )
        _check_choice("precision", self.precision, ("float32", "bfloat16", "float16"))
        buckets = self.length_bucket_frames
        _require(
            list(buckets) == sorted(set(buckets)) and all(b > 0 for b in buckets),
            f"`length_bucket_frames` must increase. Received: {buckets}",
        )

    @property
    def keras_policy(self) -> str:
        return "float32" if self.precision == "float32" else f"mixed_{self.precision}"


@dataclass(frozen=True)
class Config:
    """Everything that defines a model and how it was trained."""

    name: str = "base"
    audio: AudioConfig = field(default_factory=AudioConfig)
    text: TextConfig = field(default_factory=TextConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    resampler: ResamplerConfig = field(default_factory=ResamplerConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    diffusion: DiffusionConfig = field(default_factory=DiffusionConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self):
        _require(bool(self.name), "`name` must not be empty")
        _require(
            (self.decoder.parameterization == "preconditioned")
            == (self.diffusion.level_distribution == "normal_log_snr"),
            "the preconditioned parameterization and the normal_log_snr level draw go "
            "together. Received: decoder.parameterization="
            f"{self.decoder.parameterization!r}, diffusion.level_distribution="
            f"{self.diffusion.level_distribution!r}",
        )
        _require(
            self.resampler.auxiliary_mel or self.training.mel_phase_steps == 0,
            "a mel phase needs the auxiliary mel task. Received: "
            f"training.mel_phase_steps={self.training.mel_phase_steps}, "
            "resampler.auxiliary_mel=False",
        )

    @property
    def samples_per_frame(self) -> int:
        return self.decoder.samples_per_frame

    @property
    def frames_per_second(self) -> float:
        return self.audio.sample_rate_hz / self.samples_per_frame

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"

    def to_yaml(self) -> str:
        plain = json.loads(self.to_json())  # tuples become lists
        return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Config:
        return _build(cls, values, "")

    @classmethod
    def from_file(cls, path: str | Path) -> Config:
        """Reads a `.json`, `.yaml` or `.yml` file.

        Raises:
            FileNotFoundError, ValueError: Missing, unreadable, or invalid.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"No config file at {path}")
        try:
            # YAML is a superset of JSON but reads 1e-6 as a string; JSON does not.
            text = path.read_text(encoding="utf-8")
            values = (
                json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
            )
        except (ValueError, yaml.YAMLError) as error:
            reason = " ".join(str(error).split())
            raise ValueError(f"{path} is not valid: {reason}") from None
        try:
            return cls.from_dict(values)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def save(self, path: str | Path) -> None:
        path = Path(path)
        text = self.to_json() if path.suffix == ".json" else self.to_yaml()
        with files.atomic_write(path, "w") as file:
            file.write(text)

    def override(self, *assignments: str) -> Config:
        """Applies `a.b=value` assignments; values are read as YAML, so
        `decoder.upsampling_factors=[5,5,2,2,2]` works.

        Raises:
            ValueError: Unknown key (naming the nearest), bad value, or failed check.
        """
        values = self.to_dict()
        for assignment in assignments:
            key, equals, text = assignment.partition("=")
            _require(
                bool(equals), f"--set wants key=value. Received: --set {assignment}"
            )
            *parents, last = key.strip().split(".")
            node = values
            for i, part in enumerate(parents):
                prefix = ".".join(parents[:i])
                _check_known(node, part, prefix)
                node = node[part]
                _require(isinstance(node, dict), f"`{part}` in `{key}` has no fields")
            _check_known(node, last, ".".join(parents))
            _require(
                not isinstance(node[last], dict),
                f"`{key.strip()}` is a section: set its fields one by one. "
                f"Received: --set {assignment}",
            )
            try:
                node[last] = yaml.safe_load(text)
            except yaml.YAMLError:
                raise ValueError(f"--set {assignment}: not a YAML value") from None
        return Config.from_dict(values)


def _check_known(fields: Any, key: str, prefix: str) -> None:
    if key in fields:
        return
    near = difflib.get_close_matches(key, list(fields), n=1, cutoff=0.0)
    dot = f"{prefix}." if prefix else ""
    hint = f" Did you mean `{dot}{near[0]}`?" if near else ""
    raise ValueError(f"Unknown config key `{dot}{key}`.{hint}")


@functools.cache
def _field_types(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _build(cls: type, values: Any, prefix: str) -> Any:
    """A dataclass from nested dicts, with every value's type checked."""
    if not isinstance(values, dict):
        raise ValueError(
            f"`{prefix or 'config'}` must be a mapping. Received: {values!r}"
        )
    hints = _field_types(cls)
    for key in values:
        _check_known(hints, key, prefix)
    dot = f"{prefix}." if prefix else ""
    built = {key: _coerce(hints[key], v, dot + key) for key, v in values.items()}
    try:
        return cls(**built)
    except ValueError as error:
        raise ValueError(f"{prefix}: {error}" if prefix else str(error)) from None


def _coerce(hint: Any, value: Any, name: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return _build(hint, value, name)
    if typing.get_origin(hint) is tuple:
        if isinstance(value, (list, tuple)):
            item = typing.get_args(hint)[0]
            return tuple(_coerce(item, v, f"{name}[{i}]") for i, v in enumerate(value))
    elif hint is float:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        if isinstance(value, str):  # YAML 1.1 reads "1e-6" as a string
            try:
                return float(value)
            except ValueError:
                pass
    elif hint is int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, float) and value.is_integer():
            return int(value)
    elif isinstance(value, hint):
        return value
    kind = hint.__name__ if not isinstance(hint, types.GenericAlias) else str(hint)
    raise ValueError(f"`{name}` must be of type {kind}. Received: {value!r}")
