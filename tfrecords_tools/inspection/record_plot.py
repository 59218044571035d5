"""A picture of one record: waveform, mel spectrogram, phonemes and text."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from wg2 import files
from wg2.audio import spectral, wav
from wg2.config import AudioConfig, Config
from wg2.data.dataset import DatasetInfo
from wg2.data.schema import Record
from wg2.text import symbols

_INCHES_PER_SECOND = 3.4
_MOST_INCHES = 120.0
"""Of a longer utterance the labels get crowded; a picture of 65,536 pixels fails."""
_DPI = 120
_LABEL_INCHES = 0.085
"""About the width of a letter; a label without room goes one row lower."""
_TICKS_HZ = (100, 300, 500, 1000, 2000, 3000, 4000, 6000, 8000, 12000, 16000)
_WAVE, _PAUSE, _SOUND, _EDGE = "#23507f", "#e4e6ea", "#fbe9c6", "#50555c"


def plot(record: Record, info: DatasetInfo, path: Path) -> None:
    """Draws waveform, log-mel spectrogram and phonemes over one axis of time.

    Args:
        record: Of the dataset.
        info: The dataset.
        path: A PNG; an existing one is replaced.

    Raises:
        OSError: If it cannot be written.
    """
    config = Config.from_dict(info.config)
    audio = wav.from_int16(record.audio)
    seconds = record.num_frames / info.frames_per_second
    width = min(_MOST_INCHES, max(9.0, _INCHES_PER_SECOND * seconds + 1.2))
    title = textwrap.wrap(
        f"{record.id}: {record.text}", int(width * 11), max_lines=4, placeholder=" …"
    )
    figure = Figure(figsize=(width, 5.6 + 0.22 * len(title)), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle("\n".join(title), x=0.01, ha="left", fontsize=11, parse_math=False)
    wave, mel, labels = figure.subplots(3, 1, sharex=True, height_ratios=(2, 4, 1.1))
    _draw_waveform(wave, audio, info.sample_rate_hz)
    log_mel = spectral.log_mel(audio[None], config.audio, info.samples_per_frame)
    _draw_mel(mel, np.asarray(log_mel)[0], config.audio, seconds)
    _draw_phonemes(labels, (wave, mel), record, info, width / seconds)
    labels.set_xlim(0, seconds)
    labels.set_xlabel("seconds")
    with files.atomic_write(path) as file:
        figure.savefig(file, format="png", dpi=_DPI)


def _draw_waveform(axes: Axes, audio: np.ndarray, sample_rate_hz: int) -> None:
    times = np.arange(len(audio)) / sample_rate_hz
    axes.plot(times, audio, linewidth=0.5, color=_WAVE)
    # Quiet recordings are seen, and none looks louder than it is: the axis says.
    limit = min(1.0, max(0.05, 1.1 * float(np.abs(audio).max())))
    axes.set_ylim(-limit, limit)
    axes.set_ylabel("amplitude\n(full scale = 1)")
    axes.margins(x=0)


def _draw_mel(
    axes: Axes, log_mel: np.ndarray, config: AudioConfig, seconds: float
) -> None:
    decibels = log_mel * (20 / np.log(10))
    image = axes.imshow(
        decibels.T,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap="magma",
        extent=(0, seconds, -0.5, config.num_mel_bands - 0.5),
        vmin=np.percentile(decibels, 2),
        vmax=max(decibels.max(), np.percentile(decibels, 2) + 1),
    )
    axes.figure.colorbar(
        image, ax=axes, label="dB", pad=0.005, aspect=30, fraction=0.02
    )
    filters = spectral.mel_filters(config)
    bins_hz = np.fft.rfftfreq(config.mel_window_samples, 1 / config.sample_rate_hz)
    centers_hz = (bins_hz @ filters) / filters.sum(axis=0)
    ticks_hz = [hz for hz in _TICKS_HZ if centers_hz[0] <= hz <= centers_hz[-1]]
    bands = np.interp(ticks_hz, centers_hz, np.arange(len(centers_hz)))
    axes.set_yticks(bands, [f"{hz / 1000:g}" for hz in ticks_hz])
    axes.set_ylabel("mel band (kHz)")


def _draw_phonemes(
    axes: Axes,
    others: tuple[Axes, Axes],
    record: Record,
    info: DatasetInfo,
    inches_per_second: float,
) -> None:
    """A box for each phoneme, and its boundaries in the other axes."""
    end = 0.0
    taken_until = [0.0, 0.0]  # seconds, in the upper and the lower row of labels
    for i, duration in zip(record.phoneme_ids, record.durations, strict=True):
        symbol, start = info.phonemes[i], end
        end += int(duration) / info.frames_per_second
        if not duration:  # most word boundaries; labels would hide each other
            continue
        spoken = symbol not in symbols.BOUNDARIES
        axes.axvspan(
            start, end, facecolor=_SOUND if spoken else _PAUSE, edgecolor=_EDGE, lw=0.6
        )
        middle = (start + end) / 2
        half_label = _LABEL_INCHES * (len(symbol) + 0.5) / 2 / inches_per_second
        row = (
            0 if middle - half_label >= taken_until[0] else int(np.argmin(taken_until))
        )
        taken_until[row] = middle + half_label
        axes.text(
            middle,
            (0.7, 0.25)[row],
            symbol,
            ha="center",
            va="center",
            fontsize=8,
            parse_math=False,
        )
        for other, color in zip(others, (_EDGE, "white"), strict=True):
            other.axvline(end, color=color, linewidth=0.5, alpha=0.7)
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.set_ylabel("phonemes")
