"""Spike functions and their derivatives."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cofire.nn import surrogates

U = torch.tensor([-0.02, -1e-3, -1e-9, 0.0, 1e-9, 1e-3, 0.02], dtype=torch.float64)
FORMULAS = {
    "soft": lambda u: torch.sigmoid(u / 1e-3) * (1 - torch.sigmoid(u / 1e-3)) / 1e-3,
    "superspike": lambda u: 100 / (1 + 100 * u.abs()) ** 2,
    "slayer": lambda u: torch.exp(-u.abs() / 0.01) / 0.02,
    "fast_sigmoid": lambda u: 1 / (1 + 25 * u.abs()) ** 2,
    "arctan": lambda u: 1 / (1 + (math.pi * u) ** 2),
}


def slope(name, u, scale=None):
    u = u.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(surrogates.spike(u, name, scale).sum(), u)
    return gradient


@pytest.mark.parametrize("name", FORMULAS)
def test_derivatives_are_those_of_the_formulas(name):
    torch.testing.assert_close(slope(name, U), FORMULAS[name](U), rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", [n for n in surrogates.DEFAULT_SCALES if n != "soft"])
def test_all_but_soft_are_a_strict_step(name):
    expected = torch.tensor([0, 0, 0, 0, 1, 1, 1], dtype=torch.float64)
    torch.testing.assert_close(surrogates.spike(U, name), expected, rtol=0, atol=0)


def test_functions_by_name_and_by_themselves_agree():
    for name, scale in surrogates.DEFAULT_SCALES.items():
        function = getattr(surrogates, name)
        by_name = surrogates.spike(U, name)
        torch.testing.assert_close(function(U), by_name, rtol=0, atol=0)
        if name != "hard":
            wide = surrogates.spike(U, name, 2 * scale)
            torch.testing.assert_close(function(U, 2 * scale), wide, rtol=0, atol=0)


def test_hard_passes_no_gradient():
    u = U.clone().requires_grad_()
    assert not surrogates.hard(u).requires_grad


@given(
    st.sampled_from(sorted(FORMULAS)),
    st.floats(-0.05, 0.05),
    st.sampled_from([0.3, 1.0, 3.0]),
)
def test_derivatives_are_positive_and_symmetric(name, u, factor):
    scale = factor * surrogates.DEFAULT_SCALES[name]
    both = slope(name, torch.tensor([u, -u], dtype=torch.float64), scale)
    np.testing.assert_allclose(both[0], both[1], rtol=1e-6, atol=1e-9)
    assert both[0] >= 0


def test_soft_is_its_own_derivative():
    u = torch.linspace(-5e-3, 5e-3, 21, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda u: surrogates.soft(1e-3 * u), (u.detach() * 1e3).requires_grad_()
    )


def test_unknown_names_and_scales_are_refused():
    with pytest.raises(ValueError, match="spike must be one of 'hard', 'soft'"):
        surrogates.spike(U, "relu")
    with pytest.raises(ValueError, match="scale of slayer must be positive"):
        surrogates.spike(U, "slayer", -1.0)
