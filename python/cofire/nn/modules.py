"""Neurons and connections one step at a time, for teaching and debugging.

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
import math
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from cofire._validate import one_of, positive
from cofire.errors import InvalidArgumentError
from cofire.nn import steps, surrogates
from cofire.nn.elements import Pathway, Population
from cofire.nn.layout import compartment_step
from cofire.nn.packing import Raw, raw_of
from cofire.nn.steps import LIFState, TwoCompartmentState


class _Learned(nn.Module):
    """Module with raw parameters for physical values."""

    def __init__(self, dt: float, dtype: torch.dtype | None) -> None:
        super().__init__()
        self.dt = positive(dt, "dt", "s")
        self._dtype = dtype or torch.get_default_dtype()
        self._raws: dict[str, Raw] = {}

    def _learn(self, field: str, value: Any) -> None:
        raw = raw_of(field)
        data = torch.from_numpy(np.array(raw.inverse(value, type(self).__name__)))
        self.register_parameter(raw.name, nn.Parameter(data.to(self._dtype)))
        self._raws[raw.quantity] = raw

    def value(self, quantity: str) -> Tensor:
        """Physical value of a parameter (s, V, A, S), differentiable.

        Parameters
        ----------
        quantity : str
            For example "tau_m".
        """
        if quantity not in self._raws:
            raise InvalidArgumentError(
                f"{type(self).__name__} has no {quantity!r}; it has {', '.join(self._raws)}"
            )
        raw = self._raws[quantity]
        return raw.physical(self.get_parameter(raw.name))

    def _values(self) -> dict[str, Any]:
        """Physical values as numbers and arrays."""
        arrays = {q: self.value(q).detach().to("cpu", torch.float64).numpy() for q in self._raws}
        return {q: array if array.ndim else float(array) for q, array in arrays.items()}


class _Neurons(_Learned):
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
        self._learn("threshold", np.broadcast_to(spec.v_th, spec.n))

    def population(self, name: str) -> Population:
        """Population of a plan with the present values.

        Parameters
        ----------
        name : str
        """
        return dataclasses.replace(self._spec, name=name, **self._values())

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
        self._learn("decay", self._spec.tau_m)

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
        self._learn("step", self._spec.g_soma)

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


class Depression(_Learned):
    """Short-term depression of synapses (Tsodyks & Markram 1997, doi:10.1073/pnas.94.2.719).

    One step: resources recover towards 1, the share `use` of them is released by a spike, and is
    then missing.

    Parameters
    ----------
    use : float
        Share of the resources that one spike releases, between 0 and 1.
    tau_rec : float, s
    dt : float, s
    dtype : torch.dtype, optional
    """

    def __init__(
        self,
        use: float = 0.3,
        tau_rec: float = 0.2,
        *,
        dt: float = 1e-3,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(dt, dtype)
        self._learn("use", use)
        self._learn("recovery", tau_rec)

    def forward(self, spikes: Tensor, resources: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """One step.

        Parameters
        ----------
        spikes : tensor (batch, n_pre)
        resources : tensor (batch, n_pre), optional
            Default: full.

        Returns
        -------
        tuple
            What is released, and the resources afterwards.
        """
        before = torch.ones_like(spikes) if resources is None else resources
        recovery = torch.exp(-self.dt / self.value("tau_rec"))
        return steps.deplete(before, spikes, self.value("use"), recovery)


class SynapseState(NamedTuple):
    """State of a pathway.

    Attributes
    ----------
    current : tensor (batch, n_post), A
    resources : tensor (batch, n_pre) or None
        With depression.
    """

    current: Tensor
    resources: Tensor | None


class ConnectomeLinear(_Learned):
    """Synapses whose weights are a connectome and whose strength is learned.

    One step: depression if there is any, then ``current * exp(-dt / tau_syn) + sign * strength *
    (released @ weights)``.

    Parameters
    ----------
    weights : (n_pre, n_post) array or sparse matrix
    strength : float, A
    sign : {1, -1}
    tau_syn : float, s
    per_edge : bool
        Learn one strength per edge.
    depression : Depression, optional
    dt : float, s
    dtype : torch.dtype, optional
    """

    def __init__(
        self,
        weights: Any,
        *,
        strength: float,
        sign: int = 1,
        tau_syn: float = 0.005,
        per_edge: bool = False,
        depression: Depression | None = None,
        dt: float = 1e-3,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(dt, dtype)
        self._spec = Pathway(
            "ConnectomeLinear",
            "pre",
            "post",
            weights,
            sign=sign,
            tau_syn=tau_syn,
            per_edge=per_edge,
            strength=strength,
            depression=depression is not None,
        )
        self.depression = depression
        each = np.broadcast_to(np.asarray(strength), self._spec.n_edges)
        self._learn("strength", each if per_edge else strength)
        self.register_buffer("_weights", steps.dense(self._spec, torch.empty(0, dtype=self._dtype)))

    def forward(
        self, spikes: Tensor, state: SynapseState | None = None
    ) -> tuple[Tensor, SynapseState]:
        """One step.

        Parameters
        ----------
        spikes : tensor (batch, n_pre)
        state : SynapseState, optional
            Default: no current, resources full.

        Returns
        -------
        tuple
            Current (batch, n_post) in A, and the state.
        """
        current, resources = (0.0, None) if state is None else state
        if self.depression is not None:
            spikes, resources = self.depression(spikes, resources)
        weights, strength = self.get_buffer("_weights"), self.value("strength")
        if self._spec.per_edge:
            received = spikes @ steps.scale_edges(weights, self._spec, strength)
        else:
            received = strength * (spikes @ weights)
        received = self._spec.sign * received
        now = current * math.exp(-self.dt / self._spec.tau_syn) + received
        return now, SynapseState(now, resources)

    def pathway(self, name: str, pre: str, post: str, **options: Any) -> Pathway:
        """Pathway of a plan with the present values.

        Parameters
        ----------
        name, pre, post : str
        **options
            Of :class:`cofire.nn.Pathway`: timing, compartment, divided, noise.
        """
        learned = self._values()
        if self.depression is not None:
            learned |= self.depression._values()
        return dataclasses.replace(self._spec, name=name, pre=pre, post=post, **learned, **options)


class GapJunction(_Learned):
    """Electrical synapses.

    Parameters
    ----------
    weights : (n_pre, n_post) array or sparse matrix
        Mask >= 0; symmetric within a population.
    conductance : float, S
    dtype : torch.dtype, optional
    """

    def __init__(
        self, weights: Any, *, conductance: float, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__(1e-3, dtype)
        self._spec = Pathway("GapJunction", "pre", "post", weights, "gap", conductance=conductance)
        self._learn("conductance", conductance)
        self.register_buffer("_weights", steps.dense(self._spec, torch.empty(0, dtype=self._dtype)))

    def forward(self, v_pre: Tensor, v_post: Tensor) -> Tensor:
        """Current (batch, n_post) in A into `post`; within a population pass its v twice.

        Parameters
        ----------
        v_pre, v_post : tensor (batch, n), V
            At the start of the step.
        """
        mask = self.get_buffer("_weights")
        return self.value("conductance") * steps.gap_current(v_post, v_pre, mask)

    def into_pre(self, v_pre: Tensor, v_post: Tensor) -> Tensor:
        """Current (batch, n_pre) in A into `pre`, of a junction between two populations."""
        mask = self.get_buffer("_weights")
        return self.value("conductance") * steps.gap_current(v_pre, v_post, mask.T)

    def pathway(self, name: str, pre: str, post: str) -> Pathway:
        """Pathway of a plan with the present values.

        Parameters
        ----------
        name, pre, post : str
        """
        return dataclasses.replace(self._spec, name=name, pre=pre, post=post, **self._values())


class GradedInhibition(_Learned):
    """A population without spikes that divides the input of others.

    One step: the activity relaxes towards ``gain_in * (x @ weights_in)``, where x is the mean rate
    of the presynaptic neurons so far (spikes per step) or their depolarization; `drive` is added on
    top. Input of the postsynaptic neurons is to be divided by
    ``1 + gain_out * (relu(activity) @ weights_out)``.

    Parameters
    ----------
    weights_in : (n_pre, n) array or sparse matrix
    weights_out : (n, n_post) array or sparse matrix
    source : {"rate", "depolarization"}
        What x is.
    gain_in, gain_out : float
    tau_m : float, s
    dt : float, s
    dtype : torch.dtype, optional
    """

    def __init__(
        self,
        weights_in: Any,
        weights_out: Any,
        *,
        source: str = "rate",
        gain_in: float = 1.0,
        gain_out: float = 1.0,
        tau_m: float = 0.020,
        dt: float = 1e-3,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(dt, dtype)
        one_of(source, "source", ("rate", "depolarization"))
        self.into = Gain(Pathway("into", "pre", "graded", weights_in, source, gain=gain_in), dtype)
        self.out = Gain(
            Pathway("out", "graded", "post", weights_out, "divisive", gain=gain_out), dtype
        )
        n = self.out.spec.weights.shape[0]
        if self.into.spec.weights.shape[1] != n:
            raise InvalidArgumentError(
                f"weights_in must have {n} columns, as many as weights_out has rows, got "
                f"{self.into.spec.weights.shape[1]}"
            )
        self._spec = Population("GradedInhibition", n, "graded", tau_m=tau_m)
        self._learn("decay", tau_m)

    def forward(
        self, x: Tensor, activity: Tensor | None = None, drive: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """One step.

        Parameters
        ----------
        x : tensor (batch, n_pre)
            Mean rate so far, or ``relu(v - v_reset)`` in V.
        activity : tensor (batch, n), optional
            Default: 0.
        drive : tensor (batch, n), optional
            Added to the activity.

        Returns
        -------
        tuple
            What to divide by, minus 1 (batch, n_post), and the activity.
        """
        received = self.into(x)
        before = torch.zeros_like(received) if activity is None else activity
        added = torch.zeros_like(received) if drive is None else drive
        decay = torch.exp(-self.dt / self.value("tau_m"))
        after = steps.accumulate(before, received, decay, added)
        return self.out(torch.relu(after)), after

    def population(self, name: str) -> Population:
        """Population of a plan with the present values.

        Parameters
        ----------
        name : str
        """
        return dataclasses.replace(self._spec, name=name, **self._values())

    def pathways(self, name: str, pre: str, post: str) -> list[Pathway]:
        """Pathways ``{pre}_{name}`` and ``{name}_{post}`` of a plan with the present values.

        Parameters
        ----------
        name, pre, post : str
            Of the graded population, of its source and of its target.
        """
        return [
            dataclasses.replace(
                self.into.spec, name=f"{pre}_{name}", pre=pre, post=name, **self.into._values()
            ),
            dataclasses.replace(
                self.out.spec, name=f"{name}_{post}", pre=name, post=post, **self.out._values()
            ),
        ]


class Gain(_Learned):
    """Weights with one learned gain.

    Parameters
    ----------
    spec : Pathway
    dtype : torch.dtype, optional
    """

    def __init__(self, spec: Pathway, dtype: torch.dtype | None = None) -> None:
        super().__init__(1e-3, dtype)
        self.spec = spec
        self._learn("gain", spec.gain)
        self.register_buffer("_weights", steps.dense(spec, torch.empty(0, dtype=self._dtype)))

    def forward(self, x: Tensor) -> Tensor:
        """``gain * (x @ weights)``."""
        return self.value("gain") * (x @ self.get_buffer("_weights"))
