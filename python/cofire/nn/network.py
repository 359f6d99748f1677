"""A plan with parameters that can be learned: simulate it, ablate it, train it."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from cofire._validate import one_of, positive
from cofire.errors import InvalidArgumentError
from cofire.nn.inputs import Simulated
from cofire.nn.operators import simulate
from cofire.nn.packing import Packer, Raw, Source, raw_of
from cofire.nn.plan import NetworkPlan
from cofire.nn.surrogates import SpikeOption

Transform = str | tuple[str, float]
Bounds = Mapping[str, tuple[float, float]]


class _Limit(NamedTuple):
    source: Source
    low: float
    high: float


class SpikingNetwork(nn.Module):
    """A network whose time constants, thresholds, strengths and conductances are learned.

    Parameters
    ----------
    plan : NetworkPlan
        Gives the initial values.
    transforms : mapping of str to {"exp", "softplus"} or (str, float), optional
        How the amplitude (strength, conductance or gain) of a pathway is learned: as a logarithm or
        through ``log(1 + exp(raw))``, with an optional factor. Default: gains by softplus, the rest
        by exp.
    bounds : mapping of str to (low, high), optional
        Limits of physical values for :meth:`clamp_`, by quantity ("tau_m", "v_th", ...) or by
        owner and quantity ("orn.v_th"); the latter wins.
    dtype : torch.dtype, optional
        Default: torch's default dtype.

    Attributes
    ----------
    plan : NetworkPlan
    populations, pathways : ModuleDict
        Raw parameters by owner: ``log_tau_m``, ``v_th``, ``log_g_soma`` of populations;
        ``log_strength``, ``logit_use``, ``log_tau_rec``, ``log_conductance``, ``raw_gain`` of
        pathways (``raw_`` stands for softplus).

    Notes
    -----
    Membrane voltages are not kept between calls: the state goes in and comes out.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from cofire.nn import NetworkPlan, Pathway, Population, SpikingNetwork
    >>> plan = NetworkPlan(
    ...     [Population("E", 3), Population("I", 2)],
    ...     [Pathway("E_I", "E", "I", np.ones((3, 2)), strength=1e-9)],
    ... )
    >>> network = SpikingNetwork(plan)
    >>> out = network({"E": torch.full((1, 3), 4e-11)}, n_steps=100)
    >>> out.counts.shape
    torch.Size([1, 5])
    """

    def __init__(
        self,
        plan: NetworkPlan,
        *,
        transforms: Mapping[str, Transform] | None = None,
        bounds: Bounds | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.plan = plan
        self.populations = nn.ModuleDict()
        self.pathways = nn.ModuleDict()
        self._raws = _raws(plan, transforms or {})
        for (owner, field), raw in self._raws.items():
            value = raw.inverse(_initial(plan, owner, field, raw), repr(owner))
            data = torch.from_numpy(np.array(value)).to(dtype or torch.get_default_dtype())
            _home(self, owner).register_parameter(raw.name, nn.Parameter(data))
        self._limits = self._bound(bounds or {})
        self._packer = self._pack(plan)

    def theta(self) -> Tensor:
        """(n_theta,) effective parameters, differentiable with respect to the raw ones."""
        return self._packer()

    def forward(
        self,
        drive: Tensor | Mapping[str, Tensor],
        *,
        n_steps: int,
        spike: SpikeOption = "hard",
        noise: Tensor | None = None,
        seed: int | None = None,
        state: Tensor | None = None,
        step: int = 0,
        record: Collection[str] = (),
        checkpoint: int | None = None,
        threads: int | None = None,
    ) -> Simulated:
        """Simulate `n_steps` steps.

        Parameters
        ----------
        drive : tensor (batch, n_all) or (batch, n_steps, n_all), or mapping of population to tensor
            Current into the neurons (A), or what is added to a graded activity in each step; a
            mapping has ``(batch, n)`` or ``(batch, n_steps, n)``, what it lacks is 0.
        n_steps, spike, noise, seed, state, step, record, checkpoint, threads
            As in :func:`cofire.nn.simulate`.
        """
        return simulate(
            self.plan,
            self.theta(),
            drive if isinstance(drive, Tensor) else self.join_drive(drive),
            n_steps=n_steps,
            spike=spike,
            noise=noise,
            seed=seed,
            state=state,
            step=step,
            record=record,
            checkpoint=checkpoint,
            threads=threads,
        )

    def join_drive(self, drive: Mapping[str, Tensor]) -> Tensor:
        """Put inputs of single populations side by side."""
        for name in drive:
            self.plan.population(name)
        if not drive:
            raise InvalidArgumentError("drive is empty; give one population its input")
        some = next(iter(drive.values()))
        parts = [
            drive[p.name] if p.name in drive else some.new_zeros(*some.shape[:-1], p.n)
            for p in self.plan.populations
        ]
        for p, part in zip(self.plan.populations, parts, strict=True):
            if part.shape != (*some.shape[:-1], p.n):
                raise InvalidArgumentError(
                    f"drive of {p.name!r} must have shape {(*some.shape[:-1], p.n)}, got "
                    f"{tuple(part.shape)}"
                )
        return torch.cat(parts, -1)

    def with_plan(self, plan: NetworkPlan) -> SpikingNetwork:
        """Network of another plan that shares the parameters of this one.

        Parameters
        ----------
        plan : NetworkPlan
            Each of its parameters must exist here with the same shape: ablated plans, other
            weights, other noise.
        """
        other = copy.copy(self)
        other.plan = plan
        other._packer = self._pack(plan)
        return other

    def ablate(self, *pathways: str) -> SpikingNetwork:
        """Network without some pathways that shares the parameters of this one."""
        return self.with_plan(self.plan.without(*pathways))

    def physical(self) -> dict[str, Tensor]:
        """Physical values by ``owner.quantity`` (s, V, A, S), detached."""
        return {
            f"{owner}.{raw.quantity}": raw.physical(self._parameters_of(owner)[raw.name].detach())
            for (owner, _), raw in self._raws.items()
        }

    def trained_plan(self) -> NetworkPlan:
        """Plan with the present values as initial ones."""
        found: dict[str, dict[str, Any]] = {}
        for name, value in self.physical().items():
            owner, quantity = name.split(".")
            array = value.to("cpu", torch.float64).numpy()
            found.setdefault(owner, {})[quantity] = array if array.ndim else float(array)
        return NetworkPlan(
            [dataclasses.replace(p, **found.get(p.name, {})) for p in self.plan.populations],
            [dataclasses.replace(w, **found.get(w.name, {})) for w in self.plan.pathways],
            dt=self.plan.dt,
        )

    @torch.no_grad()
    def clamp_(self) -> None:
        """Bring all parameters back into their bounds."""
        if self._limits:
            parameters: list[Tensor] = [limit.source.get() for limit in self._limits]
            # One call for all: single ones would take longer than the transforms.
            torch._foreach_clamp_min_(parameters, [limit.low for limit in self._limits])
            torch._foreach_clamp_max_(parameters, [limit.high for limit in self._limits])

    def parameter(self, owner: str, quantity: str) -> nn.Parameter:
        """Raw parameter behind a physical quantity, for example ``("orn", "tau_m")``."""
        for (name, _), raw in self._raws.items():
            if name == owner and raw.quantity == quantity:
                return self._parameters_of(owner)[raw.name]
        raise InvalidArgumentError(f"{owner!r} has no parameter for {quantity!r}")

    def _parameters_of(self, owner: str) -> dict[str, nn.Parameter]:
        # The dictionary itself: attributes of modules are looked up slowly.
        parameters: Any = _home(self, owner)._parameters
        return cast("dict[str, nn.Parameter]", parameters)

    def _bound(self, bounds: Bounds) -> list[_Limit]:
        """Limits of raw parameters from those of physical values."""
        names = {f"{owner}.{raw.quantity}": raw.quantity for (owner, _), raw in self._raws.items()}
        for name in bounds:
            if name not in names and name not in names.values():
                raise InvalidArgumentError(
                    f"bounds names {name!r}, but the network learns {', '.join(names)}"
                )
        limits = []
        for (owner, _), raw in self._raws.items():
            found = bounds.get(f"{owner}.{raw.quantity}", bounds.get(raw.quantity))
            if found is not None:
                low, high = (float(raw.inverse(x, f"bounds of {owner!r}")) for x in found)
                if not low < high:
                    raise InvalidArgumentError(
                        f"bounds of {raw.quantity} of {owner!r} must be low < high, got {found}"
                    )
                limits.append(_Limit(Source(self._parameters_of(owner), raw), low, high))
        return limits

    def _pack(self, plan: NetworkPlan) -> Packer:
        sources = []
        for owner, field, start, stop in plan.theta_layout:
            raw = self._raws.get((owner, field))
            if raw is None:
                raise InvalidArgumentError(
                    f"the plan has {field} of {owner!r}, for which this network has no parameter"
                )
            source = Source(self._parameters_of(owner), raw)
            n = 1 if field == "step" else stop - start
            if source.get().numel() != n:
                raise InvalidArgumentError(
                    f"the plan has {n} values of {raw.quantity} of {owner!r}, this network has "
                    f"{source.get().numel()}"
                )
            sources.append(source)
        return Packer(plan, sources)


def _home(network: SpikingNetwork, owner: str) -> nn.Module:
    """Module that keeps the parameters of a population or pathway; made if there is none."""
    for homes in (network.populations, network.pathways):
        if owner in homes:
            return homes[owner]
    spiking = any(p.name == owner for p in network.plan.populations)
    homes = network.populations if spiking else network.pathways
    try:
        homes[owner] = nn.Module()
    except KeyError as error:
        raise InvalidArgumentError(
            f"{owner!r} cannot be the name of a module of torch; choose another name"
        ) from error
    return homes[owner]


def _raws(plan: NetworkPlan, transforms: Mapping[str, Transform]) -> dict[tuple[str, str], Raw]:
    """How each slot of theta is learned."""
    for name in transforms:
        plan.pathway(name)
    raws = {}
    for owner, field, _, _ in plan.theta_layout:
        choice = transforms.get(owner) if field in ("strength", "conductance", "gain") else None
        if choice is None:
            raws[owner, field] = raw_of(field)
            continue
        kind, scale = choice if isinstance(choice, tuple) else (choice, 1.0)
        one_of(kind, f"transforms[{owner!r}]", ("exp", "softplus"))
        raws[owner, field] = raw_of(field, kind, positive(scale, f"scale of {owner!r}"))
    return raws


def _initial(plan: NetworkPlan, owner: str, field: str, raw: Raw) -> Any:
    """Physical initial value: a number, or an array where each neuron or edge has its own."""
    if field == "threshold":
        population = plan.population(owner)
        return np.broadcast_to(population.v_th, population.n)
    if field in ("decay", "step"):
        return getattr(plan.population(owner), raw.quantity)
    pathway = plan.pathway(owner)
    if field == "strength" and pathway.per_edge:
        return np.broadcast_to(np.asarray(pathway.strength), pathway.n_edges)
    return getattr(pathway, raw.quantity)
