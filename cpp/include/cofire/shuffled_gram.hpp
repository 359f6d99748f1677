// What are the inner products of rows after each row was shuffled in time?
#pragma once

#include <cstdint>
#include <span>

#include "cofire/parallel.hpp"
#include "cofire/view.hpp"

namespace cofire {

// Gram matrix of rows whose entries were permuted over `n_bins` bins, each row independently.
//
// Row i holds its nonzero entries only; all other bins of the row are zero. A uniformly random
// permutation of such a row is a uniformly random ordered choice of bins for its entries, so the
// cost follows the number of entries, not the number of bins. Shuffle d is drawn from the stream
// (seed, d); out row (d - first_draw) * n_rows + i is row i of its Gram matrix. n_bins < 2^32.
void shuffled_grams(RaggedView<double> rows, index_t n_bins, std::uint64_t seed,
                    std::uint64_t first_draw, const Control& control, MatrixView<double> out);

// The same after rolling row i right by shifts(d, i), 0 <= shift < n_bins. Entry e is in bin
// bins[e] of its row.
void rolled_grams(RaggedView<double> rows, std::span<const std::int64_t> bins, index_t n_bins,
                  MatrixView<const std::int64_t> shifts, const Control& control,
                  MatrixView<double> out);

}  // namespace cofire
