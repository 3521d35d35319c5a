// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace sluice {

// Of what is in a directory, in no order, without "." and "..". Those that could be read: none
// where it is gone or closed to us, fewer where it goes meanwhile, as those of /proc do.
std::vector<std::string> NamesIn(const std::string& directory);

}  // namespace sluice
