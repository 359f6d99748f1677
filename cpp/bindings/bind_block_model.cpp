#include <utility>

#include "cofire/block_model.hpp"
#include "numpy_views.hpp"
#include "register.hpp"

namespace cofire::python {

namespace {

std::pair<Array<std::int32_t>, Array<std::int32_t>> start(index_t n_chains, index_t n_nodes,
                                                          index_t min_groups, index_t max_groups,
                                                          std::uint64_t seed) {
  if (n_chains < 0 || n_nodes < 0) throw std::invalid_argument("sizes must not be negative");
  Array<std::int32_t> labels({n_chains, n_nodes});
  Array<std::int32_t> n_groups(n_chains);
  start_block_model(seed, min_groups, max_groups, mutable_matrix(labels), mutable_span(n_groups));
  return {labels, n_groups};
}

void advance(const Array<std::int32_t>& neighbors, const Array<std::int64_t>& offsets,
             std::uint64_t seed, index_t max_groups, Array<std::int32_t>& labels,
             Array<std::int32_t>& n_groups, Array<std::int64_t>& n_done,
             Array<std::int32_t>& k_trace, Array<double>& energy_trace, double seconds,
             int n_threads) {
  const auto graph = ragged_of(neighbors, offsets);
  const index_t n_chains = matrix_of(labels, "labels").n_rows();
  const auto k = matrix_of(k_trace, "k_trace");
  const auto energy = matrix_of(energy_trace, "energy_trace");
  if (k.n_rows() != n_chains || energy.n_rows() != n_chains || k.n_cols() != energy.n_cols() ||
      static_cast<index_t>(span_of(n_groups, "n_groups").size()) != n_chains ||
      static_cast<index_t>(span_of(n_done, "n_done").size()) != n_chains) {
    throw std::invalid_argument("labels, n_groups, n_done and the traces disagree in shape");
  }
  const BlockModelChains chains{seed,
                                max_groups,
                                mutable_matrix(labels),
                                mutable_span(n_groups),
                                mutable_span(n_done),
                                mutable_matrix(k_trace),
                                mutable_matrix(energy_trace)};
  run_released(n_threads, [&](const Control& control) {
    advance_block_model(graph, seconds, control, chains);
  });
}

double energy(const Array<std::int32_t>& neighbors, const Array<std::int64_t>& offsets,
              const Array<std::int32_t>& labels, index_t n_groups) {
  return block_model_energy(ragged_of(neighbors, offsets), span_of(labels, "labels"), n_groups);
}

}  // namespace

void register_block_model(py::module_& m) {
  m.def("block_model_start", &start, py::arg("n_chains"), py::arg("n_nodes"), py::arg("min_groups"),
        py::arg("max_groups"), py::arg("seed"),
        "First labels (chains, nodes) and numbers of groups (chains,) of block-model chains.");
  m.def("block_model_advance", &advance, py::arg("neighbors").noconvert(),
        py::arg("offsets").noconvert(), py::arg("seed"), py::arg("max_groups"),
        py::arg("labels").noconvert(), py::arg("n_groups").noconvert(),
        py::arg("n_done").noconvert(), py::arg("k_trace").noconvert(),
        py::arg("energy_trace").noconvert(), py::arg("seconds"), py::arg("n_threads"),
        "Sweep block-model chains, in place, until their traces are full or time is up.");
  m.def("block_model_energy", &energy, py::arg("neighbors").noconvert(),
        py::arg("offsets").noconvert(), py::arg("labels").noconvert(), py::arg("n_groups"),
        "Log-posterior of a partition into groups, up to a constant.");
}

}  // namespace cofire::python
