// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/status.hpp"

namespace sluice {

// Sizes as people write them: "64MiB", "512KiB", "1.5GiB", "1GB" (decimal), "4096" (bytes). K, M, G
// and T alone are binary, as in SQLite and systemd. Case does not matter. kUsage for anything else.
Result<uint64_t> ParseSize(std::string_view text);

// "64MiB", "1.24GiB", "512B": binary units, rounded. ParseSize reads it back, exactly where the
// size is a whole number of its unit.
std::string FormatSize(uint64_t bytes);

// Durations: "50ms", "1s", "1.5s", "2m", "1h30m", "2d", "0". A number needs its unit. kUsage for
// anything else.
Result<std::chrono::milliseconds> ParseDuration(std::string_view text);

// "850ms", "1.25s", "2m05s", "1h30m", "3d04h": the two units that matter.
std::string FormatDuration(std::chrono::milliseconds duration);

// "1,234,567".
std::string FormatCount(uint64_t count);

}  // namespace sluice
