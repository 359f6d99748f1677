"""Which spikes explain a fluorescence trace? Kernels of fast non-negative deconvolution."""

from __future__ import annotations

import numpy as np

from cofire.graph._jit import kernel

LOWEST_WEIGHT = 1e-13
"""Of the logarithmic barrier; it starts at 1 and falls by factors of 10."""


@kernel("float64[::1](float64[::1], float64, float64, float64, float64, float64, float64)")
def deconvolve(f, gamma, a, b, sigma, penalty, lowest):  # type: ignore[no-untyped-def]
    """Most probable spikes (n_frames,) > 0 of one trace.

    Minimizes ``sum (f - a c - b)^2 / (2 sigma^2) + penalty sum n - z sum log n`` over calcium c
    with ``n[t] = c[t] - gamma c[t-1]`` by Newton steps (the Hessian is tridiagonal), for z = 1,
    0.1, ... down to `lowest`.
    """
    n_frames = len(f)
    c = np.empty(n_frames)
    n = np.full(n_frames, 0.01)
    moved = np.empty(n_frames)
    n_moved = np.empty(n_frames)
    step = np.empty(n_frames)
    n_step = np.empty(n_frames)
    diagonal = np.empty(n_frames)
    upper = np.empty(n_frames)
    last = 0.0
    for t in range(n_frames):
        last = gamma * last + 0.01
        c[t] = last
    precision = 1.0 / (sigma * sigma)
    z = 1.0
    while z > lowest:
        loss = 0.0
        for t in range(n_frames):
            miss = f[t] - a * c[t] - b
            loss += 0.5 * precision * miss * miss + penalty * n[t] - z * np.log(n[t])
        length, size, total = 1.0, 1.0, 0.0
        # The published program stops at steps of 0.05, in units of dF/F; this scales with c.
        while size > 1e-4 * total and length > 1e-3:
            # Gradient into step, Hessian into diagonal and upper; n[t + 1] holds -gamma c[t].
            for t in range(n_frames):
                miss = f[t] - a * c[t] - b
                slope = -a * precision * miss + penalty - z / n[t]
                curve = a * a * precision + z / (n[t] * n[t])
                if t + 1 < n_frames:
                    slope -= gamma * (penalty - z / n[t + 1])
                    later = z / (n[t + 1] * n[t + 1])
                    curve += gamma * gamma * later
                    upper[t] = -gamma * later
                step[t] = -slope
                diagonal[t] = curve
            for t in range(1, n_frames):
                factor = upper[t - 1] / diagonal[t - 1]
                diagonal[t] -= factor * upper[t - 1]
                step[t] -= factor * step[t - 1]
            step[n_frames - 1] /= diagonal[n_frames - 1]
            for t in range(n_frames - 2, -1, -1):
                step[t] = (step[t] - upper[t] * step[t + 1]) / diagonal[t]
            # No further than 0.99 of the way to the nearest wall n = 0.
            length, size, total, last = 1.0, 0.0, 0.0, 0.0
            for t in range(n_frames):
                size += step[t] * step[t]
                total += c[t] * c[t]
                n_step[t] = step[t] - gamma * last
                last = step[t]
                if n_step[t] < 0.0 and -0.99 * n[t] / n_step[t] < length:
                    length = -0.99 * n[t] / n_step[t]
            size, total = np.sqrt(size), np.sqrt(total)
            found = False
            while length > 1e-20:
                reached = 0.0
                for t in range(n_frames):
                    moved[t] = c[t] + length * step[t]
                    n_moved[t] = n[t] + length * n_step[t]
                    miss = f[t] - a * moved[t] - b
                    reached += (
                        0.5 * precision * miss * miss
                        + penalty * n_moved[t]
                        - z * np.log(n_moved[t])
                    )
                if reached < loss + 1e-7:
                    found = True
                    break
                length /= 5.0
            if not found:
                break
            for t in range(n_frames):
                c[t] = moved[t]
                n[t] = n_moved[t]
            loss = reached
        z /= 10.0
    return n
