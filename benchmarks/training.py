"""A training step: how fast, and where its time goes.

    python -m benchmarks.training --config small
    python -m benchmarks.training --config small --data RECORDS

Compared in turn: the full step from records; the same step on batches kept in memory
(the difference is what the input pipeline costs); the step without the decoder, on as
many frames; the LSTMs alone, forward and backward; reading batches alone.
"""

from __future__ import annotations

import dataclasses
import itertools
import sys
from collections.abc import Callable, Sequence

from benchmarks.measuring import (
    add_data_options,
    interleaved,
    parser,
    positive,
    run,
    table,
)

_FULL = "full step"
_CACHED = "full step, batches in memory"
_NO_DECODER = "step without the decoder"
_LSTMS = "LSTMs alone, forward + backward"
_INPUT = "input pipeline alone"
_CACHED_BATCHES = 8


def build_parser():
    result = parser("training", "A training step and its parts.", repetitions=5)
    add_data_options(result, num_utterances=96)
    result.add_argument(
        "--set", dest="overrides", action="append", default=[], metavar="a.b=c"
    )
    result.add_argument(
        "--batches", type=positive, default=16, help="read per repetition"
    )
    return result


def main(argv: Sequence[str] | None = None) -> int:
    return run(build_parser(), _report, argv)


def _report(args) -> None:
    from benchmarks.records import dataset

    with dataset(args.config, args.overrides, args.data, args.utterances) as found:
        _time(args, *found)


def _time(args, info, config) -> None:
    training = config.training
    seconds = training.batch_size * training.window_frames / config.frames_per_second
    functions = _functions(args, info, config)
    timings = interleaved(functions, args.repetitions)
    print(
        f"{config.name} ({training.precision}): {training.batch_size} x "
        f"{training.window_frames} frames = {seconds:.1f} s of audio a step; medians "
        f"of {args.repetitions}\n"
    )
    shown, shares = [], {}
    for name, timing in timings.items():
        per_step = args.batches if name == _INPUT else 1
        shares[name] = timing.ratio_to(timings[_FULL]) / per_step
        shown.append(
            (
                name,
                f"{timing.seconds / per_step * 1e3:.1f}",
                f"{timing.cpu_seconds / per_step:.2f}",
                f"{shares[name]:.3f}",
                f"{seconds * per_step / timing.seconds:.1f}",
            )
        )
    print(
        table(("", "ms a step", "CPU s", "of the full step", "audio s a second"), shown)
    )
    print(
        f"\nAlone, reading takes {shares[_INPUT]:.1%} of a full step and the LSTMs "
        f"{shares[_LSTMS]:.1%}; the decoder takes {1 - shares[_NO_DECODER]:.1%}."
    )


class _Repeated:
    """The first batches of a distributed dataset, read once, then again and again."""

    def __init__(self, dataset):
        self.element_spec = dataset.element_spec
        self._batches = list(itertools.islice(dataset, _CACHED_BATCHES))

    def __iter__(self):
        return itertools.cycle(self._batches)


def _functions(args, info, config) -> dict[str, Callable[[], object]]:
    from wg2.training.strategy import make_strategy
    from wg2.training.trainer import Trainer

    class BenchmarkTrainer(Trainer):
        in_memory = False

        def batches(self, split: str = "train"):
            dataset = super().batches(split)
            return _Repeated(dataset) if self.in_memory else dataset

    training = config.training
    decoding = dataclasses.replace(
        config, training=dataclasses.replace(training, mel_phase_steps=0)
    )
    # The phase without the decoder needs the auxiliary task: a small head of its own.
    without_decoder = dataclasses.replace(
        config,
        resampler=dataclasses.replace(config.resampler, auxiliary_mel=True),
        training=dataclasses.replace(
            training,
            mel_phase_steps=1 << 30,
            mel_phase_window_frames=training.window_frames,
        ),
    )
    strategy = make_strategy("one")
    trainer = BenchmarkTrainer(decoding, info, strategy)
    lstms = _lstms(trainer)
    batches = iter(trainer.batches())
    steps = trainer.training_steps()
    next(steps)  # what it reads from is settled now
    trainer.in_memory = True
    cached_steps = trainer.training_steps()
    mel_trainer = BenchmarkTrainer(without_decoder, info, strategy)
    mel_trainer.in_memory = True
    mel_steps = mel_trainer.training_steps()

    def read() -> None:
        # More than the pipeline has prefetched while the others ran.
        for _ in range(args.batches):
            next(batches)

    return {
        _FULL: lambda: next(steps),
        _CACHED: lambda: next(cached_steps),
        _NO_DECODER: lambda: next(mel_steps),
        _LSTMS: lstms,
        _INPUT: read,
    }


def _lstms(trainer) -> Callable[[], object]:
    """Encoder, duration and range LSTMs of the trainer's model, on one real batch."""
    import tensorflow as tf

    batch = next(iter(trainer.batches()))
    lengths = batch["phoneme_lengths"]
    resampler = trainer.model.resampler
    predictors = (resampler.duration_predictor, resampler.range_predictor)
    stacks = [[trainer.model.encoder.lstm], *(p.lstms for p in predictors)]
    size, time = batch["phoneme_ids"].shape[:2]
    inputs = [
        tf.random.stateless_normal(
            (size, time, stack[0].forward_weights[0].shape[0]), (0, i)
        )
        for i, stack in enumerate(stacks)
    ]
    weights = [w.value for stack in stacks for lstm in stack for w in lstm.weights]
    weights = [w for w in weights if w.dtype.is_floating]

    @tf.function(autograph=False)
    def gradients(lengths, *inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            total = 0.0
            for stack, x in zip(stacks, inputs, strict=True):
                for lstm in stack:
                    x = lstm(x, lengths, training=True)
                total += tf.reduce_sum(tf.cast(x, tf.float32))
        return tape.gradient(total, [*inputs, *weights])

    return lambda: gradients(lengths, *inputs)


if __name__ == "__main__":
    sys.exit(main())
