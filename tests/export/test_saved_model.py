"""The exported voice: what it answers, what it refuses, and what verification finds."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from export import request_logs, saved_model, verify
from export.verify import Requests
from wg2.audio import wav
from wg2.inference import Synthesizer

TEXTS = [
    "Hello world.",
    "Dr. Smith has 3 dogs, [300ms] and one more sentence!",
    "yes",
    "",
]
SEEDS = [7, -8, 1 << 62, 7]
STEPS = [2, 5, 3, 1]
SCALES = [1.0, 0.7, 2.0, 1.0]
SPEAKERS = ["bob", "ann", "ann", "bob"]


@pytest.fixture(scope="module")
def version(model_path):
    return model_path / "1"


@pytest.fixture(scope="module")
def ask(version):
    return Requests(version)


@pytest.fixture(scope="module")
def voice(voice_path):
    return Synthesizer.load(voice_path)


def settings(rows, **changed):
    values = {
        "seed": np.array([SEEDS[i] for i in rows], np.int64),
        "num_steps": np.array([STEPS[i] for i in rows], np.int32),
        "length_scale": np.array([SCALES[i] for i in rows], np.float32),
        "speaker": np.array([SPEAKERS[i] for i in rows], object),
    }
    return values | changed


def text_request(rows, **changed):
    return {"text": np.array([TEXTS[i] for i in rows], object), **settings(rows)} | (
        changed
    )


@pytest.fixture(scope="module")
def batch(ask):
    return ask("synthesize", text_request(range(4)))


def test_rows_of_a_batch_are_what_the_voice_speaks_alone(voice, batch):
    for row in range(3):
        (spoken,) = voice.speak(
            [TEXTS[row]],
            seed=SEEDS[row],
            steps=STEPS[row],
            length_scale=SCALES[row],
            speaker=SPEAKERS[row],
        )
        count = batch["num_samples"][row]
        assert count == len(spoken.audio)
        np.testing.assert_allclose(batch["audio"][row, :count], spoken.audio, atol=1e-4)
        ids = batch["phoneme_ids"][row, : batch["num_phonemes"][row]]
        inventory = voice.config.text.phonemes
        assert tuple(inventory[i] for i in ids) == spoken.phonemes


def test_durations_sum_to_the_samples_and_padding_is_zero(voice, batch):
    frames = batch["durations"].sum(axis=1)
    np.testing.assert_array_equal(
        frames * voice.config.samples_per_frame, batch["num_samples"]
    )
    for row, count in enumerate(batch["num_samples"]):
        assert not batch["audio"][row, count:].any()
        assert not batch["durations"][row, batch["num_phonemes"][row] :].any()


@pytest.mark.parametrize("row", range(4))
def test_a_row_alone_is_the_same(ask, batch, row):
    alone = ask("synthesize", text_request([row]))
    for name, value in alone.items():
        expected = batch[name][row]
        if expected.ndim:
            assert not expected[value.shape[1] :].any()
            expected = expected[: value.shape[1]]
        np.testing.assert_allclose(value[0], expected, atol=1e-4)


def test_phonemes_padded_with_their_first_element_give_what_the_text_gives(ask, batch):
    rows = [2, 0]  # neither asks for a pause
    lengths = batch["num_phonemes"][rows]
    ids = batch["phoneme_ids"][rows, : lengths.max() + 5].copy()
    for row, length in zip(ids, lengths, strict=True):
        row[length:] = ids[0, 0]
    answer = ask(
        "synthesize_phonemes",
        {"phoneme_ids": ids, "num_phonemes": lengths, **settings(rows)},
    )
    for i, row in enumerate(rows):
        count = batch["num_samples"][row]
        assert answer["num_samples"][i] == count
        np.testing.assert_allclose(
            answer["audio"][i, :count], batch["audio"][row, :count], atol=1e-4
        )
        assert not answer["audio"][i, count:].any()


def test_default_signature_speaks_as_the_voice_does_without_settings(ask, voice):
    answer = ask("serving_default", {"text": np.array(TEXTS[:1], object)})
    (spoken,) = voice.speak(TEXTS[:1], speaker="ann")
    np.testing.assert_allclose(answer["audio"][0], spoken.audio, atol=1e-4)
    files = ask("wav", {"text": np.array(TEXTS[:2], object)})["wav_bytes"]
    samples, _ = wav.to_int16(answer["audio"][0])
    expected = wav.to_bytes(samples, voice.sample_rate_hz)
    assert files[0][:44] == expected[:44]
    assert len(files[0]) == len(expected)
    apart = np.frombuffer(files[0][44:], "<i2").astype(int) - samples
    assert np.abs(apart).max() <= 1
    assert files[1][:4] == b"RIFF"


def test_windows_of_slices_join_to_the_whole(ask, batch):
    """The slices that a streaming client sends: the window and its context only."""
    row = 1
    scale = np.array([SCALES[row]], np.float32)
    request = text_request([row])
    encoded = ask(
        "encode",
        {"text": request["text"], "length_scale": scale, "speaker": request["speaker"]},
    )
    total = int(encoded["num_frames"][0])
    context = int(encoded["margin_frames_per_step"][0]) * STEPS[row]
    pieces = []
    for first in range(0, total, 37):
        start = max(first - context, 0)
        end = min(first + 37 + context, total)
        window = {
            "features": encoded["features"][:, start:end],
            "features_first_frame": [start],
            "num_frames": [total],
            "first_frame": [first],
            "window_frames": [37],
            "seed": request["seed"],
            "num_steps": request["num_steps"],
        }
        answer = ask("decode_window", window)
        pieces.append(answer["audio"][0, : answer["num_samples"][0]])
        if start:
            window["features"] = window["features"][:, 1:]
            window["features_first_frame"] = [start + 1]
            assert "features must cover" in ask.refusal("decode_window", window)
    assert len(pieces) > 2
    joined = np.concatenate(pieces)
    np.testing.assert_allclose(joined, batch["audio"][row, : len(joined)], atol=1e-4)
    assert len(joined) == batch["num_samples"][row]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"num_steps": [0]}, "num_steps must lie in 1 .. 1000"),
        ({"num_steps": [-(2**31)]}, "num_steps must lie in 1 .. 1000"),
        ({"num_steps": [1001]}, "num_steps must lie in 1 .. 1000"),
        ({"length_scale": [0.0]}, "length_scale must lie in 0.1 .. 10"),
        ({"length_scale": [np.nan]}, "length_scale must lie in 0.1 .. 10"),
        ({"length_scale": [np.inf]}, "length_scale must lie in 0.1 .. 10"),
        ({"speaker": np.array(["eve"], object)}, "speaker must be one of: ann, bob"),
        ({"text": np.array(["x" * 100_000], object)}, "8192 bytes"),
        ({"text": np.array(["[10s]" * 91], object)}, "900 s at most (max_seconds)"),
        ({"text": np.array(["1" * 8192], object)}, "fewer than 8192 phonemes"),
        ({"seed": [1, 2]}, "same number of rows"),
        ({name: value[:0] for name, value in text_request([0]).items()}, "1 to 64"),
    ],
)
def test_what_passes_a_limit_is_refused_by_its_name(ask, changed, message):
    assert message in ask.refusal("synthesize", text_request([0], **changed))


def test_long_rows_in_large_batches_are_refused(ask):
    text = np.array(["[10s]" * 80] * 3, object)
    message = ask.refusal("synthesize", text_request([0] * 3, text=text))
    assert "1800 s of sound at most (max_total_seconds)" in message
    ids = np.full((64, 2000), 2, np.int32)
    request = {"phoneme_ids": ids, "num_phonemes": np.full(64, 3, np.int32)}
    message = ask.refusal("synthesize_phonemes", request | settings([0] * 64))
    assert "65536 phonemes at most (max_total_phonemes)" in message


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"num_phonemes": [4]}, "num_phonemes must lie"),
        ({"num_phonemes": [0]}, "num_phonemes must lie"),
        ({"phoneme_ids": [[2, 99, 1]]}, "phoneme_ids must lie in 0 .. 77"),
        ({"phoneme_ids": [[2, -1, 1]]}, "phoneme_ids must lie in 0 .. 77"),
    ],
)
def test_phonemes_that_are_none_are_refused(ask, changed, message):
    request = {"phoneme_ids": [[2, 9, 1]], "num_phonemes": [3], **settings([0])}
    assert message in ask.refusal("synthesize_phonemes", request | changed)


@pytest.mark.parametrize("name", ["features_first_frame", "num_frames", "first_frame"])
@pytest.mark.parametrize("value", [-1, 10**9])
def test_windows_outside_of_an_utterance_are_refused(ask, served_config, name, value):
    # The speaker's embedding stands behind the encoder's output.
    encoder = served_config.encoder
    channels = 2 * encoder.lstm_units + encoder.speaker_channels
    window = {
        "features": np.zeros((1, 4, channels), np.float32),
        "features_first_frame": [0],
        "num_frames": [4],
        "first_frame": [0],
        "window_frames": [2],
        "seed": [0],
        "num_steps": [1],
    }
    assert not ask.refusal("decode_window", window)
    assert f"{name} must lie in" in ask.refusal(
        "decode_window", window | {name: [value]}
    )


def test_assets_say_what_was_exported(version, served_config):
    facts = json.loads((version / "assets/serving.json").read_text("utf-8"))
    assert facts["limits"]["max_text_bytes"] == 8192
    assert facts["stored_schedules"] == [3]
    assert facts["speakers"] == ["ann", "bob"]
    assert facts["default_num_steps"] == served_config.diffusion.synthesis_steps
    names = {path.name for path in (version / "assets").iterdir()}
    assert {"config.json", "card.json", "LICENSE", "cmudict.LICENSE"} <= names


def test_every_signature_is_warmed_up(version):
    logs = request_logs.read(version / "assets.extra/tf_serving_warmup_requests")
    assert {signature for signature, _, _ in logs} == set(verify.SIGNATURES)


def test_verification_imports_nothing_of_wg2():
    code = (
        "import sys, export.verify, export.request_logs\n"
        "sys.exit(any(m.split('.')[0] == 'wg2' for m in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_verification_finds_an_answer_that_differs(ask, version, tmp_path):
    golden = "assets.extra/golden_requests"
    logs = list(request_logs.read(version / golden))
    copy = tmp_path / "1"
    (copy / "assets.extra").mkdir(parents=True)
    warmup = "assets.extra/tf_serving_warmup_requests"
    shutil.copy(version / warmup, copy / warmup)
    logs[0][2]["audio"][0, 100] += 2e-4
    logs[2][2]["num_samples"][0] += 1
    request_logs.write(copy / golden, logs)
    found = list(verify.replay(ask, copy))
    assert len(found) == 2
    assert "golden request 0 (synthesize): audio is 0.0002" in found[0]
    assert "golden request 2 (serving_default): num_samples" in found[1]


def test_verification_finds_what_is_missing(version, tmp_path):
    copy = tmp_path / "1"
    shutil.copytree(version, copy)
    (copy / "assets.extra/tf_serving_warmup_requests").unlink()
    lines = []
    found = verify.verify(copy, lines.append)
    assert found == ["assets.extra/tf_serving_warmup_requests is missing"]
    with pytest.raises(ValueError, match="no SavedModel"):
        verify.verify(tmp_path, lines.append)


def save(tmp_path, function, *specs):
    module = tf.Module()
    module.generator = GENERATOR
    module.function = tf.function(function, input_signature=specs)
    tf.saved_model.save(module, str(tmp_path), signatures=module.function)
    data = (tmp_path / "saved_model.pb").read_bytes()
    return saved_model_pb2.SavedModel.FromString(data).meta_graphs[0]


GENERATOR = tf.random.Generator.from_seed(1)
FLOATS = tf.TensorSpec([None], tf.float32, "x")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x + tf.random.normal(tf.shape(x)), "RandomStandardNormal depends"),
        (lambda x: tf.random.shuffle(x), "RandomShuffle depends"),
        (lambda x: GENERATOR.normal([3]) + x[0], "RngReadAndSkip depends"),
        (lambda x: tf.numpy_function(np.sin, [x], tf.float32), "PyFunc needs the proc"),
        (tf.function(lambda x: x + 1, jit_compile=True), "jit_compile, which servers"),
        (lambda x: tf.strings.length(tf.io.read_file("f")), "ReadFile reaches outside"),
    ],
)
def test_operations_that_servers_refuse_are_found(tmp_path, function, message):
    def answer(x):
        return {"y": tf.cast(function(x), tf.float32)}

    found = list(verify.audit_operations(save(tmp_path, answer, FLOATS)))
    assert any(message in finding for finding in found), found


def test_plain_operations_are_not_found_fault_with(tmp_path):
    meta_graph = save(
        tmp_path,
        lambda x: {
            "y": tf.while_loop(lambda y: tf.reduce_max(y) < 3, lambda y: [y + 1], [x])[
                0
            ]
        },
        FLOATS,
    )
    assert not list(verify.audit_operations(meta_graph))


def test_signatures_that_break_json_or_batching_are_found(tmp_path, version):
    scalar = tf.TensorSpec([], tf.float32, "seed")
    half = save(
        tmp_path,
        lambda x, seed: {"audio": tf.cast(x, tf.float16) + tf.cast(seed, tf.float16)},
        FLOATS,
        scalar,
    )
    half.signature_def["synthesize"].CopyFrom(half.signature_def["serving_default"])
    found = "\n".join(verify.audit_signatures(half, speakers=False))
    for expected in (
        "signature wav is missing",
        "serving_default: inputs ['seed', 'x'], not ['text']",
        "synthesize: seed has shape [], its first must be the batch",
        "synthesize: audio is float16, no JSON type",
    ):
        assert expected in found


def test_existing_versions_are_counted_and_never_replaced(tmp_path, voice_path):
    for name in ("3", "0012", "notes", ".export-13.abc"):
        (tmp_path / name).mkdir()
    assert saved_model._choose_version(tmp_path, None) == 13
    assert saved_model._choose_version(tmp_path / "new", None) == 1
    with pytest.raises(ValueError, match="a version 12 already"):
        saved_model.export(voice_path, tmp_path, 12)
    with pytest.raises(ValueError, match=">= 0"):
        saved_model.export(voice_path, tmp_path, -1)


def test_what_does_not_pass_leaves_nothing_behind(tmp_path, voice_path, monkeypatch):
    def write(directory, *_):
        (directory / "saved_model.pb").write_bytes(b"damaged")

    monkeypatch.setattr(saved_model, "_write", write)
    with pytest.raises(RuntimeError, match=r"did not pass .* is missing"):
        saved_model.export(voice_path, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sampler", "euler"], "Unknown sampler 'euler'"),
        (["--lexicon", "missing.txt"], "missing.txt"),
        (["--voice", "nowhere"], "not a voice"),
    ],
)
def test_bad_arguments_are_one_line(tmp_path, voice_path, capsys, arguments, message):
    options = ["--voice", str(voice_path), "--output", str(tmp_path / "models")]
    assert saved_model.main([*options, *arguments]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("saved_model: ")
    assert message in error
    assert "\n" not in error
    assert not [p for p in (tmp_path / "models").glob("*") if p.name.isdecimal()]
