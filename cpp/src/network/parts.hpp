// Pieces that the steps forward and backward share. Included like lanes.hpp.

template <typename T>
COFIRE_INLINE T* row_of(T* rows, index_t i) {
  return rows + i * kLanes;
}

template <typename T>
COFIRE_INLINE void add_to(T* row, const Lanes<T>& x) {
  store(row, load(row) + x);
}

template <typename T>
COFIRE_INLINE void clear_rows(T* rows, index_t n) {
  for (index_t i = 0; i < n; ++i) store(row_of(rows, i), Lanes<T>{});
}

template <typename T>
COFIRE_INLINE void copy_rows(T* to, const T* from, index_t n) {
  for (index_t i = 0; i < n; ++i) store(row_of(to, i), load(row_of(from, i)));
}

// Rows from (batch, ..., n) memory: lane b of row i is from[b * stride + i]; missing lanes are 0.
template <typename T>
COFIRE_INLINE void load_rows(T* rows, const T* from, index_t n, index_t stride, index_t n_lanes) {
  for (index_t i = 0; i < n; ++i) {
    T* row = row_of(rows, i);
    for (index_t b = 0; b < n_lanes; ++b) row[b] = from[b * stride + i];
    for (index_t b = n_lanes; b < kLanes; ++b) row[b] = T(0);
  }
}

template <typename T>
COFIRE_INLINE void save_rows(T* to, const T* rows, index_t n, index_t stride, index_t n_lanes) {
  for (index_t i = 0; i < n; ++i) {
    for (index_t b = 0; b < n_lanes; ++b) to[b * stride + i] = row_of(rows, i)[b];
  }
}

// Outputs of a dense product whose sums are kept in registers side by side.
template <typename T>
inline constexpr int kBlock = Lanes<T>::kVectors == 1   ? 8
                              : Lanes<T>::kVectors == 2 ? 4
                                                        : 2;

// visit(output, sum of weight x input row) for each output; `weights` has a row an output, and
// row(input) places an input. Sums run in the order of the inputs, as with sparse edges.
template <typename T, typename Row, typename Visit>
COFIRE_INLINE void gather_dense(const T* weights, index_t n_outputs, index_t n_inputs, Row row,
                                Visit visit) {
  index_t a = 0;
  for (; a + kBlock<T> <= n_outputs; a += kBlock<T>) {
    const T* w = weights + a * n_inputs;
    Lanes<T> sums[kBlock<T>] = {};
    for (index_t k = 0; k < n_inputs; ++k) {
      const Lanes<T> x = load(row(k));
      for (int i = 0; i < kBlock<T>; ++i) sums[i] = sums[i] + w[i * n_inputs + k] * x;
    }
    for (int i = 0; i < kBlock<T>; ++i) visit(a + i, sums[i]);
  }
  for (; a < n_outputs; ++a) {
    Lanes<T> sum{};
    for (index_t k = 0; k < n_inputs; ++k) sum = sum + weights[a * n_inputs + k] * load(row(k));
    visit(a, sum);
  }
}

// visit(target, sum of weight x source row) for each target.
template <typename T, typename Visit>
COFIRE_INLINE void gather_by_target(const EdgeView<T>& edges, const T* sources, Visit visit) {
  if (edges.is_dense) {
    gather_dense(
        edges.by_target, edges.n_targets, edges.n_sources,
        [&](index_t k) { return row_of(sources, k); },
        [&](index_t a, const Lanes<T>& sum) { visit(a, edges.targets[a], sum); });
    return;
  }
  for (index_t a = 0; a < edges.n_targets; ++a) {
    Lanes<T> sum{};
    for (auto e = edges.target_begin[a]; e < edges.target_begin[a + 1]; ++e) {
      sum = sum + edges.by_target[e] * load(row_of(sources, edges.source_of[e]));
    }
    visit(a, edges.targets[a], sum);
  }
}

// visit(source, sum of weight x target row) for each source; `targets` has a row for each
// postsynaptic neuron.
template <typename T, typename Visit>
COFIRE_INLINE void gather_by_source(const EdgeView<T>& edges, const T* targets, Visit visit) {
  if (edges.is_dense) {
    gather_dense(
        edges.weight, edges.n_sources, edges.n_targets,
        [&](index_t a) { return row_of(targets, edges.targets[a]); },
        [&](index_t k, const Lanes<T>& sum) { visit(k, edges.sources[k], sum); });
    return;
  }
  for (index_t a = 0; a < edges.n_sources; ++a) {
    Lanes<T> sum{};
    for (auto e = edges.source_begin[a]; e < edges.source_begin[a + 1]; ++e) {
      sum = sum + edges.weight[e] * load(row_of(targets, edges.post[e]));
    }
    visit(a, edges.sources[a], sum);
  }
}

// The population's somatic or dendritic voltage above reset.
template <typename T>
COFIRE_INLINE Lanes<T> depolarization(const NetworkPopulation& p, const T* voltages, index_t i) {
  return load(row_of(voltages, i)) - T(p.v_reset);
}

// The noise of step t: given, or drawn for the sites [first, last).
template <typename T>
COFIRE_INLINE void prepare_noise(Job<T>& job, index_t t, index_t first, index_t last) {
  if (!job.has_noise || first >= last) return;
  if (job.noise_seeded) {
    fill_noise(job.seed, static_cast<std::uint64_t>(job.sample),
               static_cast<std::uint64_t>(job.first_step + t), first, last, job.noise_rows);
  } else {
    load_rows(row_of(job.noise_rows, first), job.noise + t * job.n_noise + first, last - first,
              job.n_steps * job.n_noise, job.n_lanes);
  }
}

template <typename T>
COFIRE_INLINE Lanes<T> noise_at(const Job<T>& job, index_t site, index_t i, double level) {
  return load(row_of(job.noise_rows, site + i)) * static_cast<T>(level);
}

// Rows of the tape of one step.
template <typename T>
struct LifTape {
  T *spike, *slope, *gate, *asymptote, *voltage;
  LifTape(T* step, const NetworkPopulation& p)
      : spike(row_of(step, p.tape)),
        slope(row_of(spike, p.n)),
        gate(row_of(slope, p.n)),
        asymptote(row_of(gate, p.n)),
        voltage(row_of(asymptote, p.n)) {}
};

template <typename T>
struct CellTape {
  T *spike, *slope, *gate_dendrite, *gate_axon, *drive_dendrite, *drive_axon, *dendrite, *axon;
  CellTape(T* step, const NetworkPopulation& p)
      : spike(row_of(step, p.tape)),
        slope(row_of(spike, p.n)),
        gate_dendrite(row_of(slope, p.n)),
        gate_axon(row_of(gate_dendrite, p.n)),
        drive_dendrite(row_of(gate_axon, p.n)),
        drive_axon(row_of(drive_dendrite, p.n)),
        dendrite(row_of(drive_axon, p.n)),
        axon(row_of(dendrite, p.n)) {}
};

// Quotient (drive + divided currents) / (1 + division), and the reciprocal of its denominator.
template <typename T>
struct DivisionTape {
  T *quotient, *reciprocal;
  DivisionTape(T* step, const NetworkPopulation& p)
      : quotient(row_of(step, p.tape + (p.kind == PopulationKind::lif ? 5 : 8) * p.n)),
        reciprocal(row_of(quotient, p.n)) {}
};

// Voltages (lif), dendrites or activities at the end of a step.
template <typename T>
COFIRE_INLINE T* tape_voltage(T* step, const NetworkPopulation& p) {
  const index_t skip = p.kind == PopulationKind::lif ? 4 : p.kind == PopulationKind::graded ? 1 : 6;
  return row_of(step, p.tape + skip * p.n);
}

// The derivative that stands for that of the step function.
template <typename T>
COFIRE_INLINE Lanes<T> slope_of(SpikeKind kind, T scale, const Lanes<T>& u, const Lanes<T>& s) {
  constexpr T kPi = T(3.14159265358979323846);
  switch (kind) {
    case SpikeKind::soft:
      return s * (T(1) - s) * (T(1) / scale);
    case SpikeKind::superspike: {
      const Lanes<T> q = magnitude(u) * scale + T(1);
      return scale / (q * q);
    }
    case SpikeKind::slayer:
      return exponential(magnitude(u) * (T(-1) / scale)) * (T(0.5) / scale);
    case SpikeKind::fast_sigmoid: {
      const Lanes<T> q = magnitude(u) * scale + T(1);
      return T(1) / (q * q);
    }
    case SpikeKind::arctan: {
      const Lanes<T> q = u * (kPi / T(2) * scale);
      return (scale / T(2)) / (q * q + T(1));
    }
    case SpikeKind::hard:
      break;
  }
  return Lanes<T>{};
}
