// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace sluice {

// The folder of real files that some tests read: $SLUICE_SHARED_DATA, else shared/data beside the
// repository. Empty where there is none; such a test is then skipped.
inline std::string SharedData() {
  const char* named = std::getenv("SLUICE_SHARED_DATA");
  const std::string path =
      named != nullptr ? named : std::string(SLUICE_SOURCE_DIR) + "/../shared/data";
  return std::filesystem::is_directory(path) ? path : "";
}

inline constexpr char kNoSharedData[] =
    "no real files here: name their folder in SLUICE_SHARED_DATA";

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace sluice
