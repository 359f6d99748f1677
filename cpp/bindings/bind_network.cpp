#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "buffer_pool.hpp"
#include "cofire/network.hpp"
#include "numpy_views.hpp"
#include "register.hpp"

namespace cofire::python {

namespace {

using Fields = py::typing::Dict<py::str, py::object>;

template <typename Kind>
Kind kind_of(const std::string& name, const std::unordered_map<std::string, Kind>& kinds) {
  const auto found = kinds.find(name);
  if (found == kinds.end()) throw std::invalid_argument("unknown kind " + name);
  return found->second;
}

NetworkPopulation population_of(const Fields& d) {
  NetworkPopulation p;
  p.kind = kind_of<PopulationKind>(d["kind"].cast<std::string>(),
                                   {{"lif", PopulationKind::lif},
                                    {"two_compartment", PopulationKind::two_compartment},
                                    {"graded", PopulationKind::graded}});
  p.n = d["n"].cast<index_t>();
  p.v_rest = d["v_rest"].cast<double>();
  p.v_reset = d["v_reset"].cast<double>();
  p.v_min = d["v_min"].cast<double>();
  p.resistance = d["resistance"].cast<double>();
  p.tau_m = d["tau_m"].cast<double>();
  p.refractory_steps = d["refractory_steps"].cast<index_t>();
  p.decay_per_neuron = d["decay_per_neuron"].cast<bool>();
  p.noise_input = d["noise_input"].cast<double>();
  p.noise_current = d["noise_current"].cast<double>();
  p.noise_voltage = d["noise_voltage"].cast<double>();
  p.noise_threshold = d["noise_threshold"].cast<double>();
  return p;
}

NetworkPathway pathway_of(const Fields& d) {
  NetworkPathway path;
  path.kind = kind_of<PathwayKind>(d["kind"].cast<std::string>(),
                                   {{"synapse", PathwayKind::synapse},
                                    {"gap", PathwayKind::gap},
                                    {"release", PathwayKind::release},
                                    {"rate", PathwayKind::rate},
                                    {"depolarization", PathwayKind::depolarization},
                                    {"divisive", PathwayKind::divisive}});
  path.compartment = kind_of<Compartment>(d["compartment"].cast<std::string>(),
                                          {{"soma", Compartment::soma},
                                           {"dendrite", Compartment::dendrite},
                                           {"axon", Compartment::axon}});
  path.pre = d["pre"].cast<index_t>();
  path.post = d["post"].cast<index_t>();
  path.divided = d["divided"].cast<bool>();
  path.previous = d["previous"].cast<bool>();
  path.depression = d["depression"].cast<bool>();
  path.per_edge = d["per_edge"].cast<bool>();
  path.sign = d["sign"].cast<double>();
  path.tau_syn = d["tau_syn"].cast<double>();
  path.noise = d["noise"].cast<double>();
  path.cap = d["cap"].cast<double>();
  return path;
}

// A plan, and the memory of the tapes of its runs.
struct PooledPlan : NetworkPlan {
  explicit PooledPlan(NetworkPlan plan) : NetworkPlan(std::move(plan)) {}
  std::shared_ptr<BufferPool> tapes = std::make_shared<BufferPool>();
};

std::unique_ptr<PooledPlan> make_plan(double dt, const std::vector<Fields>& populations,
                                      const std::vector<Fields>& pathways) {
  std::vector<NetworkPopulation> neurons;
  for (const auto& d : populations) neurons.push_back(population_of(d));
  std::vector<NetworkPathway> paths;
  std::vector<Array<std::int64_t>> indptr;
  std::vector<Array<std::int32_t>> indices;
  std::vector<Array<double>> weights;
  std::vector<NetworkPlan::Wiring> wiring;
  for (const auto& d : pathways) {
    paths.push_back(pathway_of(d));
    indptr.push_back(d["indptr"].cast<Array<std::int64_t>>());
    indices.push_back(d["indices"].cast<Array<std::int32_t>>());
    weights.push_back(d["weights"].cast<Array<double>>());
    wiring.push_back({span_of(indptr.back(), "indptr"), span_of(indices.back(), "indices"),
                      span_of(weights.back(), "weights")});
  }
  return std::make_unique<PooledPlan>(
      NetworkPlan(dt, std::move(neurons), std::move(paths), wiring));
}

// An array that starts on a cache line, as the kernels' rows must.
template <typename T>
Array<T> aligned_array(const PooledPlan& plan, index_t size) {
  struct Lease {
    std::shared_ptr<BufferPool> pool;
    BufferPool::Buffer buffer;
  };
  const auto bytes = static_cast<std::size_t>(std::max<index_t>(size, 1)) * sizeof(T);
  auto lease = std::make_unique<Lease>(plan.tapes, plan.tapes->take(bytes));
  auto* data = reinterpret_cast<T*>(lease->buffer.data.get());
  const py::capsule owner(lease.get(), [](void* p) {
    const std::unique_ptr<Lease> over(static_cast<Lease*>(p));
    over->pool->give_back(std::move(over->buffer));
  });
  static_cast<void>(lease.release());
  return Array<T>(size, data, owner);
}

const std::unordered_map<std::string, NetworkIsa> kIsas{{"best", NetworkIsa::best},
                                                        {"baseline", NetworkIsa::baseline},
                                                        {"avx2", NetworkIsa::avx2},
                                                        {"avx512", NetworkIsa::avx512}};

// Inputs of a run and what they point to.
template <typename T>
struct Run {
  NetworkInputs<T> inputs;
  std::vector<SpikeKind> spike;
  std::vector<double> scale;

  Run(const NetworkPlan& plan, const Array<T>& theta, const Array<T>& drive, const Array<T>& state,
      const std::optional<Array<T>>& noise, const std::vector<std::string>& spike_names,
      std::vector<double> scales, index_t n_steps, index_t first_step,
      std::optional<std::uint64_t> seed, index_t checkpoint)
      : scale(std::move(scales)) {
    for (const auto& name : spike_names) {
      spike.push_back(kind_of<SpikeKind>(name, {{"hard", SpikeKind::hard},
                                                {"soft", SpikeKind::soft},
                                                {"superspike", SpikeKind::superspike},
                                                {"slayer", SpikeKind::slayer},
                                                {"fast_sigmoid", SpikeKind::fast_sigmoid},
                                                {"arctan", SpikeKind::arctan}}));
    }
    const auto states = matrix_of(state, "state");
    inputs.theta = span_of(theta, "theta");
    inputs.batch = states.n_rows();
    inputs.n_steps = n_steps;
    inputs.first_step = first_step;
    inputs.checkpoint = checkpoint;
    inputs.drive_changes = drive.ndim() == 3;
    const bool fits =
        inputs.drive_changes
            ? drive.shape(0) == inputs.batch && drive.shape(1) == n_steps &&
                  drive.shape(2) == plan.n_all
            : drive.ndim() == 2 && drive.shape(0) == inputs.batch && drive.shape(1) == plan.n_all;
    if (!fits) throw std::invalid_argument("drive must be (batch, n_all) or (batch, steps, n_all)");
    if (states.n_cols() != plan.n_state) {
      throw std::invalid_argument("state must be (batch, n_state)");
    }
    inputs.drive = drive.data();
    inputs.state = state.data();
    if (noise) {
      if (noise->ndim() != 3 || noise->shape(0) != inputs.batch || noise->shape(1) != n_steps ||
          noise->shape(2) != plan.n_noise) {
        throw std::invalid_argument("noise must be (batch, steps, n_noise)");
      }
      inputs.noise = noise->data();
    }
    inputs.noise_seeded = seed.has_value();
    inputs.seed = seed.value_or(0);
    inputs.spike = spike;
    inputs.scale = scale;
  }
};

template <typename T>
using Arrays3 = std::tuple<Array<T>, Array<T>, Array<T>>;
template <typename T>
using Arrays5 = std::tuple<Array<T>, Array<T>, Array<T>, Array<T>, Array<T>>;

template <typename T>
Arrays5<T> forward(const PooledPlan& plan, const Array<T>& theta, const Array<T>& drive,
                   const Array<T>& state, const std::optional<Array<T>>& noise,
                   const std::vector<std::string>& spike, std::vector<double> scale,
                   index_t n_steps, index_t first_step, std::optional<std::uint64_t> seed,
                   bool keep_tape, index_t checkpoint, bool record_spikes, bool record_voltages,
                   const std::string& isa, int n_threads) {
  const Run<T> run(plan, theta, drive, state, noise, spike, std::move(scale), n_steps, first_step,
                   seed, checkpoint);
  const index_t batch = run.inputs.batch;
  Array<T> counts({batch, plan.n_spiking});
  Array<T> end({batch, plan.n_state});
  Array<T> spikes({batch, record_spikes ? n_steps : 0, plan.n_spiking});
  Array<T> voltages({batch, record_voltages ? n_steps : 0, plan.n_voltage});
  auto tape =
      aligned_array<T>(plan, keep_tape ? network_tape_size(plan, batch, n_steps, checkpoint) : 0);
  const NetworkOutputs<T> outputs{counts.mutable_data(),
                                  record_spikes ? spikes.mutable_data() : nullptr,
                                  record_voltages ? voltages.mutable_data() : nullptr,
                                  end.mutable_data(), keep_tape ? tape.mutable_data() : nullptr};
  const NetworkIsa set = kind_of(isa, kIsas);
  run_released(n_threads, [&](const Control& control) {
    network_forward(plan, run.inputs, set, control, outputs);
  });
  return {counts, end, spikes, voltages, tape};
}

template <typename T>
Arrays3<T> backward(const PooledPlan& plan, const Array<T>& theta, const Array<T>& drive,
                    const Array<T>& state, const std::optional<Array<T>>& noise,
                    const std::vector<std::string>& spike, std::vector<double> scale,
                    index_t n_steps, index_t first_step, std::optional<std::uint64_t> seed,
                    const Array<T>& tape, index_t checkpoint, const std::optional<Array<T>>& counts,
                    const std::optional<Array<T>>& end, const std::optional<Array<T>>& spikes,
                    const std::optional<Array<T>>& voltages, const std::string& isa,
                    int n_threads) {
  const Run<T> run(plan, theta, drive, state, noise, spike, std::move(scale), n_steps, first_step,
                   seed, checkpoint);
  const index_t batch = run.inputs.batch;
  const auto pointer = [&](const std::optional<Array<T>>& array, index_t size, const char* name) {
    if (!array) return static_cast<const T*>(nullptr);
    if (array->size() != size) throw std::invalid_argument(std::string(name) + " has a wrong size");
    return array->data();
  };
  if (tape.size() != network_tape_size(plan, batch, n_steps, checkpoint)) {
    throw std::invalid_argument("tape does not belong to this run");
  }
  Array<T> rows = tape;
  if (reinterpret_cast<std::uintptr_t>(tape.data()) % 64 != 0) {
    rows = aligned_array<T>(plan, tape.size());
    std::copy_n(tape.data(), tape.size(), rows.mutable_data());
  }
  Array<T> theta_adjoint(plan.n_theta);
  Array<T> drive_adjoint(std::vector<py::ssize_t>(drive.shape(), drive.shape() + drive.ndim()));
  Array<T> state_adjoint({batch, plan.n_state});
  NetworkAdjoints<T> adjoints;
  adjoints.counts = pointer(counts, batch * plan.n_spiking, "counts");
  adjoints.state = pointer(end, batch * plan.n_state, "state");
  adjoints.spikes = pointer(spikes, batch * n_steps * plan.n_spiking, "spikes");
  adjoints.voltages = pointer(voltages, batch * n_steps * plan.n_voltage, "voltages");
  adjoints.theta = theta_adjoint.mutable_data();
  adjoints.drive = drive_adjoint.mutable_data();
  adjoints.initial_state = state_adjoint.mutable_data();
  const NetworkIsa set = kind_of(isa, kIsas);
  const T* tape_rows = rows.data();
  run_released(n_threads, [&](const Control& control) {
    network_backward(plan, run.inputs, tape_rows, set, control, adjoints);
  });
  return {theta_adjoint, drive_adjoint, state_adjoint};
}

Array<float> noise_of(const PooledPlan& plan, std::uint64_t seed, index_t batch, index_t first_step,
                      index_t n_steps, int n_threads) {
  if (batch < 0 || n_steps < 0 || first_step < 0) {
    throw std::invalid_argument("batch, first_step and n_steps must not be negative");
  }
  Array<float> noise({batch, n_steps, plan.n_noise});
  float* out = noise.mutable_data();
  run_released(n_threads, [&](const Control& control) {
    network_noise(plan, seed, batch, first_step, n_steps, control, out);
  });
  return noise;
}

template <typename T>
void register_runs(py::module_& m, const std::string& suffix) {
  m.def(("network_forward_" + suffix).c_str(), &forward<T>, py::arg("plan"),
        py::arg("theta").noconvert(), py::arg("drive").noconvert(), py::arg("state").noconvert(),
        py::arg("noise").noconvert(), py::arg("spike"), py::arg("scale"), py::arg("n_steps"),
        py::arg("first_step"), py::arg("seed"), py::arg("keep_tape"), py::arg("checkpoint"),
        py::arg("record_spikes"), py::arg("record_voltages"), py::arg("isa"), py::arg("n_threads"),
        "(counts, state, spikes, voltages, tape) of a whole simulation.");
  m.def(("network_backward_" + suffix).c_str(), &backward<T>, py::arg("plan"),
        py::arg("theta").noconvert(), py::arg("drive").noconvert(), py::arg("state").noconvert(),
        py::arg("noise").noconvert(), py::arg("spike"), py::arg("scale"), py::arg("n_steps"),
        py::arg("first_step"), py::arg("seed"), py::arg("tape").noconvert(), py::arg("checkpoint"),
        py::arg("counts_adjoint").noconvert(), py::arg("state_adjoint").noconvert(),
        py::arg("spikes_adjoint").noconvert(), py::arg("voltages_adjoint").noconvert(),
        py::arg("isa"), py::arg("n_threads"), "Derivatives with respect to (theta, drive, state).");
}

}  // namespace

void register_network(py::module_& m) {
  py::class_<PooledPlan>(m, "NetworkPlan", "Layout and wiring of a network, for the kernels.")
      .def(py::init(&make_plan), py::arg("dt"), py::arg("populations"), py::arg("pathways"))
      .def_readonly("n_all", &PooledPlan::n_all)
      .def_readonly("n_spiking", &PooledPlan::n_spiking)
      .def_readonly("n_voltage", &PooledPlan::n_voltage)
      .def_readonly("n_theta", &PooledPlan::n_theta)
      .def_readonly("n_state", &PooledPlan::n_state)
      .def_readonly("n_noise", &PooledPlan::n_noise)
      .def_readonly("n_tape", &PooledPlan::n_tape);
  register_runs<float>(m, "f32");
  register_runs<double>(m, "f64");
  m.def("network_noise", &noise_of, py::arg("plan"), py::arg("seed"), py::arg("batch"),
        py::arg("first_step"), py::arg("n_steps"), py::arg("n_threads"),
        "The standard normals (batch, steps, sites) that a seed stands for.");
  m.def(
      "network_isa_runs",
      [](const std::string& isa) { return network_isa_runs(kind_of(isa, kIsas)); }, py::arg("isa"),
      "Whether this build and processor have an instruction set.");
}

}  // namespace cofire::python
