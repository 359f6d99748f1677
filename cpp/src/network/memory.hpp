// Memory of a block: rows of sixteen values.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <vector>

#include "job.hpp"

namespace cofire::network {

// Zeroed rows of sixteen values, each on its own cache line.
template <typename T>
class Rows {
 public:
  explicit Rows(index_t n_rows)
      : data_(static_cast<T*>(::operator new(bytes(n_rows), std::align_val_t{64}))) {
    std::fill_n(data_.get(), std::max<index_t>(n_rows, 1) * kLanes, T(0));
  }
  [[nodiscard]] T* get() const noexcept { return data_.get(); }

 private:
  static std::size_t bytes(index_t n_rows) {
    return static_cast<std::size_t>(std::max<index_t>(n_rows, 1) * kLanes) * sizeof(T);
  }
  struct Free {
    void operator()(T* data) const { ::operator delete(data, std::align_val_t{64}); }
  };
  std::unique_ptr<T, Free> data_;
};

// Consecutive parts of one allocation.
template <typename T>
class Arena {
 public:
  void want(T*& place, index_t n_rows) {
    wanted_.push_back({&place, n_rows});
    total_ += n_rows;
  }
  void allocate() {
    rows_ = std::make_unique<Rows<T>>(total_);
    T* next = rows_->get();
    for (const auto& [place, n_rows] : wanted_) {
      *place = next;
      next += n_rows * kLanes;
    }
  }

 private:
  struct Wanted {
    T** place;
    index_t n_rows;
  };
  std::vector<Wanted> wanted_;
  index_t total_ = 0;
  std::unique_ptr<Rows<T>> rows_;
};

}  // namespace cofire::network
