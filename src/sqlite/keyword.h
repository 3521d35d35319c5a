// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace sluice {

// Whether the keyword, in capitals, stands in this SQL in any case: as a word of its own, outside
// of strings, quoted names and comments.
bool HasKeyword(std::string_view sql, std::string_view keyword);

}  // namespace sluice
