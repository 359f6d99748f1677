// Networks of spiking neurons with given wiring: whole simulations and their gradients.
//
// A plan lists populations in their order of update and the pathways between them; it fixes where
// each parameter (theta), state variable and noise draw lies. Equations and the order of a step are
// those of cofire.nn.NetworkPlan.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cofire/parallel.hpp"
#include "cofire/view.hpp"

namespace cofire {

enum class PopulationKind : std::uint8_t { lif, two_compartment, graded };
enum class PathwayKind : std::uint8_t { synapse, gap, release, rate, depolarization, divisive };
enum class Compartment : std::uint8_t { soma, dendrite, axon };
// The spike as a function of u = v - threshold; all but the first two fire like `hard` and differ
// in the derivative that stands for that of the step.
enum class SpikeKind : std::uint8_t { hard, soft, superspike, slayer, fast_sigmoid, arctan };

struct NetworkPopulation {
  PopulationKind kind = PopulationKind::lif;
  index_t n = 0;
  double v_rest = 0.0;
  double v_reset = 0.0;
  double v_min = 0.0;
  double resistance = 0.0;
  double tau_m = 0.0;  // two_compartment only: elsewhere theta holds the decay
  index_t refractory_steps = 0;
  bool decay_per_neuron = false;
  double noise_input = 0.0;
  double noise_current = 0.0;
  double noise_voltage = 0.0;
  double noise_threshold = 0.0;

  // Filled in by the plan; -1 where a population has no such thing.
  index_t all0 = 0;          // first neuron among all neurons
  index_t spiking0 = -1;     // first neuron among spiking neurons
  index_t voltage0 = -1;     // first row among recorded voltages
  index_t theta_decay = -1;  // decay, or the four numbers of the two-compartment step
  index_t theta_threshold = -1;
  index_t state_v = -1;  // voltage; dendrite and axon; activity of a graded population
  index_t state_refractory = -1;
  index_t state_spikes = -1;
  index_t state_count = -1;
  index_t site_input = -1;
  index_t site_current = -1;
  index_t site_voltage = -1;
  index_t site_threshold = -1;
  index_t tape = -1;        // first row of its tape
  index_t tape_count = -1;  // rows with the counts at the start of the step
  bool is_divided = false;
};

// Edges in both orders. `source` counts the presynaptic neurons that have edges, `target` the
// postsynaptic ones.
struct NetworkEdges {
  std::vector<std::int32_t> sources;       // ids, ascending
  std::vector<std::int64_t> source_begin;  // into the edges by source
  std::vector<std::int32_t> post;          // of each edge, by source
  std::vector<std::int32_t> targets;
  std::vector<std::int64_t> target_begin;
  std::vector<std::int32_t> source_of;  // of each edge by target: position in `sources`
  std::vector<std::int64_t> edge_of;    // of each edge by target: its number by source
  std::vector<float> weight_f32, by_target_f32;
  std::vector<double> weight_f64, by_target_f64;
  std::vector<double> source_sum, target_sum;  // of weights

  [[nodiscard]] index_t n_edges() const noexcept { return static_cast<index_t>(post.size()); }
  [[nodiscard]] index_t n_sources() const noexcept { return static_cast<index_t>(sources.size()); }
  [[nodiscard]] index_t n_targets() const noexcept { return static_cast<index_t>(targets.size()); }
};

struct NetworkPathway {
  PathwayKind kind = PathwayKind::synapse;
  index_t pre = 0;
  index_t post = 0;
  Compartment compartment = Compartment::soma;
  bool divided = false;
  bool previous = false;
  bool depression = false;
  bool per_edge = false;
  double sign = 1.0;
  double tau_syn = 0.0;
  double noise = 0.0;
  double cap = 0.0;

  index_t group = -1;
  index_t theta_strength = -1;  // strength, conductance or gain
  index_t theta_use = -1;
  index_t theta_recovery = -1;
  index_t state_resources = -1;
  index_t site = -1;
  index_t tape_resources = -1;
  NetworkEdges edges;
};

// Synapses that share a compartment and a decay share one current.
struct NetworkGroup {
  index_t post = 0;
  Compartment compartment = Compartment::soma;
  bool divided = false;
  double tau_syn = 0.0;
  index_t state_current = -1;
};

class NetworkPlan {
 public:
  // Pathways come with kind, ends and constants; their edges as CSR by presynaptic neuron.
  struct Wiring {
    std::span<const std::int64_t> indptr;
    std::span<const std::int32_t> indices;
    std::span<const double> weights;
  };
  NetworkPlan(double dt, std::vector<NetworkPopulation> populations,
              std::vector<NetworkPathway> pathways, const std::vector<Wiring>& wiring);

  [[nodiscard]] double dt() const noexcept { return dt_; }
  [[nodiscard]] const auto& populations() const noexcept { return populations_; }
  [[nodiscard]] const auto& pathways() const noexcept { return pathways_; }
  [[nodiscard]] const auto& groups() const noexcept { return groups_; }

  index_t n_all = 0;
  index_t n_spiking = 0;
  index_t n_voltage = 0;
  index_t n_theta = 0;
  index_t n_state = 0;
  index_t n_noise = 0;
  index_t n_tape = 0;  // rows of the tape of one step

 private:
  void lay_out_populations();
  void lay_out_pathways();
  void lay_out_noise();
  void lay_out_tape();

  double dt_;
  std::vector<NetworkPopulation> populations_;
  std::vector<NetworkPathway> pathways_;
  std::vector<NetworkGroup> groups_;
};

// What one simulation reads. Arrays are row-major with the batch first.
template <typename T>
struct NetworkInputs {
  std::span<const T> theta;
  const T* drive = nullptr;  // (batch, n_all), or (batch, n_steps, n_all) if it changes
  bool drive_changes = false;
  const T* state = nullptr;  // (batch, n_state)
  const T* noise = nullptr;  // (batch, n_steps, n_noise) or null
  bool noise_seeded = false;
  std::uint64_t seed = 0;
  index_t batch = 0;
  index_t n_steps = 0;
  index_t first_step = 0;            // number of the first step
  std::span<const SpikeKind> spike;  // of each population
  std::span<const double> scale;
  index_t checkpoint = 0;  // 0: keep the tape of all steps; k: keep the state every k steps
};

template <typename T>
struct NetworkOutputs {
  T* counts = nullptr;    // (batch, n_spiking)
  T* spikes = nullptr;    // (batch, n_steps, n_spiking) or null
  T* voltages = nullptr;  // (batch, n_steps, n_voltage) or null
  T* state = nullptr;     // (batch, n_state)
  T* tape = nullptr;      // tape_size(...) values, 64-byte aligned, or null
};

// Derivatives of the loss: given for the outputs (null: zero), wanted for the inputs.
template <typename T>
struct NetworkAdjoints {
  const T* counts = nullptr;
  const T* spikes = nullptr;
  const T* voltages = nullptr;
  const T* state = nullptr;
  T* theta = nullptr;
  T* drive = nullptr;
  T* initial_state = nullptr;
};

// Instruction sets that the kernels were compiled for; `best` is the widest this machine runs.
enum class NetworkIsa : std::uint8_t { best, baseline, avx2, avx512 };
[[nodiscard]] bool network_isa_runs(NetworkIsa isa);

// Values of the tape of a whole batch.
[[nodiscard]] index_t network_tape_size(const NetworkPlan& plan, index_t batch, index_t n_steps,
                                        index_t checkpoint);

template <typename T>
void network_forward(const NetworkPlan& plan, const NetworkInputs<T>& inputs, NetworkIsa isa,
                     const Control& control, const NetworkOutputs<T>& outputs);

template <typename T>
void network_backward(const NetworkPlan& plan, const NetworkInputs<T>& inputs, const T* tape,
                      NetworkIsa isa, const Control& control, const NetworkAdjoints<T>& adjoints);

// The noise that a seed stands for, (batch, n_steps, n_noise).
void network_noise(const NetworkPlan& plan, std::uint64_t seed, index_t batch, index_t first_step,
                   index_t n_steps, const Control& control, float* noise);

}  // namespace cofire
