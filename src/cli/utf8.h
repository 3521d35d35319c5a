// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace sluice {

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";  // U+FFFD

struct Utf8Character {
  char32_t code = 0xFFFD;
  size_t bytes = 1;
  bool valid = false;
};

// The first character of `text`, which is not empty; U+FFFD and one byte where none begins there
// (RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF).
Utf8Character FirstCharacter(std::string_view text);

}  // namespace sluice
