// Counting spikes in bins around events.
#pragma once

#include <cstdint>
#include <span>

#include "cofire/parallel.hpp"
#include "cofire/view.hpp"

namespace cofire {

// Equal bins around an event: bin k holds the spikes with
// start + k * width <= t - event < start + (k + 1) * width.
struct LagBins {
  double start;
  double width;
  index_t n_bins;
};

// How a delay becomes a bin.
enum class LagRule : int {
  exact_edges,  // against the edges of LagBins
  truncated,    // trunc((t - (event + start)) / width), the arithmetic of nelpy and neuro_py
};

// counts(unit, k): spikes of a unit in bin k, over all events. `events` are sorted and finite,
// n_bins fits 31 bits.
void peri_event_counts(const SpikeView& spikes, std::span<const double> events, const LagBins& bins,
                       LagRule rule, const Control& control, MatrixView<std::int64_t> counts);

// counts(rows[e] * n_units + unit, k): the same for each event; rows[e] is the place of event e.
void peri_event_counts_each(const SpikeView& spikes, std::span<const double> events,
                            std::span<const std::int64_t> rows, const LagBins& bins, LagRule rule,
                            const Control& control, MatrixView<std::int32_t> counts);

}  // namespace cofire
