#include "cofire/shuffled_gram.hpp"
#include "numpy_views.hpp"
#include "register.hpp"

namespace cofire::python {

namespace {

Array<double> shuffled_grams_of(const Array<double>& values, const Array<std::int64_t>& offsets,
                                std::int64_t n_bins, std::uint64_t seed, std::uint64_t first_draw,
                                std::int64_t n_draws, int n_threads) {
  const auto rows = ragged_of(values, offsets);
  if (n_draws < 0) throw std::invalid_argument("n_draws must not be negative");
  const index_t n = rows.n_rows();
  Array<double> grams({static_cast<index_t>(n_draws), n, n});
  const MatrixView<double> out(grams.mutable_data(), static_cast<index_t>(n_draws) * n, n);
  run_released(n_threads, [&](const Control& control) {
    shuffled_grams(rows, static_cast<index_t>(n_bins), seed, first_draw, control, out);
  });
  return grams;
}

Array<double> rolled_grams_of(const Array<double>& values, const Array<std::int64_t>& offsets,
                              const Array<std::int64_t>& bins, std::int64_t n_bins,
                              const Array<std::int64_t>& shifts, int n_threads) {
  const auto rows = ragged_of(values, offsets);
  const auto entries = span_of(bins, "bins");
  const auto rolls = matrix_of(shifts, "shifts");
  const index_t n = rows.n_rows();
  if (entries.size() != rows.values().size()) {
    throw std::invalid_argument("bins and values disagree in length");
  }
  if (rolls.n_cols() != n) throw std::invalid_argument("shifts must have a column for each row");
  Array<double> grams({rolls.n_rows(), n, n});
  const MatrixView<double> out(grams.mutable_data(), rolls.n_rows() * n, n);
  run_released(n_threads, [&](const Control& control) {
    rolled_grams(rows, entries, static_cast<index_t>(n_bins), rolls, control, out);
  });
  return grams;
}

}  // namespace

void register_shuffled_gram(py::module_& m) {
  m.def("shuffled_grams", &shuffled_grams_of, py::arg("values").noconvert(),
        py::arg("offsets").noconvert(), py::arg("n_bins"), py::arg("seed"), py::arg("first_draw"),
        py::arg("n_draws"), py::arg("n_threads"),
        "Gram matrices (draws, rows, rows) of sparse rows, each row permuted over the bins.");
  m.def("rolled_grams", &rolled_grams_of, py::arg("values").noconvert(),
        py::arg("offsets").noconvert(), py::arg("bins").noconvert(), py::arg("n_bins"),
        py::arg("shifts").noconvert(), py::arg("n_threads"),
        "Gram matrices (draws, rows, rows) of sparse rows, each row rolled right by its shift.");
}

}  // namespace cofire::python
