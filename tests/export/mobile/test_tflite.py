"""The exporter: what a package holds, and what is refused before anything is made."""

import json

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

from export import tflite
from export.mobile import flat_file, verification
from export.mobile.package import MODELS, Package, file_of, sha256
from export.mobile.synthesizer import MobileSynthesizer
from wg2.diffusion.sampler import COLUMN_NAMES, step_table
from wg2.diffusion.schedule import NoiseSchedule, derived_schedule
from wg2.models.receptive_field import receptive_field_frames


def test_every_model_is_there_and_built_in(package_path, capfd):
    facts = Package.load(package_path).facts
    assert set(facts["models"]) == set(MODELS)
    for name in MODELS:
        path = package_path / file_of(name)
        tf.lite.experimental.Analyzer.analyze(model_path=str(path))
        listing = capfd.readouterr().out
        assert "Op#" in listing
        assert "Flex" not in listing and "CUSTOM" not in listing
        for operation in facts["models"][name]["operations"]:
            assert f" {operation}(" in listing


def test_facts_are_the_voices(package_path, voice):
    facts, config = Package.load(package_path).facts, voice.config
    assert facts["sample_rate_hz"] == config.audio.sample_rate_hz
    assert tuple(facts["phonemes"]) == config.text.phonemes
    assert facts["speakers"] == ["ann", "bob"]
    margin = receptive_field_frames(config.decoder)
    window = round(0.3 * config.frames_per_second)
    assert facts["margin_frames"] == margin
    assert facts["window_frames"] == window + 2 * margin
    assert facts["default_steps"] == 3
    schedules = {
        "1": derived_schedule(config, 1),
        "3": NoiseSchedule([0.0001, 0.05, 0.9]),  # the voice's own
        "5": derived_schedule(config, 5),
    }
    assert set(facts["tables"]) == set(schedules)
    for steps, schedule in schedules.items():
        expected = step_table(schedule, "ddpm")
        for index, name in enumerate(COLUMN_NAMES):
            np.testing.assert_array_equal(
                facts["tables"][steps][name], expected[:, index]
            )


def test_inputs_are_described_as_they_are(package_path):
    facts = Package.load(package_path).facts
    for name, model in facts["models"].items():
        interpreter = tf.lite.Interpreter(str(package_path / file_of(name)))
        runner = interpreter.get_signature_runner("serving_default")
        inputs = runner.get_input_details()
        assert set(inputs) == {entry["name"] for entry in model["inputs"]}
        for entry in model["inputs"]:
            actual = inputs[entry["name"]]
            assert actual["shape_signature"].tolist() == entry["shape"]
            assert np.dtype(actual["dtype"]) == np.dtype(entry["type"])
        outputs = runner.get_output_details()
        assert set(outputs) == {entry["name"] for entry in model["outputs"]}
        for entry in model["outputs"]:
            actual = outputs[entry["name"]]
            assert np.dtype(actual["dtype"]) == np.dtype(entry["type"])
            assert len(actual["shape_signature"]) == len(entry["shape"])


def test_files_have_their_checksums_and_the_readme_names_them(package_path):
    facts = Package.load(package_path).facts
    readme = (package_path / "README.md").read_text(encoding="utf-8")
    listed = {path.name for path in package_path.iterdir()} - {"voice.json"}
    assert set(facts["files"]) == listed
    for name, entry in facts["files"].items():
        path = package_path / name
        assert entry == {"bytes": path.stat().st_size, "sha256": sha256(path)}
    for name, model in facts["models"].items():
        assert f"`{file_of(name)}`" in readme
        for entry in model["inputs"]:
            assert f"`{entry['name']}`" in readme
    assert "dictionary.bin" in readme and "homographs.json" in readme
    assert "`speaker_id`" in readme
    assert {"wg2.LICENSE", "cmudict.LICENSE", "g2p_en.LICENSE"} <= listed
    for name in ("wg2", "g2p_en"):
        text = (package_path / f"{name}.LICENSE").read_text(encoding="utf-8")
        assert "Apache License" in text


@pytest.mark.parametrize("precision", ["float16", "int8", "int8-weights"])
def test_other_precisions_speak_nearly_the_same(
    package_path, voice, tmp_path, precision
):
    output = tmp_path / "package"
    distances = tflite.export(
        package_path.parent / "voice", output, precision, steps=(2,), window_seconds=0.2
    )
    assert Package.load(output).facts["precision"] == precision
    for mode, distance in distances.items():
        assert 0 < distance < 0.3, mode
    for name in ("decoder", "decoder_window", "speech"):
        model = flat_file.read((output / file_of(name)).read_bytes())
        stored = [
            {tensor.type for tensor in graph.tensors if is_stored(model, tensor)}
            for graph in model.subgraphs
        ]
        eight_bits = [schema.TensorType.INT8 in types for types in stored]
        if precision == "float16":
            assert not any(eight_bits)
        else:  # in the decoder, and nowhere else
            assert sum(eight_bits) == 1
            assert eight_bits[0] == (name != "speech")
    assert (output / "speech.tflite").stat().st_size < (
        package_path / "speech.tflite"
    ).stat().st_size


def is_stored(model, tensor):
    data = model.buffers[tensor.buffer].data
    return data is not None and len(data) > 0


def test_dilations_stay_dilations(package_path):
    """Taken apart they would cost phones more than twice the time."""
    models = Package.load(package_path).facts["models"]
    for name in ("decoder", "decoder_window", "speech"):
        operations = models[name]["operations"]
        assert operations["CONV_2D"] > 20
        assert not {"SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"} & set(operations)
    assert "SHAPE" not in models["decoder"]["operations"]  # XNNPACK stops there


def test_precision_that_changes_nothing_is_refused(package_path):
    content = (package_path / "decoder.tflite").read_bytes()
    with pytest.raises(ValueError, match="int8 changes nothing"):
        flat_file.change_precision(content, "int8", "all", 512)


BAD = {
    "steps": ({"steps": (0,)}, r"--steps must lie in \[1, 1000\]"),
    "no steps": ({"steps": ()}, "--steps"),
    "window": ({"window_seconds": 0.0}, "--window-seconds"),
    "sampler": ({"sampler": "euler"}, "Unknown sampler 'euler'"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_are_refused_and_nothing_is_left(package_path, tmp_path, case):
    options, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        tflite.export(package_path.parent / "voice", tmp_path / "out", **options)
    assert not list(tmp_path.iterdir())


def test_command_says_one_line(package_path, tmp_path, capsys):
    voice = str(package_path.parent / "voice")
    full = tmp_path / "full"
    full.mkdir()
    (full / "file").touch()
    lexicon = tmp_path / "words.txt"
    lexicon.write_text("bad  QQ\n", encoding="utf-8")
    for arguments, message in (
        (["--voice", voice, "--output", full], "is not empty"),
        (["--voice", tmp_path / "none", "--output", tmp_path / "o"], "none"),
        (
            ["--voice", voice, "--output", tmp_path / "o", "--lexicon", lexicon],
            "words.txt:1",
        ),
    ):
        assert tflite.main([str(argument) for argument in arguments]) == 2
        error = capsys.readouterr().err.strip()
        assert error.startswith("tflite: ") and message in error
        assert "\n" not in error
    assert {path.name for path in tmp_path.iterdir()} == {"full", "words.txt"}


def test_a_package_that_speaks_otherwise_is_not_published(
    package_path, voice, lexicon_path, monkeypatch
):
    right = MobileSynthesizer._table

    def wrong(self, steps):
        table = right(self, steps)
        return {**table, "noise": 0.9 * table["noise"]}

    verification.verify(package_path, voice, lexicon_path, None)
    monkeypatch.setattr(MobileSynthesizer, "_table", wrong)
    with pytest.raises(RuntimeError, match="split differs from the voice"):
        verification.verify(package_path, voice, lexicon_path, None)
    monkeypatch.setattr(MobileSynthesizer, "_table", right)
    pace = MobileSynthesizer._text_inputs

    def slower(self, encoded, length_scale, speaker):
        return pace(self, encoded, 1.2 * length_scale, speaker)

    monkeypatch.setattr(MobileSynthesizer, "_text_inputs", slower)
    with pytest.raises(RuntimeError, match="split speaks at another pace"):
        verification.verify(package_path, voice, lexicon_path, None)
    monkeypatch.setattr(MobileSynthesizer, "_text_inputs", pace)
    with pytest.raises(RuntimeError, match="split reads other phonemes"):
        verification.verify(package_path, voice, None, None)  # without "zyx"
    monkeypatch.setattr(MobileSynthesizer, "_table", wrong)
    monkeypatch.setattr(verification, "MAX_DIFFERENCE", 10)
    monkeypatch.setattr(verification, "MAX_LOG_MEL_DISTANCE", 1e-3)
    with pytest.raises(RuntimeError, match="precision float32 spoils this voice"):
        verification.verify(package_path, voice, lexicon_path, None)


def test_voice_json_is_plain_json(package_path):
    text = (package_path / "voice.json").read_text(encoding="utf-8")
    assert "NaN" not in text and "Infinity" not in text
    assert json.loads(text)["format_version"] == 1
