// How strongly is each assembly expressed in each bin? A_k = (w_k . z)^2 - sum_i w_ki^2 z_i^2.
#pragma once

#include "cofire/parallel.hpp"
#include "cofire/view.hpp"
#include "cofire/zscore.hpp"

namespace cofire {

// out(k, t) for patterns (n_patterns, n_units) and z (n_units, n_bins), T float or double; a column
// that holds NaN gives 0. The second term is left out when remove_diagonal is false.
template <typename T>
void activation(const MatrixView<const T>& patterns, const MatrixView<const T>& z,
                bool remove_diagonal, const Control& control, MatrixView<T> out);

// The same of spikes binned, smoothed and z-scored over all bins, without ever storing z:
// out(t, k), time first.
template <typename T>
void activation_of_spikes(const MatrixView<const T>& patterns, const SpikeView& spikes,
                          const BinGrid& grid, const SmoothingAxis& axis, bool remove_diagonal,
                          const Control& control, MatrixView<T> out);

}  // namespace cofire
