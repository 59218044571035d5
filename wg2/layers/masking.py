"""Lengths to masks, and what follows from masks. True marks what is valid."""

from __future__ import annotations

from keras import ops


def sequence_mask(lengths, max_length):
    """True where a position lies inside its sequence.

    Args:
        lengths: int `(batch,)`.
        max_length: int or scalar int tensor.

    Returns:
        bool `(batch, max_length)`.
    """
    return ops.arange(max_length)[None, :] < ops.cast(lengths, "int32")[:, None]


def zero_invalid(x, mask):
    """`x` with zeros where `mask` is False; `x` itself where there is no mask.

    A convolution sees zeros beyond the ends of a lone utterance, so a padded one must
    show it zeros there too.

    Args:
        x: `(batch, time, channels)` or `(batch, 1, time, channels)`.
        mask: bool `(batch, time)`, or 1 and 0 as `(batch, 1, time, 1)`, or None.
    """
    if mask is None:
        return x
    mask = ops.cast(mask, x.dtype)
    return x * (mask if len(mask.shape) == 4 else ops.expand_dims(mask, -1))


def masked_sum_and_count(values, mask):
    """Sum of the valid values and their number, both float32 scalars.

    Args:
        values: `(batch, time)` or `(batch, time, channels)`.
        mask: bool `(batch, time)`.
    """
    values = ops.cast(values, "float32")
    mask = ops.cast(mask, "float32")
    if len(values.shape) == 3:
        mask = ops.broadcast_to(mask[:, :, None], ops.shape(values))
    return ops.sum(values * mask), ops.sum(mask)


def gather_rows(x, index):
    """Per batch row, the entries of axis 1 that `index` names.

    Args:
        x: `(batch, time, ...)`.
        index: int32 `(batch, n)`, every value in `[0, time)`.

    Returns:
        `(batch, n, ...)`.
    """
    batch, time = ops.shape(x)[0], ops.shape(x)[1]
    flat = ops.reshape(x, (-1, *ops.shape(x)[2:]))
    offsets = ops.arange(batch, dtype="int32")[:, None] * time
    return ops.take(flat, index + offsets, axis=0)


def reverse_sequences(x, lengths):
    """Every row reversed within its own length; padding stays behind.

    Args:
        x: `(batch, time, channels)`.
        lengths: int `(batch,)`.
    """
    time = ops.shape(x)[1]
    positions = ops.arange(time, dtype="int32")[None, :]
    lengths = ops.cast(lengths, "int32")[:, None]
    index = ops.where(positions < lengths, lengths - 1 - positions, positions)
    return gather_rows(x, index)
