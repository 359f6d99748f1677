// Sums of products of counts, exact in integers.
#pragma once

#include <cstdint>

#include "cofire/parallel.hpp"
#include "cofire/view.hpp"

namespace cofire {

// products(i, j) = sum over bins of counts(i, bin) * counts(j, bin), for counts >= 0. Work and
// memory are for sparse counts: they grow with the square of the number of spikes in a bin.
template <typename T>
void sum_products(const MatrixView<const T>& counts, const Control& control,
                  MatrixView<std::int64_t> products);

}  // namespace cofire
