"""The larval olfactory network in eager PyTorch as published: pathway after pathway.

It takes the wiring and the present parameters of a :class:`cofire.nn.olfactory.OlfactoryNetwork`
and learns copies of its own. ``noise`` is None, "drawn", or a tensor as
:func:`cofire.nn.simulate` takes.
"""

from __future__ import annotations

import math

import torch

from cofire.nn import olfactory_wiring as wiring
from cofire.nn.olfactory import BOUNDS, olfactory_loss
from cofire.nn.packing import softplus

LR = 1e-3
CLIP = 5.0
SPARSITY_WEIGHT = 15.0
DT = 1e-3
TAU_KC = 0.020
CAPACITANCE = 2e-11
ALPHA = math.exp(-DT / 0.005)
SIGMA = wiring.PAPER_NOISE


class Output:
    """What the loss needs."""

    def __init__(self, logits, kc_count, n_steps):
        self.logits, self.kc_count, self.n_steps = logits, kc_count, n_steps


def train_step(forward, labels, parameters, optimizer, clamp):
    """Forward, loss, backward, clip, Adam, clamps; the loss comes back."""
    loss = olfactory_loss(forward(), labels, SPARSITY_WEIGHT)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, CLIP)
    optimizer.step()
    clamp()
    return loss.detach()


def raw_bounds(name):
    """Limits of a raw parameter by its published name."""
    *_, owner, leaf = name.split(".")
    quantity = {
        "log_tau_m": f"{owner.removesuffix('_neurons')}.tau_m",
        "log_tau_apl": "apl.tau_m",
        "log_g_soma": "g_soma",
        "v_th": "v_th",
        "log_strength": f"{owner}.strength" if f"{owner}.strength" in BOUNDS else "strength",
        "log_tau_rec": "tau_rec",
        "logit_U": "use",
    }.get(leaf)
    if quantity is None:
        return -math.inf, math.inf
    low, high = BOUNDS[quantity]
    if leaf == "v_th":
        return low, high
    if leaf == "logit_U":
        return math.log(low / (1 - low)), math.log(high / (1 - high))
    return math.log(low), math.log(high)


def dense_wiring(plan, dtype):
    """Weights of each pathway as a tensor (n_pre, n_post)."""
    return {w.name: torch.from_numpy(w.weights.toarray()).to(dtype) for w in plan.pathways}


class Pathwise:
    """As published: pathway after pathway, dense products, one small operation after another."""

    def __init__(self, network):
        plan = network.network.plan
        dtype = network.or_gains.dtype
        published = network.published_parameters()
        self.parameters = {k: v.detach().clone().requires_grad_() for k, v in published.items()}
        self.short = {".".join(k.split(".")[-2:]): v for k, v in self.parameters.items()}
        self.wiring = dense_wiring(plan, dtype)
        self.sign = {w.name: w.sign for w in plan.pathways}
        self.receptor = torch.from_numpy(wiring.receptor_of_orn())
        self.slots = {(s.owner, s.field): slice(s.start, s.stop) for s in plan.noise_layout}
        self.optimizer = torch.optim.Adam(
            [
                {"params": [self.parameters[name] for name in group["names"]], "lr": group["lr"]}
                for group in network.parameter_groups(LR)
            ]
        )

    def clamp(self):
        """Bring all parameters back into their bounds."""
        for name, value in self.parameters.items():
            low, high = raw_bounds(name)
            if math.isfinite(low):
                value.data.clamp_(low, high)

    def values(self):
        """Parameters and their gradients by published name."""
        return {name: (p.detach(), p.grad) for name, p in self.parameters.items()}

    def train(self, odors, labels, noise="drawn", n_steps=30):
        """One training step; the loss."""
        return train_step(
            lambda: self(odors, soft=True, noise=noise, n_steps=n_steps),
            labels,
            list(self.parameters.values()),
            self.optimizer,
            self.clamp,
        )

    def __call__(self, odors, soft, noise="drawn", n_steps=30):
        """Simulate; without `soft`, spikes are all or none."""
        p = self.short
        self.soft, self.noise = soft, noise
        drive = (odors * softplus(p["or_to_orn.or_gains"]))[:, self.receptor]
        drive = drive * torch.exp(p["antennal_lobe.log_or_gain"])
        self._rest(drive)
        step = self._kc_propagator()
        for self.t in range(n_steps):
            self._antennal_lobe(drive)
            self._mushroom_body(step)
        logits = self.count["kc"] / n_steps @ p["decoder.weight"].T + p["decoder.bias"]
        return Output(logits, self.count["kc"], n_steps)

    def _rest(self, drive):
        n = {"orn": 42, "ln": 108, "pn": 72, "kc": 144}
        zeros = {name: drive.new_zeros(len(drive), size) for name, size in n.items()}
        self.v = {name: torch.full_like(zeros[name], -0.060) for name in ("orn", "ln", "pn")}
        self.v_d = torch.full_like(zeros["kc"], -0.060)
        self.v_a = self.v_d.clone()
        self.timer, self.count, self.previous = dict(zeros), dict(zeros), dict(zeros)
        self.apl = drive.new_zeros(len(drive), 2)
        self.current, self.resources = {}, {}
        for name in wiring.SYNAPSES:
            pre, post = name.split("_")[:2]
            self.current[name] = zeros[post]
            self.resources[name] = torch.ones_like(zeros[pre])

    def _draw(self, owner, field, like, part=0):
        if isinstance(self.noise, str):
            return torch.randn_like(like)
        start = self.slots[owner, field].start + part * like.shape[1]
        return self.noise[:, self.t, start : start + like.shape[1]]

    def _synapse(self, name, spikes):
        layer = self.short
        use = torch.sigmoid(layer[f"{name}.logit_U"])
        tau = torch.exp(layer[f"{name}.log_tau_rec"])
        x = 1 - (1 - self.resources[name]) * torch.exp(-DT / tau)
        strength = torch.exp(layer[f"{name}.log_strength"])
        received = self.sign[name] * strength * ((spikes * use * x) @ self.wiring[name])
        self.resources[name] = x * (1 - use * torch.clamp(spikes, 0, 1))
        if self.noise is not None:
            received = received * (1 + SIGMA["synapse"] * self._draw(name, "synapse", received))
        self.current[name] = self.current[name] * ALPHA + received
        return self.current[name]

    def _spike(self, u):
        return torch.sigmoid(u / 1e-3) if self.soft else (u > 0).to(u.dtype)

    def _tick(self, name):
        self.timer[name] = torch.clamp(self.timer[name] - DT, min=0)
        return self.timer[name] <= 0

    def _fire(self, name, v, ok, threshold):
        if self.noise is not None:
            threshold = threshold + SIGMA["threshold"] * self._draw(name, "threshold", v)
        spikes = self._spike(v - threshold) * ok
        fired = spikes > 0.5
        self.timer[name] = torch.where(fired, torch.full_like(v, 0.002), self.timer[name])
        self.count[name] = self.count[name] + spikes
        return spikes, fired

    def _lif(self, name, current):
        ok = self._tick(name)
        v, neurons = self.v[name], f"{name}_neurons"
        if self.noise is not None:
            current = current + SIGMA["current"] * self._draw(name, "current", v)
        v_inf = -0.060 + 1e9 * current
        v = v_inf + (v - v_inf) * torch.exp(-DT / torch.exp(self.short[f"{neurons}.log_tau_m"]))
        if self.noise is not None:
            v = v + SIGMA["voltage"] * self._draw(name, "voltage", v)
        v = torch.clamp(v, min=-0.080)
        v = torch.where(ok, v, torch.full_like(v, -0.060))
        spikes, fired = self._fire(name, v, ok, self.short[f"{neurons}.v_th"])
        self.v[name] = torch.where(fired, torch.full_like(v, -0.060), v)
        return spikes

    def _gap(self, name, v, other, mask):
        g = torch.exp(self.short[f"antennal_lobe.log_g_{name}"])
        return g * (other @ mask - v * mask.sum(0))

    def _antennal_lobe(self, drive):
        last, w = self.previous, self.wiring
        v_ln, v_pn = self.v["ln"], self.v["pn"]
        if self.noise is not None:
            drive = drive * (1 + SIGMA["receptor"] * self._draw("orn", "input", drive))
        orn = self._lif("orn", drive + self._synapse("ln_orn_nonad", last["ln"]))
        gap_ln = self._gap("gap_ln", v_ln, v_ln, w["gap_ln"])
        gap_pn = self._gap("gap_pn", v_pn, v_pn, w["gap_pn"])
        to_pn = self._gap("gap_eln_pn", v_pn, v_ln, w["gap_eln_pn"])
        to_ln = self._gap("gap_eln_pn", v_ln, v_pn, w["gap_eln_pn"].T)
        current = self._synapse("orn_ln", orn) + gap_ln + to_ln
        current = current + self._synapse("ln_ln", last["ln"]) + self._synapse("pn_ln", last["pn"])
        current = current + self._synapse("orn_ln_nonad", orn)
        current = current + self._synapse("ln_ln_nonad", last["ln"])
        ln = self._lif("ln", current + self._synapse("pn_ln_nonad", last["pn"]))
        current = self._synapse("orn_pn", orn) + self._synapse("ln_pn", ln)
        current = current + self._synapse("ln_pn_excit", ln) + gap_pn + to_pn
        current = current + self._synapse("ln_pn_nonad", ln)
        pn = self._lif("pn", current + self._synapse("ln_pn_excit_nonad", ln))
        last["ln"], last["pn"] = ln, pn

    def _kc_propagator(self):
        k = torch.exp(self.short["kc_neurons.log_g_soma"]) / CAPACITANCE
        e1, e2 = math.exp(-DT / TAU_KC), torch.exp(-DT * (1 / TAU_KC + 2 * k))
        same, cross = 0.5 * (e1 + e2), 0.5 * (e1 - e2)
        a = -(1 / TAU_KC + k)
        determinant = a * a - k * k + 1e-8
        k_same = (a * (same - 1) - k * cross) / determinant
        k_cross = (a * cross - k * (same - 1)) / determinant
        return same, cross, k_same, k_cross

    def _mushroom_body(self, step):
        p, w, pn = self.short, self.wiring, self.previous["pn"]
        above = torch.relu(self.v_d + 0.060)
        rate = self.count["kc"] / (self.t + 1)
        arrived = torch.exp(p["apl.kc_apl_log_strength"]) * (rate @ w["kc_apl"])
        arrived = arrived + softplus(p["apl.kc_dend_gain"]) * (above @ w["kc_apl_da"])
        decay = torch.exp(-DT / torch.exp(p["apl.log_tau_apl"]))
        self.apl = self.apl * decay + arrived * (1 - decay)
        divisor = (torch.relu(self.apl) * softplus(p["apl.apl_gain"])) @ w["apl_kc"]
        dendrite = (self._synapse("pn_kc", pn) + self._synapse("pn_kc_nonad", pn)) / (1 + divisor)
        h = torch.clamp(above, max=0.030)
        dendrite = dendrite + 1e-9 * softplus(p["kc_layer.kc_kc_dd_gain"]) * (h @ w["kc_kc_dd"])
        dendrite = dendrite + self._synapse("kc_kc_ad", self.previous["kc"])
        axon = self._synapse("kc_kc_aa", self.previous["kc"])
        axon = axon + 1e-9 * softplus(p["kc_layer.kc_kc_da_gain"]) * (h @ w["kc_kc_da"])
        self.previous["kc"] = self._kenyon_cells(step, dendrite, axon)

    def _kenyon_cells(self, step, dendrite, axon):
        ok = self._tick("kc")
        same, cross, k_same, k_cross = step
        b_d, b_a = (-0.060 + 1e9 * dendrite) / TAU_KC, (-0.060 + 1e9 * axon) / TAU_KC
        v_d = same * self.v_d + cross * self.v_a + k_same * b_d + k_cross * b_a
        v_a = cross * self.v_d + same * self.v_a + k_cross * b_d + k_same * b_a
        if self.noise is not None:
            v_d = v_d + SIGMA["voltage"] * self._draw("kc", "voltage", v_d)
            v_a = v_a + SIGMA["voltage"] * self._draw("kc", "voltage", v_a, 1)
        v_d, v_a = torch.clamp(v_d, min=-0.080), torch.clamp(v_a, min=-0.080)
        reset = torch.full_like(v_a, -0.060)
        v_a = torch.where(ok, v_a, reset)
        spikes, fired = self._fire("kc", v_a, ok, self.short["kc_neurons.v_th"])
        self.v_d, self.v_a = torch.where(fired, reset, v_d), torch.where(fired, reset, v_a)
        return spikes
