// SPDX-License-Identifier: Apache-2.0
// A schema file is read or refused with words, and never anything else; what is read, and can be
// written as TOML, is read again to the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "schema/schema.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const sluice::Result<sluice::Table> table = sluice::ParseSchema(text, "fuzz.toml");
  if (!table) {
    if (table.error().message().empty()) std::abort();
    return 0;
  }
  const std::string toml = sluice::ToToml(*table);
  const sluice::Result<sluice::Table> again = sluice::ParseSchema(toml, "again.toml");
  if (!again || sluice::ToToml(*again) != toml) std::abort();
  sluice::SchemaWarnings(*again);
  if (sluice::CreateTableSql(*table) != sluice::CreateTableSql(*again)) std::abort();
  return 0;
}
