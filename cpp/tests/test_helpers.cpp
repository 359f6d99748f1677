// Checks of the header-only helpers: views, parallel_for, rng. Everything else is tested in Python.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "cofire/parallel.hpp"
#include "cofire/rng.hpp"
#include "cofire/view.hpp"

namespace {

int failures = 0;

void check(bool condition, const char* claim) {
  if (condition) return;
  std::fprintf(stderr, "FAILED: %s\n", claim);
  ++failures;
}

void test_matrix_rows_are_contiguous() {
  std::vector<int> data(6);
  std::iota(data.begin(), data.end(), 0);
  const cofire::MatrixView<int> view(data.data(), 2, 3);
  check(view(1, 2) == 5, "element (1, 2) of a 2 x 3 matrix is the sixth");
  check(view.row(1).front() == 3 && view.row(1).size() == 3, "row 1 has elements 3, 4, 5");
}

void test_ragged_rows_may_be_empty() {
  const std::vector<double> values{1.0, 2.0, 3.0};
  const std::vector<std::int64_t> offsets{0, 0, 2, 3};
  const cofire::SpikeView view(values, offsets);
  check(view.n_rows() == 3, "four offsets make three rows");
  check(view.row(0).empty(), "the first row is empty");
  check(view.row(2).size() == 1 && view.row(2)[0] == 3.0, "the last row holds the last value");
}

void test_parallel_for_visits_each_item_once() {
  for (const int n_threads : {1, 2, 7}) {
    std::vector<int> visits(1000, 0);
    cofire::parallel_for(1000, {n_threads},
                         [&](cofire::index_t i) { ++visits[static_cast<std::size_t>(i)]; });
    check(std::accumulate(visits.begin(), visits.end(), 0) == 1000, "each item is visited");
    check(std::all_of(visits.begin(), visits.end(), [](int v) { return v == 1; }), "once");
  }
}

void test_parallel_for_carries_exceptions() {
  bool caught = false;
  try {
    cofire::parallel_for(100, {3}, [](cofire::index_t i) {
      if (i == 57) throw std::out_of_range("57");
    });
  } catch (const std::out_of_range&) {
    caught = true;
  }
  check(caught, "an exception in a worker reaches the caller");
}

void test_parallel_for_can_be_stopped() {
  bool interrupted = false;
  try {
    cofire::parallel_for(1000, {2, [] { return true; }}, [](cofire::index_t) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
  } catch (const cofire::Interrupted&) {
    interrupted = true;
  }
  check(interrupted, "should_stop ends a loop with Interrupted");
}

void test_rng_streams_are_reproducible_and_distinct() {
  cofire::CounterRng a(7, 1, 2);
  cofire::CounterRng b(7, 1, 2);
  cofire::CounterRng c(7, 2, 1);
  const auto first = a.next_u64();
  check(first == b.next_u64(), "the same name gives the same stream");
  check(first != c.next_u64(), "row and draw are not interchangeable");
}

void test_rng_matches_the_published_philox_vectors() {
  // Known-answer test of the Random123 distribution: philox4x32-10, counter 0, key 0.
  cofire::CounterRng rng(0, 0, 0);
  check(rng.next_u64() == 0xE169C58D6627E8D5ULL, "words 0 and 1 are the published ones");
  check(rng.next_u64() == 0x9B00DBD8BC57AC4CULL, "words 2 and 3 are the published ones");
}

void test_rng_integers_are_uniform() {
  cofire::CounterRng rng(3, 0);
  std::vector<int> counts(5, 0);
  for (int i = 0; i < 50000; ++i) ++counts[rng.below(5)];
  for (const int n : counts) check(n > 9600 && n < 10400, "below(5) is uniform");
  for (int i = 0; i < 1000; ++i) {
    const double u = rng.uniform();
    check(u >= 0.0 && u < 1.0, "uniform() lies in [0, 1)");
  }
}

}  // namespace

int main() {
  test_matrix_rows_are_contiguous();
  test_ragged_rows_may_be_empty();
  test_parallel_for_visits_each_item_once();
  test_parallel_for_carries_exceptions();
  test_parallel_for_can_be_stopped();
  test_rng_streams_are_reproducible_and_distinct();
  test_rng_matches_the_published_philox_vectors();
  test_rng_integers_are_uniform();
  if (failures == 0) std::puts("all helper checks passed");
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
