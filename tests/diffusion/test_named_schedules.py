"""Schedules as users write them."""

import json

import numpy as np
import pytest

from wg2.diffusion.named_schedules import make_schedule
from wg2.diffusion.schedule import NoiseSchedule, derived_schedule
from wg2.presets import BASE, SMALL

BETAS = [1e-6, 0.02, 0.7]


def test_names_give_their_schedules():
    assert make_schedule(SMALL, 6) == derived_schedule(SMALL, 6)
    assert make_schedule(BASE).num_steps == BASE.diffusion.synthesis_steps
    linear = make_schedule(BASE, 50, "linear")
    np.testing.assert_allclose(linear.betas[[0, -1]], [1e-6, 0.01])
    assert make_schedule(BASE, 25, "fibonacci") == NoiseSchedule.fibonacci(25)


@pytest.mark.parametrize("kind", ["list", "text", "schedule", "json", "npy", "txt"])
def test_betas_are_read_from_wherever_they_stand(kind, tmp_path):
    path = tmp_path / f"betas.{kind}"
    if kind == "json":
        path.write_text(json.dumps(BETAS))
    elif kind == "npy":
        np.save(path, BETAS)
    elif kind == "txt":
        path.write_text("1e-6\n0.02, 0.7\n")
    source = {
        "list": BETAS,
        "text": "1e-6, 0.02,0.7",
        "schedule": NoiseSchedule(BETAS),
    }.get(kind, path)
    for steps in (None, 3):
        np.testing.assert_array_equal(make_schedule(BASE, steps, source).betas, BETAS)
    with pytest.raises(ValueError, match=r"--steps 4 contradicts.* 3 betas"):
        make_schedule(BASE, 4, source)


@pytest.mark.parametrize("text", ["cosine", "0.1;0.2", '{"betas": [0.1]}'])
def test_what_is_no_schedule_is_refused(text, tmp_path):
    with pytest.raises(ValueError, match="no noise schedule"):
        make_schedule(BASE, None, text)
    path = tmp_path / "betas.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"betas.json.*no noise schedule"):
        make_schedule(BASE, None, path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing.npy"):
        make_schedule(BASE, None, tmp_path / "missing.npy")


def test_zero_steps_are_refused():
    for name in ("derived", "linear", "fibonacci"):
        with pytest.raises(ValueError, match="at least 1"):
            make_schedule(BASE, 0, name)
