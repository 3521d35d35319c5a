// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sluice {

// A remedy for a word that is none of `known`: "did you mean 'columns'?" where one is a slip of the
// finger away, else the list of them.
std::string NearestOf(std::string_view word, std::span<const std::string_view> known);

}  // namespace sluice
