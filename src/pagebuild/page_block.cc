// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/page_block.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif
#include <sys/mman.h>

namespace sluice {
namespace {

// The kernel may back a buffer with one of these, which saves a fault for each small page, and a
// look at each when it is written past the page cache. A buffer of half that size is rounded up to
// it.
constexpr size_t kHugePage = size_t{2} << 20;

// memcpy past the caches, for what is not read again here. Both are aligned to 64 bytes.
void StreamCopy(const char* from, size_t size, char* to) {
#if defined(__x86_64__)
  for (size_t at = 0; at < size; at += sizeof(__m128i)) {
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + at),
                     _mm_load_si128(reinterpret_cast<const __m128i*>(from + at)));
  }
  // Such stores are seen by others after a fence only.
  _mm_sfence();
#else
  std::memcpy(to, from, size);
#endif
}

}  // namespace

void AlignedBuffer::Free::operator()(char* bytes) const { std::free(bytes); }

void AlignedBuffer::Grow(size_t capacity, size_t keep) {
  if (capacity <= capacity_) return;
  const size_t alignment = capacity >= kHugePage / 2 ? kHugePage : kAlignment;
  capacity = (capacity + alignment - 1) / alignment * alignment;
  std::unique_ptr<char[], Free> bytes(static_cast<char*>(std::aligned_alloc(alignment, capacity)));
  if (bytes == nullptr) throw std::bad_alloc();
  if (alignment == kHugePage) madvise(bytes.get(), capacity, MADV_HUGEPAGE);
  if (keep > 0) std::memcpy(bytes.get(), bytes_.get(), keep);
  bytes_ = std::move(bytes);
  capacity_ = capacity;
}

uint32_t PageBlock::AddPage() {
  const size_t needed = size() + format_.page_size;
  if (needed > bytes_.capacity()) {
    bytes_.Grow(std::max(needed, bytes_.capacity() + bytes_.capacity() / 2), size());
  }
  return pages_++;
}

void PageBlock::Reserve(size_t pages) { bytes_.Grow(size() + pages * format_.page_size, size()); }

void PageBlock::TakeDraft(uint32_t index) {
  StreamCopy(draft_.data(), format_.page_size, page(index));
}

bool PageBlock::TakeBackLink(size_t begin, size_t end) {
  return std::erase_if(links_, [&](size_t link) { return link >= begin && link < end; }) > 0;
}

uint32_t PageBlock::NumberOf(uint32_t index) const {
  const uint32_t number = first_ + index;
  const bool passes_lock_byte =
      first_ <= format_.lock_byte_page && number >= format_.lock_byte_page;
  return number + (passes_lock_byte ? 1 : 0);
}

void PageBlock::Number(uint32_t first) {
  first_ = first;
  for (const size_t offset : links_) Resolve(bytes_.data() + offset);
  for (const size_t offset : divider_links_) Resolve(dividers.data() + offset);
  links_.clear();
  divider_links_.clear();
}

void PageBlock::Clear() {
  pages_ = 0;
  first_ = 0;
  links_.clear();
  divider_links_.clear();
  leaves.clear();
  dividers.clear();
  entries = 0;
}

}  // namespace sluice
