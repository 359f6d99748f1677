"""Which normal numbers does a seed stand for? The scheme of the compiled operator, in NumPy.

Philox4x32-10 (Salmon et al. 2011, doi:10.1145/2063384.2063405) with the seed as key and (block of
four sites, step, sample) as counter, then the transform of Box and Muller in float32, with the same
polynomials and order of operations as the kernel. A number depends on (seed, sample, step, site)
only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cofire.nn.plan import NetworkPlan

Single = npt.NDArray[np.float32]
Word = npt.NDArray[np.uint64]
_LOW = np.uint64(0xFFFFFFFF)
# Coefficients of the Cephes library's logf, sinf and cosf, highest power first.
_LOG = (
    7.0376836292e-2,
    -1.1514610310e-1,
    1.1676998740e-1,
    -1.2420140846e-1,
    1.4249322787e-1,
    -1.6668057665e-1,
    2.0000714765e-1,
    -2.4999993993e-1,
    3.3333331174e-1,
)
_SINE = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COSINE = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)


def counter_noise(plan: NetworkPlan, seed: int, samples: Any, steps: Any) -> Single:
    """Standard normal numbers of given samples and steps.

    Parameters
    ----------
    plan : NetworkPlan
    seed : int, >= 0
    samples : (n_samples,) int array
        Indices in the batch.
    steps : (n_steps,) int array
        Numbers of steps, counted from 0.

    Returns
    -------
    ndarray (n_samples, n_steps, n_noise) float32
        Ordered as ``plan.noise_layout``.
    """
    n_blocks = -(-plan.n_noise // 4)
    sample, step, block = np.meshgrid(
        np.asarray(samples, np.uint64),
        np.asarray(steps, np.uint64),
        np.arange(n_blocks, dtype=np.uint64),
        indexing="ij",
    )
    words = _philox(seed, block, step & _LOW, sample & _LOW, step >> np.uint64(32))
    normals = np.stack([*_box_muller(words[0], words[1]), *_box_muller(words[2], words[3])], -1)
    return normals.reshape(*sample.shape[:2], 4 * n_blocks)[..., : plan.n_noise]


def _philox(seed: int, *counter: Word) -> tuple[Word, Word, Word, Word]:
    """Four 32-bit words (in 64-bit arrays) for each counter."""
    x0, x1, x2, x3 = counter
    k0, k1 = seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF
    for _ in range(10):
        p0, p1 = x0 * np.uint64(0xD2511F53), x2 * np.uint64(0xCD9E8D57)
        x0, x1, x2, x3 = (
            (p1 >> np.uint64(32)) ^ x1 ^ np.uint64(k0),
            p1 & _LOW,
            (p0 >> np.uint64(32)) ^ x3 ^ np.uint64(k1),
            p0 & _LOW,
        )
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return x0, x1, x2, x3


def _box_muller(a: Word, b: Word) -> tuple[Single, Single]:
    """Two independent normals from two words."""
    # Uniform in (0, 1): 24 bits and half a step.
    u = (a >> np.uint64(8)).astype(np.float32) * _single("0x1p-24") + _single("0x1p-25")
    radius = np.sqrt(_natural_log(u) * np.float32(-2))
    # Two bits choose a quadrant, 24 bits an angle in [-pi/4, pi/4).
    steps = ((b >> np.uint64(6)) & np.uint64(0xFFFFFF)).astype(np.float32)
    angle = steps * _single("0x1.921FB6p-24") - _single("0x1.921FB6p-1")
    z = angle * angle
    sine = _polynomial(_SINE, z) * z * angle + angle
    cosine = _polynomial(_COSINE, z) * z * z - z * np.float32(0.5) + np.float32(1)
    high, low = (b >> np.uint64(31)) & np.uint64(1), (b >> np.uint64(30)) & np.uint64(1)
    x, y = np.where(low, sine, cosine), np.where(low, cosine, sine)
    return radius * np.where(high ^ low, -x, x), radius * np.where(high, -y, y)


def _natural_log(x: Single) -> Single:
    """ln(x) for x in (0, 1]: exponent, and mantissa in [sqrt(1/2), sqrt(2))."""
    shifted = x.view(np.int32) - np.int32(0x3F3504F3)
    exponent = (shifted >> 23).astype(np.float32)
    mantissa = ((shifted & np.int32(0x007FFFFF)) + np.int32(0x3F3504F3)).view(np.float32)
    m = mantissa - np.float32(1)
    z = m * m
    p = _polynomial(_LOG, m) * m * z
    p = p + exponent * np.float32(-2.12194440e-4) - z * np.float32(0.5)
    value: Single = m + p + exponent * np.float32(0.693359375)
    return value


def _polynomial(coefficients: tuple[float, ...], x: Single) -> Single:
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * x + np.float32(coefficient)
    return value


def _single(text: str) -> np.float32:
    return np.float32(float.fromhex(text))
