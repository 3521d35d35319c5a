// SPDX-License-Identifier: Apache-2.0
#include "source/peeked_source.h"

#include <algorithm>
#include <cstring>

namespace sluice {

Result<std::string_view> PeekedSource::Peek(size_t size) {
  while (peeked_.size() < size && !peeked_all_ && failure_.ok()) {
    const size_t before = peeked_.size();
    peeked_.resize(size);
    Result<size_t> read = source_->Read(peeked_.data() + before, size - before);
    peeked_.resize(before + read.value_or(0));
    if (!read) {
      failure_ = read.error();
      break;
    }
    if (*read == 0) peeked_all_ = true;
    // A pipe that is written to line by line would be waited for long: one line is enough to begin
    // with.
    if (!source_->rereadable() && peeked_.find('\n') != std::string::npos) break;
  }
  if (peeked_.empty() && !failure_.ok()) return Error(failure_);
  return std::string_view(peeked_);
}

Result<size_t> PeekedSource::Read(char* to, size_t size) {
  if (read_ == peeked_.size()) {
    if (!failure_.ok()) return Error(failure_);
    return source_->Read(to, size);
  }
  const size_t taken = std::min(size, peeked_.size() - read_);
  std::memcpy(to, peeked_.data() + read_, taken);
  read_ += taken;
  if (read_ == peeked_.size()) {
    peeked_ = std::string();
    read_ = 0;
  }
  return taken;
}

}  // namespace sluice
