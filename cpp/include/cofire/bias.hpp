// Which of two units tends to fire first?
#pragma once

#include <cstdint>
#include <span>

#include "cofire/parallel.hpp"
#include "cofire/view.hpp"

namespace cofire {

// For each event (a row of `times`, sorted) the matrix (n_units, n_units) of
// 2 * #{(a of unit i, b of unit j): a <= b} / (n_i * n_j) - 1 for i < j, antisymmetric, 0 where a
// unit is silent. units[k] in [0, n_units) fires at times.values()[k]. `bias` holds one matrix an
// event.
void skew_bias(const RaggedView<double>& times, std::span<const std::int64_t> units,
               index_t n_units, const Control& control, std::span<double> bias);

}  // namespace cofire
