// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "sluice/live.hpp"
#include "sluice/status.hpp"

namespace sluice {

// What --status-file holds: one JSON object (docs/live-mode.md names each key).
std::string LiveStatusJson(const std::string& database, const LiveStatus& status);

// Replaces the file as a whole: who reads it sees the old text or the new one.
Status ReplaceStatusFile(const std::string& path, const std::string& text);

}  // namespace sluice
