"""Spiking neurons one step at a time, for teaching and debugging.

Each module is a :class:`torch.nn.Module` with learnable raw parameters. State goes in and comes
out; nothing is kept between calls. The methods ``population`` and ``pathway`` turn a module with
its present values into a part of a :class:`cofire.nn.NetworkPlan`, which simulates many steps at
once and gives the same numbers.

A step of a network, population by population: graded inhibition, synapses (:class:`Depression`,
:class:`ConnectomeLinear`), gap junctions from the voltages of the start of the step, and the
neurons (:class:`LIF`, :class:`TwoCompartment`).
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cofire._validate import one_of
from cofire.nn import steps, surrogates
from cofire.nn.elements import Population
from cofire.nn.layout import compartment_step
from cofire.nn.learned import Learned
from cofire.nn.steps import LIFState, TwoCompartmentState


class _Neurons(Learned):
    """Spiking neurons around the constants of a population."""

    def __init__(
        self,
        spec: Population,
        spike: str | tuple[str, float],
        dt: float,
        dtype: torch.dtype | None,
    ) -> None:
        super().__init__(dt, dtype)
        self._spec = spec
        name, scale = spike if isinstance(spike, tuple) else (spike, None)
        one_of(name, "spike", tuple(surrogates.DEFAULT_SCALES))
        self._spike = partial(surrogates.spike, name=name, scale=scale)
        self.learn("threshold", np.broadcast_to(spec.v_th, spec.n))

    def population(self, name: str) -> Population:
        """Population of a plan with the present values.

        Parameters
        ----------
        name : str
        """
        return dataclasses.replace(self._spec, name=name, **self.values())

    def _dynamics(self, membrane: Tensor) -> steps.Dynamics:
        return steps.Dynamics(
            population=self._spec,
            membrane=membrane,
            threshold=self.value("v_th"),
            refractory_steps=round(self._spec.refractory / self.dt),
            spike=self._spike,
        )

    def _rest(self, like: Tensor) -> tuple[Tensor, Tensor]:
        shape = len(like), self._spec.n
        return like.new_full(shape, self._spec.v_reset), like.new_zeros(shape)


class LIF(_Neurons):
    """Leaky integrate-and-fire neurons.

    One step: ``v`` relaxes exactly towards ``v_rest + resistance * current``, is kept above
    ``v_min`` and at ``v_reset`` while refractory; the spike is a function of ``v - v_th``; where it
    exceeds 0.5, ``v`` is reset and the refractory time starts.

    Parameters
    ----------
    n : int
    spike : str or (str, float)
        Spike function, see :mod:`cofire.nn.surrogates`.
    dt : float, s
    dtype : torch.dtype, optional
    **constants
        As of :class:`cofire.nn.Population`.

    Examples
    --------
    >>> import torch
    >>> from cofire.nn import LIF
    >>> neurons = LIF(2)
    >>> spikes, state = neurons(torch.full((1, 2), 4e-11))
    >>> spikes, state = neurons(torch.full((1, 2), 4e-11), state)
    """

    def __init__(
        self,
        n: int,
        *,
        spike: str | tuple[str, float] = "hard",
        dt: float = 1e-3,
        dtype: torch.dtype | None = None,
        **constants: Any,
    ) -> None:
        super().__init__(Population("LIF", n, "lif", **constants), spike, dt, dtype)
        self.learn("decay", self._spec.tau_m)

    def forward(self, current: Tensor, state: LIFState | None = None) -> tuple[Tensor, LIFState]:
        """One step.

        Parameters
        ----------
        current : tensor (batch, n), A
        state : LIFState, optional
            Default: at rest.

        Returns
        -------
        tuple
            Spikes (batch, n) and the state.
        """
        if state is None:
            v, zero = self._rest(current)
            state = LIFState(v, zero, zero)
        decay = torch.exp(-self.dt / self.value("tau_m"))
        state = steps.lif_step(state, current, self._dynamics(decay))
        return state.spikes, state


class TwoCompartment(_Neurons):
    """Neurons with a dendrite and an axon, coupled by a conductance; spikes from the axon.

    One step: both compartments take an exact step of the coupled linear equations, are kept above
    ``v_min``, the axon at ``v_reset`` while refractory; a spike resets both.

    Parameters
    ----------
    n : int
    spike : str or (str, float)
    dt : float, s
    dtype : torch.dtype, optional
    **constants
        As of :class:`cofire.nn.Population`.
    """

    def __init__(
        self,
        n: int,
        *,
        spike: str | tuple[str, float] = "hard",
        dt: float = 1e-3,
        dtype: torch.dtype | None = None,
        **constants: Any,
    ) -> None:
        spec = Population("TwoCompartment", n, "two_compartment", **constants)
        super().__init__(spec, spike, dt, dtype)
        self.learn("step", self._spec.g_soma)

    def forward(
        self, to_dendrite: Tensor, to_axon: Tensor, state: TwoCompartmentState | None = None
    ) -> tuple[Tensor, TwoCompartmentState]:
        """One step.

        Parameters
        ----------
        to_dendrite, to_axon : tensor (batch, n), A
        state : TwoCompartmentState, optional
            Default: at rest.

        Returns
        -------
        tuple
            Spikes (batch, n) and the state.
        """
        if state is None:
            v, zero = self._rest(to_dendrite)
            state = TwoCompartmentState(v, v, zero, zero)
        numbers = compartment_step(
            self.value("g_soma"),
            float(self._spec.tau_m),
            self._spec.capacitance,
            self.dt,
            torch.exp,
        )
        state = steps.two_compartment_step(
            state, to_dendrite, to_axon, self._dynamics(torch.stack(numbers))
        )
        return state.spikes, state
