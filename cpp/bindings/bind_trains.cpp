#include <pybind11/stl.h>

#include <numeric>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "cofire/trains.hpp"
#include "numpy_views.hpp"
#include "register.hpp"

namespace cofire::python {

namespace {

using Fault = std::tuple<std::string, index_t, index_t>;
using Ragged = std::pair<Array<double>, Array<std::int64_t>>;

std::optional<Fault> find_bad(const Array<double>& times, const Array<std::int64_t>& offsets,
                              int n_threads) {
  const SpikeView spikes = ragged_of(times, offsets);
  std::optional<BadSpike> bad;
  run_released(n_threads, [&](const Control& control) { bad = find_bad_spike(spikes, control); });
  if (!bad) return std::nullopt;
  const char* fault = bad->fault == TrainFault::unsorted ? "unsorted" : "not_finite";
  return Fault{fault, bad->unit, bad->index};
}

Ragged restrict_to(const Array<double>& times, const Array<std::int64_t>& offsets,
                   const Array<double>& intervals, int n_threads) {
  const SpikeView spikes = ragged_of(times, offsets);
  const IntervalView inside = intervals_of(intervals, "intervals");
  Array<std::int64_t> out_offsets(offsets.size());
  const auto ends = mutable_span(out_offsets);
  ends[0] = 0;
  run_released(n_threads, [&](const Control& control) {
    count_inside(spikes, inside, control, ends.subspan(1));
  });
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  Array<double> out_times(ends.back());
  const auto to = mutable_span(out_times);
  run_released(n_threads,
               [&](const Control& control) { copy_inside(spikes, inside, ends, control, to); });
  return {out_times, out_offsets};
}

}  // namespace

void register_trains(py::module_& m) {
  m.def("find_bad_spike", &find_bad, py::arg("times").noconvert(), py::arg("offsets").noconvert(),
        py::arg("n_threads"),
        "None, or (fault, unit, index) of the first spike that is not finite or out of order.");
  m.def("restrict", &restrict_to, py::arg("times").noconvert(), py::arg("offsets").noconvert(),
        py::arg("intervals").noconvert(), py::arg("n_threads"),
        "(times, offsets) of the spikes inside disjoint sorted intervals [start, stop).");
}

}  // namespace cofire::python
