// SPDX-License-Identifier: Apache-2.0
#include "base/directory.h"

#include <filesystem>
#include <system_error>

namespace sluice {

std::vector<std::string> NamesIn(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator at(directory, error);
  // Step by step: the `++` of a range would throw.
  for (; !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    names.push_back(at->path().filename().string());
  }
  return names;
}

}  // namespace sluice
