#include "cofire/bias.hpp"
#include "numpy_views.hpp"
#include "register.hpp"

namespace cofire::python {

namespace {

Array<double> skew_bias_of(const Array<double>& times, const Array<std::int64_t>& offsets,
                           const Array<std::int64_t>& units, index_t n_units, int n_threads) {
  const RaggedView<double> events = ragged_of(times, offsets);
  const auto unit = span_of(units, "units");
  if (n_units < 0) throw std::invalid_argument("n_units must not be negative");
  if (unit.size() != events.values().size()) {
    throw std::invalid_argument("units and times must have the same length");
  }
  for (const auto u : unit) {
    if (u < 0 || u >= n_units) {
      throw std::out_of_range("unit " + std::to_string(u) + " is outside 0.." +
                              std::to_string(n_units - 1));
    }
  }
  Array<double> bias({events.n_rows(), n_units, n_units});
  const auto out = mutable_span(bias);
  run_released(n_threads,
               [&](const Control& control) { skew_bias(events, unit, n_units, control, out); });
  return bias;
}

}  // namespace

void register_bias(py::module_& m) {
  m.def("skew_bias", &skew_bias_of, py::arg("times").noconvert(), py::arg("offsets").noconvert(),
        py::arg("units").noconvert(), py::arg("n_units"), py::arg("n_threads"),
        "Skew-bias matrix (events, units, units) of the sorted spikes of each event.");
}

}  // namespace cofire::python
