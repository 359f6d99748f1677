// Loops over independent items on a few threads, cancellable, with exceptions carried to the
// caller.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "cofire/view.hpp"

namespace cofire {

// Thrown out of a kernel when Control::should_stop answered true.
class Interrupted : public std::runtime_error {
 public:
  Interrupted() : std::runtime_error("interrupted") {}
};

// How a caller reaches into a running kernel. `should_stop` is asked on the calling thread only,
// at most about ten times a second, between items.
struct Control {
  int n_threads = 1;
  std::function<bool()> should_stop = {};
};

namespace detail {

class StopPoll {
 public:
  explicit StopPoll(const Control& control) : control_(control), last_(Clock::now()) {}

  [[nodiscard]] bool operator()() {
    if (!control_.should_stop) return false;
    const auto now = Clock::now();
    if (now - last_ < std::chrono::milliseconds(100)) return false;
    last_ = now;
    return control_.should_stop();
  }

 private:
  using Clock = std::chrono::steady_clock;
  const Control& control_;
  Clock::time_point last_;
};

}  // namespace detail

// Calls body(i) once for each i in [0, n_items). Items are handed out one at a time, so uneven
// items (a fast-firing unit) do not leave a thread idle. Which thread runs an item is not fixed;
// results do not depend on it as long as body(i) writes to places that belong to i alone.
template <typename Body>
void parallel_for(index_t n_items, const Control& control, Body&& body) {
  detail::StopPoll stop_requested(control);
  const auto n_threads = static_cast<index_t>(std::max(control.n_threads, 1));
  const index_t n_workers = std::min(n_threads, n_items);
  if (n_workers <= 1) {
    for (index_t i = 0; i < n_items; ++i) {
      if (stop_requested()) throw Interrupted();
      body(i);
    }
    return;
  }

  std::atomic<index_t> next{0};
  std::atomic<bool> stop{false};
  std::exception_ptr error;
  std::mutex error_mutex;
  const auto work = [&](bool is_caller) {
    try {
      while (!stop.load(std::memory_order_relaxed)) {
        if (is_caller && stop_requested()) throw Interrupted();
        const index_t i = next.fetch_add(1, std::memory_order_relaxed);
        if (i >= n_items) break;
        body(i);
      }
    } catch (...) {
      stop.store(true, std::memory_order_relaxed);
      const std::scoped_lock lock(error_mutex);
      if (!error) error = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> workers;
    workers.reserve(static_cast<std::size_t>(n_workers - 1));
    for (index_t k = 1; k < n_workers; ++k) workers.emplace_back(work, false);
    work(true);
  }
  if (error) std::rethrow_exception(error);
}

// The same over consecutive ranges: body(begin, end) for blocks of at most `block` items.
template <typename Body>
void parallel_blocks(index_t n_items, index_t block, const Control& control, Body&& body) {
  const index_t n_blocks = (n_items + block - 1) / block;
  parallel_for(n_blocks, control,
               [&](index_t b) { body(b * block, std::min(n_items, (b + 1) * block)); });
}

}  // namespace cofire
