"""Real-time factor of synthesis, and the noise generator's share of it.

    python -m benchmarks.synthesis --config small --steps 6 50 --batch-sizes 1 8
    python -m benchmarks.synthesis --voice voices/slt

The reference is the decoder alone, as often over as much audio. What `Synthesizer`
takes beyond it is text front end, encoder, sampler and noise.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.measuring import interleaved, parser, positive, run, table

_REFERENCE_PASSES = 6
"""Of the decoder; the reference is their time, scaled to the steps."""


def build_parser():
    result = parser("synthesis", "Real-time factor of synthesis.", repetitions=2)
    source = result.add_mutually_exclusive_group()
    source.add_argument(
        "--config", default="small", help="preset or file; its weights are random"
    )
    source.add_argument("--voice", type=Path, help="a voice, instead of --config")
    result.add_argument("--text", default="Hello.", help="what every row says")
    result.add_argument("--steps", type=positive, nargs="+", default=[6, 50])
    result.add_argument("--batch-sizes", type=positive, nargs="+", default=[1, 8])
    return result


def main(argv: Sequence[str] | None = None) -> int:
    return run(build_parser(), _report, argv)


def _report(args) -> None:
    from wg2.inference import Synthesizer
    from wg2.voice import Voice

    voice = Voice.load(args.voice) if args.voice else _random_voice(args.config)
    synthesizer = Synthesizer(voice, batch_size=max(args.batch_sizes))
    print(
        f"{voice.config.name}, {voice.config.audio.sample_rate_hz} Hz, ddpm, float32; "
        f"medians of {args.repetitions}\n"
    )
    rows = []
    for batch_size in args.batch_sizes:
        for steps in args.steps:
            rows.append(_measure(args, synthesizer, batch_size, steps))
    header = (
        "batch",
        "steps",
        "audio s",
        "seconds",
        "real-time factor",
        "of the decoder alone",
        "noise generator",
    )
    print(table(header, rows))


def _random_voice(name: str):
    """A voice of random weights: as slow as a trained one."""
    from wg2.models.wavegrad2 import WaveGrad2
    from wg2.models.weights import get_weights
    from wg2.presets import load_config
    from wg2.voice import Card, Voice

    config = load_config(name)
    model = WaveGrad2(config, seed=0)
    model.build()
    card = Card("random", config.text.language, "CC0-1.0", {}, "", 0)
    return Voice(config, get_weights(model), card)


def _measure(args, synthesizer, batch_size: int, steps: int) -> tuple:
    texts = [args.text] * batch_size

    def speak(steps=steps):
        return synthesizer.speak(texts, steps=steps, sampler="ddpm")

    # Traces: the graph is the same for any number of steps.
    samples = [len(utterance.audio) for utterance in speak(1)]
    passes = min(steps, _REFERENCE_PASSES)
    decoder, noise = _parts(synthesizer, batch_size, max(samples), passes, steps)
    for warm_up in (decoder, noise):
        warm_up()
    timings = interleaved(
        {"all": speak, "decoder": decoder, "noise": noise},
        args.repetitions,
        warm_up=0,
    )
    whole = timings["all"]
    seconds = sum(samples) / synthesizer.sample_rate_hz
    return (
        batch_size,
        steps,
        f"{seconds:.2f}",
        f"{whole.seconds:.2f}",
        f"{whole.seconds / seconds:.2f}",
        f"{whole.ratio_to(timings['decoder']) * passes / steps:.2f}",
        f"{timings['noise'].ratio_to(whole):.1%}",
    )


def _parts(
    synthesizer, batch_size: int, num_samples: int, passes: int, steps: int
) -> tuple[Callable[[], object], Callable[[], object]]:
    """Passes of the decoder, and all noise of one synthesis; padded as there."""
    import tensorflow as tf

    from wg2.diffusion.noise import standard_normal

    model = synthesizer.model
    num_frames = num_samples // synthesizer.config.samples_per_frame
    shape = (batch_size, num_frames, model.encoder.output_channels)
    features = tf.random.stateless_normal(shape, (0, 0))
    audio = tf.random.stateless_normal((batch_size, num_samples), (0, 1))
    level = tf.fill((batch_size,), 0.5)
    mask = tf.ones((batch_size, num_frames), tf.bool)
    seeds = tf.range(batch_size, dtype=tf.int64)
    matrix = tf.TensorSpec((None, None))

    # Unknown lengths, as in synthesis: TensorFlow can simplify less.
    @tf.function(
        autograph=False,
        input_signature=[
            matrix,
            tf.TensorSpec((None, None, shape[-1])),
            tf.TensorSpec((None,)),
            tf.TensorSpec((None, None), tf.bool),
        ],
    )
    def decoder(audio, features, level, mask):
        return tf.while_loop(
            lambda step, _: step < passes,
            lambda step, x: (step + 1, model.decoder(x, features, level, mask)),
            (0, audio),
            shape_invariants=(tf.TensorShape([]), matrix.shape),
        )[1]

    @tf.function(
        autograph=False,
        input_signature=[tf.TensorSpec((None,), tf.int64), tf.TensorSpec((), tf.int32)],
    )
    def noise(seeds, num_samples):
        # The initial noise, and fresh noise at all steps but the last.
        return tf.while_loop(
            lambda draw, _: draw < steps,
            lambda draw, _: (draw + 1, standard_normal(seeds, draw, num_samples)),
            (1, standard_normal(seeds, 0, num_samples)),
            shape_invariants=(tf.TensorShape([]), matrix.shape),
        )[1]

    return (
        lambda: decoder(audio, features, level, mask).numpy(),
        lambda: noise(seeds, num_samples).numpy(),
    )


if __name__ == "__main__":
    sys.exit(main())
