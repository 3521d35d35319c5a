// SPDX-License-Identifier: Apache-2.0
#include "source/plain_source.h"

#include <algorithm>

namespace sluice {

Result<Place> PlainSource::SkipTo(uint64_t offset) {
  if (!input_.is_regular()) return Source::SkipTo(offset);
  if (offset > input_.size()) return Place{};

  const size_t window = std::min<uint64_t>(offset, kIdentityWindow);
  Result<std::string> head = StoredBytes(0, window);
  if (!head) return Error(head.error());
  Result<std::string> before = StoredBytes(offset - window, window);
  if (!before) return Error(before.error());
  input_.SeekTo(offset);
  // Shorter than asked for where the file was cut since it was opened.
  const bool reached = head->size() == window && before->size() == window;
  return Place{.reached = reached, .head = std::move(*head), .before = std::move(*before)};
}

Result<std::string> PlainSource::StoredBytes(uint64_t offset, size_t size) const {
  std::string bytes(size, '\0');
  const Result<size_t> count = input_.ReadAt(bytes.data(), size, offset);
  if (!count) return Error(count.error());
  bytes.resize(*count);
  return bytes;
}

}  // namespace sluice
