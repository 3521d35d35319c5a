// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "sluice/status.hpp"

namespace sluice {

// One option in the file of --config.
struct ConfigEntry {
  std::vector<std::string>
      command;                      // the tables it stands in: {}, {"ingest"}, {"rejects", "retry"}
  std::string option;               // without dashes: "max-line"
  std::vector<std::string> values;  // as they would be typed; several from an array
  std::string where;                // "sluice.toml:3"
};

// Reads a TOML file of options.
// Errors: kUsage, with file:line, where it is no TOML, or a value is none that could be typed (a
// date, an array of tables).
Result<std::vector<ConfigEntry>> ReadConfigFile(const std::string& path);

}  // namespace sluice
