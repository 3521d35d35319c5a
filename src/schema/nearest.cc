// SPDX-License-Identifier: Apache-2.0
#include "schema/nearest.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <vector>

namespace sluice {
namespace {

char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

// Levenshtein's distance, letters of either case alike.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t substituted = diagonal + (Lower(a[i]) == Lower(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string NearestOf(std::string_view word, std::span<const std::string_view> known) {
  std::string_view best;
  size_t best_distance = std::string_view::npos;
  if (word.size() <= 64) {
    for (std::string_view candidate : known) {
      const size_t distance = EditDistance(word, candidate);
      if (distance < best_distance) {
        best = candidate;
        best_distance = distance;
      }
    }
  }
  if (best_distance <= (best.size() + 2) / 3) {
    return "did you mean '" + std::string(best) + "'?";
  }
  std::string list = "known are: ";
  for (size_t i = 0; i < known.size(); ++i) {
    if (i > 0) list += ", ";
    list += known[i];
  }
  return list;
}

}  // namespace sluice
