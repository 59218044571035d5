"""Decoder passes against the machine's own matrix product, float32 and bfloat16.

python -m benchmarks.decoder --config base --seconds 2
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence

from benchmarks.measuring import interleaved, parser, positive, run, table

# Backward: one product like the forward one for the inputs, one for the weights.
_BACKWARD_FLOPS = 2
_MATMUL = "matmul"


def build_parser():
    result = parser("decoder", "The decoder against matmul peak.", repetitions=3)
    result.add_argument("--config", default="base", help="preset or file")
    result.add_argument("--seconds", type=float, default=2.0, help="of audio, per row")
    result.add_argument("--batch-size", type=positive, default=1)
    result.add_argument(
        "--precision",
        choices=("float32", "bfloat16", "both"),
        default="both",
    )
    result.add_argument(
        "--matmul-size", type=positive, default=2048, help="rows of the square product"
    )
    return result


def main(argv: Sequence[str] | None = None) -> int:
    return run(build_parser(), _report, argv)


def _report(args) -> None:
    from benchmarks.decoder_flops import decoder_flops
    from wg2.presets import load_config

    config = load_config(args.config)
    num_frames = round(args.seconds * config.frames_per_second)
    if num_frames < 1:
        raise ValueError(f"--seconds {args.seconds} is less than a frame")
    channels = 2 * config.encoder.lstm_units
    pass_flops = args.batch_size * decoder_flops(config.decoder, num_frames, channels)
    audio_seconds = args.batch_size * num_frames / config.frames_per_second
    print(
        f"{config.name} decoder, {args.batch_size} x {num_frames} frames "
        f"({audio_seconds:.2f} s), {pass_flops / 1e9:.1f} GFLOP a forward pass; "
        f"matmul {args.matmul_size}^3; medians of {args.repetitions}\n"
    )
    precisions = (
        ("float32", "bfloat16") if args.precision == "both" else (args.precision,)
    )
    flops = {
        _MATMUL: 2 * args.matmul_size**3,
        "forward": pass_flops,
        "forward + backward": (1 + _BACKWARD_FLOPS) * pass_flops,
    }
    functions = {}
    for precision in precisions:
        for name, function in _functions(
            config, args, num_frames, channels, precision
        ).items():
            functions[precision, name] = function
    timings = interleaved(functions, args.repetitions)
    rows = []
    for (precision, name), timing in timings.items():
        peak = timings[precision, _MATMUL]
        share = flops[name] / flops[_MATMUL] / timing.ratio_to(peak)
        rows.append(
            (
                f"{precision} {name}",
                f"{timing.seconds * 1e3:.1f}",
                f"{timing.cpu_seconds:.2f}",
                f"{flops[name] / timing.seconds / 1e9:.0f}",
                f"{share:.0%}",
                "" if name == _MATMUL else f"{timing.seconds / audio_seconds:.2f}",
            )
        )
    print(
        table(
            ("", "ms", "CPU s", "GFLOP/s", "of matmul peak", "s per audio s"),
            rows,
        )
    )


def _functions(config, args, num_frames: int, channels: int, precision: str):
    """name -> function that runs one product or pass to its end."""
    import tensorflow as tf

    from wg2.models.decoder import WaveGradDecoder

    policy = "float32" if precision == "float32" else f"mixed_{precision}"
    decoder = WaveGradDecoder(**dataclasses.asdict(config.decoder), dtype=policy)
    decoder.build((None, None), (None, None, channels))
    # Zeros, where a preconditioned decoder starts, would make all gradients zero.
    kernel = decoder.output_convolution.kernel
    kernel.assign(tf.random.stateless_normal(kernel.shape, (0, 3)))
    shape = (args.batch_size, num_frames)
    samples = num_frames * config.samples_per_frame
    audio = tf.random.stateless_normal((shape[0], samples), (0, 0))
    noise = tf.random.stateless_normal((shape[0], samples), (0, 4))
    features = tf.random.stateless_normal((*shape, channels), (0, 1))
    level = tf.random.stateless_uniform(shape[:1], (0, 2), 0.1, 0.9)
    weights = [weight.value for weight in decoder.trainable_weights]
    matrix = tf.random.stateless_normal((args.matmul_size,) * 2, (0, 5))
    matrix = tf.cast(matrix, precision)

    @tf.function(autograph=False)
    def forward(audio, features, level):
        return decoder(audio, features, level)

    @tf.function(autograph=False)
    def gradients(audio, features, level, noise):
        with tf.GradientTape() as tape:
            tape.watch(features)
            error = tf.abs(decoder(audio, features, level) - noise)
            loss = tf.reduce_mean(error)
        return tape.gradient(loss, [features, *weights])

    product = tf.function(lambda x: tf.linalg.matmul(x, x), autograph=False)
    return {
        _MATMUL: lambda: product(matrix).numpy(),
        "forward": lambda: forward(audio, features, level).numpy(),
        "forward + backward": lambda: [
            g.numpy() for g in gradients(audio, features, level, noise)[:1]
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
