#include <cmath>

#include "cofire/correlogram.hpp"
#include "numpy_views.hpp"
#include "register.hpp"

namespace cofire::python {

namespace {

LagBins lag_bins(double bin_width, index_t half) {
  if (!(bin_width > 0.0) || !std::isfinite(bin_width)) {
    throw std::invalid_argument("bin_width must be positive");
  }
  if (half < 0) throw std::invalid_argument("half must not be negative");
  return {bin_width, half};
}

Array<std::int64_t> correlogram_of(const Array<double>& times, const Array<std::int64_t>& offsets,
                                   double bin_width, index_t half, int n_threads) {
  const SpikeView spikes = ragged_of(times, offsets);
  const LagBins bins = lag_bins(bin_width, half);
  Array<std::int64_t> counts({spikes.n_rows(), spikes.n_rows(), bins.n_bins()});
  const auto out = mutable_span(counts);
  run_released(n_threads, [&](const Control& control) { correlogram(spikes, bins, control, out); });
  return counts;
}

Array<std::int64_t> correlogram_pairs_of(const Array<double>& times,
                                         const Array<std::int64_t>& offsets,
                                         const Array<std::int64_t>& pairs, double bin_width,
                                         index_t half, int n_threads) {
  const SpikeView spikes = ragged_of(times, offsets);
  const LagBins bins = lag_bins(bin_width, half);
  const auto chosen = matrix_of(pairs, "pairs");
  if (chosen.n_cols() != 2) throw std::invalid_argument("pairs must have shape (n, 2)");
  for (index_t p = 0; p < chosen.n_rows(); ++p) {
    for (const auto unit : chosen.row(p)) {
      if (unit < 0 || unit >= spikes.n_rows()) {
        throw std::out_of_range("pair " + std::to_string(p) + " names unit " +
                                std::to_string(unit) + " of " + std::to_string(spikes.n_rows()));
      }
    }
  }
  Array<std::int64_t> counts({chosen.n_rows(), bins.n_bins()});
  const auto out = mutable_matrix(counts);
  run_released(n_threads, [&](const Control& control) {
    correlogram_pairs(spikes, chosen, bins, control, out);
  });
  return counts;
}

Array<std::int64_t> cross_corr_of(const Array<double>& t1, const Array<double>& t2,
                                  double bin_width, index_t n_bins) {
  const auto a = span_of(t1, "t1");
  const auto b = span_of(t2, "t2");
  if (!(bin_width > 0.0) || !std::isfinite(bin_width)) {
    throw std::invalid_argument("bin_width must be positive");
  }
  if (n_bins < 1) throw std::invalid_argument("n_bins must be at least 1");
  Array<std::int64_t> counts(n_bins);
  const auto out = mutable_span(counts);
  run_released(1, [&](const Control&) { cross_corr(a, b, bin_width, out); });
  return counts;
}

}  // namespace

void register_correlogram(py::module_& m) {
  m.def("correlogram", &correlogram_of, py::arg("times").noconvert(),
        py::arg("offsets").noconvert(), py::arg("bin_width"), py::arg("half"), py::arg("n_threads"),
        "Lag counts (units, units, 2 * half + 1) of all pairs of units.");
  m.def("correlogram_pairs", &correlogram_pairs_of, py::arg("times").noconvert(),
        py::arg("offsets").noconvert(), py::arg("pairs").noconvert(), py::arg("bin_width"),
        py::arg("half"), py::arg("n_threads"), "Lag counts (pairs, 2 * half + 1).");
  m.def("cross_corr", &cross_corr_of, py::arg("t1").noconvert(), py::arg("t2").noconvert(),
        py::arg("bin_width"), py::arg("n_bins"),
        "Lag counts (n_bins,) of two sorted trains by neuro_py's rule.");
}

}  // namespace cofire::python
