// SPDX-License-Identifier: Apache-2.0
#include "sqlite/real_text.h"

#include <cstring>

#include <sqlite3.h>

#include "sqlite/connection.h"

namespace sluice {
namespace {

constexpr int kTextSize = 64;

// Versions of SQLite differ in this, so it is asked.
int SignificantDigits() {
  constexpr int kOfOlderVersions = 15;
  constexpr int kOfNewerVersions = 17;
  Result<Connection> memory = Connection::Open(":memory:", {.mode = OpenOptions::Mode::kCreate});
  if (!memory) return kOfNewerVersions;
  const Result<std::optional<std::string>> text =
      memory->QueryText("SELECT CAST(0.30000000000000004 AS TEXT)");
  return text && *text == "0.3" ? kOfOlderVersions : kOfNewerVersions;
}

}  // namespace

size_t FormatReal(double value, char* to) {
  static const int digits = SignificantDigits();
  sqlite3_snprintf(kTextSize, to, "%!.*g", digits, value);
  return std::strlen(to);
}

}  // namespace sluice
