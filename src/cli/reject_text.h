// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

// A line as it can be shown in `columns` columns: from its start, or, where the bad spot would lie
// beyond them, from somewhere before it; with a second line whose "^" stands under the byte
// `position`. No second line without a position.
std::string MarkedExcerpt(std::string_view line, std::optional<size_t> position, size_t columns);

}  // namespace sluice
