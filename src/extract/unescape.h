// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "extract/simd.h"

namespace sluice {

// The text of a valid JSON string: `quoted` with its quotes. Writes at most quoted.size()
// bytes to `to` and returns how many. An unpaired surrogate becomes U+FFFD, where json_extract
// leaves three bytes that are not UTF-8.
size_t Unescape(std::string_view quoted, char* to);

// The same, by a given set of instructions.
using UnescapeFunction = size_t (*)(std::string_view quoted, char* to);
UnescapeFunction UnescapeFor(Simd simd);

}  // namespace sluice
