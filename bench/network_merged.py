"""The larval olfactory network in eager PyTorch with as few operations as we can.

See :mod:`network_peers` for what it takes.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from cofire.nn import olfactory_wiring as wiring
from cofire.nn.packing import softplus
from network_peers import (
    ALPHA,
    CAPACITANCE,
    DT,
    LR,
    SIGMA,
    TAU_KC,
    Output,
    dense_wiring,
    raw_bounds,
    train_step,
)  # fmt: skip

# Synapses by source and time: those of one class are one batched product.
CLASSES = {
    "previous": (
        "ln_orn_nonad", "ln_ln", "pn_ln", "ln_ln_nonad", "pn_ln_nonad", "kc_kc_ad", "kc_kc_aa",
    ),
    "orn": ("orn_ln", "orn_ln_nonad", "orn_pn"),
    "ln": ("ln_pn", "ln_pn_excit", "ln_pn_nonad", "ln_pn_excit_nonad"),
    "pn": ("pn_kc", "pn_kc_nonad"),
}  # fmt: skip
# Which pathways of a class add up to which current.
TARGETS = {
    "previous": ((0,), (1, 2, 3, 4), (5,), (6,)),
    "orn": ((0, 1), (2,)),
    "ln": ((0, 1, 2, 3),),
    "pn": ((0, 1),),
}
BLOCKS = {
    "exp": (
        "antennal_lobe.log_or_gain", "orn_neurons.log_tau_m", "ln_neurons.log_tau_m",
        "pn_neurons.log_tau_m", "apl.log_tau_apl",
        *(f"{name}.log_tau_rec" for names in CLASSES.values() for name in names),
        "antennal_lobe.log_g_gap_ln", "antennal_lobe.log_g_gap_pn",
        "antennal_lobe.log_g_gap_eln_pn",
        *(f"{name}.log_strength" for names in CLASSES.values() for name in names),
        "kc_neurons.log_g_soma", "apl.kc_apl_log_strength",
    ),
    "softplus": (
        "or_to_orn.or_gains", "kc_layer.kc_kc_dd_gain", "kc_layer.kc_kc_da_gain",
        "apl.kc_dend_gain", "apl.apl_gain",
    ),
    "sigmoid": tuple(f"{name}.logit_U" for names in CLASSES.values() for name in names),
    "v_th": ("orn_neurons.v_th", "ln_neurons.v_th", "pn_neurons.v_th"),
    "v_th_kc": ("kc_neurons.v_th",),
    "weight": ("decoder.weight",),
    "bias": ("decoder.bias",),
}  # fmt: skip
AL = [42, 108, 72]


class Merged:
    """As few eager operations as we can: potentials in mV above reset, currents times resistance.

    Pathways of one source and time are one batched product, currents add up per target, all noise
    of a simulation is drawn at once, parameters of one learning rate are one tensor. Two steps
    refractory means that a spike blocks the next step.
    """

    def __init__(self, network):
        plan = network.network.plan
        self.dtype = network.or_gains.dtype
        groups = network.parameter_groups(LR)
        self.stacked = [torch.cat([p.detach().reshape(-1) for p in g["params"]]) for g in groups]
        self.stacked = [x.clone().requires_grad_() for x in self.stacked]
        self.optimizer = torch.optim.Adam(
            [{"params": [x], "lr": g["lr"]} for x, g in zip(self.stacked, groups, strict=True)],
            fused=True,
        )
        self.names = [name for g in groups for name in g["names"]]
        self.sizes = [p.numel() for g in groups for p in g["params"]]
        limits = torch.tensor([raw_bounds(name) for name in self.names], dtype=self.dtype)
        limits = limits.repeat_interleave(torch.tensor(self.sizes), 0)
        self.limits = limits.split([len(x) for x in self.stacked])
        self._order_parameters()
        self._stack_wiring(plan)
        self.slots = {(s.owner, s.field): slice(s.start, s.stop) for s in plan.noise_layout}
        self.receptor = torch.from_numpy(wiring.receptor_of_orn())

    def _order_parameters(self):
        at = torch.arange(sum(self.sizes)).split(self.sizes)
        place = {".".join(k.split(".")[-2:]): x for k, x in zip(self.names, at, strict=True)}
        parts = {block: torch.cat([place[n] for n in names]) for block, names in BLOCKS.items()}
        self.order = torch.cat(list(parts.values()))
        self.block_sizes = [len(x) for x in parts.values()]

    def _stack_wiring(self, plan):
        self.products, self.signs, self.sums = {}, [], {}
        dense = dense_wiring(plan, self.dtype)
        for kind, names in CLASSES.items():
            rows = max(dense[name].shape[0] for name in names)
            columns = max(dense[name].shape[1] for name in names)
            stack = torch.zeros(len(names), rows, columns, dtype=self.dtype)
            for i, name in enumerate(names):
                stack[i, : dense[name].shape[0], : dense[name].shape[1]] = dense[name]
                self.signs.append(plan.pathway(name).sign)
            self.products[kind] = stack
            self.sums[kind] = torch.zeros(len(TARGETS[kind]), len(names), dtype=self.dtype)
            for i, members in enumerate(TARGETS[kind]):
                self.sums[kind][i, list(members)] = 1
        self.signs = torch.tensor(self.signs, dtype=self.dtype) * 1e12
        self.sources = {kind: torch.ones(1, 1, dtype=self.dtype) for kind in CLASSES}
        self.sources["previous"] = torch.zeros(7, 3, dtype=self.dtype)
        self.sources["previous"][range(7), [0, 0, 1, 0, 1, 2, 2]] = 1
        self.release = torch.stack([dense["kc_kc_dd"], dense["kc_kc_da"]])
        self.apl = [dense[name] for name in ("kc_apl", "kc_apl_da", "apl_kc")]
        ln, pn, between = (dense[name] for name in wiring.GAPS)
        self.gaps = torch.zeros(3, 180, 180, dtype=self.dtype)
        self.gaps[0, :108, :108] = ln - torch.diag(ln.sum(0))
        self.gaps[1, 108:, 108:] = pn - torch.diag(pn.sum(0))
        self.gaps[2, :108, 108:], self.gaps[2, 108:, :108] = between, between.T
        self.gaps[2] -= torch.diag(torch.cat([between.sum(1), between.sum(0)]))

    def clamp(self):
        """Bring all parameters back into their bounds."""
        for value, limit in zip(self.stacked, self.limits, strict=True):
            value.data.clamp_(limit[:, 0], limit[:, 1])

    def values(self):
        """Parameters, flat, and their gradients by published name."""
        values = torch.cat([x.detach() for x in self.stacked]).split(self.sizes)
        gradients = torch.cat([x.grad for x in self.stacked]).split(self.sizes)
        return dict(zip(self.names, zip(values, gradients, strict=True), strict=True))

    def train(self, odors, labels, noise="drawn", n_steps=30):
        """One training step; the loss."""
        return train_step(
            lambda: self(odors, soft=True, noise=noise, n_steps=n_steps),
            labels,
            self.stacked,
            self.optimizer,
            self.clamp,
        )

    def evaluate(self, odors, batch, n_steps=30):
        """KC counts in batches: the noise of all samples at once would not fit the caches."""
        with torch.no_grad():
            parts = [self(x, soft=False, n_steps=n_steps).kc_count for x in odors.split(batch)]
        return torch.cat(parts)

    def _normals(self, noise, n_steps, batch):
        """All normal numbers: of classes (T, P, B, n), of LIF (3, T, B, 222), of others."""
        shapes = [(n_steps, len(w), batch, w.shape[2]) for w in self.products.values()]
        shapes += [(3, n_steps, batch, sum(AL)), (n_steps, batch, AL[0]), (3, n_steps, batch, 144)]
        if isinstance(noise, str):
            flat = torch.randn(sum(math.prod(s) for s in shapes), dtype=self.dtype)
            parts = flat.split([math.prod(s) for s in shapes])
            return [x.view(s) for x, s in zip(parts, shapes, strict=True)]
        xi = [torch.zeros(s, dtype=self.dtype) for s in shapes]
        if noise is None:
            return xi
        noise = noise.transpose(0, 1)
        for part, names in zip(xi, CLASSES.values(), strict=False):
            for i, name in enumerate(names):
                given = noise[:, :, self.slots[name, "synapse"]]
                part[:, i, :, : given.shape[2]] = given
        for i, field in enumerate(("current", "voltage", "threshold")):
            xi[4][i] = torch.cat(
                [noise[:, :, self.slots[p, field]] for p in ("orn", "ln", "pn")], 2
            )
        xi[5][:] = noise[:, :, self.slots["orn", "input"]]
        xi[6][0], xi[6][1] = noise[:, :, self.slots["kc", "voltage"]].chunk(2, 2)
        xi[6][2] = noise[:, :, self.slots["kc", "threshold"]]
        return xi

    def __call__(self, odors, soft, noise="drawn", n_steps=30):
        """Simulate; without `soft`, spikes are all or none."""
        self.soft = soft
        batch = len(odors)
        p = _Effective(self, torch.cat(self.stacked)[self.order])
        rows = self._rows_of_steps(p, odors, noise, n_steps)
        self._rest(odors)
        for t in range(n_steps):
            self._antennal_lobe(p, rows, t, batch)
            self._mushroom_body(p, rows, t, batch)
        logits = torch.addmm(p.bias, self.count, p.weight.view(28, 144).T, alpha=1 / n_steps)
        return Output(logits, self.count, n_steps)

    def _rows_of_steps(self, p, odors, noise, n_steps):
        """Everything of all steps that does not depend on the state, unbound by step."""
        *synapses, lif, receptor, kc = self._normals(noise, n_steps, len(odors))
        rows = {}
        for kind, xi in zip(CLASSES, synapses, strict=True):
            factors = xi.mul_(SIGMA["synapse"]).add_(1)
            rows[kind] = factors.view(n_steps, factors.shape[1], -1).unbind()
        drive = (odors * p.or_gains)[:, self.receptor] * (p.or_gain * 1e12)
        rows["drive"] = (drive * (1 + SIGMA["receptor"] * receptor)).unbind()
        both = kc[:2].mul_(1e3 * SIGMA["voltage"])
        push = lif[1].mul_(1e3 * SIGMA["voltage"])
        push = torch.addcmul(push, lif[0], (1e12 * SIGMA["current"]) * p.gain_each)
        for name, x in zip(("orn", "ln", "pn"), push.split(AL, -1), strict=True):
            rows[f"push {name}"] = x.unbind()
        threshold = torch.sub(-1e3 * (p.v_th + 0.060), lif[2], alpha=1e3 * SIGMA["threshold"])
        for name, x in zip(("orn", "ln", "pn"), threshold.split(AL, -1), strict=True):
            rows[f"v_th {name}"] = x.unbind()
        rows["push kc"] = both.transpose(0, 1).reshape(n_steps, 2, -1).unbind()
        threshold = torch.sub(-1e3 * (p.v_th_kc + 0.060), kc[2], alpha=1e3 * SIGMA["threshold"])
        rows["v_th kc"] = threshold.unbind()
        return rows

    def _rest(self, odors):
        batch = len(odors)

        def fill(value, *shape):
            return odors.new_full(shape, value)

        sizes = dict(zip(("orn", "ln", "pn"), AL, strict=True))
        self.v = {name: fill(0, batch, n) for name, n in sizes.items()}
        self.ready = {name: fill(1, batch, n) for name, n in {**sizes, "kc": 144}.items()}
        self.v_kc = fill(0, 2, batch * 144)
        self.resources = {k: fill(1, len(w), batch * w.shape[1]) for k, w in self.products.items()}
        self.current = {
            k: fill(0, len(TARGETS[k]), batch * w.shape[2]) for k, w in self.products.items()
        }
        self.last = tuple(fill(0, batch, n) for n in (108, 72, 144))
        self.apl_activity = fill(0, batch, 2)
        self.count = fill(0, batch, 144)
        self.one = fill(1, batch, 144)

    def _synapses(self, kind, p, spikes, factors):
        """Currents of the targets of a class; `spikes` has a row for each population of sources."""
        weights = self.products[kind]
        resources = self.resources[kind]
        released = torch.mm(p.use[kind], spikes) * resources
        self.resources[kind] = torch.addmm(p.refill[kind], p.recovery[kind], resources - released)
        received = torch.bmm(released.view(len(weights), -1, weights.shape[1]), weights)
        self.current[kind] = torch.addmm(
            self.current[kind], p.strength[kind], received.view(factors.shape) * factors, beta=ALPHA
        )
        return self.current[kind]

    def _fire(self, name, v, minus_threshold):
        """Spikes, where v stays, and where it would stay without the refractory step."""
        ready = self.ready[name]
        u = v + minus_threshold
        spikes = (torch.sigmoid(u) if self.soft else (u > 0).to(u.dtype)) * ready
        fired = spikes.detach().round()  # 1 above 0.5, else 0
        self.ready[name] = 1 - fired
        return spikes, ready - fired, self.ready[name]

    def _lif(self, name, p, rows, t, current):
        v = torch.lerp(current, self.v[name], p.decay[name]) + rows[f"push {name}"][t]
        v = F.threshold(v, -20, -20)
        spikes, stays, _ = self._fire(name, v, rows[f"v_th {name}"][t])
        self.v[name] = v * stays
        return spikes

    def _antennal_lobe(self, p, rows, t, batch):
        ln, pn, kc = self.last
        before = torch.stack([F.pad(ln, (0, 36)), F.pad(pn, (0, 72)), kc]).view(3, -1)
        arrived = self._synapses("previous", p, before, rows["previous"][t])
        to_orn, to_ln, self.to_kc = arrived.view(4 * batch, 144).split([batch, batch, 2 * batch])
        gap = torch.mm(torch.cat([self.v["ln"], self.v["pn"]], 1), p.gaps)
        gap_ln, gap_pn = gap.split([108, 72], 1)
        orn = self._lif("orn", p, rows, t, rows["drive"][t] + to_orn[:, :42])
        arrived = self._synapses("orn", p, orn.view(1, -1), rows["orn"][t])
        from_orn = arrived.view(2, batch, 108).unbind()
        ln = self._lif("ln", p, rows, t, from_orn[0] + to_ln[:, :108] + gap_ln)
        arrived = self._synapses("ln", p, ln.view(1, -1), rows["ln"][t])
        current = arrived.view(batch, 72) + from_orn[1][:, :72] + gap_pn
        pn = self._lif("pn", p, rows, t, current)
        self.to_kc_divided = self._synapses("pn", p, pn.view(1, -1), rows["pn"][t])
        self.last = ln, pn, kc

    def _mushroom_body(self, p, rows, t, batch):
        above = torch.relu(self.v_kc[0].view(batch, 144))
        a = torch.addmm(self.apl_activity * p.apl_decay, self.count, p.rate, alpha=1 / (t + 1))
        self.apl_activity = torch.addmm(a, above, p.depolarization)
        divisor = torch.addmm(self.one, torch.relu(self.apl_activity), p.division)
        released = torch.mm(p.release, F.hardtanh(above, 0, 30).view(1, -1))
        current = torch.baddbmm(
            self.to_kc.view(2, batch, 144), released.view(2, batch, 144), self.release
        )
        divided = self.to_kc_divided / divisor.view(1, -1)
        v = torch.addmm(rows["push kc"][t], p.keep, self.v_kc)
        v = torch.addmm(torch.addmm(v, p.push, current.view(2, -1)), p.push_dendrite, divided)
        v = F.threshold(v, -20, -20)
        axon = v[1].view(batch, 144)
        kc, stays, dendrite_stays = self._fire("kc", axon, rows["v_th kc"][t])
        self.v_kc = v * torch.stack([dendrite_stays, stays]).view(2, -1)
        self.count = self.count + kc
        self.last = *self.last[:2], kc


class _Effective:
    """Effective parameters from the raw ones, by a few operations on stacks."""

    def __init__(self, merged, raw):
        exp, soft, use, self.v_th, v_th_kc, self.weight, self.bias = raw.split(merged.block_sizes)
        self.v_th_kc = v_th_kc
        self.or_gain, tau, gap, strength, g_soma, rate = exp.exp().split([1, 20, 3, 16, 1, 1])
        decay = torch.exp(-DT / tau)
        orn, ln, pn, self.apl_decay, recovery = decay.split([1, 1, 1, 1, 16])
        self.decay = {"orn": orn, "ln": ln, "pn": pn}
        self.gain_each = (1 - decay[:3]).repeat_interleave(torch.tensor(AL))
        self._by_class(merged, recovery, use.sigmoid(), strength * merged.signs)
        self.gaps = torch.tensordot(1e9 * gap, merged.gaps, 1)
        self.or_gains, release, dendrite, division = softplus(soft).split([21, 2, 1, 1])
        self.release = release.view(2, 1)
        gain = 1 - self.apl_decay
        self.rate = gain * rate * merged.apl[0]
        self.depolarization = gain * (1e-3 * dendrite) * merged.apl[1]
        self.division = division * merged.apl[2]
        k = g_soma[0] / CAPACITANCE
        e1, e2 = math.exp(-DT / TAU_KC), torch.exp(-DT * (1 / TAU_KC + 2 * k))
        same, cross = 0.5 * (e1 + e2), 0.5 * (e1 - e2)
        a = -(1 / TAU_KC + k)
        scale = 1 / (TAU_KC * (a * a - k * k + 1e-8))
        k_same = (a * (same - 1) - k * cross) * scale
        k_cross = (a * cross - k * (same - 1)) * scale
        self.keep = torch.stack([same, cross, cross, same]).view(2, 2)
        self.push = torch.stack([k_same, k_cross, k_cross, k_same]).view(2, 2)
        self.push_dendrite = self.push[:, :1]

    def _by_class(self, merged, recovery, use, strength):
        """Small matrices that take the place of elementwise factors and sums."""
        sizes = [len(names) for names in CLASSES.values()]
        self.recovery, self.refill, self.use, self.strength = {}, {}, {}, {}
        parts = zip(CLASSES, *(x.split(sizes) for x in (recovery, use, strength)), strict=True)
        for kind, rho, u, w in parts:
            self.recovery[kind] = torch.diag(rho)
            self.refill[kind] = (1 - rho).view(-1, 1)
            self.use[kind] = u.view(-1, 1) * merged.sources[kind]
            self.strength[kind] = w * merged.sums[kind]
