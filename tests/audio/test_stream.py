"""Recordings through a pipe."""

from __future__ import annotations

import io

import numpy as np
import pytest

from wg2.audio import stream


def test_recordings_arrive_as_they_were_sent():
    pipe = io.BytesIO()
    sent = [
        (np.random.default_rng(i).normal(size=n).astype("f4"), rate)
        for i, (n, rate) in enumerate([(7, 8000), (0, 22050), (3, 16000)])
    ]
    for audio, rate in sent:
        stream.write(pipe, audio, rate)
    pipe.seek(0)
    for audio, rate in sent:
        received, received_rate = stream.read(pipe)
        np.testing.assert_array_equal(received, audio)
        assert received.dtype == np.float32 and received_rate == rate
    assert stream.read(pipe) is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"RIFF\n", "Received: b'RIFF"),
        (b"[1]\n", "expected a line such as"),
        (b'{"sample_rate_hz": 8000}\n', "expected a line such as"),
        (b'{"sample_rate_hz": 0, "num_samples": 1}\n0000', "expected a line such as"),
        (
            b'{"sample_rate_hz": 1, "num_samples": 2}\n0000000',
            "expected 2 samples. Received: 1",
        ),
    ],
)
def test_what_is_no_recording_is_refused(data, message):
    with pytest.raises(ValueError) as error:
        stream.read(io.BytesIO(data))
    assert message in str(error.value)
