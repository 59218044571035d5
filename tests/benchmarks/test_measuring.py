"""Interleaved timing and the tables."""

import pytest

from benchmarks.measuring import Timing, interleaved, parser, run, table


def test_every_function_runs_in_turn_after_its_warm_up():
    calls = []
    functions = {name: (lambda name=name: calls.append(name)) for name in "abc"}
    timings = interleaved(functions, repetitions=3, warm_up=2)
    assert "".join(calls) == "aabbcc" + "abc" + "cba" + "abc"
    assert {len(t.wall) for t in timings.values()} == {3}
    assert {len(t.cpu) for t in timings.values()} == {3}


def test_ratio_is_the_median_over_turns_not_of_medians():
    """A slow second turn disturbs both alike."""
    mine, reference = Timing([2.0, 20.0, 30.0]), Timing([1.0, 10.0, 5.0])
    assert mine.ratio_to(reference) == 2.0
    assert reference.ratio_to(mine) == 0.5
    assert mine.seconds == 20.0


def test_table_aligns_names_left_and_figures_right():
    assert table(("", "ms"), [("a", "1.5"), ("long", "12.5")]) == (
        "        ms\na      1.5\nlong  12.5"
    )


@pytest.mark.parametrize("value", ["0", "-1"])
def test_counts_below_1_are_refused(value, capsys):
    with pytest.raises(SystemExit):
        parser("x", "", 3).parse_args(["--repetitions", value])
    assert "must be at least 1" in capsys.readouterr().err


def test_a_run_says_on_what_and_then_reports(capsys):
    assert run(parser("x", "", 3), lambda args: print(args.repetitions), []) == 0
    out, err = capsys.readouterr()
    assert "TensorFlow" in out and out.endswith("\n3\n") and not err


@pytest.mark.parametrize("error", [ValueError("no such thing"), OSError("disk full")])
def test_bad_input_ends_in_one_line(capsys, error):
    def report(args):
        raise error

    assert run(parser("x", "", 3), report, []) == 2
    assert capsys.readouterr().err == f"x: {error}\n"
