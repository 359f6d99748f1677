// Buffers that are used again: fresh memory of some MB costs more than a short simulation.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace cofire::python {

// Hands out memory that starts on a cache line, and keeps a few buffers that came back.
class BufferPool {
 public:
  struct Free {
    void operator()(std::byte* data) const { ::operator delete(data, std::align_val_t{64}); }
  };
  struct Buffer {
    std::unique_ptr<std::byte, Free> data;
    std::size_t bytes = 0;
  };

  [[nodiscard]] Buffer take(std::size_t bytes) {
    {
      const std::scoped_lock lock(mutex_);
      for (auto& kept : kept_) {
        if (kept.bytes < bytes || kept.bytes / 2 > bytes) continue;
        Buffer found = std::move(kept);
        kept = std::move(kept_.back());
        kept_.pop_back();
        return found;
      }
    }
    auto* data = static_cast<std::byte*>(::operator new(bytes, std::align_val_t{64}));
    return {std::unique_ptr<std::byte, Free>(data), bytes};
  }

  void give_back(Buffer buffer) {
    if (buffer.bytes > kLargest) return;
    const std::scoped_lock lock(mutex_);
    if (kept_.size() == kMost) kept_.erase(kept_.begin());
    kept_.push_back(std::move(buffer));
  }

 private:
  static constexpr std::size_t kMost = 2;
  static constexpr std::size_t kLargest = std::size_t{1} << 28U;
  std::mutex mutex_;
  std::vector<Buffer> kept_;
};

}  // namespace cofire::python
