"""The served graph against the voice in the process: what an export costs.

    python -m export.saved_model --voice voices/slt --output models/slt
    python -m benchmarks.serving_cost --voice voices/slt --model models/slt/1

The reference is `Synthesizer.speak` of the same rows in the same run. Both take plain
text; the export's answer also goes through the checks of its request.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measuring import interleaved, parser, positive, run, table


def build_parser():
    result = parser("serving_cost", "The export against the voice.", repetitions=5)
    result.add_argument("--voice", type=Path, default=Path("voices/slt"))
    result.add_argument("--model", type=Path, required=True, help="models/NAME/VERSION")
    result.add_argument(
        "--text", default="Hello, this is a sentence of ordinary length, spoken once."
    )
    result.add_argument("--steps", type=positive, nargs="+", default=[6, 50])
    result.add_argument("--batch-sizes", type=positive, nargs="+", default=[1, 4])
    return result


def main(argv: Sequence[str] | None = None) -> int:
    return run(build_parser(), _report, argv)


def _report(args) -> None:
    from export.verify import Requests
    from wg2.inference import Synthesizer

    started = time.perf_counter()
    ask = Requests(args.model)
    loaded = time.perf_counter() - started
    voice = Synthesizer.load(args.voice, batch_size=max(args.batch_sizes))
    print(f"{args.model} loaded in {loaded:.1f} s\n")
    rows = [
        _measure(args, ask, voice, batch_size, steps)
        for batch_size in args.batch_sizes
        for steps in args.steps
    ]
    header = ("batch", "steps", "audio s", "voice s", "export s", "export / voice")
    print(table((*header, "difference"), rows))


def _measure(args, ask, voice, batch_size: int, steps: int) -> tuple:
    import json

    import numpy as np

    facts = json.loads((args.model / "assets/serving.json").read_text("utf-8"))
    texts, seeds = [args.text] * batch_size, list(range(batch_size))
    request = {
        "text": np.array(texts, object),
        "seed": np.array(seeds, np.int64),
        "num_steps": np.full(batch_size, steps, np.int32),
        "length_scale": np.ones(batch_size, np.float32),
    }
    speaker = facts["speakers"][0] if facts["speakers"] else None
    if speaker:
        request["speaker"] = np.array([speaker] * batch_size, object)

    def spoken():
        return voice.speak(
            texts, steps=steps, sampler=facts["sampler"], seed=seeds, speaker=speaker
        )

    def served():
        return ask("synthesize", request)

    timings = interleaved({"voice": spoken, "export": served}, args.repetitions)
    answer, utterances = served(), spoken()
    difference = max(
        float(np.abs(row[: len(u.audio)] - u.audio).max())
        for row, u in zip(answer["audio"], utterances, strict=True)
    )
    seconds = sum(len(u.audio) for u in utterances) / voice.sample_rate_hz
    return (
        batch_size,
        steps,
        f"{seconds:.2f}",
        f"{timings['voice'].seconds:.2f}",
        f"{timings['export'].seconds:.2f}",
        f"{timings['export'].ratio_to(timings['voice']):.2f}",
        f"{difference:.1e}",
    )


if __name__ == "__main__":
    sys.exit(main())
