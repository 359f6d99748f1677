"""Connections one step at a time, for teaching and debugging; see :mod:`cofire.nn.neurons`."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from cofire._validate import one_of
from cofire.errors import InvalidArgumentError
from cofire.nn import steps
from cofire.nn.elements import Pathway, Population
from cofire.nn.learned import Learned


class Depression(Learned):
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
        self.learn("use", use)
        self.learn("recovery", tau_rec)

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


class ConnectomeLinear(Learned):
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
        self.learn("strength", each if per_edge else strength)
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
        learned = self.values()
        if self.depression is not None:
            learned |= self.depression.values()
        return dataclasses.replace(self._spec, name=name, pre=pre, post=post, **learned, **options)


class GapJunction(Learned):
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
        self.learn("conductance", conductance)
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
        return dataclasses.replace(self._spec, name=name, pre=pre, post=post, **self.values())


class GradedInhibition(Learned):
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
        self.learn("decay", tau_m)

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
        return dataclasses.replace(self._spec, name=name, **self.values())

    def pathways(self, name: str, pre: str, post: str) -> list[Pathway]:
        """Pathways ``{pre}_{name}`` and ``{name}_{post}`` of a plan with the present values.

        Parameters
        ----------
        name, pre, post : str
            Of the graded population, of its source and of its target.
        """
        return [
            dataclasses.replace(
                self.into.spec, name=f"{pre}_{name}", pre=pre, post=name, **self.into.values()
            ),
            dataclasses.replace(
                self.out.spec, name=f"{name}_{post}", pre=name, post=post, **self.out.values()
            ),
        ]


class Gain(Learned):
    """Weights with one learned gain.

    Parameters
    ----------
    spec : Pathway
    dtype : torch.dtype, optional
    """

    def __init__(self, spec: Pathway, dtype: torch.dtype | None = None) -> None:
        super().__init__(1e-3, dtype)
        self.spec = spec
        self.learn("gain", spec.gain)
        self.register_buffer("_weights", steps.dense(spec, torch.empty(0, dtype=self._dtype)))

    def forward(self, x: Tensor) -> Tensor:
        """``gain * (x @ weights)``."""
        return self.value("gain") * (x @ self.get_buffer("_weights"))
