// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tl/expected.hpp>

#include "sluice/status.hpp"

namespace sluice {

// A value, or the Status that says why there is none. `return Status::Io(...)` does not convert by
// itself: write `return Error(status)`.
template <typename T>
using Result = tl::expected<T, Status>;

inline tl::unexpected<Status> Error(Status status) {
  return tl::unexpected<Status>(std::move(status));
}

}  // namespace sluice
