// All spikes of all units in one list ordered by time.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "cofire/parallel.hpp"
#include "cofire/view.hpp"

namespace cofire {

struct OrderedSpike {
  double time;
  std::int32_t unit;
  std::uint32_t source;  // position in SpikeView::values()

  // Equal times are ordered by unit.
  [[nodiscard]] friend bool operator<(const OrderedSpike& a, const OrderedSpike& b) noexcept {
    return a.time < b.time || (a.time == b.time && a.unit < b.unit);
  }
};

// Takes the spikes from position `first` of the list on.
using SliceVisitor = std::function<void(index_t first, std::span<const OrderedSpike> slice)>;

// Puts the spikes of sorted trains in order, a slice of the list at a time, and hands each slice to
// `visit`: in any sequence and from several threads, but each position once. Fewer than 2^32
// spikes.
void visit_time_order(const SpikeView& spikes, const Control& control, const SliceVisitor& visit);

}  // namespace cofire
