"""Validation: fixed noise and levels, by level band; and what masks keep out.

The network is made to say nothing, so that the losses have a closed form in the noise,
the levels and the recordings.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from tests.training import setup
from wg2.data.pipeline import training_batches, validation_batches
from wg2.diffusion import noise as noise_source
from wg2.diffusion.schedule import training_schedule
from wg2.models.weights import get_weights
from wg2.presets import TINY

# Some clips are shorter than the window, some are longer.
WINDOW = 150
SPF = TINY.samples_per_frame
SETTINGS = (
    *setup.MINI,
    f"training.window_frames={WINDOW}",
    "training.validation_batches=3",
    "training.batch_size=2",  # 3 utterances: the last batch has a fill-up
)


def silence(trainer) -> None:
    """The network's output becomes 0, in the weights and in their averages."""
    layer = trainer.model.decoder.output_convolution
    zeros = {id(w): np.zeros(w.shape, "float32") for w in layer.weights}
    pairs = zip(trainer.ema, trainer.model.trainable_variables, strict=True)
    for average, weight in pairs:
        if id(weight) in zeros:
            weight.assign(zeros[id(weight)])
            average.assign(zeros[id(weight)])


@pytest.fixture(scope="module")
def preconditioned(info):
    assert info.min_frames < WINDOW < info.max_frames
    trainer = setup.make_trainer(info, *SETTINGS)
    silence(trainer)
    return trainer


@pytest.fixture(scope="module")
def plain(info):
    trainer = setup.make_trainer(info, *SETTINGS, *setup.NOISE)
    silence(trainer)
    return trainer


def reference_rows(info, config, seed: int):
    """(quantile of the level, noise loss summed over valid samples, their number) of
    every validation utterance, predicting nothing."""
    one = config.override("training.batch_size=1", "training.validation_batches=99")
    for row in validation_batches(info, one, seed).as_numpy_iterator():
        frames = int(row["num_frames"][0])
        draws = noise_source.uniform(row["seed"], 1, 3).numpy()[0].astype("f8")
        first = int(draws[2] * (max(frames - WINDOW, 0) + 1))
        samples = row["audio"][0, first * SPF : (first + WINDOW) * SPF].astype("f8")
        noise = noise_source.standard_normal(row["seed"], 0, WINDOW * SPF)
        noise = noise.numpy()[0, : len(samples)].astype("f8")
        quantile = float(row["stratum"][0])
        yield quantile, draws[1], samples, noise


def paper_loss(config, quantile, within, samples, noise) -> tuple[float, float]:
    """Sum of |eps| and the level."""
    bounds = training_schedule(config).noise_level_bounds
    segment = int(quantile * config.diffusion.num_steps)
    level = bounds[segment + 1] + within * (bounds[segment] - bounds[segment + 1])
    return np.abs(noise).sum(), level


def preconditioned_loss(
    config, quantile, within, samples, noise
) -> tuple[float, float]:
    """Sum of |F|, where predicting nothing means F = 0, and the level.

    F is `(eps - s / d^2 y) d / (l sigma)` with `y = l x + s eps`.
    """
    limit = config.diffusion.log_snr_limit
    normal = NormalDist().inv_cdf(max(quantile, 1e-9))
    log_snr = np.clip(config.diffusion.log_snr_std * normal, -limit, limit)
    sigma = config.decoder.data_rms
    ratio = np.exp(log_snr) / sigma**2  # l^2 / s^2
    level, scale = np.sqrt(ratio / (1 + ratio)), np.sqrt(1 / (1 + ratio))
    variance = scale**2 + level**2 * sigma**2
    noisy = level * samples + scale * noise
    target = (noise - scale / variance * noisy) * np.sqrt(variance) / (level * sigma)
    return np.abs(target).sum(), level


@pytest.mark.parametrize("kind", ["plain", "preconditioned"])
def test_validation_losses_equal_the_reference_in_every_band(info, request, kind):
    trainer = request.getfixturevalue(kind)
    loss = paper_loss if kind == "plain" else preconditioned_loss
    metrics = trainer.evaluate()
    rows = list(reference_rows(info, trainer.config, trainer.seed))
    assert len(rows) == 3
    assert {len(samples) // SPF < WINDOW for _, _, samples, _ in rows} == {True, False}
    results = []
    for quantile, within, samples, noise in rows:
        total, level = loss(trainer.config, quantile, within, samples, noise)
        results.append((level, total, len(samples)))
    expected = sum(r[1] for r in results) / sum(r[2] for r in results)
    assert metrics["noise_loss"] == pytest.approx(expected, rel=1e-4)

    # The quarters of the level draw, cleanest first, by level alone.
    cuts = [
        loss(trainer.config, q, 0.0, rows[0][2], rows[0][3])[1]
        for q in (0.25, 0.5, 0.75)
    ]
    cuts = sorted(cuts, reverse=True)
    names = ["0_clean", "1", "2", "3_noisy"]
    bands: dict[str, list] = {}
    for level, total, count in results:
        bands.setdefault(names[sum(level < cut for cut in cuts)], []).append(
            (total, count)
        )
    assert len(bands) > 1
    prefix = "noise_loss_by_level/"
    assert {k[len(prefix) :] for k in metrics if k.startswith(prefix)} == set(bands)
    for name, pairs in bands.items():
        total, count = np.sum(pairs, axis=0)
        assert metrics[prefix + name] == pytest.approx(total / count, rel=1e-4), name


def test_two_evaluations_of_the_same_weights_are_equal(preconditioned):
    assert preconditioned.evaluate() == preconditioned.evaluate()


def test_batch_size_changes_no_validation_loss(info, preconditioned):
    other = setup.make_trainer(
        info, *SETTINGS[:-1], "training.batch_size=3", seed=preconditioned.seed
    )
    weights = get_weights(preconditioned.model)
    generator = np.random.default_rng(0)
    spoken = {
        name: value + 0.05 * generator.standard_normal(value.shape).astype("f4")
        for name, value in weights.items()
        if "variance" not in name
    }
    results = []
    for trainer in (preconditioned, other):
        kept = trainer.state_arrays()
        trainer.set_initial_weights({**weights, **spoken}, "a test")
        results.append(trainer.evaluate())
        trainer.restore(kept, 0, "a test")
    assert results[0].keys() == results[1].keys()
    for name, value in results[0].items():
        assert results[1][name] == pytest.approx(value, rel=1e-4), name


def test_short_clip_costs_in_a_padded_batch_what_it_costs_alone(info, preconditioned):
    """Every loss, with a network that answers."""
    trainer = preconditioned
    generator = np.random.default_rng(0)
    kept = trainer.state_arrays()
    for weight in trainer.model.trainable_variables:
        weight.assign_add(0.05 * generator.standard_normal(weight.shape))
    big = trainer.config.override("training.batch_size=4")
    (batch,) = training_batches(info, big, 0).take(1)
    shortest = int(np.argmin(batch["num_frames"]))
    length, phonemes = (
        int(batch[name][shortest]) for name in ("num_frames", "phoneme_lengths")
    )
    assert length < WINDOW < int(batch["num_frames"].numpy().max())
    alone = {k: v[shortest : shortest + 1] for k, v in batch.items()}
    alone["audio"] = alone["audio"][:, : length * SPF]
    for name in ("phoneme_ids", "durations"):
        alone[name] = alone[name][:, :phonemes]
    # The others weigh nothing: what they leave in the sums is what leaks.
    weight = np.zeros(4, "float32")
    weight[shortest] = 1.0
    together = {**batch, "weight": weight}
    one = trainer._forward(alone, decode=True, training=False)
    four = trainer._forward(together, decode=True, training=False)
    trainer.restore(kept, 0, "a test")
    for name in ("duration", "mel", "noise"):
        assert float(one[name][2]) == float(four[name][2]) > 0
        assert float(one[name][1]) == pytest.approx(float(four[name][1]), rel=1e-4)
    assert float(one["noise"][2]) == length * SPF
