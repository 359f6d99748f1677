// Where the parameters, states, noise draws and tape rows of a network lie.

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "cofire/network.hpp"

namespace cofire {

namespace {

[[nodiscard]] std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

index_t take(index_t& next, index_t n) {
  const index_t first = next;
  next += n;
  return first;
}

[[nodiscard]] bool is_spiking(const NetworkPopulation& p) {
  return p.kind != PopulationKind::graded;
}

void check_wiring(const NetworkPlan::Wiring& wiring, index_t n_pre, index_t n_post,
                  const std::string& name) {
  const auto& indptr = wiring.indptr;
  if (static_cast<index_t>(indptr.size()) != n_pre + 1 || indptr.front() != 0 ||
      indptr.back() != static_cast<std::int64_t>(wiring.indices.size()) ||
      wiring.indices.size() != wiring.weights.size()) {
    throw std::invalid_argument(name + ": indptr does not fit indices and weights");
  }
  for (std::size_t i = 1; i < indptr.size(); ++i) {
    if (indptr[i] < indptr[i - 1]) throw std::invalid_argument(name + ": indptr falls");
  }
  for (const std::int32_t j : wiring.indices) {
    if (j < 0 || j >= n_post) {
      throw std::out_of_range(name + ": postsynaptic index " + std::to_string(j) +
                              " is not below " + std::to_string(n_post));
    }
  }
}

// Edges by source as given, and a stable reordering by target.
NetworkEdges make_edges(const NetworkPlan::Wiring& wiring, index_t n_post) {
  NetworkEdges edges;
  edges.post.assign(wiring.indices.begin(), wiring.indices.end());
  edges.weight_f64.assign(wiring.weights.begin(), wiring.weights.end());
  std::vector<std::int64_t> n_in(at(n_post) + 1, 0);
  edges.source_begin.push_back(0);
  for (std::size_t i = 0; i + 1 < wiring.indptr.size(); ++i) {
    if (wiring.indptr[i + 1] == wiring.indptr[i]) continue;
    edges.sources.push_back(static_cast<std::int32_t>(i));
    edges.source_begin.push_back(wiring.indptr[i + 1]);
  }
  for (const std::int32_t j : edges.post) ++n_in[static_cast<std::size_t>(j) + 1];
  for (std::size_t j = 1; j < n_in.size(); ++j) n_in[j] += n_in[j - 1];
  edges.target_begin.push_back(0);
  for (std::size_t j = 0; j + 1 < n_in.size(); ++j) {
    if (n_in[j + 1] == n_in[j]) continue;
    edges.targets.push_back(static_cast<std::int32_t>(j));
    edges.target_begin.push_back(n_in[j + 1]);
  }
  const std::size_t n_edges = edges.post.size();
  edges.source_of.resize(n_edges);
  edges.edge_of.resize(n_edges);
  edges.by_target_f64.resize(n_edges);
  edges.source_sum.assign(edges.sources.size(), 0.0);
  std::vector<double> in_sum(at(n_post), 0.0);
  for (std::size_t k = 0; k < edges.sources.size(); ++k) {
    for (auto e = edges.source_begin[k]; e < edges.source_begin[k + 1]; ++e) {
      const auto place =
          static_cast<std::size_t>(n_in[static_cast<std::size_t>(edges.post[at(e)])]++);
      edges.source_of[place] = static_cast<std::int32_t>(k);
      edges.edge_of[place] = e;
      edges.by_target_f64[place] = edges.weight_f64[at(e)];
      edges.source_sum[k] += edges.weight_f64[at(e)];
      in_sum[static_cast<std::size_t>(edges.post[at(e)])] += edges.weight_f64[at(e)];
    }
  }
  for (const std::int32_t j : edges.targets) {
    edges.target_sum.push_back(in_sum[static_cast<std::size_t>(j)]);
  }
  const auto narrow = [](double w) { return static_cast<float>(w); };
  edges.weight_f32.resize(n_edges);
  edges.by_target_f32.resize(n_edges);
  std::ranges::transform(edges.weight_f64, edges.weight_f32.begin(), narrow);
  std::ranges::transform(edges.by_target_f64, edges.by_target_f32.begin(), narrow);
  return edges;
}

}  // namespace

NetworkPlan::NetworkPlan(double dt, std::vector<NetworkPopulation> populations,
                         std::vector<NetworkPathway> pathways, const std::vector<Wiring>& wiring)
    : dt_(dt), populations_(std::move(populations)), pathways_(std::move(pathways)) {
  if (!(dt_ > 0.0)) throw std::invalid_argument("dt must be positive");
  if (wiring.size() != pathways_.size()) {
    throw std::invalid_argument("wiring must have one entry a pathway");
  }
  const auto n_populations = static_cast<index_t>(populations_.size());
  for (const auto& p : populations_) {
    if (p.n < 0) throw std::invalid_argument("a population has a negative size");
  }
  for (std::size_t k = 0; k < pathways_.size(); ++k) {
    auto& path = pathways_[k];
    const std::string name = "pathway " + std::to_string(k);
    if (path.pre < 0 || path.pre >= n_populations || path.post < 0 || path.post >= n_populations) {
      throw std::out_of_range(name + ": no such population");
    }
    const index_t n_post = populations_[at(path.post)].n;
    check_wiring(wiring[k], populations_[at(path.pre)].n, n_post, name);
    path.edges = make_edges(wiring[k], n_post);
    if (path.kind != PathwayKind::synapse) path.depression = path.per_edge = false;
  }
  lay_out_populations();
  lay_out_pathways();
  lay_out_noise();
  lay_out_tape();
}

void NetworkPlan::lay_out_populations() {
  for (const auto& path : pathways_) {
    if (path.kind == PathwayKind::divisive) populations_[at(path.post)].is_divided = true;
  }
  for (std::size_t i = 0; i < populations_.size(); ++i) {
    auto& p = populations_[i];
    p.all0 = take(n_all, p.n);
    const bool two = p.kind == PopulationKind::two_compartment;
    p.voltage0 = take(n_voltage, two ? 2 * p.n : p.n);
    p.state_v = take(n_state, two ? 2 * p.n : p.n);
    p.theta_decay = take(n_theta, two ? 4 : p.decay_per_neuron ? p.n : 1);
    if (!is_spiking(p)) continue;
    p.spiking0 = take(n_spiking, p.n);
    p.theta_threshold = take(n_theta, p.n);
    p.state_refractory = take(n_state, p.n);
    p.state_spikes = take(n_state, p.n);
    const bool is_counted = std::ranges::any_of(pathways_, [&](const NetworkPathway& path) {
      return path.kind == PathwayKind::rate && at(path.pre) == i;
    });
    if (is_counted) p.state_count = take(n_state, p.n);
  }
}

void NetworkPlan::lay_out_pathways() {
  for (auto& path : pathways_) {
    path.theta_strength = take(n_theta, path.per_edge ? path.edges.n_edges() : 1);
    if (path.kind != PathwayKind::synapse) continue;
    if (path.depression) {
      path.theta_use = take(n_theta, 1);
      path.theta_recovery = take(n_theta, 1);
    }
    const auto same = std::ranges::find_if(groups_, [&](const NetworkGroup& g) {
      return g.post == path.post && g.compartment == path.compartment &&
             g.divided == path.divided && g.tau_syn == path.tau_syn;
    });
    path.group = static_cast<index_t>(same - groups_.begin());
    if (same == groups_.end()) {
      groups_.push_back({path.post, path.compartment, path.divided, path.tau_syn, -1});
    }
  }
  for (auto& group : groups_) group.state_current = take(n_state, populations_[at(group.post)].n);
  for (auto& path : pathways_) {
    if (path.depression) path.state_resources = take(n_state, path.edges.n_sources());
  }
}

void NetworkPlan::lay_out_noise() {
  for (std::size_t i = 0; i < populations_.size(); ++i) {
    auto& p = populations_[i];
    if (p.noise_input > 0.0) p.site_input = take(n_noise, p.n);
    for (auto& path : pathways_) {
      if (path.kind == PathwayKind::synapse && at(path.post) == i && path.noise > 0.0) {
        path.site = take(n_noise, p.n);
      }
    }
    if (!is_spiking(p)) continue;
    const bool two = p.kind == PopulationKind::two_compartment;
    if (!two && p.noise_current > 0.0) p.site_current = take(n_noise, p.n);
    if (p.noise_voltage > 0.0) p.site_voltage = take(n_noise, two ? 2 * p.n : p.n);
    if (p.noise_threshold > 0.0) p.site_threshold = take(n_noise, p.n);
  }
}

// Rows of a step, in multiples of the population's size. lif: spike, its derivative, gate of the
// voltage, asymptote, voltage. two_compartment: spike, derivative, gates, drives and voltages of
// dendrite and axon. A divided population adds quotient and reciprocal. graded: input, activity.
void NetworkPlan::lay_out_tape() {
  for (auto& p : populations_) {
    const index_t rows = p.kind == PopulationKind::lif      ? 5
                         : p.kind == PopulationKind::graded ? 2
                                                            : 8;
    p.tape = take(n_tape, (rows + (p.is_divided ? 2 : 0)) * p.n);
    if (p.state_count >= 0) p.tape_count = take(n_tape, p.n);
  }
  for (auto& path : pathways_) {
    if (path.depression) path.tape_resources = take(n_tape, path.edges.n_sources());
  }
}

}  // namespace cofire
