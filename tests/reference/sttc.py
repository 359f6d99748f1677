"""Spike time tiling coefficient, as defined by Cutts & Eglen 2014, one pair at a time."""

import numpy as np


def tile_share(train, epochs, dt):
    """Share of the epochs within dt of a spike, by merging clipped tiles."""
    covered = 0.0
    for start, stop in epochs:
        end = start
        for t in train[(train >= start) & (train < stop)]:
            covered += max(min(t + dt, stop) - max(t - dt, end), 0.0)
            end = min(t + dt, stop)
    return covered / sum(stop - start for start, stop in epochs)


def close_spikes(a, b, epochs, dt):
    """Number of spikes of a with a spike of b in the same epoch at |t_a - t_b| <= dt."""
    n = 0
    for start, stop in epochs:
        here = b[(b >= start) & (b < stop)]
        for t in a[(a >= start) & (a < stop)]:
            n += bool((np.abs(t - here) <= dt).any())
    return n


def one_sided(share, tiled):
    return 1.0 if share * tiled == 1.0 else (share - tiled) / (1.0 - share * tiled)


def sttc(trains, dt, epochs):
    epochs = np.asarray(epochs, dtype=float)
    inside = [
        np.concatenate([t[(t >= a) & (t < b)] for a, b in epochs] + [np.zeros(0)])
        for t in map(np.asarray, trains)
    ]
    tiled = [tile_share(t, epochs, dt) for t in inside]
    out = np.full((len(inside), len(inside)), np.nan)
    for i, a in enumerate(inside):
        for j, b in enumerate(inside):
            if len(a) and len(b):
                share_a = close_spikes(a, b, epochs, dt) / len(a)
                share_b = close_spikes(b, a, epochs, dt) / len(b)
                out[i, j] = 0.5 * (one_sided(share_a, tiled[j]) + one_sided(share_b, tiled[i]))
    return out


def dilate(raster, reach):
    frames = np.arange(raster.shape[1])
    near = np.abs(frames[:, None] - frames) <= reach
    return (raster.astype(int) @ near.astype(int)) > 0


def sttc_raster(raster, reach):
    raster = np.asarray(raster) != 0
    near = dilate(raster, reach)
    tiled = near.mean(axis=1)
    out = np.full((len(raster), len(raster)), np.nan)
    for i, a in enumerate(raster):
        for j, b in enumerate(raster):
            if a.any() and b.any():
                share_a, share_b = near[j][a].mean(), near[i][b].mean()
                out[i, j] = 0.5 * (one_sided(share_a, tiled[j]) + one_sided(share_b, tiled[i]))
    return out
