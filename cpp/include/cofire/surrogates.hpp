// Surrogate data: what remains of spike trains or count matrices after one kind of structure has
// been destroyed. Every row (unit) draws from its own stream (seed, row, draw).
#pragma once

#include <cstdint>
#include <span>

#include "cofire/parallel.hpp"
#include "cofire/view.hpp"

namespace cofire {

// Names one surrogate: the user's seed and the number of the draw.
struct Draw {
  std::uint64_t seed;
  std::uint64_t number;
};

// All of the following keep the number of spikes of each unit, so `out` has the offsets of
// `spikes`; trains in `out` are sorted. Spikes lie inside the disjoint sorted `support`.

// Moves each spike by a uniform amount in [-width, width), reflected at the edges of its epoch.
void jitter_spikes(const SpikeView& spikes, const IntervalView& support, double width, Draw draw,
                   const Control& control, std::span<double> out);

// Permutes the intervals between spikes of one epoch; first and last spike of an epoch stay.
void shuffle_isis(const SpikeView& spikes, const IntervalView& support, Draw draw,
                  const Control& control, std::span<double> out);

// Rotates each train by one uniform shift along the support without its gaps, or, within epochs,
// by a shift of its own in each epoch.
void rotate_spikes(const SpikeView& spikes, const IntervalView& support, bool within_epochs,
                   Draw draw, const Control& control, std::span<double> out);

// Places each spike uniformly on the support.
void scatter_spikes(const SpikeView& spikes, const IntervalView& support, Draw draw,
                    const Control& control, std::span<double> out);

// Permutes each row independently.
template <typename T>
void shuffle_rows(const MatrixView<const T>& values, Draw draw, const Control& control,
                  MatrixView<T> out);

// Rolls each row to the right by an independent uniform number of columns in [0, n_cols).
template <typename T>
void rotate_rows(const MatrixView<const T>& values, Draw draw, const Control& control,
                 MatrixView<T> out);

}  // namespace cofire
