// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <string_view>

namespace sluice {

// Whether `make torture` was asked for its short form, TORTURE=short, as CI does.
inline bool ShortTorture() {
  const char* asked = std::getenv("TORTURE");
  return asked != nullptr && std::string_view(asked) == "short";
}

}  // namespace sluice
