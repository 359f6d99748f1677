// The adjoint of one step after the other, last step first. Included like lanes.hpp.
//
// `job.adjoint` has the rows of the state: on entry to a step the derivative of the loss with
// respect to the state after it, on leaving that with respect to the state before it.

// What a step looks back at: its own tape, and the state before it.
template <typename T>
struct Past {
  const T* tape;    // rows of this step
  const T* before;  // rows of the step before, null in the first step of a segment
  const T* state;   // state at the start of the segment
  index_t t;

  [[nodiscard]] COFIRE_INLINE const T* voltage(const NetworkPopulation& p) const {
    return before != nullptr ? tape_voltage(before, p) : row_of(state, p.state_v);
  }
  [[nodiscard]] COFIRE_INLINE const T* spikes(const NetworkPopulation& p) const {
    return before != nullptr ? row_of(before, p.tape) : row_of(state, p.state_spikes);
  }
};

template <typename T>
COFIRE_INLINE void add_theta(Job<T>& job, index_t place, const Lanes<T>& x) {
  job.theta_adjoint[place] += lane_sum(x);
}

// Keeps the two factors of each edge's derivative until those of kEdgeSteps steps are there.
template <typename T>
void keep_edge_factors(Job<T>& job, const PathwayTask<T>& path, const T* sources,
                       const T* targets) {
  const EdgeView<T>& edges = path.edges;
  const index_t slot = job.n_edge_steps;
  T* rows = row_of(job.edge_factors, path.edge_rows);
  for (index_t k = 0; k < edges.n_sources; ++k) {
    copy_rows(row_of(rows, k * kEdgeSteps + slot), row_of(sources, k), 1);
  }
  rows = row_of(rows, edges.n_sources * kEdgeSteps);
  for (index_t a = 0; a < edges.n_targets; ++a) {
    const index_t j = edges.targets[a];
    copy_rows(row_of(rows, j * kEdgeSteps + slot), row_of(targets, j), 1);
  }
}

// Four edges of one source at a time: its rows are read once for all of them.
template <typename T>
void sum_edge_factors(Job<T>& job, const PathwayTask<T>& path) {
  constexpr int kEdges = 4;
  const EdgeView<T>& edges = path.edges;
  const T* sources = row_of(job.edge_factors, path.edge_rows);
  const T* targets = row_of(sources, edges.n_sources * kEdgeSteps);
  double* adjoint = job.theta_adjoint + path.spec->theta_strength;
  for (index_t k = 0; k < edges.n_sources; ++k) {
    const T* source = row_of(sources, k * kEdgeSteps);
    const auto end = edges.source_begin[k + 1];
    for (auto first = edges.source_begin[k]; first < end; first += kEdges) {
      const T* target[kEdges];
      Lanes<T> sums[kEdges] = {};
      for (int i = 0; i < kEdges; ++i) {
        const auto e = first + i < end ? first + i : first;
        target[i] = row_of(targets, edges.post[e] * kEdgeSteps);
      }
      for (index_t s = 0; s < job.n_edge_steps; ++s) {
        const Lanes<T> y = load(row_of(source, s));
        for (int i = 0; i < kEdges; ++i) sums[i] = sums[i] + y * load(row_of(target[i], s));
      }
      for (int i = 0; i < kEdges && first + i < end; ++i) {
        adjoint[first + i] +=
            static_cast<double>(path.strength * path.fixed_weight[first + i] * fold_lanes(sums[i]));
      }
    }
  }
}

// Synapses of one pathway. The adjoint of the group's current is complete when this is called.
template <typename T>
void reverse_synapse(Job<T>& job, const PathwayTask<T>& path, const Past<T>& past) {
  const NetworkPathway& spec = *path.spec;
  const EdgeView<T>& edges = path.edges;
  const NetworkPopulation& pre = job.populations[spec.pre];
  const T* current = row_of(job.adjoint, job.groups[spec.group].spec->state_current);
  T* delivered = job.sums;
  for (index_t a = 0; a < edges.n_targets; ++a) {
    const index_t j = edges.targets[a];
    Lanes<T> g = load(row_of(current, j));
    if (spec.site >= 0 && job.has_noise) {
      g = g * (noise_at(job, spec.site, j, spec.noise) + T(1));
    }
    store(row_of(delivered, j), g);
  }
  const T* spikes = spec.previous ? past.spikes(pre) : row_of(past.tape, pre.tape);
  T* spike_adjoint = spec.previous ? row_of(job.adjoint, pre.state_spikes)
                                   : row_of(job.spike_adjoint, pre.spiking0);
  const T* resources = spec.depression ? row_of(past.tape, spec.tape_resources) : nullptr;
  T* resource_adjoint = spec.depression ? row_of(job.adjoint, spec.state_resources) : nullptr;
  Lanes<T> for_strength{}, for_use{}, for_recovery{};
  gather_by_source(edges, delivered, [&](index_t k, index_t i, const Lanes<T>& sum) {
    const Lanes<T> s = load(row_of(spikes, i));
    const Lanes<T> g_y = sum * path.strength;
    if (!spec.depression) {
      store(row_of(job.sources, k), s);
      for_strength = for_strength + s * sum;
      add_to(row_of(spike_adjoint, i), g_y);
      return;
    }
    const Lanes<T> before = load(row_of(resources, k));
    const Lanes<T> x = T(1) - (T(1) - before) * path.recovery;
    const Lanes<T> g_after = load(row_of(resource_adjoint, k));
    const Lanes<T> clipped = at_most(at_least(s, T(0)), T(1));
    const Lanes<T> y = s * path.use * x;
    store(row_of(job.sources, k), y);
    for_strength = for_strength + y * sum;
    for_use = for_use + (g_y * s - g_after * clipped) * x;
    const Lanes<T> g_x = g_y * s * path.use + g_after * (T(1) - clipped * path.use);
    for_recovery = for_recovery - g_x * (T(1) - before);
    store(row_of(resource_adjoint, k), g_x * path.recovery);
    const Lanes<T> through_clip = keep((s >= T(0)) & (s <= T(1)), g_after);
    add_to(row_of(spike_adjoint, i), (g_y - through_clip) * x * path.use);
  });
  if (spec.per_edge) {
    keep_edge_factors(job, path, job.sources, delivered);
  } else {
    add_theta(job, spec.theta_strength, for_strength * T(spec.sign));
  }
  if (!spec.depression) return;
  add_theta(job, spec.theta_use, for_use);
  add_theta(job, spec.theta_recovery, for_recovery);
}

// Gap junctions; `input` holds the adjoint of the current into the population at hand.
template <typename T>
void reverse_gap(Job<T>& job, const PathwayTask<T>& path, const Past<T>& past, bool into_post,
                 const T* input) {
  const NetworkPathway& spec = *path.spec;
  const EdgeView<T>& edges = path.edges;
  const NetworkPopulation& pre = job.populations[spec.pre];
  const NetworkPopulation& post = job.populations[spec.post];
  const T* v_pre = past.voltage(pre);
  const T* v_post = past.voltage(post);
  T* pre_adjoint = row_of(job.voltage_adjoint, pre.voltage0);
  T* post_adjoint = row_of(job.voltage_adjoint, post.voltage0);
  const T zero = static_cast<T>(pre.v_reset);
  Lanes<T> for_conductance{};
  const auto pass = [&](const T* v, T* adjoint, index_t i, const Lanes<T>& g) {
    for_conductance = for_conductance + g * (load(row_of(v, i)) - zero);
    add_to(row_of(adjoint, i), g * path.strength);
  };
  if (into_post) {
    gather_by_source(edges, input, [&](index_t, index_t i, const Lanes<T>& sum) {
      pass(v_pre, pre_adjoint, i, sum);
    });
    for (index_t a = 0; a < edges.n_targets; ++a) {
      const index_t j = edges.targets[a];
      pass(v_post, post_adjoint, j, load(row_of(input, j)) * T(-edges.target_sum[a]));
    }
  } else {
    for (index_t k = 0; k < edges.n_sources; ++k) {
      copy_rows(row_of(job.sources, k), row_of(input, edges.sources[k]), 1);
    }
    gather_by_target(edges, job.sources, [&](index_t, index_t j, const Lanes<T>& sum) {
      pass(v_post, post_adjoint, j, sum);
    });
    for (index_t k = 0; k < edges.n_sources; ++k) {
      const index_t i = edges.sources[k];
      pass(v_pre, pre_adjoint, i, load(row_of(input, i)) * T(-edges.source_sum[k]));
    }
  }
  add_theta(job, spec.theta_strength, for_conductance);
}

// Pathways without spikes; `target` holds the adjoint of what they flow into.
template <typename T>
void reverse_graded(Job<T>& job, const PathwayTask<T>& path, const Past<T>& past, const T* target) {
  const NetworkPathway& spec = *path.spec;
  const NetworkPopulation& pre = job.populations[spec.pre];
  const bool is_divisive = spec.kind == PathwayKind::divisive;
  const T* voltages = is_divisive ? tape_voltage(past.tape, pre) : past.voltage(pre);
  const T* counts = pre.tape_count >= 0 ? row_of(past.tape, pre.tape_count) : nullptr;
  T* adjoint = is_divisive                      ? row_of(job.adjoint, pre.state_v)
               : spec.kind == PathwayKind::rate ? row_of(job.adjoint, pre.state_count)
                                                : row_of(job.voltage_adjoint, pre.voltage0);
  const T per_count = T(1) / static_cast<T>(job.first_step + past.t + 1);
  Lanes<T> for_gain{};
  gather_by_source(path.edges, target, [&](index_t, index_t i, const Lanes<T>& sum) {
    const Lanes<T> source = graded_source(job, path, i, past.t, voltages, counts);
    for_gain = for_gain + source * sum;
    Lanes<T> g = sum * path.strength;
    if (spec.kind == PathwayKind::rate) {
      g = g * per_count;
    } else if (is_divisive) {
      g = keep(load(row_of(voltages, i)) > T(0), g);
    } else {
      const Lanes<T> h = depolarization(pre, voltages, i);
      g = keep(h > T(0), g);
      if (spec.kind == PathwayKind::release) g = keep(h <= static_cast<T>(spec.cap), g);
    }
    add_to(row_of(adjoint, i), g);
  });
  add_theta(job, spec.theta_strength, for_gain * T(spec.sign));
}

// From the adjoint of the somatic or dendritic current (job.added) to that of drive, divided
// currents and division.
template <typename T>
void reverse_inputs(Job<T>& job, index_t which, const Past<T>& past) {
  const NetworkPopulation& p = job.populations[which];
  for (index_t i = 0; i < p.n; ++i) {
    Lanes<T> g = load(row_of(job.added, i));
    if (p.is_divided) {
      const DivisionTape<const T> rows(past.tape, p);
      g = g * load(row_of(rows.reciprocal, i));
      store(row_of(job.division, i), T(0) - g * load(row_of(rows.quotient, i)));
    }
    store(row_of(job.divided, i), g);
    if (p.site_input >= 0 && job.has_noise) {
      g = g * (noise_at(job, p.site_input, i, p.noise_input) + T(1));
    }
    add_to(row_of(job.drive_sum, p.all0 + i), g);
  }
}

template <typename T>
void reverse_pathways(Job<T>& job, index_t which, const Past<T>& past) {
  const NetworkPopulation& p = job.populations[which];
  for (index_t g = 0; g < job.n_groups; ++g) {
    const NetworkGroup& group = *job.groups[g].spec;
    if (group.post != which) continue;
    const T* input = group.compartment == Compartment::axon ? job.axon
                     : group.divided                        ? job.divided
                                                            : job.added;
    T* current = row_of(job.adjoint, group.state_current);
    for (index_t i = 0; i < p.n; ++i) add_to(row_of(current, i), load(row_of(input, i)));
  }
  for (index_t k = job.n_pathways - 1; k >= 0; --k) {
    const PathwayTask<T>& path = job.pathways[k];
    const NetworkPathway& spec = *path.spec;
    const bool is_gap = spec.kind == PathwayKind::gap;
    if (is_gap && spec.pre == which && spec.pre != spec.post) {
      reverse_gap(job, path, past, false, job.added);
    }
    if (spec.post != which) continue;
    if (spec.kind == PathwayKind::synapse) {
      reverse_synapse(job, path, past);
    } else if (is_gap) {
      reverse_gap(job, path, past, true, job.added);
    } else if (spec.kind == PathwayKind::divisive) {
      reverse_graded(job, path, past, job.division);
    } else {
      reverse_graded(job, path, past, spec.compartment == Compartment::axon ? job.axon : job.added);
    }
  }
  for (index_t g = 0; g < job.n_groups; ++g) {
    if (job.groups[g].spec->post != which) continue;
    T* current = row_of(job.adjoint, job.groups[g].spec->state_current);
    for (index_t i = 0; i < p.n; ++i) {
      store(row_of(current, i), load(row_of(current, i)) * job.groups[g].decay);
    }
  }
}

template <typename T>
void reverse_lif(Job<T>& job, index_t which, const Past<T>& past) {
  const NetworkPopulation& p = job.populations[which];
  const LifTape<const T> rows(past.tape, p);
  const T* before = past.voltage(p);
  const T gain = static_cast<T>(p.resistance);
  Lanes<T> for_decay{};
  for (index_t i = 0; i < p.n; ++i) {
    const Lanes<T> s = load(row_of(rows.spike, i));
    const Lanes<T> g_u =
        load(row_of(job.spike_adjoint, p.spiking0 + i)) * load(row_of(rows.slope, i));
    T* threshold = row_of(job.threshold_adjoint, p.spiking0 + i);
    store(threshold, load(threshold) - g_u);
    T* adjoint = row_of(job.adjoint, p.state_v + i);
    Lanes<T> g = keep(s <= T(0.5), load(adjoint)) + g_u;
    g = g * load(row_of(rows.gate, i));
    const T decay = job.theta[p.theta_decay + (p.decay_per_neuron ? i : 0)];
    const Lanes<T> asymptote = load(row_of(rows.asymptote, i));
    const Lanes<T> g_decay = g * (load(row_of(before, i)) - asymptote);
    if (p.decay_per_neuron) {
      add_to(row_of(job.decay_adjoint, p.all0 + i), g_decay);
    } else {
      for_decay = for_decay + g_decay;
    }
    store(adjoint, g * decay);
    store(row_of(job.added, i), g * ((T(1) - decay) * gain));
  }
  if (!p.decay_per_neuron) add_theta(job, p.theta_decay, for_decay);
}

template <typename T>
void reverse_cells(Job<T>& job, index_t which, const Past<T>& past) {
  const NetworkPopulation& p = job.populations[which];
  const CellTape<const T> rows(past.tape, p);
  const T* before_d = past.voltage(p);
  const T* before_a = row_of(before_d, p.n);
  const T* step = job.theta + p.theta_decay;
  const T gain = static_cast<T>(p.resistance / p.tau_m);
  Lanes<T> for_step[4] = {};
  for (index_t i = 0; i < p.n; ++i) {
    const Lanes<T> s = load(row_of(rows.spike, i));
    const Mask<T> stays = s <= T(0.5);
    const Lanes<T> g_u =
        load(row_of(job.spike_adjoint, p.spiking0 + i)) * load(row_of(rows.slope, i));
    T* threshold = row_of(job.threshold_adjoint, p.spiking0 + i);
    store(threshold, load(threshold) - g_u);
    T* dendrite = row_of(job.adjoint, p.state_v + i);
    T* axon = row_of(job.adjoint, p.state_v + p.n + i);
    const Lanes<T> g_d = keep(stays, load(dendrite)) * load(row_of(rows.gate_dendrite, i));
    const Lanes<T> g_a = (keep(stays, load(axon)) + g_u) * load(row_of(rows.gate_axon, i));
    const Lanes<T> d = load(row_of(before_d, i));
    const Lanes<T> a = load(row_of(before_a, i));
    const Lanes<T> b_d = load(row_of(rows.drive_dendrite, i));
    const Lanes<T> b_a = load(row_of(rows.drive_axon, i));
    for_step[0] = for_step[0] + (g_d * d + g_a * a);
    for_step[1] = for_step[1] + (g_d * a + g_a * d);
    for_step[2] = for_step[2] + (g_d * b_d + g_a * b_a);
    for_step[3] = for_step[3] + (g_d * b_a + g_a * b_d);
    store(dendrite, g_d * step[0] + g_a * step[1]);
    store(axon, g_d * step[1] + g_a * step[0]);
    store(row_of(job.added, i), (g_d * step[2] + g_a * step[3]) * gain);
    store(row_of(job.axon, i), (g_d * step[3] + g_a * step[2]) * gain);
  }
  for (index_t k = 0; k < 4; ++k) add_theta(job, p.theta_decay + k, for_step[k]);
}

template <typename T>
void reverse_graded_population(Job<T>& job, index_t which, const Past<T>& past) {
  const NetworkPopulation& p = job.populations[which];
  const T* input = row_of(past.tape, p.tape);
  const T* before = past.voltage(p);
  const T decay = job.theta[p.theta_decay];
  Lanes<T> for_decay{};
  for (index_t i = 0; i < p.n; ++i) {
    T* adjoint = row_of(job.adjoint, p.state_v + i);
    const Lanes<T> g = load(adjoint);
    for_decay = for_decay + g * (load(row_of(before, i)) - load(row_of(input, i)));
    add_to(row_of(job.drive_sum, p.all0 + i), g);
    store(row_of(job.added, i), g * (T(1) - decay));
    store(adjoint, g * decay);
  }
  add_theta(job, p.theta_decay, for_decay);
}

// The adjoints of a step's outputs, before the step is undone.
template <typename T>
void receive_adjoints(Job<T>& job, index_t t) {
  const index_t offset = job.n_steps * job.n_spiking;
  for (index_t k = 0; k < job.n_populations; ++k) {
    const NetworkPopulation& p = job.populations[k];
    if (job.voltages_adjoint != nullptr) {
      const index_t n = p.kind == PopulationKind::two_compartment ? 2 * p.n : p.n;
      const T* from = job.voltages_adjoint + t * job.n_voltage + p.voltage0;
      for (index_t i = 0; i < n; ++i) {
        for (index_t b = 0; b < job.n_lanes; ++b) {
          row_of(job.adjoint, p.state_v + i)[b] += from[b * job.n_steps * job.n_voltage + i];
        }
      }
    }
    if (p.kind == PopulationKind::graded) continue;
    for (index_t i = 0; i < p.n; ++i) {
      T* later = row_of(job.adjoint, p.state_spikes + i);
      T* now = row_of(job.spike_adjoint, p.spiking0 + i);
      Lanes<T> g = load(later) + load(row_of(job.counts_adjoint, p.spiking0 + i));
      if (p.state_count >= 0) g = g + load(row_of(job.adjoint, p.state_count + i));
      store(now, g);
      store(later, Lanes<T>{});
      if (job.spikes_adjoint == nullptr) continue;
      const T* from = job.spikes_adjoint + t * job.n_spiking + p.spiking0 + i;
      for (index_t b = 0; b < job.n_lanes; ++b) now[b] += from[b * offset];
    }
  }
}

template <typename T>
void retreat(Job<T>& job, const Past<T>& past) {
  const index_t t = past.t;
  receive_adjoints(job, t);
  clear_rows(job.voltage_adjoint, job.n_voltage);
  if (job.drive_changes) clear_rows(job.drive_sum, job.n_all);
  for (index_t k = job.n_populations - 1; k >= 0; --k) {
    const NetworkPopulation& p = job.populations[k];
    // Only input and synapses multiply; what is added has no part in a derivative.
    index_t first = job.n_noise, last = 0;
    if (p.site_input >= 0) first = p.site_input, last = first + p.n;
    for (index_t i = 0; i < job.n_pathways; ++i) {
      const NetworkPathway& spec = *job.pathways[i].spec;
      if (spec.post != k || spec.site < 0) continue;
      first = spec.site < first ? spec.site : first;
      last = spec.site + p.n > last ? spec.site + p.n : last;
    }
    prepare_noise(job, t, first, last);
    switch (p.kind) {
      case PopulationKind::lif:
        reverse_lif(job, k, past);
        break;
      case PopulationKind::two_compartment:
        reverse_cells(job, k, past);
        break;
      case PopulationKind::graded:
        reverse_graded_population(job, k, past);
        break;
    }
    if (p.kind != PopulationKind::graded) reverse_inputs(job, k, past);
    reverse_pathways(job, k, past);
  }
  for (index_t k = 0; k < job.n_populations; ++k) {
    const NetworkPopulation& p = job.populations[k];
    for (index_t i = 0; i < p.n; ++i) {
      add_to(row_of(job.adjoint, p.state_v + i), load(row_of(job.voltage_adjoint, p.voltage0 + i)));
    }
  }
  if (job.drive_changes && job.drive_adjoint != nullptr) {
    save_rows(job.drive_adjoint + t * job.n_all, job.drive_sum, job.n_all, job.n_steps * job.n_all,
              job.n_lanes);
  }
}

template <typename T>
void run_backward(Job<T>& job, index_t begin, index_t end, const T* tape, const T* start) {
  const FlushDenormals flush;
  for (index_t t = end - 1; t >= begin; --t) {
    const T* step = row_of(tape, (t - begin) * job.n_tape);
    const bool is_first = t == begin && start != nullptr;
    retreat(job, Past<T>{step, is_first ? nullptr : step - job.n_tape * kLanes, start, t});
    // How a run is cut does not change which steps are summed together.
    if (++job.n_edge_steps < kEdgeSteps && t > 0) continue;
    for (index_t k = 0; k < job.n_pathways; ++k) {
      if (job.pathways[k].edge_rows >= 0) sum_edge_factors(job, job.pathways[k]);
    }
    job.n_edge_steps = 0;
  }
}
