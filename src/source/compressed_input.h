// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "source/raw_input.h"

namespace sluice {

// The stored bytes of a compressed file, a buffer at a time, for the decoders of gzip and zstd.
class CompressedInput {
 public:
  explicit CompressedInput(RawInput input) : input_(std::move(input)), buffer_(256 << 10) {}

  // Reads the next buffer. Only when all of the last one was taken; 0 bytes set at_end().
  Status Refill();

  std::string_view unread() const { return unread_; }
  void Take(size_t count) { unread_.remove_prefix(count); }
  bool at_end() const { return at_end_; }
  const RawInput& raw() const { return input_; }

  // Of the next byte to be taken, in the stored file.
  uint64_t stored_offset() const { return input_.position() - unread_.size(); }

  // kCorruption at this place.
  Status Damaged(std::string_view format, std::string_view reason) const;
  Status CutShort(std::string_view format) const;

 private:
  RawInput input_;
  std::vector<char> buffer_;
  std::string_view unread_;  // in buffer_
  bool at_end_ = false;
};

}  // namespace sluice
