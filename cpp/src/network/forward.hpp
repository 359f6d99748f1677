// One simulation step after the other. Included like lanes.hpp.

// Released fraction y of each presynaptic neuron with edges, in job.sources; resources move on.
template <typename T>
void release_synapse(Job<T>& job, const PathwayTask<T>& path, T* tape) {
  const NetworkPathway& spec = *path.spec;
  const NetworkPopulation& pre = job.populations[spec.pre];
  const T* spikes =
      spec.previous ? row_of(job.state, pre.state_spikes) : row_of(job.spikes_now, pre.spiking0);
  T* resources = spec.depression ? row_of(job.state, spec.state_resources) : nullptr;
  for (index_t k = 0; k < path.edges.n_sources; ++k) {
    const Lanes<T> s = load(row_of(spikes, path.edges.sources[k]));
    if (!spec.depression) {
      store(row_of(job.sources, k), s);
      continue;
    }
    const Lanes<T> x = load(row_of(resources, k));
    if (tape != nullptr) store(row_of(tape, spec.tape_resources + k), x);
    const Lanes<T> recovered = T(1) - (T(1) - x) * path.recovery;
    store(row_of(job.sources, k), s * path.use * recovered);
    const Lanes<T> spent = at_most(at_least(s, T(0)), T(1)) * path.use;
    store(row_of(resources, k), recovered * (T(1) - spent));
  }
}

// Synaptic input of one pathway into the current of its group. Where few neurons fired, only
// their edges are visited: adding zeros changes no bit, so both ways agree.
template <typename T>
void drive_synapse(Job<T>& job, const PathwayTask<T>& path, T* tape) {
  release_synapse(job, path, tape);
  const NetworkPathway& spec = *path.spec;
  const EdgeView<T>& edges = path.edges;
  T* current = row_of(job.state, job.groups[spec.group].spec->state_current);
  const auto deliver = [&](index_t, index_t j, const Lanes<T>& sum) {
    Lanes<T> input = sum * path.strength;
    if (spec.site >= 0 && job.has_noise) {
      input = input * (noise_at(job, spec.site, j, spec.noise) + T(1));
    }
    add_to(row_of(current, j), input);
  };
  std::int64_t visited = edges.source_begin[edges.n_sources];
  const std::int64_t n_edges = visited;
  if (job.spike[spec.pre] != SpikeKind::soft) {
    visited = 0;
    for (index_t k = 0; k < edges.n_sources; ++k) {
      if (!is_silent(row_of(job.sources, k))) {
        visited += edges.source_begin[k + 1] - edges.source_begin[k];
      }
    }
  }
  if (2 * visited >= n_edges) {
    gather_by_target(edges, job.sources, deliver);
    return;
  }
  for (index_t a = 0; a < edges.n_targets; ++a) {
    store(row_of(job.sums, edges.targets[a]), Lanes<T>{});
  }
  for (index_t k = 0; k < edges.n_sources; ++k) {
    const T* source = row_of(job.sources, k);
    if (is_silent(source)) continue;
    const Lanes<T> y = load(source);
    for (auto e = edges.source_begin[k]; e < edges.source_begin[k + 1]; ++e) {
      add_to(row_of(job.sums, edges.post[e]), edges.weight[e] * y);
    }
  }
  for (index_t a = 0; a < edges.n_targets; ++a) {
    deliver(a, edges.targets[a], load(row_of(job.sums, edges.targets[a])));
  }
}

// Gap junctions: both populations' voltages as they were at the start of the step.
template <typename T>
void drive_gap(Job<T>& job, const PathwayTask<T>& path, bool into_post) {
  const NetworkPathway& spec = *path.spec;
  const EdgeView<T>& edges = path.edges;
  const NetworkPopulation& pre = job.populations[spec.pre];
  const NetworkPopulation& post = job.populations[spec.post];
  const T* v_pre = row_of(job.start_voltage, pre.voltage0);
  const T* v_post = row_of(job.start_voltage, post.voltage0);
  const T zero = static_cast<T>(pre.v_reset);  // differences keep their digits
  if (into_post) {
    for (index_t k = 0; k < edges.n_sources; ++k) {
      store(row_of(job.sources, k), load(row_of(v_pre, edges.sources[k])) - zero);
    }
    gather_by_target(edges, job.sources, [&](index_t a, index_t j, const Lanes<T>& sum) {
      const Lanes<T> own = load(row_of(v_post, j)) - zero;
      add_to(row_of(job.added, j), path.strength * (sum - own * T(edges.target_sum[a])));
    });
    return;
  }
  for (index_t j = 0; j < post.n; ++j) {
    store(row_of(job.sums, j), load(row_of(v_post, j)) - zero);
  }
  gather_by_source(edges, job.sums, [&](index_t a, index_t i, const Lanes<T>& sum) {
    const Lanes<T> own = load(row_of(v_pre, i)) - zero;
    add_to(row_of(job.added, i), path.strength * (sum - own * T(edges.source_sum[a])));
  });
}

// Source rows of the pathways without spikes: what they pass on at this step.
template <typename T>
COFIRE_INLINE Lanes<T> graded_source(const Job<T>& job, const PathwayTask<T>& path, index_t i,
                                     index_t t, const T* voltages, const T* counts) {
  const NetworkPathway& spec = *path.spec;
  const NetworkPopulation& pre = job.populations[spec.pre];
  switch (spec.kind) {
    case PathwayKind::rate:
      return load(row_of(counts, i)) * (T(1) / static_cast<T>(job.first_step + t + 1));
    case PathwayKind::release:
      return at_most(at_least(depolarization(pre, voltages, i), T(0)), static_cast<T>(spec.cap));
    case PathwayKind::depolarization:
      return at_least(depolarization(pre, voltages, i), T(0));
    default:  // divisive: activity
      return at_least(load(row_of(voltages, i)), T(0));
  }
}

template <typename T>
void drive_graded(Job<T>& job, const PathwayTask<T>& path, index_t t, T* target) {
  const NetworkPathway& spec = *path.spec;
  const NetworkPopulation& pre = job.populations[spec.pre];
  const bool is_divisive = spec.kind == PathwayKind::divisive;
  const T* voltages =
      is_divisive ? row_of(job.state, pre.state_v) : row_of(job.start_voltage, pre.voltage0);
  const T* counts = pre.state_count >= 0 ? row_of(job.state, pre.state_count) : nullptr;
  for (index_t k = 0; k < path.edges.n_sources; ++k) {
    store(row_of(job.sources, k),
          graded_source(job, path, path.edges.sources[k], t, voltages, counts));
  }
  gather_by_target(path.edges, job.sources, [&](index_t, index_t j, const Lanes<T>& sum) {
    add_to(row_of(target, j), path.strength * sum);
  });
}

// Everything that flows into one population at step t.
template <typename T>
void collect_inputs(Job<T>& job, index_t which, index_t t, T* tape) {
  const NetworkPopulation& p = job.populations[which];
  clear_rows(job.added, p.n);
  clear_rows(job.axon, p.n);
  clear_rows(job.division, p.n);
  for (index_t g = 0; g < job.n_groups; ++g) {
    if (job.groups[g].spec->post != which) continue;
    T* current = row_of(job.state, job.groups[g].spec->state_current);
    for (index_t i = 0; i < p.n; ++i) {
      store(row_of(current, i), load(row_of(current, i)) * job.groups[g].decay);
    }
  }
  for (index_t k = 0; k < job.n_pathways; ++k) {
    const PathwayTask<T>& path = job.pathways[k];
    const NetworkPathway& spec = *path.spec;
    const bool is_gap = spec.kind == PathwayKind::gap;
    if (is_gap && spec.pre == which && spec.pre != spec.post) drive_gap(job, path, false);
    if (spec.post != which) continue;
    if (spec.kind == PathwayKind::synapse) {
      drive_synapse(job, path, tape);
    } else if (is_gap) {
      drive_gap(job, path, true);
    } else if (spec.kind == PathwayKind::divisive) {
      drive_graded(job, path, t, job.division);
    } else {
      drive_graded(job, path, t, spec.compartment == Compartment::axon ? job.axon : job.added);
    }
  }
  const T* drive = row_of(job.drive_rows, p.all0);
  const bool is_noisy = p.site_input >= 0 && job.has_noise;
  for (index_t i = 0; i < p.n; ++i) {
    Lanes<T> x = load(row_of(drive, i));
    if (is_noisy) x = x * (noise_at(job, p.site_input, i, p.noise_input) + T(1));
    store(row_of(job.divided, i), x);
  }
  for (index_t g = 0; g < job.n_groups; ++g) {
    const NetworkGroup& group = *job.groups[g].spec;
    if (group.post != which) continue;
    const T* current = row_of(job.state, group.state_current);
    T* target = group.compartment == Compartment::axon ? job.axon
                : group.divided                        ? job.divided
                                                       : job.added;
    for (index_t i = 0; i < p.n; ++i) add_to(row_of(target, i), load(row_of(current, i)));
  }
  if (!p.is_divided) return;
  for (index_t i = 0; i < p.n; ++i) {
    const Lanes<T> reciprocal = T(1) / (load(row_of(job.division, i)) + T(1));
    const Lanes<T> quotient = load(row_of(job.divided, i)) * reciprocal;
    store(row_of(job.divided, i), quotient);
    if (tape == nullptr) continue;
    const DivisionTape<T> rows(tape, p);
    store(row_of(rows.quotient, i), quotient);
    store(row_of(rows.reciprocal, i), reciprocal);
  }
}

// Refractory timer, threshold, spike. Returns which lanes may move; sets spike, slope and timer.
template <typename T>
struct Firing {
  Lanes<T> spike, slope;
  Mask<T> fired;
};

template <typename T>
COFIRE_INLINE Mask<T> count_down(T* timer) {
  const Lanes<T> left = at_least(load(timer) - T(1), T(0));
  store(timer, left);
  return left <= T(0);
}

template <typename T>
COFIRE_INLINE Firing<T> fire(Job<T>& job, index_t which, index_t i, const Lanes<T>& v,
                             const Mask<T>& ready, T* timer, bool wants_slope) {
  const NetworkPopulation& p = job.populations[which];
  const SpikeKind kind = job.spike[which];
  const T scale = job.scale[which];
  Lanes<T> threshold = all_lanes(job.theta[p.theta_threshold + i]);
  if (p.site_threshold >= 0 && job.has_noise) {
    threshold = threshold + noise_at(job, p.site_threshold, i, p.noise_threshold);
  }
  const Lanes<T> u = v - threshold;
  Firing<T> f;
  f.spike = kind == SpikeKind::soft ? logistic(u * (T(1) / scale)) : ones_where(u > T(0));
  f.spike = keep(ready, f.spike);
  f.fired = f.spike > T(0.5);
  store(timer, choose(f.fired, all_lanes(static_cast<T>(p.refractory_steps)), load(timer)));
  if (wants_slope) f.slope = keep(ready, slope_of(kind, scale, u, f.spike));
  return f;
}

template <typename T>
void update_lif(Job<T>& job, index_t which, T* tape) {
  const NetworkPopulation& p = job.populations[which];
  const T v_min = static_cast<T>(p.v_min);
  const Lanes<T> reset = all_lanes(static_cast<T>(p.v_reset));
  const bool noisy_current = p.site_current >= 0 && job.has_noise;
  const bool noisy_voltage = p.site_voltage >= 0 && job.has_noise;
  for (index_t i = 0; i < p.n; ++i) {
    Lanes<T> input = load(row_of(job.divided, i)) + load(row_of(job.added, i));
    if (noisy_current) input = input + noise_at(job, p.site_current, i, p.noise_current);
    const Lanes<T> asymptote = input * static_cast<T>(p.resistance) + static_cast<T>(p.v_rest);
    T* voltage = row_of(job.state, p.state_v + i);
    const T decay = job.theta[p.theta_decay + (p.decay_per_neuron ? i : 0)];
    Lanes<T> v = asymptote + (load(voltage) - asymptote) * decay;
    if (noisy_voltage) v = v + noise_at(job, p.site_voltage, i, p.noise_voltage);
    T* timer = row_of(job.state, p.state_refractory + i);
    const Mask<T> ready = count_down(timer);
    const Mask<T> gate = (v >= v_min) & ready;
    v = choose(ready, at_least(v, v_min), reset);
    const Firing<T> f = fire(job, which, i, v, ready, timer, tape != nullptr);
    v = choose(f.fired, reset, v);
    store(voltage, v);
    store(row_of(job.spikes_now, p.spiking0 + i), f.spike);
    if (tape == nullptr) continue;
    const LifTape<T> rows(tape, p);
    store(row_of(rows.spike, i), f.spike);
    store(row_of(rows.slope, i), f.slope);
    store(row_of(rows.gate, i), ones_where(gate));
    store(row_of(rows.asymptote, i), asymptote);
    store(row_of(rows.voltage, i), v);
  }
}

// Two compartments joined by a conductance, integrated exactly: theta holds the propagator.
template <typename T>
void update_cells(Job<T>& job, index_t which, T* tape) {
  const NetworkPopulation& p = job.populations[which];
  const T v_min = static_cast<T>(p.v_min);
  const T rest = static_cast<T>(p.v_rest);
  const T gain = static_cast<T>(p.resistance);
  const T rate = static_cast<T>(1.0 / p.tau_m);
  const T* step = job.theta + p.theta_decay;
  const Lanes<T> reset = all_lanes(static_cast<T>(p.v_reset));
  const bool noisy = p.site_voltage >= 0 && job.has_noise;
  for (index_t i = 0; i < p.n; ++i) {
    const Lanes<T> in_d = load(row_of(job.divided, i)) + load(row_of(job.added, i));
    const Lanes<T> b_d = (in_d * gain + rest) * rate;
    const Lanes<T> b_a = (load(row_of(job.axon, i)) * gain + rest) * rate;
    T* dendrite = row_of(job.state, p.state_v + i);
    T* axon = row_of(job.state, p.state_v + p.n + i);
    const Lanes<T> d = load(dendrite);
    const Lanes<T> a = load(axon);
    Lanes<T> v_d = d * step[0] + a * step[1] + b_d * step[2] + b_a * step[3];
    Lanes<T> v_a = d * step[1] + a * step[0] + b_d * step[3] + b_a * step[2];
    if (noisy) {
      v_d = v_d + noise_at(job, p.site_voltage, i, p.noise_voltage);
      v_a = v_a + noise_at(job, p.site_voltage + p.n, i, p.noise_voltage);
    }
    T* timer = row_of(job.state, p.state_refractory + i);
    const Mask<T> ready = count_down(timer);
    const Mask<T> gate_d = v_d >= v_min;
    const Mask<T> gate_a = (v_a >= v_min) & ready;
    v_d = at_least(v_d, v_min);
    v_a = choose(ready, at_least(v_a, v_min), reset);
    const Firing<T> f = fire(job, which, i, v_a, ready, timer, tape != nullptr);
    v_d = choose(f.fired, reset, v_d);
    v_a = choose(f.fired, reset, v_a);
    store(dendrite, v_d);
    store(axon, v_a);
    store(row_of(job.spikes_now, p.spiking0 + i), f.spike);
    if (tape == nullptr) continue;
    const CellTape<T> rows(tape, p);
    store(row_of(rows.spike, i), f.spike);
    store(row_of(rows.slope, i), f.slope);
    store(row_of(rows.gate_dendrite, i), ones_where(gate_d));
    store(row_of(rows.gate_axon, i), ones_where(gate_a));
    store(row_of(rows.drive_dendrite, i), b_d);
    store(row_of(rows.drive_axon, i), b_a);
    store(row_of(rows.dendrite, i), v_d);
    store(row_of(rows.axon, i), v_a);
  }
}

template <typename T>
void update_graded(Job<T>& job, index_t which, T* tape) {
  const NetworkPopulation& p = job.populations[which];
  const T decay = job.theta[p.theta_decay];
  for (index_t i = 0; i < p.n; ++i) {
    const Lanes<T> input = load(row_of(job.added, i));
    T* activity = row_of(job.state, p.state_v + i);
    const Lanes<T> a = load(activity) * decay + input * (T(1) - decay);
    store(activity, a + load(row_of(job.divided, i)));
    if (tape == nullptr) continue;
    store(row_of(tape, p.tape + i), input);
    store(row_of(tape, p.tape + p.n + i), load(activity));
  }
}

template <typename T>
void advance(Job<T>& job, index_t t, T* tape) {
  prepare_noise(job, t, 0, job.n_noise);
  if (job.drive_changes) {
    load_rows(job.drive_rows, job.drive + t * job.n_all, job.n_all, job.n_steps * job.n_all,
              job.n_lanes);
  }
  for (index_t k = 0; k < job.n_populations; ++k) {
    const NetworkPopulation& p = job.populations[k];
    copy_rows(row_of(job.start_voltage, p.voltage0), row_of(job.state, p.state_v), p.n);
    if (tape != nullptr && p.tape_count >= 0) {
      copy_rows(row_of(tape, p.tape_count), row_of(job.state, p.state_count), p.n);
    }
  }
  for (index_t k = 0; k < job.n_populations; ++k) {
    collect_inputs(job, k, t, tape);
    switch (job.populations[k].kind) {
      case PopulationKind::lif:
        update_lif(job, k, tape);
        break;
      case PopulationKind::two_compartment:
        update_cells(job, k, tape);
        break;
      case PopulationKind::graded:
        update_graded(job, k, tape);
        break;
    }
  }
  for (index_t k = 0; k < job.n_populations; ++k) {
    const NetworkPopulation& p = job.populations[k];
    if (p.kind == PopulationKind::graded) continue;
    const T* spikes = row_of(job.spikes_now, p.spiking0);
    copy_rows(row_of(job.state, p.state_spikes), spikes, p.n);
    for (index_t i = 0; i < p.n; ++i) {
      const Lanes<T> s = load(row_of(spikes, i));
      add_to(row_of(job.counts, p.spiking0 + i), s);
      if (p.state_count >= 0) add_to(row_of(job.state, p.state_count + i), s);
    }
  }
}

template <typename T>
void record(const Job<T>& job, index_t t) {
  if (job.spikes_out != nullptr) {
    save_rows(job.spikes_out + t * job.n_spiking, job.spikes_now, job.n_spiking,
              job.n_steps * job.n_spiking, job.n_lanes);
  }
  if (job.voltages_out == nullptr) return;
  for (index_t k = 0; k < job.n_populations; ++k) {
    const NetworkPopulation& p = job.populations[k];
    const index_t n = p.kind == PopulationKind::two_compartment ? 2 * p.n : p.n;
    save_rows(job.voltages_out + t * job.n_voltage + p.voltage0, row_of(job.state, p.state_v), n,
              job.n_steps * job.n_voltage, job.n_lanes);
  }
}

template <typename T>
void run_forward(Job<T>& job, index_t begin, index_t end, T* tape) {
  const FlushDenormals flush;
  for (index_t t = begin; t < end; ++t) {
    advance(job, t, tape == nullptr ? nullptr : row_of(tape, (t - begin) * job.n_tape));
    record(job, t);
  }
}
