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


def below(bound: int, halves) -> int:
    """Unbiased integer below a bound from 32-bit numbers (Lemire 2019)."""
    while True:
        product = next(halves) * bound
        if product & 0xFFFFFFFF >= (2**32 - bound) % bound:
            return product >> 32


def shuffled(values, words):
    """Fisher-Yates from the end, with the 32-bit halves of an iterator of words."""
    halves = (half for word in words for half in (word & 0xFFFFFFFF, word >> 32))
    values = np.array(values)
    for size in range(len(values), 1, -1):
        k = below(size, halves)
        values[size - 1], values[k] = values[k], values[size - 1]
    return values


def permutation(n: int, seed: int, row: int, draw: int) -> np.ndarray:
    """Order of 0..n-1 after Fisher-Yates with a stream."""
    return shuffled(np.arange(n), iter(philox(seed, row, draw, 2 * n + 8)))


def rotation(n: int, seed: int, row: int, draw: int) -> int:
    """Uniform shift below n from 64-bit words of a stream (Lemire 2019)."""
    for word in philox(seed, row, draw, 8):
        if (word * n) & (2**64 - 1) >= 2**64 % n:
            return (word * n) >> 64
    raise AssertionError


def shuffled_gram(rows, n_bins, seed, draw):
    """Gram matrix of rows whose entries are dealt to distinct bins, one stream for all rows."""
    words = philox(seed, 0, draw, sum(map(len, rows)) + 8)
    halves = (half for word in words for half in (word & 0xFFFFFFFF, word >> 32))
    order = np.arange(n_bins)
    dense = np.zeros((len(rows), n_bins))
    for i, row in enumerate(rows):
        for k, value in enumerate(row):
            other = k + below(n_bins - k, halves)
            order[k], order[other] = order[other], order[k]
            dense[i, order[k]] = value
    return dense @ dense.T


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


def isi_shuffle(trains, support, seed, draw):
    """Permute the intervals of each epoch, one stream of numbers a train."""
    out = []
    for row, train in enumerate(trains):
        words = iter(philox(seed, row, draw, 4 * len(train) + 8))
        moved = []
        for start, stop in support:
            inside = train[(train >= start) & (train < stop)]
            isis = shuffled(np.diff(inside), words)
            moved.append(np.concatenate([inside[:1], inside[:1] + np.cumsum(isis)]))
        out.append(np.concatenate([np.zeros(0), *moved]))
    return out


def uniform(trains, support, seed, draw):
    """As many times as given, uniform on the support joined without gaps."""
    length = np.diff(support, axis=1).ravel()
    begin = np.concatenate([[0.0], np.cumsum(length)])
    out = []
    for row, train in enumerate(trains):
        position = uniforms(seed, row, draw, len(train)) * begin[-1]
        epoch = np.searchsorted(begin[1:], position, side="right")
        out.append(np.sort(support[epoch, 0] + position - begin[epoch]))
    return out


def circular_shift_within(trains, support, seed, draw):
    """Rotate within each epoch that holds spikes, by the next number of the train's stream."""
    out = []
    for row, train in enumerate(trains):
        numbers = iter(uniforms(seed, row, draw, len(support)))
        moved = []
        for start, stop in support:
            inside = train[(train >= start) & (train < stop)]
            if len(inside):
                shift = next(numbers) * (stop - start)
                moved.append(start + np.sort(np.mod(inside - start + shift, stop - start)))
        out.append(np.concatenate([np.zeros(0), *moved]))
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
