// SPDX-License-Identifier: Apache-2.0
#include "sluice/version.hpp"

namespace sluice {

const char* Version() { return SLUICE_VERSION; }

int VersionNumber() { return SLUICE_VERSION_NUMBER; }

}  // namespace sluice
