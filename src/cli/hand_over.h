// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "sluice/pipe.hpp"
#include "sluice/status.hpp"
#include "sluice/stop.hpp"

namespace sluice {

// The option by which a fresh image of the process knows that the historical part is done. Its
// value is for us alone: "files", or the descriptor of a memfd with what was read from a pipe.
inline constexpr const char* kHandedOver = "--handed-over";

// Replaces the process by a fresh image of itself, with the same arguments and the hand-over: what
// the historical part had in memory is gone for certain; the pid, and a pipe on stdin, stay.
// Everything must be committed and closed. A stop signal that comes meanwhile, or has come since
// `stop` was last asked, stops the fresh image. Returns only if it failed.
Status ExecFreshImage(const std::optional<PipeHandOver>& pipe, const StopToken& stop);

// What the image before handed over, from the value of that option: nothing where it was no pipe.
Result<std::optional<PipeHandOver>> ReadHandOver(const std::string& value);

}  // namespace sluice
