"""One sample of a network plan, written from the equations, with loops over steps and neurons."""

import math

import numpy as np


def hard(u):
    return 1.0 if u > 0 else 0.0


def soft(u):
    return 1 / (1 + math.exp(-u / 1e-3))


def parameters(plan, theta):
    """Effective values by (owner, field), read from theta one after the other."""
    rest = list(theta)

    def take(k):
        taken, rest[:k] = np.array(rest[:k]), []
        return taken

    value = {}
    for p in plan.populations:
        if p.kind == "two_compartment":
            value[p.name, "step"] = take(4)
        else:
            value[p.name, "decay"] = take(np.size(p.tau_m)) * np.ones(p.n)
        if p.kind != "graded":
            value[p.name, "threshold"] = take(p.n)
    for w in plan.pathways:
        n = np.count_nonzero(w.weights.toarray())
        value[w.name, "amplitude"] = take(n if w.per_edge else 1)
        if w.kind == "synapse" and w.depression:
            value[w.name, "use"], value[w.name, "recovery"] = take(1)[0], take(1)[0]
    assert not rest
    return value


def noise_sites(plan, xi):
    """Normals of one step by (owner, site)."""
    rest = list(xi)

    def take(k):
        taken, rest[:k] = np.array(rest[:k]), []
        return taken

    sites = {}
    for p in plan.populations:
        if p.noise_input > 0:
            sites[p.name, "input"] = take(p.n)
        for w in plan.pathways:
            if w.kind == "synapse" and w.post == p.name and w.noise > 0:
                sites[w.name, "synapse"] = take(p.n)
        if p.noise_current > 0:
            sites[p.name, "current"] = take(p.n)
        if p.noise_voltage > 0:
            sites[p.name, "voltage"] = take(p.n if p.kind == "lif" else 2 * p.n)
        if p.noise_threshold > 0:
            sites[p.name, "threshold"] = take(p.n)
    assert not rest
    return sites


def simulate(plan, theta, drive, noise=None, fire=hard):
    """Spikes (T, n_spiking) and voltages (T, n_voltage) for a drive (T, n_all)."""
    value = parameters(plan, theta)
    pops = {p.name: p for p in plan.populations}
    matrix = {}
    for w in plan.pathways:
        matrix[w.name] = w.weights.toarray()
        if w.per_edge:
            matrix[w.name][matrix[w.name] != 0] *= value[w.name, "amplitude"]
    v = {p.name: np.full(p.n, p.v_reset) for p in plan.populations}  # soma or dendrite
    axon = {p.name: np.full(p.n, p.v_reset) for p in plan.populations}
    timer = {p.name: np.zeros(p.n) for p in plan.populations}
    activity = {p.name: np.zeros(p.n) for p in plan.populations}
    count = {p.name: np.zeros(p.n) for p in plan.populations}
    previous = {p.name: np.zeros(p.n) for p in plan.populations}
    current = {w.name: np.zeros(pops[w.post].n) for w in plan.pathways}
    x = {w.name: np.ones(pops[w.pre].n) for w in plan.pathways}
    all_spikes, all_voltages = [], []
    for t in range(len(drive)):
        xi = noise_sites(plan, noise[t]) if noise is not None else {}
        start = {name: values.copy() for name, values in v.items()}
        spikes = {}
        ends = np.cumsum([p.n for p in plan.populations])
        given = dict(zip(pops, np.split(drive[t], ends[:-1]), strict=True))

        def above_reset(name, start=start):
            return np.maximum(start[name] - pops[name].v_reset, 0)

        for p in plan.populations:
            into = [w for w in plan.pathways if w.post == p.name]
            if p.kind == "graded":
                received = np.zeros(p.n)
                for w in into:
                    seen = count[w.pre] / (t + 1) if w.kind == "rate" else above_reset(w.pre)
                    received += value[w.name, "amplitude"] * (seen @ matrix[w.name])
                decay = value[p.name, "decay"]
                activity[p.name] = activity[p.name] * decay + received * (1 - decay)
                activity[p.name] = activity[p.name] + given[p.name]
                continue
            divided = given[p.name] * (1 + p.noise_input * xi.get((p.name, "input"), 0))
            division, plain, to_axon = np.zeros(p.n), np.zeros(p.n), np.zeros(p.n)
            for w in into:
                if w.kind == "synapse":
                    s = (spikes if w.timing == "current" else previous)[w.pre]
                    y = s
                    if w.depression:
                        use = value[w.name, "use"]
                        x1 = 1 - (1 - x[w.name]) * value[w.name, "recovery"]
                        y = s * use * x1
                        x[w.name] = x1 * (1 - use * np.clip(s, 0, 1))
                    jump = w.sign * (y @ matrix[w.name])
                    if not w.per_edge:
                        jump = jump * value[w.name, "amplitude"]
                    jump = jump * (1 + w.noise * xi.get((w.name, "synapse"), 0))
                    current[w.name] = current[w.name] * math.exp(-plan.dt / w.tau_syn) + jump
                    if w.divided:
                        divided = divided + current[w.name]
                    elif w.compartment == "axon":
                        to_axon += current[w.name]
                    else:
                        plain += current[w.name]
                elif w.kind == "release":
                    h = np.minimum(above_reset(w.pre), w.cap)
                    released = value[w.name, "amplitude"] * (h @ matrix[w.name])
                    if w.compartment == "axon":
                        to_axon += released
                    else:
                        plain += released
                elif w.kind == "divisive":
                    seen = np.maximum(activity[w.pre], 0)
                    division += value[w.name, "amplitude"] * (seen @ matrix[w.name])
            for w in plan.pathways:
                if w.kind == "gap" and p.name in (w.pre, w.post):
                    g = matrix[w.name] if w.post == p.name else matrix[w.name].T
                    other = w.pre if w.post == p.name else w.post
                    for i in range(p.n):
                        for j in range(pops[other].n):
                            difference = start[other][j] - start[p.name][i]
                            plain[i] += value[w.name, "amplitude"][0] * g[j, i] * difference
            total = divided / (1 + division) + plain
            fired = np.zeros(p.n)
            for i in range(p.n):
                timer[p.name][i] = max(timer[p.name][i] - 1, 0)
                ready = timer[p.name][i] <= 0
                v_noise = p.noise_voltage * xi.get((p.name, "voltage"), np.zeros(2 * p.n))
                if p.kind == "lif":
                    drawn = xi.get((p.name, "current"), np.zeros(p.n))[i]
                    target = p.v_rest + p.resistance * (total[i] + p.noise_current * drawn)
                    decay = value[p.name, "decay"][i]
                    v_i = target + (v[p.name][i] - target) * decay + v_noise[i]
                    v_i = max(v_i, p.v_min) if ready else p.v_reset
                    deciding = v_i
                else:
                    m_same, m_cross, k_same, k_cross = value[p.name, "step"]
                    b_d = (p.v_rest + p.resistance * total[i]) / p.tau_m
                    b_a = (p.v_rest + p.resistance * to_axon[i]) / p.tau_m
                    v_d, v_a = v[p.name][i], axon[p.name][i]
                    v_i = m_same * v_d + m_cross * v_a + k_same * b_d + k_cross * b_a
                    a_i = m_cross * v_d + m_same * v_a + k_cross * b_d + k_same * b_a
                    v_i = max(v_i + v_noise[i], p.v_min)
                    a_i = max(a_i + v_noise[p.n + i], p.v_min) if ready else p.v_reset
                    deciding = a_i
                drawn = xi.get((p.name, "threshold"), np.zeros(p.n))[i]
                threshold = value[p.name, "threshold"][i] + p.noise_threshold * drawn
                fired[i] = fire(deciding - threshold) if ready else 0.0
                if fired[i] > 0.5:
                    v_i = a_i = p.v_reset
                    timer[p.name][i] = round(p.refractory / plan.dt)
                v[p.name][i] = v_i
                if p.kind == "two_compartment":
                    axon[p.name][i] = a_i
            spikes[p.name] = fired
        for name, fired in spikes.items():
            previous[name] = fired
            count[name] = count[name] + fired
        all_spikes.append(np.concatenate(list(spikes.values())))
        shown = []
        for p in plan.populations:
            if p.kind == "graded":
                shown.append(activity[p.name])
            else:
                shown.append(v[p.name].copy())
                if p.kind == "two_compartment":
                    shown.append(axon[p.name].copy())
        all_voltages.append(np.concatenate(shown))
    return np.array(all_spikes), np.array(all_voltages)
