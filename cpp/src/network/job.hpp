// What the kernels of each instruction set are handed: plain pointers and numbers.
#pragma once

#include <cstdint>

#include "cofire/network.hpp"
#include "cofire/simd.hpp"

namespace cofire::network {

// Samples that are simulated side by side.
inline constexpr index_t kLanes = 16;
// Steps whose factors are gathered before the gradients of single edges are summed.
inline constexpr index_t kEdgeSteps = 32;

// Edges as pointers; weights carry the factors of single edges where a pathway learns them.
template <typename T>
struct EdgeView {
  index_t n_sources, n_targets;
  bool is_dense;  // every source reaches every target
  const std::int32_t* sources;
  const std::int64_t* source_begin;
  const std::int32_t* post;
  const T* weight;
  const std::int32_t* targets;
  const std::int64_t* target_begin;
  const std::int32_t* source_of;
  const T* by_target;
  const double* source_sum;
  const double* target_sum;
};

template <typename T>
struct PathwayTask {
  const NetworkPathway* spec;
  EdgeView<T> edges;
  const T* fixed_weight;  // weights without the learned factors
  T strength;             // signed strength, conductance or gain; the sign alone with per_edge
  T use, recovery;
  index_t edge_rows;  // rows of its part of `edge_factors`, -1 without per_edge
};

template <typename T>
struct GroupTask {
  const NetworkGroup* spec;
  T decay;
};

// One block of at most 16 samples. All row pointers are 64-byte aligned, 16 values a row.
template <typename T>
struct Job {
  const NetworkPopulation* populations;
  index_t n_populations;
  const PathwayTask<T>* pathways;
  index_t n_pathways;
  const GroupTask<T>* groups;
  index_t n_groups;
  index_t n_all, n_spiking, n_voltage, n_state, n_noise, n_tape;

  const T* theta;
  const SpikeKind* spike;
  const T* scale;
  bool has_noise, noise_seeded;
  std::uint64_t seed;

  index_t sample;   // first sample of the block
  index_t n_lanes;  // samples in it
  index_t n_steps;  // of the whole run
  index_t first_step;

  // The block's part of the arrays of the caller, batch first.
  const T* drive;
  bool drive_changes;
  const T* noise;
  T* spikes_out;
  T* voltages_out;

  // Rows.
  T* state;
  T* counts;
  T* drive_rows;
  T* noise_rows;
  T* spikes_now;
  T* start_voltage;
  T* divided;
  T* added;
  T* axon;
  T* division;
  T* sources;
  T* sums;

  // Backward.
  const T* spikes_adjoint;
  const T* voltages_adjoint;
  T* drive_adjoint;  // batch first, or null
  T* adjoint;        // of the state
  T* counts_adjoint;
  T* spike_adjoint;
  T* voltage_adjoint;
  T* threshold_adjoint;
  T* decay_adjoint;
  T* drive_sum;
  T* edge_factors;
  index_t n_edge_steps;  // steps in them
  double* theta_adjoint;
};

template <typename T>
struct Kernels {
  // Advances the block from step `begin` to `end`; `tape`, if not null, takes their rows.
  void (*forward)(Job<T>& job, index_t begin, index_t end, T* tape);
  // Takes the adjoint of the state from step `end` to `begin`; `start` is the state at `begin`, or
  // null where the rows before `tape` are those of the step before.
  void (*backward)(Job<T>& job, index_t begin, index_t end, const T* tape, const T* start);
  // Rows [0, n) of noise of one step.
  void (*fill_noise)(std::uint64_t seed, index_t sample, index_t step, index_t n, T* rows);
};

#define COFIRE_DECLARE_KERNELS(isa)         \
  namespace isa {                           \
  extern const Kernels<float> kernels_f32;  \
  extern const Kernels<double> kernels_f64; \
  }
COFIRE_DECLARE_KERNELS(baseline)
COFIRE_DECLARE_KERNELS(avx2)
COFIRE_DECLARE_KERNELS(avx512)
#undef COFIRE_DECLARE_KERNELS

}  // namespace cofire::network
