// SPDX-License-Identifier: Apache-2.0
// Lines of any bytes: the fast path, the strict path and SQLite's json_valid and json_extract have
// to agree about every verdict and every cell.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "extract_check.h"
#include "json_generator.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const sluice::Table table = sluice::TableOfPointers(sluice::JsonGenerator::Pointers());
  static sluice::JsonOracle oracle;
  std::vector<std::string> lines(1);
  for (size_t i = 0; i < size; ++i) {
    if (data[i] == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += static_cast<char>(data[i]);
    }
  }
  const std::string disagreement = sluice::FindDisagreement(table, lines, &oracle);
  if (!disagreement.empty()) {
    std::fprintf(stderr, "%s\n", disagreement.c_str());
    std::abort();
  }
  return 0;
}
