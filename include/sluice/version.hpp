// SPDX-License-Identifier: Apache-2.0
#pragma once

// The version of these headers. It is written here only: CMake reads these three lines. Until 1.0 a
// program keeps working with every PATCH of one MAJOR.MINOR; a new MINOR may change the interface.
#define SLUICE_VERSION_MAJOR 0
#define SLUICE_VERSION_MINOR 1
#define SLUICE_VERSION_PATCH 0

// As a number that can be compared: 0.1.0 is 1000, 1.2.3 is 1002003.
#define SLUICE_VERSION_NUMBER \
  (SLUICE_VERSION_MAJOR * 1000000 + SLUICE_VERSION_MINOR * 1000 + SLUICE_VERSION_PATCH)

// As text: "0.1.0".
#define SLUICE_VERSION                       \
  SLUICE_VERSION_TEXT_(SLUICE_VERSION_MAJOR) \
  "." SLUICE_VERSION_TEXT_(SLUICE_VERSION_MINOR) "." SLUICE_VERSION_TEXT_(SLUICE_VERSION_PATCH)
#define SLUICE_VERSION_TEXT_(number) SLUICE_VERSION_QUOTED_(number)
#define SLUICE_VERSION_QUOTED_(number) #number

namespace sluice {

// The version of the library that was linked. It differs from the macros if the program was
// compiled with the headers of another installation.
const char* Version();
int VersionNumber();

}  // namespace sluice
