// Large arrays that are read in no order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace cofire {

// An array whose memory is asked for in large pages where the system has them, before it is first
// touched: jumping about in small ones, each access would first wait for the address of its page.
template <typename T>
[[nodiscard]] std::unique_ptr<T[]> make_in_large_pages(std::size_t n) {
  auto array = std::make_unique_for_overwrite<T[]>(n);
#if defined(__linux__)
  constexpr std::uintptr_t page = 4096;
  const auto address = reinterpret_cast<std::uintptr_t>(array.get());
  const std::uintptr_t skipped = (page - address % page) % page;
  const std::size_t bytes = n * sizeof(T);
  // A hint: where it is not taken, nothing changes but the speed.
  if (bytes > std::size_t{1} << 22U) {
    static_cast<void>(
        madvise(reinterpret_cast<char*>(array.get()) + skipped, bytes - skipped, MADV_HUGEPAGE));
  }
#endif
  return array;
}

}  // namespace cofire
