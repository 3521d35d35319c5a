// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/cell.h"

namespace sluice {

// The cell of an RFC 8259 number: an integer where it is written as one and fits into 64 bits, else
// a real.
Cell NumberCell(std::string_view number);

// The number that a column of numeric affinity stores in place of this text, or nothing where it
// keeps the text: "0123" is 123, " 1.5e1 " is 15, "12px" stays. In front of and behind a number
// white space may stand, and a NUL ends the text.
std::optional<Cell> NumberInText(std::string_view text);

// What numeric affinity stores in place of a real: the integer where it is one (of 64 bits, without
// the outermost two).
Cell IntegralIfExact(double value);

// digits * 10^exponent as the linked SQLite reads it; see number.cc.
double DecimalToDouble(uint64_t digits, int exponent);

}  // namespace sluice
