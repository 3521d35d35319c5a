// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace sluice {

// Names as SQLite compares them: ASCII letters of either case are the same, others are not.
std::string FoldName(std::string_view name);
bool SameName(std::string_view a, std::string_view b);

bool IsValidUtf8(std::string_view text);

// One part of a JSON Pointer for a key: '~' and '/' escaped (RFC 6901), with the '/' before it.
std::string PointerTo(std::string_view key);

}  // namespace sluice
