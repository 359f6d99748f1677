#include "cofire/block_model.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "cofire/rng.hpp"
#include "cofire/simd.hpp"

namespace cofire {

namespace {

using Index = std::int32_t;

constexpr std::size_t at(index_t i) noexcept { return static_cast<std::size_t>(i); }

// Logarithms that every chain of a graph looks up.
class Tables {
 public:
  Tables(index_t n_nodes, index_t n_edges)
      : density_(n_nodes == 0 ? 0.0
                              : 2.0 * static_cast<double>(n_edges) /
                                    (static_cast<double>(n_nodes) * static_cast<double>(n_nodes))),
        log_(at(2 * n_nodes + 2 * n_edges + 3)),
        factorial_(log_.size()),
        inner_(at(n_nodes + 2)) {
    log_[0] = 0.0;  // enters only in 0 ln 0
    factorial_[0] = 0.0;
    long double sum = 0.0L;
    for (std::size_t j = 1; j < log_.size(); ++j) {
      log_[j] = std::log(static_cast<double>(j));
      factorial_[j] = static_cast<double>(sum += std::log(static_cast<long double>(j)));
    }
    for (std::size_t n = 0; n < inner_.size(); ++n) {
      const auto size = static_cast<double>(n);
      inner_[n] = std::log(density_ * size * size / 2.0 + 1.0);
    }
    // Two groups hold at most all nodes together, and one of them takes one more.
    const index_t largest = (n_nodes + 1) * (n_nodes + 1) / 4 + 1;
    if (largest > max_table) return;
    between_.resize(at(largest));
    for (std::size_t j = 0; j < between_.size(); ++j)
      between_[j] = compute(static_cast<index_t>(j));
  }

  [[nodiscard]] double log(index_t j) const noexcept { return log_[at(j)]; }
  [[nodiscard]] const double* factorials() const noexcept { return factorial_.data(); }
  [[nodiscard]] double factorial(index_t j) const noexcept { return factorial_[at(j)]; }
  // ln(p j + 1) for the product j of two group sizes.
  [[nodiscard]] double between(index_t j) const noexcept {
    return between_.empty() ? compute(j) : between_[at(j)];
  }
  // ln(p n^2 / 2 + 1).
  [[nodiscard]] double inner(index_t n) const noexcept { return inner_[at(n)]; }

 private:
  static constexpr index_t max_table = index_t{1} << 23;

  [[nodiscard]] double compute(index_t j) const noexcept {
    return std::log(density_ * static_cast<double>(j) + 1.0);
  }

  double density_;
  std::vector<double> log_;
  std::vector<double> factorial_;
  std::vector<double> inner_;
  std::vector<double> between_;
};

// Square matrix with room for more groups.
template <typename T>
class Square {
 public:
  [[nodiscard]] T* row(index_t r) noexcept { return values_.data() + r * stride_; }
  [[nodiscard]] const T* row(index_t r) const noexcept { return values_.data() + r * stride_; }
  [[nodiscard]] T& operator()(index_t r, index_t s) noexcept { return row(r)[s]; }
  [[nodiscard]] T operator()(index_t r, index_t s) const noexcept { return row(r)[s]; }

  void resize(index_t used, index_t stride) {
    std::vector<T> values(at(stride * stride), T{});
    const index_t kept = std::min(used, stride_);
    for (index_t r = 0; r < kept; ++r) std::copy_n(row(r), kept, values.data() + r * stride);
    values_ = std::move(values);
    stride_ = stride;
  }

  // Row and column `from` take the place of row and column `to`.
  void move_group(index_t from, index_t to, index_t used) noexcept {
    std::copy_n(row(from), used, row(to));
    for (index_t r = 0; r < used; ++r) (*this)(r, to) = (*this)(r, from);
  }

 private:
  std::vector<T> values_;
  index_t stride_ = 0;
};

// What an update adds to E for each group that the node may join: part one, contiguous in s.
//   base + k ln(n + 1) - ln (n + kappa + k)! - F,
// and the change of F because the node has left its group.
struct LeaveTerms {
  const double* COFIRE_RESTRICT base;
  const double* COFIRE_RESTRICT log_next;
  const Index* COFIRE_RESTRICT size_and_degree;
  const double* COFIRE_RESTRICT spread;
  const double* COFIRE_RESTRICT grown;       // row of the old group: ln(p n_s' n_r + 1), n' = n + 1
  const double* COFIRE_RESTRICT now;         // ln(p n_s n_r + 1)
  const double* COFIRE_RESTRICT grown_less;  // the same with n_r - 1
  const double* COFIRE_RESTRICT less;
  const Index* COFIRE_RESTRICT edges;   // of the old group
  const Index* COFIRE_RESTRICT degree;  // of the node, by group
};

COFIRE_CLONES
void score_groups(const LeaveTerms& terms, const double* COFIRE_RESTRICT factorial, Index degree,
                  index_t n_groups, double* COFIRE_RESTRICT score) {
  const auto k = static_cast<double>(degree);
  for (index_t s = 0; s < n_groups; ++s) {
    const auto edges = static_cast<double>(terms.edges[s] + 1);
    const auto left = static_cast<double>(terms.edges[s] + 1 - terms.degree[s]);
    score[s] = terms.base[s] + k * terms.log_next[s] -
               factorial[terms.size_and_degree[s] + degree] - terms.spread[s] +
               edges * (terms.grown[s] - terms.now[s]) -
               left * (terms.grown_less[s] - terms.less[s]);
  }
}

// Edges to one other group: ln (m + 1)! - ln m! - ln(p n' n + 1) is one sum kept ready.
COFIRE_CLONES
void add_row(const double* COFIRE_RESTRICT row, index_t n_groups, double* COFIRE_RESTRICT score) {
  for (index_t s = 0; s < n_groups; ++s) score[s] += row[s];
}

COFIRE_CLONES
void add_edges(const Index* COFIRE_RESTRICT edges, const double* COFIRE_RESTRICT grown,
               const double* COFIRE_RESTRICT factorial, Index n, index_t n_groups,
               double* COFIRE_RESTRICT score) {
  const auto d = static_cast<double>(n);
  for (index_t s = 0; s < n_groups; ++s) {
    score[s] += factorial[edges[s] + n] - factorial[edges[s]] - d * grown[s];
  }
}

// Edges to the group that the node has left, whose edges to s are fewer by those of the node.
COFIRE_CLONES
void add_edges_to_left(const Index* COFIRE_RESTRICT edges, const Index* COFIRE_RESTRICT degree,
                       const double* COFIRE_RESTRICT grown_less,
                       const double* COFIRE_RESTRICT factorial, Index n, index_t n_groups,
                       double* COFIRE_RESTRICT score) {
  const auto d = static_cast<double>(n);
  for (index_t s = 0; s < n_groups; ++s) {
    const Index m = edges[s] - degree[s];
    score[s] += factorial[m + n] - factorial[m] - d * grown_less[s];
  }
}

COFIRE_CLONES
void add_spread(const Index* COFIRE_RESTRICT edges, const double* COFIRE_RESTRICT grown,
                const double* COFIRE_RESTRICT now, double sign, index_t n_groups,
                double* COFIRE_RESTRICT spread) {
  for (index_t s = 0; s < n_groups; ++s) {
    spread[s] += sign * (static_cast<double>(edges[s] + 1) * (grown[s] - now[s]));
  }
}

// One chain. Matrices over groups hold on their diagonal what belongs inside a group: the number of
// inner edges and ln(p n^2 / 2 + 1). That makes a group's own term look like all others.
class Chain {
 public:
  Chain(RaggedView<Index> neighbors, const Tables& tables, std::span<Index> labels, Index n_groups)
      : neighbors_(neighbors), tables_(tables), labels_(labels), n_groups_(n_groups) {
    reserve(n_groups_ + 8);
    for (index_t u = 0; u < n_nodes(); ++u) {
      const index_t r = label(u);
      ++size_[at(r)];
      for (const Index v : neighbors_.row(u)) {
        ++degree_sum_[at(r)];
        // Each inner edge is met from both ends.
        if (label(v) != r) ++edges_(r, label(v));
        if (label(v) == r && v > u) ++edges_(r, r);
      }
    }
    for (index_t r = 0; r < n_groups_; ++r) refresh(r);
  }

  [[nodiscard]] index_t n_groups() const noexcept { return n_groups_; }

  void sweep(CounterRng& rng, index_t max_groups) {
    if (4 * (n_groups_ + 8) < stride_) reserve(n_groups_ + 8);
    sum_spread();
    const auto n = static_cast<double>(n_nodes());
    for (index_t i = 0; i < n_nodes(); ++i) {
      if (rng.uniform() < 1.0 / (n + 1.0)) change_number(rng, max_groups);
      draw_group(static_cast<index_t>(rng.below(static_cast<std::uint64_t>(n_nodes()))), rng);
    }
  }

  [[nodiscard]] double energy() const noexcept {
    double sum = 0.0;
    for (index_t r = 0; r < n_groups_; ++r) {
      const index_t n = size(r);
      if (n == 0) continue;
      const index_t kappa = degree_sum_[at(r)];
      sum += tables_.factorial(n) + static_cast<double>(kappa) * tables_.log(n) +
             tables_.factorial(n - 1) - tables_.factorial(n + kappa - 1);
      for (index_t s = 0; s <= r; ++s) {
        sum += tables_.factorial(edges_(r, s)) - static_cast<double>(edges_(r, s) + 1) * now_(r, s);
      }
    }
    return sum;
  }

 private:
  [[nodiscard]] index_t n_nodes() const noexcept { return static_cast<index_t>(labels_.size()); }
  [[nodiscard]] index_t label(index_t u) const noexcept { return labels_[at(u)]; }
  [[nodiscard]] index_t size(index_t r) const noexcept { return size_[at(r)]; }

  void reserve(index_t n_groups) {
    stride_ = (n_groups + 7) / 8 * 8;
    edges_.resize(n_groups_, stride_);
    now_.resize(n_groups_, stride_);
    grown_.resize(n_groups_, stride_);
    one_edge_.resize(n_groups_, stride_);
    for (auto* const values : {&size_, &degree_sum_, &size_and_degree_, &degree_}) {
      values->resize(at(stride_), 0);
    }
    for (auto* const values : {&base_, &log_next_, &spread_, &less_, &grown_less_, &score_}) {
      values->resize(at(stride_), 0.0);
    }
  }

  // Everything that follows from the size and the edges of group r, except `spread_`.
  void refresh(index_t r) noexcept {
    const index_t n = size(r);
    const index_t kappa = degree_sum_[at(r)];
    size_and_degree_[at(r)] = static_cast<Index>(n + kappa);
    log_next_[at(r)] = tables_.log(n + 1);
    base_[at(r)] = base_of(n, kappa);
    for (index_t q = 0; q < n_groups_; ++q) {
      if (q == r) continue;
      now_(r, q) = now_(q, r) = tables_.between(n * size(q));
      const double more = tables_.log(edges_(r, q) + 1);
      grown_(r, q) = tables_.between(n * (size(q) + 1));
      grown_(q, r) = tables_.between((n + 1) * size(q));
      one_edge_(r, q) = more - grown_(r, q);
      one_edge_(q, r) = more - grown_(q, r);
    }
    now_(r, r) = tables_.inner(n);
    grown_(r, r) = tables_.inner(n + 1);
    one_edge_(r, r) = tables_.log(edges_(r, r) + 1) - grown_(r, r);
  }

  // What a node adds to a group of n nodes and degree sum kappa, without its own degree.
  [[nodiscard]] double base_of(index_t n, index_t kappa) const noexcept {
    if (n == 0) return 0.0;
    return tables_.log(n + 1) + tables_.log(n) +
           static_cast<double>(kappa) * (tables_.log(n + 1) - tables_.log(n)) +
           tables_.factorial(n + kappa - 1);
  }

  // spread_s = sum_t (m_st + 1) [ln(p n_s' n_t + 1) - ln(p n_s n_t + 1)], n' = n + 1: the price of
  // one more node in s. Summed anew in each sweep, so that rounding does not add up.
  void sum_spread() noexcept {
    std::fill_n(spread_.data(), n_groups_, 0.0);
    for (index_t t = 0; t < n_groups_; ++t) add_spread_of(t, 1.0);
  }

  void add_spread_of(index_t t, double sign) noexcept {
    add_spread(edges_.row(t), grown_.row(t), now_.row(t), sign, n_groups_, spread_.data());
  }

  [[nodiscard]] double spread_of(index_t s) const noexcept {
    double sum = 0.0;
    for (index_t t = 0; t < n_groups_; ++t) {
      sum += static_cast<double>(edges_(t, s) + 1) * (grown_(t, s) - now_(t, s));
    }
    return sum;
  }

  void change_number(CounterRng& rng, index_t max_groups) {
    if (rng.uniform() < 0.5) {
      remove_empty(rng);
      return;
    }
    const auto k = static_cast<double>(n_groups_);
    const bool accepted = rng.uniform() < k / (static_cast<double>(n_nodes()) + k);
    if (accepted && n_groups_ < max_groups) append_empty();
  }

  void remove_empty(CounterRng& rng) {
    const auto end = size_.begin() + n_groups_;
    const auto n_empty = std::count(size_.begin(), end, 0);
    if (n_empty == 0) return;
    auto left = static_cast<index_t>(rng.below(static_cast<std::uint64_t>(n_empty)));
    index_t chosen = 0;
    while (size(chosen) != 0 || left-- > 0) ++chosen;
    const index_t last = n_groups_ - 1;
    if (chosen != last) {
      for (auto* const matrix : {&now_, &grown_, &one_edge_}) {
        matrix->move_group(last, chosen, n_groups_);
      }
      edges_.move_group(last, chosen, n_groups_);
      for (auto* const values : {&size_, &degree_sum_, &size_and_degree_}) {
        (*values)[at(chosen)] = (*values)[at(last)];
      }
      for (auto* const values : {&base_, &log_next_, &spread_}) {
        (*values)[at(chosen)] = (*values)[at(last)];
      }
      std::ranges::replace(labels_, static_cast<Index>(last), static_cast<Index>(chosen));
    }
    n_groups_ = last;
  }

  void append_empty() {
    if (n_groups_ == stride_) reserve(2 * stride_);
    const index_t r = n_groups_++;
    size_[at(r)] = degree_sum_[at(r)] = 0;
    for (index_t s = 0; s < n_groups_; ++s) edges_(r, s) = edges_(s, r) = 0;
    refresh(r);
    spread_[at(r)] = spread_of(r);
  }

  void draw_group(index_t u, CounterRng& rng) {
    const index_t r = label(u);
    const auto nodes = neighbors_.row(u);
    touched_.clear();
    for (const Index v : nodes) {
      Index& d = degree_[at(label(v))];
      if (d++ == 0) touched_.push_back(static_cast<Index>(label(v)));
    }
    score(r, static_cast<Index>(nodes.size()));
    const index_t s = choose(rng.uniform());
    if (s != r) move(u, r, s);
    for (const Index t : touched_) degree_[at(t)] = 0;
  }

  // score_s = E with the node in group s - E without it. Nothing else changes.
  void score(index_t r, Index degree) noexcept {
    // What two rows of the matrices would be with one node less in r.
    const index_t n = size(r) - 1;
    size_[at(r)] = 0;  // its entry is not between two groups, and the table ends before n * n
    for (index_t s = 0; s < n_groups_; ++s) {
      less_[at(s)] = tables_.between(n * size_[at(s)]);
      grown_less_[at(s)] = tables_.between(n * (size_[at(s)] + 1));
    }
    size_[at(r)] = static_cast<Index>(n + 1);
    less_[at(r)] = tables_.inner(n);

    const double* const factorial = tables_.factorials();
    const Index* const edges = edges_.row(r);
    score_groups(
        {base_.data(), log_next_.data(), size_and_degree_.data(), spread_.data(), grown_.row(r),
         now_.row(r), grown_less_.data(), less_.data(), edges, degree_.data()},
        factorial, degree, n_groups_, score_.data());
    double own = 0.0;
    for (const Index t : touched_) {
      const Index d = degree_[at(t)];
      if (t == r) {
        add_edges_to_left(edges, degree_.data(), grown_less_.data(), factorial, d, n_groups_,
                          score_.data());
      } else if (d == 1) {
        add_row(one_edge_.row(t), n_groups_, score_.data());
      } else {
        add_edges(edges_.row(t), grown_.row(t), factorial, d, n_groups_, score_.data());
      }
      own += tables_.factorial(edges[t]) - tables_.factorial(edges[t] - d) -
             static_cast<double>(d) * now_(r, t);
    }
    score_[at(r)] = own + back(r, degree);
  }

  // The part of the old group's score that does not come from the node's edges.
  [[nodiscard]] double back(index_t r, Index degree) const noexcept {
    const index_t n = size(r) - 1;
    const index_t kappa = degree_sum_[at(r)] - degree;
    const Index* const edges = edges_.row(r);
    const double* const now = now_.row(r);
    // Four sums side by side: one alone would wait for itself.
    constexpr index_t width = 4;
    double sums[width] = {};
    index_t t = 0;
    for (; t + width <= n_groups_; t += width) {
      for (index_t i = 0; i < width; ++i) {
        sums[i] += static_cast<double>(edges[t + i] + 1 - degree_[at(t + i)]) *
                   (now[t + i] - less_[at(t + i)]);
      }
    }
    for (; t < n_groups_; ++t) {
      sums[0] += static_cast<double>(edges[t] + 1 - degree_[at(t)]) * (now[t] - less_[at(t)]);
    }
    const double spread = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    return base_of(n, kappa) + static_cast<double>(degree) * tables_.log(n + 1) -
           tables_.factorial(n + kappa + degree) - spread;
  }

  [[nodiscard]] index_t choose(double uniform) noexcept {
    const double largest = *std::max_element(score_.begin(), score_.begin() + n_groups_);
    double total = 0.0;
    for (index_t s = 0; s < n_groups_; ++s) {
      total += std::exp(score_[at(s)] - largest);
      score_[at(s)] = total;
    }
    const double threshold = uniform * total;
    index_t s = 0;
    while (s + 1 < n_groups_ && score_[at(s)] <= threshold) ++s;
    return s;
  }

  void move(index_t u, index_t r, index_t s) noexcept {
    add_spread_of(r, -1.0);
    add_spread_of(s, -1.0);
    const auto degree = static_cast<Index>(neighbors_.row(u).size());
    labels_[at(u)] = static_cast<Index>(s);
    --size_[at(r)];
    ++size_[at(s)];
    degree_sum_[at(r)] -= degree;
    degree_sum_[at(s)] += degree;
    for (const Index t : touched_) {
      const Index d = degree_[at(t)];
      // Edges into r go from inside to between; those into s the other way.
      edges_(r, t) -= d;
      edges_(s, t) += d;
      if (t != r) edges_(t, r) = edges_(r, t);
      if (t != s) edges_(t, s) = edges_(s, t);
    }
    refresh(r);
    refresh(s);
    add_spread_of(r, 1.0);
    add_spread_of(s, 1.0);
    spread_[at(r)] = spread_of(r);
    spread_[at(s)] = spread_of(s);
  }

  RaggedView<Index> neighbors_;
  const Tables& tables_;
  std::span<Index> labels_;
  index_t n_groups_;
  index_t stride_ = 0;
  Square<Index> edges_;
  Square<double> now_;       // ln(p n_r n_s + 1)
  Square<double> grown_;     // [t][s]: ln(p (n_s + 1) n_t + 1)
  Square<double> one_edge_;  // ln(m + 1) - grown
  std::vector<Index> size_, degree_sum_, size_and_degree_;
  std::vector<double> base_, log_next_, spread_;
  std::vector<Index> degree_;  // edges of the node at hand, by group
  std::vector<Index> touched_;
  std::vector<double> less_, grown_less_, score_;
};

// Hands out the chain that is furthest behind to whoever asks, one thread a chain.
class Schedule {
 public:
  Schedule(const BlockModelChains& chains, index_t n_chains)
      : chains_(chains), n_sweeps_(chains.k_trace.n_cols()), busy_(at(n_chains), false) {}

  // A chain with sweeps to do that no thread holds, or -1.
  [[nodiscard]] index_t take() {
    const std::scoped_lock lock(mutex_);
    index_t best = -1;
    for (std::size_t c = 0; c < busy_.size(); ++c) {
      if (busy_[c] || chains_.n_done[c] >= n_sweeps_) continue;
      if (best < 0 || chains_.n_done[c] < chains_.n_done[at(best)]) best = static_cast<index_t>(c);
    }
    if (best >= 0) busy_[at(best)] = true;
    return best;
  }

  void put_back(index_t c, index_t n_swept) {
    const std::scoped_lock lock(mutex_);
    chains_.n_done[at(c)] += n_swept;
    busy_[at(c)] = false;
  }

 private:
  const BlockModelChains& chains_;
  index_t n_sweeps_;
  std::vector<bool> busy_;
  std::mutex mutex_;
};

using Clock = std::chrono::steady_clock;

// Sweeps one chain for at most a few milliseconds (one sweep at least); returns how many.
index_t run_chain(const BlockModelChains& chains, index_t c, Chain& chain) {
  const auto until = Clock::now() + std::chrono::milliseconds(20);
  const auto first = static_cast<index_t>(chains.n_done[at(c)]);
  index_t sweep = first;
  while (sweep < chains.k_trace.n_cols()) {
    CounterRng rng(chains.seed, static_cast<std::uint64_t>(c),
                   static_cast<std::uint64_t>(sweep) + 1);
    chain.sweep(rng, chains.max_groups);
    chains.k_trace(c, sweep) = static_cast<std::int32_t>(chain.n_groups());
    chains.energy_trace(c, sweep) = chain.energy();
    ++sweep;
    if (Clock::now() >= until) break;
  }
  chains.n_groups[at(c)] = static_cast<std::int32_t>(chain.n_groups());
  return sweep - first;
}

index_t check_graph(RaggedView<std::int32_t> neighbors) {
  const index_t n = neighbors.n_rows();
  for (const Index v : neighbors.values()) {
    if (v < 0 || v >= n) throw std::invalid_argument("a neighbor is no node of the graph");
  }
  return n;
}

void check_labels(std::span<const std::int32_t> labels, index_t n_groups) {
  for (const std::int32_t r : labels) {
    if (r < 0 || r >= n_groups) throw std::invalid_argument("labels must be in [0, n_groups)");
  }
}

}  // namespace

void start_block_model(std::uint64_t seed, index_t min_groups, index_t max_groups,
                       MatrixView<std::int32_t> labels, std::span<std::int32_t> n_groups) {
  if (min_groups < 1 || max_groups < min_groups) {
    throw std::invalid_argument("there must be 1 <= min_groups <= max_groups");
  }
  for (index_t c = 0; c < labels.n_rows(); ++c) {
    CounterRng rng(seed, static_cast<std::uint64_t>(c), 0);
    const auto span = static_cast<std::uint64_t>(max_groups - min_groups + 1);
    const auto k = static_cast<std::uint64_t>(min_groups) + rng.below(span);
    n_groups[at(c)] = static_cast<std::int32_t>(k);
    for (std::int32_t& r : labels.row(c)) r = static_cast<std::int32_t>(rng.below(k));
  }
}

void advance_block_model(RaggedView<std::int32_t> neighbors, double seconds, const Control& control,
                         const BlockModelChains& chains) {
  const index_t n_nodes = check_graph(neighbors);
  const index_t n_chains = chains.labels.n_rows();
  if (chains.labels.n_cols() != n_nodes) {
    throw std::invalid_argument("labels must have a column for each node");
  }
  for (index_t c = 0; c < n_chains; ++c) {
    check_labels(chains.labels.row(c), chains.n_groups[at(c)]);
    if (chains.n_done[at(c)] < 0) throw std::invalid_argument("n_done must not be negative");
  }
  const Tables tables(n_nodes, static_cast<index_t>(neighbors.values().size()) / 2);
  std::vector<Chain> running;
  running.reserve(at(n_chains));
  for (index_t c = 0; c < n_chains; ++c) {
    running.emplace_back(neighbors, tables, chains.labels.row(c), chains.n_groups[at(c)]);
  }

  Schedule schedule(chains, n_chains);
  const auto until = Clock::now() + std::chrono::duration<double>(seconds);
  const auto caller = std::this_thread::get_id();
  detail::StopPoll stop_requested(control);
  std::atomic<bool> stop{false};
  const Control workers{control.n_threads, {}};
  parallel_for(std::min<index_t>(std::max(control.n_threads, 1), n_chains), workers, [&](index_t) {
    do {
      if (std::this_thread::get_id() == caller && stop_requested()) stop = true;
      const index_t c = stop ? -1 : schedule.take();
      if (c < 0) return;
      schedule.put_back(c, run_chain(chains, c, running[at(c)]));
    } while (Clock::now() < until);
  });
  if (stop) throw Interrupted();
}

double block_model_energy(RaggedView<std::int32_t> neighbors, std::span<const std::int32_t> labels,
                          index_t n_groups) {
  const index_t n_nodes = check_graph(neighbors);
  if (static_cast<index_t>(labels.size()) != n_nodes) {
    throw std::invalid_argument("labels must have one value for each node");
  }
  check_labels(labels, n_groups);
  const Tables tables(n_nodes, static_cast<index_t>(neighbors.values().size()) / 2);
  std::vector<std::int32_t> own(labels.begin(), labels.end());
  return Chain(neighbors, tables, own, static_cast<Index>(n_groups)).energy();
}

}  // namespace cofire
