#include <algorithm>
#include <cmath>
#include <limits>

#include "cofire/peri_event.hpp"
#include "numpy_views.hpp"
#include "register.hpp"

namespace cofire::python {

namespace {

struct Request {
  SpikeView spikes;
  std::span<const double> events;
  LagBins bins;
  LagRule rule;
};

Request request_of(const Array<double>& times, const Array<std::int64_t>& offsets,
                   const Array<double>& events, double start, double width, index_t n_bins,
                   bool truncated) {
  const Request request{ragged_of(times, offsets), span_of(events, "events"),
                        LagBins{start, width, n_bins},
                        truncated ? LagRule::truncated : LagRule::exact_edges};
  if (!(width > 0.0) || !std::isfinite(start) || !std::isfinite(width)) {
    throw std::invalid_argument("start must be finite and width positive");
  }
  if (n_bins < 1 || n_bins > std::numeric_limits<std::int32_t>::max() / 2) {
    throw std::invalid_argument("n_bins must be positive and below 2**30");
  }
  const auto& e = request.events;
  if (std::any_of(e.begin(), e.end(), [](double t) { return !std::isfinite(t); }) ||
      !std::is_sorted(e.begin(), e.end())) {
    throw std::invalid_argument("events must be finite and sorted");
  }
  return request;
}

Array<std::int64_t> counts(const Array<double>& times, const Array<std::int64_t>& offsets,
                           const Array<double>& events, double start, double width, index_t n_bins,
                           bool truncated, int n_threads) {
  const Request r = request_of(times, offsets, events, start, width, n_bins, truncated);
  Array<std::int64_t> out({r.spikes.n_rows(), n_bins});
  const auto to = mutable_matrix(out);
  run_released(n_threads, [&](const Control& control) {
    peri_event_counts(r.spikes, r.events, r.bins, r.rule, control, to);
  });
  return out;
}

Array<std::int32_t> counts_each(const Array<double>& times, const Array<std::int64_t>& offsets,
                                const Array<double>& events, const Array<std::int64_t>& rows,
                                double start, double width, index_t n_bins, bool truncated,
                                int n_threads) {
  const Request r = request_of(times, offsets, events, start, width, n_bins, truncated);
  const auto places = span_of(rows, "rows");
  const auto n_events = static_cast<index_t>(r.events.size());
  std::vector<bool> seen(r.events.size());
  if (places.size() != r.events.size()) {
    throw std::invalid_argument("events and rows disagree in length");
  }
  for (const std::int64_t row : places) {
    if (row < 0 || row >= n_events || seen[static_cast<std::size_t>(row)]) {
      throw std::invalid_argument("rows must be a permutation of the events");
    }
    seen[static_cast<std::size_t>(row)] = true;
  }
  const index_t n_units = r.spikes.n_rows();
  Array<std::int32_t> out({n_events, n_units, n_bins});
  const MatrixView<std::int32_t> to(out.mutable_data(), n_events * n_units, n_bins);
  run_released(n_threads, [&](const Control& control) {
    peri_event_counts_each(r.spikes, r.events, places, r.bins, r.rule, control, to);
  });
  return out;
}

}  // namespace

void register_peri_event(py::module_& m) {
  m.def("peri_event_counts", &counts, py::arg("times").noconvert(), py::arg("offsets").noconvert(),
        py::arg("events").noconvert(), py::arg("start"), py::arg("width"), py::arg("n_bins"),
        py::arg("truncated"), py::arg("n_threads"),
        "Spikes in bins around sorted events, (n_units, n_bins).");
  m.def("peri_event_counts_each", &counts_each, py::arg("times").noconvert(),
        py::arg("offsets").noconvert(), py::arg("events").noconvert(), py::arg("rows").noconvert(),
        py::arg("start"), py::arg("width"), py::arg("n_bins"), py::arg("truncated"),
        py::arg("n_threads"),
        "The same for each event, (n_events, n_units, n_bins); event e goes to row rows[e].");
}

}  // namespace cofire::python
