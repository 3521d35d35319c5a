// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sluice/status.hpp"

namespace sluice {

// The option by which a fresh image of the process knows that the historical part is done. Its
// value is for us alone: "files".
inline constexpr const char* kHandedOver = "--handed-over";

// Replaces the process by a fresh image of itself, with the same arguments and `--handed-over
// value`: what the historical part had in memory is gone for certain, the pid stays. Everything
// must be committed and closed. Returns only where it failed.
Status ExecFreshImage(const char* value);

}  // namespace sluice
