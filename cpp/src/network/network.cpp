// Blocks of sixteen samples and the choice of instruction set.

#include "cofire/network.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "job.hpp"
#include "memory.hpp"

namespace cofire {

namespace network {
namespace {

[[nodiscard]] std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

template <typename T>
[[nodiscard]] const Kernels<T>& kernels_for(NetworkIsa isa) {
  if (!network_isa_runs(isa)) {
    throw std::invalid_argument("this build or processor lacks the instruction set asked for");
  }
  const auto pick = [](const Kernels<float>& f32, const Kernels<double>& f64) -> const Kernels<T>& {
    if constexpr (std::is_same_v<T, float>) {
      return f32;
    } else {
      return f64;
    }
  };
#if defined(COFIRE_NETWORK_ISAS)
  if (isa == NetworkIsa::avx512 ||
      (isa == NetworkIsa::best && network_isa_runs(NetworkIsa::avx512))) {
    return pick(avx512::kernels_f32, avx512::kernels_f64);
  }
  if (isa == NetworkIsa::avx2 || (isa == NetworkIsa::best && network_isa_runs(NetworkIsa::avx2))) {
    return pick(avx2::kernels_f32, avx2::kernels_f64);
  }
#endif
  return pick(baseline::kernels_f32, baseline::kernels_f64);
}

// The plan with the numbers of one call: what all blocks share.
template <typename T>
struct Call {
  std::vector<PathwayTask<T>> pathways;
  std::vector<GroupTask<T>> groups;
  std::vector<T> scale;
  std::vector<std::vector<T>> learned;  // weights of pathways that learn each edge, both orders
  index_t edge_rows = 0;

  Call(const NetworkPlan& plan, const NetworkInputs<T>& in);

 private:
  void learn_edges(const NetworkEdges& edges, const T* factors, EdgeView<T>& view);
};

template <typename T>
[[nodiscard]] EdgeView<T> view_of(const NetworkEdges& edges) {
  EdgeView<T> view{};
  view.n_sources = edges.n_sources();
  view.n_targets = edges.n_targets();
  view.is_dense = edges.n_edges() == view.n_sources * view.n_targets;
  view.sources = edges.sources.data();
  view.source_begin = edges.source_begin.data();
  view.post = edges.post.data();
  view.targets = edges.targets.data();
  view.target_begin = edges.target_begin.data();
  view.source_of = edges.source_of.data();
  view.source_sum = edges.source_sum.data();
  view.target_sum = edges.target_sum.data();
  if constexpr (std::is_same_v<T, float>) {
    view.weight = edges.weight_f32.data();
    view.by_target = edges.by_target_f32.data();
  } else {
    view.weight = edges.weight_f64.data();
    view.by_target = edges.by_target_f64.data();
  }
  return view;
}

template <typename T>
void Call<T>::learn_edges(const NetworkEdges& edges, const T* factors, EdgeView<T>& view) {
  auto& weight = learned.emplace_back(at(edges.n_edges()));
  for (std::size_t e = 0; e < weight.size(); ++e) weight[e] = view.weight[e] * factors[e];
  auto& by_target = learned.emplace_back(at(edges.n_edges()));
  for (std::size_t e = 0; e < by_target.size(); ++e) {
    by_target[e] = learned[learned.size() - 2][at(edges.edge_of[e])];
  }
  view.weight = learned[learned.size() - 2].data();
  view.by_target = by_target.data();
}

template <typename T>
Call<T>::Call(const NetworkPlan& plan, const NetworkInputs<T>& in) {
  learned.reserve(2 * plan.pathways().size());
  for (const auto& spec : plan.pathways()) {
    const T* theta = in.theta.data() + spec.theta_strength;
    PathwayTask<T> task{};
    task.spec = &spec;
    task.edges = view_of<T>(spec.edges);
    task.fixed_weight = task.edges.weight;
    task.edge_rows = -1;
    task.strength = static_cast<T>(spec.sign);
    if (spec.per_edge) {
      learn_edges(spec.edges, theta, task.edges);
      task.edge_rows = edge_rows;
      edge_rows += (spec.edges.n_sources() + plan.populations()[at(spec.post)].n) * kEdgeSteps;
    } else {
      task.strength *= *theta;
    }
    if (spec.depression) {
      task.use = in.theta[at(spec.theta_use)];
      task.recovery = in.theta[at(spec.theta_recovery)];
    }
    pathways.push_back(task);
  }
  for (const auto& group : plan.groups()) {
    groups.push_back({&group, static_cast<T>(std::exp(-plan.dt() / group.tau_syn))});
  }
  for (const double s : in.scale) scale.push_back(static_cast<T>(s));
}

// The memory and the job of one block.
template <typename T>
class Block {
 public:
  Block(const NetworkPlan& plan, const NetworkInputs<T>& in, const Call<T>& call, index_t block)
      : plan_(plan) {
    job.populations = plan.populations().data();
    job.n_populations = static_cast<index_t>(plan.populations().size());
    job.pathways = call.pathways.data();
    job.n_pathways = static_cast<index_t>(call.pathways.size());
    job.groups = call.groups.data();
    job.n_groups = static_cast<index_t>(call.groups.size());
    job.n_all = plan.n_all;
    job.n_spiking = plan.n_spiking;
    job.n_voltage = plan.n_voltage;
    job.n_state = plan.n_state;
    job.n_noise = plan.n_noise;
    job.n_tape = plan.n_tape;
    job.theta = in.theta.data();
    job.spike = in.spike.data();
    job.scale = call.scale.data();
    job.has_noise = in.noise_seeded || in.noise != nullptr;
    job.noise_seeded = in.noise_seeded;
    job.seed = in.seed;
    job.sample = block * kLanes;
    job.n_lanes = std::min(kLanes, in.batch - job.sample);
    job.n_steps = in.n_steps;
    job.first_step = in.first_step;
    job.drive_changes = in.drive_changes;
    job.drive = in.drive + job.sample * drive_stride(in);
    if (in.noise != nullptr) job.noise = in.noise + job.sample * in.n_steps * plan.n_noise;
    want_forward();
  }

  void want_backward(const Call<T>& call) {
    arena_.want(job.adjoint, plan_.n_state);
    arena_.want(job.counts_adjoint, plan_.n_spiking);
    arena_.want(job.spike_adjoint, plan_.n_spiking);
    arena_.want(job.voltage_adjoint, plan_.n_voltage);
    arena_.want(job.threshold_adjoint, plan_.n_spiking);
    arena_.want(job.decay_adjoint, plan_.n_all);
    arena_.want(job.drive_sum, plan_.n_all);
    arena_.want(job.edge_factors, call.edge_rows);
  }

  void start(const NetworkInputs<T>& in) {
    arena_.allocate();
    load(job.state, in.state, plan_.n_state);
    // Lanes without a sample go the way of the last one, without drive: at zero volts all would
    // fire, and the edges of all would be visited.
    for (index_t i = 0; i < plan_.n_state; ++i) {
      T* row = job.state + i * kLanes;
      std::fill(row + job.n_lanes, row + kLanes, row[job.n_lanes - 1]);
    }
    if (!in.drive_changes) load(job.drive_rows, in.drive, plan_.n_all);
  }

  [[nodiscard]] index_t drive_stride(const NetworkInputs<T>& in) const {
    return in.drive_changes ? in.n_steps * plan_.n_all : plan_.n_all;
  }

  // Rows from and to (batch, n) memory of the whole batch.
  void load(T* rows, const T* from, index_t n) const {
    for (index_t i = 0; i < n; ++i) {
      for (index_t b = 0; b < job.n_lanes; ++b) {
        rows[i * kLanes + b] = from[(job.sample + b) * n + i];
      }
    }
  }
  void save(T* to, const T* rows, index_t n) const {
    for (index_t i = 0; i < n; ++i) {
      for (index_t b = 0; b < job.n_lanes; ++b) {
        to[(job.sample + b) * n + i] = rows[i * kLanes + b];
      }
    }
  }

  Job<T> job{};

 private:
  void want_forward() {
    index_t widest = 0;
    for (const auto& p : plan_.populations()) widest = std::max(widest, p.n);
    arena_.want(job.state, plan_.n_state);
    arena_.want(job.counts, plan_.n_spiking);
    arena_.want(job.drive_rows, plan_.n_all);
    arena_.want(job.noise_rows, plan_.n_noise + 8);  // draws come by fours
    arena_.want(job.spikes_now, plan_.n_spiking);
    arena_.want(job.start_voltage, plan_.n_voltage);
    for (T** rows : {&job.divided, &job.added, &job.axon, &job.division, &job.sources, &job.sums}) {
      arena_.want(*rows, widest);
    }
  }

  const NetworkPlan& plan_;
  Arena<T> arena_;
};

[[nodiscard]] index_t block_count(index_t batch) { return (batch + kLanes - 1) / kLanes; }

[[nodiscard]] index_t segment_count(index_t n_steps, index_t checkpoint) {
  return checkpoint > 0 ? (n_steps + checkpoint - 1) / checkpoint : 1;
}

// Rows that one block leaves on the tape: its states, or all it needs.
[[nodiscard]] index_t tape_rows(const NetworkPlan& plan, index_t n_steps, index_t checkpoint) {
  return checkpoint > 0 ? segment_count(n_steps, checkpoint) * plan.n_state : n_steps * plan.n_tape;
}

template <typename T>
void check_inputs(const NetworkPlan& plan, const NetworkInputs<T>& in) {
  if (static_cast<index_t>(in.theta.size()) != plan.n_theta) {
    throw std::invalid_argument("theta must have " + std::to_string(plan.n_theta) +
                                " values, got " + std::to_string(in.theta.size()));
  }
  if (in.spike.size() != plan.populations().size() || in.scale.size() != in.spike.size()) {
    throw std::invalid_argument("spike and scale must have one entry a population");
  }
  if (in.batch < 0 || in.n_steps < 0 || in.first_step < 0 || in.checkpoint < 0) {
    throw std::invalid_argument("batch, n_steps, step and checkpoint must not be negative");
  }
}

// Lets a caller interrupt a block, however long it is; blocks on other threads stop with it.
class Breaks {
 public:
  explicit Breaks(const Control& control) : poll_(control) {}
  void check() {
    if (std::this_thread::get_id() == caller_ && poll_()) stop_ = true;
    if (stop_) throw Interrupted();
  }

 private:
  const std::thread::id caller_ = std::this_thread::get_id();
  detail::StopPoll poll_;
  std::atomic<bool> stop_{false};
};

constexpr index_t kStepsBetweenBreaks = 16;

template <typename T>
void run_steps(Job<T>& job, const Kernels<T>& kernels, Breaks& breaks, index_t begin, index_t end,
               T* tape) {
  for (index_t t = begin; t < end; t += kStepsBetweenBreaks) {
    breaks.check();
    T* rows = tape == nullptr ? nullptr : tape + (t - begin) * job.n_tape * kLanes;
    kernels.forward(job, t, std::min(end, t + kStepsBetweenBreaks), rows);
  }
}

template <typename T>
void undo_steps(Job<T>& job, const Kernels<T>& kernels, Breaks& breaks, index_t begin, index_t end,
                const T* tape, const T* start) {
  for (index_t after = end; after > begin;) {
    breaks.check();
    const index_t t = std::max(begin, after - kStepsBetweenBreaks);
    const T* rows = tape + (t - begin) * job.n_tape * kLanes;
    kernels.backward(job, t, after, rows, t == begin ? start : nullptr);
    after = t;
  }
}

template <typename T>
void run_block_forward(Block<T>& block, const Kernels<T>& kernels, Breaks& breaks,
                       const NetworkInputs<T>& in, index_t rows, const NetworkOutputs<T>& out,
                       const NetworkPlan& plan) {
  Job<T>& job = block.job;
  if (out.spikes != nullptr) {
    job.spikes_out = out.spikes + job.sample * in.n_steps * plan.n_spiking;
  }
  if (out.voltages != nullptr) {
    job.voltages_out = out.voltages + job.sample * in.n_steps * plan.n_voltage;
  }
  T* tape = out.tape == nullptr ? nullptr : out.tape + job.sample * rows;
  if (tape == nullptr || in.checkpoint == 0) {
    run_steps(job, kernels, breaks, 0, in.n_steps, tape);
  } else {
    for (index_t t = 0; t < in.n_steps; t += in.checkpoint) {
      std::copy_n(job.state, plan.n_state * kLanes, tape);
      tape += plan.n_state * kLanes;
      run_steps<T>(job, kernels, breaks, t, std::min(in.n_steps, t + in.checkpoint), nullptr);
    }
  }
  block.save(out.counts, job.counts, plan.n_spiking);
  block.save(out.state, job.state, plan.n_state);
}

// Adjoints that were summed row by row, into theta.
template <typename T>
void fold_rows(const NetworkPlan& plan, const Job<T>& job, double* theta) {
  const auto fold = [&](const T* rows, index_t i) {
    double total = 0.0;
    for (index_t b = 0; b < kLanes; ++b) total += static_cast<double>(rows[i * kLanes + b]);
    return total;
  };
  for (const auto& p : plan.populations()) {
    if (p.kind == PopulationKind::graded) continue;
    for (index_t i = 0; i < p.n; ++i) {
      theta[p.theta_threshold + i] += fold(job.threshold_adjoint, p.spiking0 + i);
      if (p.decay_per_neuron) theta[p.theta_decay + i] += fold(job.decay_adjoint, p.all0 + i);
    }
  }
}

template <typename T>
void run_block_backward(Block<T>& block, const Kernels<T>& kernels, Breaks& breaks,
                        const NetworkInputs<T>& in, const T* tape, index_t rows,
                        const NetworkAdjoints<T>& adjoints, const NetworkPlan& plan,
                        double* theta) {
  Job<T>& job = block.job;
  job.theta_adjoint = theta;
  if (adjoints.counts != nullptr) block.load(job.counts_adjoint, adjoints.counts, plan.n_spiking);
  if (adjoints.state != nullptr) block.load(job.adjoint, adjoints.state, plan.n_state);
  if (adjoints.spikes != nullptr) {
    job.spikes_adjoint = adjoints.spikes + job.sample * in.n_steps * plan.n_spiking;
  }
  if (adjoints.voltages != nullptr) {
    job.voltages_adjoint = adjoints.voltages + job.sample * in.n_steps * plan.n_voltage;
  }
  job.drive_adjoint = adjoints.drive + job.sample * block.drive_stride(in);
  tape += job.sample * rows;
  if (in.checkpoint == 0) {
    undo_steps<T>(job, kernels, breaks, 0, in.n_steps, tape, job.state);
  } else {
    const Rows<T> segment(std::min(in.checkpoint, in.n_steps) * plan.n_tape);
    for (index_t s = segment_count(in.n_steps, in.checkpoint) - 1; s >= 0; --s) {
      const T* state = tape + s * plan.n_state * kLanes;
      const index_t begin = s * in.checkpoint;
      const index_t end = std::min(in.n_steps, begin + in.checkpoint);
      std::copy_n(state, plan.n_state * kLanes, job.state);
      run_steps(job, kernels, breaks, begin, end, segment.get());
      undo_steps<T>(job, kernels, breaks, begin, end, segment.get(), state);
    }
  }
  fold_rows(plan, job, theta);
  if (!in.drive_changes) block.save(adjoints.drive, job.drive_sum, plan.n_all);
  for (const auto& p : plan.populations()) {
    if (p.state_refractory < 0) continue;  // timers have no derivative
    std::fill_n(job.adjoint + p.state_refractory * kLanes, p.n * kLanes, T(0));
  }
  block.save(adjoints.initial_state, job.adjoint, plan.n_state);
}

}  // namespace
}  // namespace network

bool network_isa_runs(NetworkIsa isa) {
#if defined(COFIRE_NETWORK_ISAS)
  if (isa == NetworkIsa::avx512) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
  }
  if (isa == NetworkIsa::avx2) return __builtin_cpu_supports("avx2") != 0;
#endif
  return isa == NetworkIsa::best || isa == NetworkIsa::baseline;
}

index_t network_tape_size(const NetworkPlan& plan, index_t batch, index_t n_steps,
                          index_t checkpoint) {
  return network::block_count(batch) * network::kLanes *
         network::tape_rows(plan, n_steps, checkpoint);
}

template <typename T>
void network_forward(const NetworkPlan& plan, const NetworkInputs<T>& inputs, NetworkIsa isa,
                     const Control& control, const NetworkOutputs<T>& outputs) {
  network::check_inputs(plan, inputs);
  const auto& kernels = network::kernels_for<T>(isa);
  const network::Call<T> call(plan, inputs);
  const index_t rows = network::tape_rows(plan, inputs.n_steps, inputs.checkpoint);
  network::Breaks breaks(control);
  parallel_for(network::block_count(inputs.batch), control, [&](index_t b) {
    network::Block<T> block(plan, inputs, call, b);
    block.start(inputs);
    network::run_block_forward(block, kernels, breaks, inputs, rows, outputs, plan);
  });
}

template <typename T>
void network_backward(const NetworkPlan& plan, const NetworkInputs<T>& inputs, const T* tape,
                      NetworkIsa isa, const Control& control, const NetworkAdjoints<T>& adjoints) {
  network::check_inputs(plan, inputs);
  const auto& kernels = network::kernels_for<T>(isa);
  const network::Call<T> call(plan, inputs);
  const index_t rows = network::tape_rows(plan, inputs.n_steps, inputs.checkpoint);
  const index_t n_blocks = network::block_count(inputs.batch);
  const auto n_theta = network::at(plan.n_theta);
  // Each block has its own sum, and they are added in order: no result depends on the threads.
  std::vector<double> theta(network::at(n_blocks) * n_theta, 0.0);
  network::Breaks breaks(control);
  parallel_for(n_blocks, control, [&](index_t b) {
    network::Block<T> block(plan, inputs, call, b);
    block.want_backward(call);
    block.start(inputs);
    network::run_block_backward(block, kernels, breaks, inputs, tape, rows, adjoints, plan,
                                theta.data() + network::at(b) * n_theta);
  });
  for (std::size_t i = 0; i < n_theta; ++i) {
    double total = 0.0;
    for (index_t b = 0; b < n_blocks; ++b) total += theta[network::at(b) * n_theta + i];
    adjoints.theta[i] = static_cast<T>(total);
  }
}

void network_noise(const NetworkPlan& plan, std::uint64_t seed, index_t batch, index_t first_step,
                   index_t n_steps, const Control& control, float* noise) {
  using network::kLanes;
  const auto& kernels = network::kernels_for<float>(NetworkIsa::best);
  parallel_for(network::block_count(batch), control, [&](index_t b) {
    const network::Rows<float> rows(plan.n_noise + 8);
    const index_t sample = b * kLanes;
    for (index_t t = 0; t < n_steps; ++t) {
      kernels.fill_noise(seed, sample, first_step + t, plan.n_noise, rows.get());
      for (index_t lane = 0; lane < std::min(kLanes, batch - sample); ++lane) {
        float* out = noise + ((sample + lane) * n_steps + t) * plan.n_noise;
        for (index_t i = 0; i < plan.n_noise; ++i) out[i] = rows.get()[i * kLanes + lane];
      }
    }
  });
}

#define COFIRE_INSTANTIATE(T)                                                            \
  template void network_forward(const NetworkPlan&, const NetworkInputs<T>&, NetworkIsa, \
                                const Control&, const NetworkOutputs<T>&);               \
  template void network_backward(const NetworkPlan&, const NetworkInputs<T>&, const T*,  \
                                 NetworkIsa, const Control&, const NetworkAdjoints<T>&);
COFIRE_INSTANTIATE(float)
COFIRE_INSTANTIATE(double)
#undef COFIRE_INSTANTIATE

}  // namespace cofire
