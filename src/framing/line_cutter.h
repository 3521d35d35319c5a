// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/line.h"

namespace sluice {

// What is to be cut: the data of one chunk.
struct Frame {
  std::string_view data;
  uint64_t offset = 0;      // of data[0] in the source
  uint64_t first_line = 1;  // its number
};

struct CutResult {
  uint64_t lines = 0;             // blank ones included; a last piece without '\n' is not among them
  uint64_t blank = 0;             // of nothing but spaces, tabs and CR
  std::string_view unterminated;  // what stands after the last '\n': "" when `data` ends with one
};

// Cuts at '\n'. Takes one CR off the end of a line, and a byte order mark off the start of the source. Appends to
// `lines` all lines that are not blank, in order; the piece after the last newline is left to the caller, who knows
// whether more can follow.
CutResult CutLines(const Frame& frame, std::vector<Line>* lines);

}  // namespace sluice
