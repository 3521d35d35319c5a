// SPDX-License-Identifier: Apache-2.0
#include "source/peeked_source.h"

#include <algorithm>
#include <cstring>

namespace sluice {
namespace {

constexpr size_t kStep = size_t{64} << 10;

}  // namespace

bool PeekedSource::Fill(size_t size) {
  if (peeked_all_ || !failure_.ok()) return false;
  const size_t before = peeked_.size();
  // Of a plain file the size is known. Most are small, and there may be ten thousand.
  if (source_->may_grow()) {
    const uint64_t left =
        source_->stored_size() - std::min(source_->stored_size(), passed_ + before);
    size = std::min<uint64_t>(size, left + 1);
  }
  peeked_.resize(before + size);
  const Result<size_t> read = source_->Read(peeked_.data() + before, size);
  peeked_.resize(before + read.value_or(0));
  if (!read) failure_ = read.error();
  peeked_all_ = read && *read == 0;
  return read && *read > 0;
}

Result<std::string_view> PeekedSource::Peek(size_t size, uint64_t longest_line) {
  // A pipe that is written to line by line would be waited for long: one line is enough to begin
  // with.
  const auto is_enough = [&] {
    return !source_->rereadable() && peeked_.find('\n') != std::string::npos;
  };
  while (peeked_.size() < size && !is_enough() && Fill(size - peeked_.size())) {
  }
  if (is_enough() || ends_with_newline()) return Peeked();
  size_t searched = peeked_.size();
  const size_t line_begin = peeked_.rfind('\n') + 1;  // npos + 1 is 0
  while (searched - line_begin < longest_line && Fill(kStep)) {
    const size_t newline = peeked_.find('\n', searched);
    searched = peeked_.size();
    if (newline != std::string::npos) break;
  }
  return Peeked();
}

Result<std::string_view> PeekedSource::PeekMore() {
  Fill(kStep);
  return Peeked();
}

Status PeekedSource::PassLine() {
  bool in_line = !ends_with_newline();
  Drop(peeked_.size());
  while (in_line && Fill(kStep)) {
    const size_t newline = peeked_.find('\n');
    in_line = newline == std::string::npos;
    Drop(in_line ? peeked_.size() : newline + 1);
  }
  return failure_;
}

void PeekedSource::Drop(size_t size) {
  passed_ += size;
  peeked_.erase(0, size);
}

Result<std::string_view> PeekedSource::Peeked() const {
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
