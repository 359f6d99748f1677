// All spikes of all units in one list ordered by time.
#pragma once

#include <cstdint>
#include <vector>

#include "cofire/parallel.hpp"
#include "cofire/view.hpp"

namespace cofire {

// Spike k of the list has time times[k] and belongs to units[k]. Equal times are ordered by unit.
struct TimeOrder {
  std::vector<double> times;
  std::vector<std::int32_t> units;

  [[nodiscard]] index_t n_spikes() const noexcept { return static_cast<index_t>(times.size()); }
};

// Trains must be sorted.
[[nodiscard]] TimeOrder time_order(const SpikeView& spikes, const Control& control);

}  // namespace cofire
