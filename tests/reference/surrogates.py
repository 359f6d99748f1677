"""Plain NumPy forms of the surrogates."""

from __future__ import annotations

import numpy as np


def philox(seed: int, row: int, draw: int, n_words: int) -> list[int]:
    """64-bit words of the stream (seed, row, draw): Philox4x32-10 as published."""
    mask = 0xFFFFFFFF
    words: list[int] = []
    block = 0
    while len(words) < n_words:
        high = ((row >> 32) & 0xFFFF) | (((draw >> 32) & 0xFFFF) << 16)
        x = [block & mask, row & mask, draw & mask, high]
        key = [seed & mask, (seed >> 32) & mask]
        for _ in range(10):
            p0, p1 = 0xD2511F53 * x[0], 0xCD9E8D57 * x[2]
            x = [(p1 >> 32) ^ x[1] ^ key[0], p1 & mask, (p0 >> 32) ^ x[3] ^ key[1], p0 & mask]
            key = [(key[0] + 0x9E3779B9) & mask, (key[1] + 0xBB67AE85) & mask]
        words += [(x[1] << 32) | x[0], (x[3] << 32) | x[2]]
        block += 1
    return words[:n_words]


def uniforms(seed: int, row: int, draw: int, n: int) -> np.ndarray:
    """Uniform numbers in [0, 1) of a stream."""
    return np.array([(word >> 11) * 2.0**-53 for word in philox(seed, row, draw, n)])


def permutation(n: int, seed: int, row: int, draw: int) -> np.ndarray:
    """Order of 0..n-1 after Fisher-Yates with the 32-bit halves of a stream."""
    halves = iter(
        half
        for word in philox(seed, row, draw, 2 * n + 8)
        for half in (word & 0xFFFFFFFF, word >> 32)
    )
    order = np.arange(n)
    for size in range(n, 1, -1):
        threshold = (2**32 - size) % size
        product = next(halves) * size
        while product & 0xFFFFFFFF < threshold:
            product = next(halves) * size
        k = product >> 32
        order[size - 1], order[k] = order[k], order[size - 1]
    return order


def jitter(trains, support, width, seed, draw):
    """Move by width * (2 u - 1), reflect at the edges of the epoch, sort."""
    out = []
    for row, train in enumerate(trains):
        u = uniforms(seed, row, draw, len(train))
        moved = np.asarray(train) + width * (2 * u - 1)
        for start, stop in support:
            inside = (train >= start) & (train < stop)
            offset = np.fmod(np.abs(moved[inside] - start), 2 * (stop - start))
            offset = np.where(offset >= stop - start, 2 * (stop - start) - offset, offset)
            moved[inside] = np.clip(start + offset, start, np.nextafter(stop, -np.inf))
        out.append(np.sort(moved))
    return out


def circular_shift(trains, support, seed, draw):
    """Rotate along the support joined without gaps."""
    length = np.diff(support, axis=1).ravel()
    begin = np.concatenate([[0.0], np.cumsum(length)])
    out = []
    for row, train in enumerate(trains):
        shift = uniforms(seed, row, draw, 1)[0] * begin[-1]
        epoch = np.searchsorted(support[:, 0], train, side="right") - 1
        position = np.mod(begin[epoch] + train - support[epoch, 0] + shift, begin[-1])
        epoch = np.searchsorted(begin[1:], position, side="right")
        out.append(np.sort(support[epoch, 0] + position - begin[epoch]))
    return out
