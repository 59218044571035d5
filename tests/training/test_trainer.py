"""The training step: phases, clipping, averages, overfitting, and when it must stop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.training import setup
from wg2.data import pipeline
from wg2.training.trainer import NonFiniteLossError


def momentum(trainer) -> dict[str, np.ndarray]:
    """Adam's first moments by position; after one step `(1 - beta_1) * gradient`."""
    return {
        name: value
        for name, value in trainer.state_arrays().items()
        if name.startswith("optimizer/") and name.endswith("_momentum")
    }


def global_norm(arrays) -> float:
    return float(np.sqrt(sum(np.square(v.astype("f8")).sum() for v in arrays)))


def weights(trainer) -> dict[str, np.ndarray]:
    arrays = trainer.state_arrays()
    return {k[len("model/") :]: v for k, v in arrays.items() if k.startswith("model/")}


def test_mel_phase_leaves_the_decoder_untouched(trainer):
    before = weights(trainer)
    first, second = setup.run_steps(trainer, 2)
    change = setup.differences(before, weights(trainer))
    assert {name for name in change if name.startswith("decoder/")}
    for name, size in change.items():
        assert (size > 0) != name.startswith("decoder/"), name
    assert set(first.losses) == {"total", "duration", "mel"}
    assert first.learning_rate == pytest.approx(1e-3 / 11)  # its own peak, warming up
    assert second.step == 2


def test_decoder_phase_starts_with_a_fresh_optimizer_and_clipped_gradients(trainer):
    setup.run_steps(trainer, 2)
    assert global_norm(momentum(trainer).values()) > 0.01
    (result,) = setup.run_steps(trainer, 1)
    assert set(result.losses) == {"total", "duration", "mel", "noise"}
    assert result.gradient_norm > 0.6, "this gradient would not be clipped"
    # Were there anything left of the mel phase, the norm would be another one.
    moments = momentum(trainer)
    assert global_norm(moments.values()) == pytest.approx(0.1 * 0.5, rel=1e-4)
    assert any("decoder" in name for name in moments)
    arrays = trainer.state_arrays()
    (iteration,) = (v for k, v in arrays.items() if k.endswith("/iteration"))
    assert iteration == 1


def test_total_loss_is_the_weighted_sum(trainer):
    settings = trainer.config.training
    result = setup.run_steps(trainer, 3)[-1]
    losses = result.losses
    assert losses["total"] == pytest.approx(
        settings.duration_loss_weight * losses["duration"]
        + settings.mel_loss_weight * losses["mel"]
        + settings.noise_loss_weight * losses["noise"],
        rel=1e-5,
    )
    window = settings.batch_size * settings.window_frames
    assert result.audio_seconds == pytest.approx(window * 40 / 8000)


def test_average_of_the_weights_follows_its_closed_form(trainer):
    """The newest weigh 1 - decay; decay is (1 + step) / (10 + step) at first."""
    names = [n for n in trainer.state_arrays() if n.startswith("ema/")]
    expected = {n: weights(trainer)[n[4:]].astype("f8") for n in names}
    steps = trainer.training_steps()
    for step in range(5):
        next(steps)
        decay = (1 + step) / (10 + step)
        current = weights(trainer)
        for name in names:
            expected[name] = decay * expected[name] + (1 - decay) * current[name[4:]]
    actual = trainer.state_arrays()
    for name in names:
        np.testing.assert_allclose(actual[name], expected[name], atol=1e-6)
    moved = [np.abs(actual[n] - current[n[4:]]).max() for n in names]
    assert max(moved) > 1e-4, "averages and weights must differ for this to show"


def test_averaged_weights_come_and_go_exactly(trainer):
    setup.run_steps(trainer, 3)
    before = trainer.state_arrays()
    with pytest.raises(RuntimeError, match="inside"), trainer.averaged_weights():
        inside = trainer.state_arrays()
        raise RuntimeError("inside")
    after = trainer.state_arrays()
    assert max(setup.differences(before, after).values()) == 0.0
    for name in before:
        if name.startswith("ema/"):
            np.testing.assert_array_equal(inside["model/" + name[4:]], before[name])
    statistics = "model/encoder/norm_0/moving_mean"  # an average already
    np.testing.assert_array_equal(inside[statistics], before[statistics])


def test_preconditioned_tiny_overfits_one_batch(trainer):
    """On its target of unit variance, predicting nothing costs about 0.8."""
    step = setup.fixed_batch_step(trainer)
    first = step(0.0)["noise"]
    for i in range(160):
        last = step(4e-3 * min(1.0, (i + 1) / 20))["noise"]
    print(f"preconditioned: {first:.3f} -> {last:.3f}")
    assert first > 0.6
    assert last < 0.4


def test_tiny_overfits_one_batch_in_the_papers_parameterization(info):
    """Predicting no noise costs sqrt(2 / pi) = 0.798."""
    step = setup.fixed_batch_step(setup.make_trainer(info, *setup.NOISE))
    first = step(0.0)["noise"]
    for i in range(100):
        last = step(4e-3 * min(1.0, (i + 1) / 20))["noise"]
    print(f"noise: {first:.3f} -> {last:.3f}")
    assert first > 0.798
    assert last < 0.2


def test_non_finite_loss_stops_with_step_and_records(trainer, info):
    trainer.step = 7
    dataset = pipeline.training_batches(info, trainer.config, trainer.seed, 7)
    expected = [name.decode() for name in next(iter(dataset))["id"].numpy()]
    kernel = trainer.model.decoder.output_convolution.weights[0]
    kernel.assign(np.full(kernel.shape, np.nan, "float32"))
    with pytest.raises(NonFiniteLossError) as caught:
        setup.run_steps(trainer, 1)
    message = str(caught.value)
    assert "nan at step 7" in message and "\n" not in message
    assert ", ".join(expected) in message


def test_stop_request_ends_up_in_the_result_of_the_step(trainer):
    answers = iter([False, False, False, True])  # before and after every step
    steps = trainer.training_steps(lambda: next(answers))
    assert [next(steps).stop_requested for _ in range(2)] == [False, True]
    assert trainer.step == 2


def test_restoring_another_configs_checkpoint_is_refused_and_changes_nothing(trainer):
    setup.run_steps(trainer, 1)
    arrays = trainer.state_arrays()
    missing = {k: v for k, v in arrays.items() if not k.endswith("gamma")}
    grown = {**arrays, "model/decoder/more/kernel": np.zeros(3)}
    name = "ema/encoder/embedding/embeddings"
    reshaped = {**arrays, name: np.zeros((3, 5), "float32")}
    for other, quoted in ((missing, "gamma"), (grown, "more/kernel"), (reshaped, name)):
        changed = {k: v + 1 for k, v in other.items()}
        with pytest.raises(ValueError, match="checkpoint of another config") as caught:
            trainer.restore(changed, 99, Path("elsewhere"))
        assert "elsewhere" in str(caught.value) and quoted in str(caught.value)
        assert "\n" not in str(caught.value)
    assert trainer.step == 1
    assert max(setup.differences(arrays, trainer.state_arrays()).values()) == 0.0


def test_state_that_is_restored_gives_the_same_next_steps(trainer):
    """Draws of dropout and zoneout included, and the place in the data.

    Threads sum in any order, so the last digits may differ on a busy machine; another
    draw would differ in the second.
    """
    setup.run_steps(trainer, 3)
    arrays = trainer.state_arrays()
    expected = [result.losses for result in setup.run_steps(trainer, 3)]
    final = trainer.state_arrays()
    trainer.restore(arrays, 3, Path("the same"))
    for result, losses in zip(setup.run_steps(trainer, 3), expected, strict=True):
        assert result.losses == pytest.approx(losses, rel=1e-4)
    assert max(setup.differences(final, trainer.state_arrays()).values()) < 1e-3
