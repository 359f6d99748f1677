// Into how many groups do the nodes of a graph fall? Heat-bath sampling of the degree-corrected
// stochastic block model with its number of groups (Newman & Reinert 2016,
// doi:10.1103/PhysRevLett.117.078301).
//
// With N nodes, M edges, p = 2 M / N^2, group sizes n, edges m between groups (m_rr twice the inner
// ones) and degree sums kappa, the logarithm of the posterior is
//
//   E = sum_r [ln n_r! + kappa_r ln n_r + ln (n_r - 1)! - ln (n_r + kappa_r - 1)!
//              + ln (m_rr / 2)! - (m_rr / 2 + 1) ln(p n_r^2 / 2 + 1)]
//     + sum_{r < s} [ln m_rs! - (m_rs + 1) ln(p n_r n_s + 1)],
//
// over groups with nodes. A sweep is N updates; an update is, with probability 1 / (N + 1), an
// attempt to remove or to append an empty group, and then one node that draws its group anew.
#pragma once

#include <cstdint>
#include <span>

#include "cofire/parallel.hpp"
#include "cofire/view.hpp"

namespace cofire {

// Chains that go on where they are. Chain c draws sweep j from the stream (seed, c, j + 1), so that
// its state is what is here and nothing else.
struct BlockModelChains {
  std::uint64_t seed;
  index_t max_groups;
  MatrixView<std::int32_t> labels;   // (chains, nodes): 0 <= label < n_groups
  std::span<std::int32_t> n_groups;  // (chains,), empty groups included
  std::span<std::int64_t> n_done;    // (chains,): sweeps so far
  MatrixView<std::int32_t> k_trace;  // (chains, sweeps): n_groups after each sweep
  MatrixView<double> energy_trace;   // (chains, sweeps): E after each sweep
};

// First states from the streams (seed, c, 0): n_groups uniform on [min_groups, max_groups], then
// uniform labels.
void start_block_model(std::uint64_t seed, index_t min_groups, index_t max_groups,
                       MatrixView<std::int32_t> labels, std::span<std::int32_t> n_groups);

// Sweeps until the traces are full or about `seconds` have passed. The chains that are behind go
// first; which thread runs a chain changes nothing. After Interrupted, `chains` hold whole sweeps.
// Row u of `neighbors` lists the nodes that u is joined to; the graph is undirected and has neither
// loops nor double edges.
void advance_block_model(RaggedView<std::int32_t> neighbors, double seconds, const Control& control,
                         const BlockModelChains& chains);

// E of a partition with `n_groups` groups.
[[nodiscard]] double block_model_energy(RaggedView<std::int32_t> neighbors,
                                        std::span<const std::int32_t> labels, index_t n_groups);

}  // namespace cofire
