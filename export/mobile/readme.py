"""The README of a package, for the developer of the program around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from export.mobile import package as names

_WHAT = {
    names.ENCODER: "phonemes to features and durations",
    names.UPSAMPLER: "features and durations to frames, any stretch of them",
    names.DECODER: "one refinement step, any length",
    names.DECODER_WINDOW: "the same at one fixed size, for delegates",
    names.NOISE: "the noise of an utterance, any stretch of it",
    names.SPEECH: "all of it in one call, loops included",
    names.G2P: "phonemes of a word that is not in the dictionary",
}


def write(folder: Path, facts: dict[str, Any]) -> None:
    """Writes README.md.

    Args:
        folder: The package's.
        facts: What `voice.json` will say; its models are there already.
    """
    sections = (_head(facts), _files(facts), _steps(facts), _windows(facts), _text())
    content = "\n\n".join(sections) + "\n"
    (folder / names.README_FILE).write_text(content, encoding="utf-8")


def _head(facts: dict[str, Any]) -> str:
    return f"""# {facts["name"]}: a voice for LiteRT (TensorFlow Lite)

{facts["language"]}, {facts["sample_rate_hz"]} Hz, weights in {facts["precision"]}. \
Licence of the voice: {facts["licence"]}

Built-in operations only: no Select TF operations, no custom ones. Every file has one
signature, `{names.SIGNATURE}`, whose inputs and outputs have the names below; -1 is a
length that you choose by resizing the input. Outputs of such lengths have their shape
after the run: ask for it then. `voice.json` has all of this for programs.

A complete program around this package, in Python with LiteRT and numpy only, is in the
sources of wg2, from which this was made: `export/tflite_run.py`, with the loop in
`export/mobile/decoding.py` and everything around it in `export/mobile/synthesizer.py`.
In a checkout of wg2:

```sh
pip install ai-edge-litert numpy
python -m export.tflite_run --package THIS_FOLDER --text "Hello." --output out.wav
```"""


def _files(facts: dict[str, Any]) -> str:
    rows = ["| file | does | inputs | outputs |", "|---|---|---|---|"]
    for name, model in facts["models"].items():
        inputs = "<br>".join(
            f"`{entry['name']}` {entry['type']} {entry['shape']}"
            for entry in model["inputs"]
        )
        outputs = "<br>".join(
            f"`{entry['name']}` {entry['type']} {entry['shape']}"
            for entry in model["outputs"]
        )
        rows.append(
            f"| `{names.file_of(name)}` | {_WHAT[name]} | {inputs} | {outputs} |"
        )
    return (
        "## Files\n\nShip what you use: `speech.tflite`, or encoder, upsampler, noise "
        "and one decoder; `voice.json` with either; `g2p.tflite`, `dictionary.bin` and "
        "`homographs.json` where text is turned into phonemes on the phone.\n\n"
        + "\n".join(rows)
    )


def _steps(facts: dict[str, Any]) -> str:
    columns = ", ".join(f"`{name}`" for name in facts["columns"])
    steps = ", ".join(facts["tables"])
    speakers = ""
    if len(facts["speakers"]) > 1:
        speakers = (
            "\n`speaker_id`, an input of the encoder and of the single file, is a "
            "position in\n`speakers` of `voice.json`."
        )
    return f"""## From phonemes to sound

Phonemes are positions in `phonemes` of `voice.json`. A sequence begins with `sil`, has
`sil` or a mark of punctuation between words, and ends with a mark or `sil`, then
`<eos>`. `pauses_seconds` is -1 where the model decides, else how long that pause is.
`length_scale` in [0.1, 10] is the pace, above 1 is slower.{speakers}

`tables` of `voice.json` has the coefficients for {steps} steps ({facts["sampler"]}),
the noisiest step first, in columns: {columns}. The default is \
{facts["default_steps"]} steps.

**One call**: `speech.tflite` takes the table as `[1, steps, {len(facts["columns"])}]`,
its columns in this order.

**Your own loop**, to show progress, to stop, to stream:

```text
features, durations = encoder(phoneme_ids, pauses_seconds, length_scale)
num_frames = max(1, sum(durations))
frames = upsampler(features, durations, first_frame=0, num_frames)
audio = noise(seed, draw=0, first_sample=0, num_frames * {facts["samples_per_frame"]})
clean = zeros
for step, row in table:
    predicted = decoder(audio, frames, row.level)
    next = row.sample * audio + row.noise * predicted + row.previous_clean * clean
    if row.fresh_noise != 0:
        next += row.fresh_noise * noise(seed, draw=step + 1, first_sample=0, ..)
    clean = row.clean_sample * audio + row.clean_noise * predicted
    audio = next
```

`audio` is float in [-1, 1], {facts["sample_rate_hz"]} Hz, mono, and may exceed it a
little: clip it. Equal seeds give equal sound on every device, up to rounding."""


def _windows(facts: dict[str, Any]) -> str:
    margin, window = facts["margin_frames"], facts["window_frames"]
    return f"""## Long texts, streaming, delegates

A step's result depends on {margin} frames on either side (`margin_frames`). So a step
may be computed block by block: give the decoder each block and {margin} frames around
it, cut at the ends of the utterance, and keep the inside. The result is that of the
whole.

For streaming, a window of the sound needs {margin} frames more on both sides for every
step that is still to come, and only there: noise has an absolute position.

`decoder_window.tflite` has static shapes: {window} frames, of which the inner \
{window - 2 * margin} count. `mask` is 1 inside of the utterance and 0 outside; audio
and frames are 0 there."""


def _text() -> str:
    return """## From text to phonemes

The models speak phonemes. Turning text into them on the phone is a program of its own:
`wg2/text` of wg2 writes numbers and abbreviations out by some 1,700 rules (each a
pattern and a replacement that any engine for regular expressions takes), looks words
up, chooses between homographs by part of speech, takes stems and compounds apart, and
sets "the", "a" and "to" by what follows. Port as much of it as your texts need, or make
phonemes on a server. What it needs of data is here:

`dictionary.bin` holds all pronunciations (the CMU dictionary). Little-endian:

```text
8 bytes   WG2DICT1
uint32    words, blocks, bytes of the names of phonemes
names     separated by spaces; a phoneme is its index there
uint32[]  where each block begins, in bytes from the end of this table
blocks    16 words each, in the order of their UTF-8 bytes; a word is:
          uint8 bytes shared with the word before (0 for the first of a block)
          uint8 further bytes, then those bytes
          uint8 pronunciations, for each: uint8 phonemes, then one uint8 for every one
```

`homographs.json` has, for words such as "read", the pronunciation where the part of
speech (Penn Treebank) begins with one of `tags`, and the other one. `g2p.tflite` takes
the letters of a word as positions in `g2p_letters` of `voice.json` (at most 32, then
`</s>`) and gives positions in `g2p_phonemes`; the first `</s>` (3) ends them, and what
is empty there is no sound."""
