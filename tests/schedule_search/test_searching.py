"""The search, by made values of known minimum."""

import numpy as np
import pytest

from wg2.diffusion.schedule import derived_schedule, training_level_range
from wg2.presets import TINY
from wg2.schedule_search.searching import search_schedule
from wg2.schedule_search.warping import log_snr, num_parameters, warped_schedule


def bowl(target):
    """Values that are 1 at `target` and grow with the square of the distance."""
    wanted = log_snr(target.noise_level_bounds[1:])

    def value(schedule):
        asked.append(schedule)
        distance = log_snr(schedule.noise_level_bounds[1:]) - wanted
        return 1.0 + float(np.square(distance).mean())

    asked = []
    return value, asked


@pytest.mark.parametrize(("steps", "evaluations"), [(4, 60), (6, 200), (25, 300)])
def test_a_known_minimum_is_found(steps, evaluations):
    parameters = np.array([0.8, -0.6, 0.4, -0.9, 0.5])[: num_parameters(steps)]
    target = warped_schedule(TINY, steps, parameters)
    value, _ = bowl(target)
    found = search_schedule(TINY, steps, value, evaluations)
    assert found.derived_value == value(derived_schedule(TINY, steps)) > 1.2
    assert found.value == value(found.schedule)
    assert found.value < 1.01
    np.testing.assert_allclose(
        log_snr(found.schedule.noise_level_bounds[1:]),
        log_snr(target.noise_level_bounds[1:]),
        atol=0.25,  # of a range of 18
    )


def test_ends_of_every_candidate_are_those_of_training():
    value, asked = bowl(warped_schedule(TINY, 6, np.array([2.5, -2.0, 1.0, -1.5])))
    search_schedule(TINY, 6, value, 50)
    for schedule in asked:
        levels = schedule.noise_level_bounds[1:]
        np.testing.assert_allclose(
            [levels[0], levels[-1]], training_level_range(TINY), rtol=1e-12
        )
        assert np.all(np.diff(levels) < 0)


def test_the_derived_schedule_stays_where_nothing_is_better():
    derived = derived_schedule(TINY, 6)
    value, asked = bowl(derived)
    found = search_schedule(TINY, 6, value, 40)
    assert found.schedule == derived
    assert found.value == found.derived_value == 1.0
    assert len(asked) > 5  # it was not for lack of trying


def test_a_result_is_never_worse_than_the_derived_schedule():
    generator = np.random.default_rng(3)
    for evaluations in (1, 2, 7, 30):
        values = {}

        def chance(schedule, values=values):
            return values.setdefault(schedule, generator.uniform(0.5, 1.5))

        found = search_schedule(TINY, 5, chance, evaluations)
        assert found.value == min(values.values()) == values[found.schedule]
        assert found.derived_value == values[derived_schedule(TINY, 5)]


@pytest.mark.parametrize("evaluations", [1, 2, 9, 33])
def test_no_more_candidates_are_measured_than_asked_for(evaluations):
    value, asked = bowl(warped_schedule(TINY, 8, np.array([1.0, 0.0, -1.0, 0.0, 1.0])))
    found = search_schedule(TINY, 8, value, evaluations)
    assert asked[0] == derived_schedule(TINY, 8)
    assert len(asked) == found.evaluations == evaluations


def test_a_longer_search_begins_as_a_shorter_one():
    value, asked = bowl(warped_schedule(TINY, 6, np.array([0.8, -0.6, 0.4, -0.9])))
    search_schedule(TINY, 6, value, 12)
    first = asked[:]
    asked.clear()
    search_schedule(TINY, 6, value, 30)
    assert asked[:12] == first and len(asked) == 30


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 0.0, -1.0])
def test_values_must_be_above_zero(bad):
    with pytest.raises(ValueError, match="above 0"):
        search_schedule(TINY, 4, lambda schedule: bad, 5)
