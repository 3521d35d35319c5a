// SPDX-License-Identifier: Apache-2.0
#pragma once

// CMake reads the project's version from this line. Versions of the same MAJOR.MINOR go together
// (cmake's SameMinorVersion) until 1.0.
#define SLUICE_VERSION "0.1.0"
