// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice {

// One JSON Lines text: the bytes between two newlines of a source, without the newline, a trailing
// CR, or a byte order mark at the start of the source.
//
// Lifetime: `text` is a view into the buffer of its chunk (I4). At least Buffer::kPadding readable
// bytes follow it.
struct Line {
  std::string_view text;
  uint64_t number = 0;  // 1 for the first line of the source; blank lines count
  uint64_t byte_offset =
      0;  // where the line begins in the source, in decoded bytes (a BOM is part of line 1)
};

}  // namespace sluice
