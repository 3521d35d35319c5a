// SPDX-License-Identifier: Apache-2.0
#include "source/compressed_input.h"

#include <fmt/format.h>

namespace sluice {

Status CompressedInput::Refill() {
  const Result<size_t> count = input_.Read(buffer_.data(), buffer_.size());
  if (!count) return count.error();
  unread_ = {buffer_.data(), *count};
  at_end_ = *count == 0;
  return {};
}

Status CompressedInput::Damaged(std::string_view format, std::string_view reason) const {
  return Status::Corruption(
      fmt::format("{}: {} data is damaged at stored byte {} ({})", input_.key().path, format,
                  stored_offset(), reason),
      "restore this file from another copy: what stood before the damage was read");
}

Status CompressedInput::CutShort(std::string_view format) const {
  return Status::Corruption(
      fmt::format("{}: {} data is cut short at stored byte {}", input_.key().path, format,
                  stored_offset()),
      "wait until it is written to its end, or fetch it again: what is there was read");
}

}  // namespace sluice
