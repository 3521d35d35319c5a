// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// Random JSON of every kind that readers trip over: escapes, surrogates whole and unpaired, white
// space, duplicate and empty keys, numbers at the edges, JSON in strings. All of it valid, until
// Damage() has been at it.
class JsonGenerator {
 public:
  explicit JsonGenerator(uint64_t seed) : random_(seed) {}

  // The keys it chooses from, as pointers that may find something.
  static std::vector<std::vector<std::string>> Pointers();

  std::string Object(int depth = 4);
  std::string Value(int depth);
  // Changes, removes or adds a few bytes, which may leave the text valid. Never a newline.
  std::string Damage(std::string text);

  uint64_t Below(uint64_t limit) { return random_() % limit; }

 private:
  std::string Array(int depth);
  std::string String(int depth);
  std::string Key();
  std::string Number();
  std::string Space();
  template <size_t N>
  std::string Pick(const char* const (&choices)[N]) {
    return choices[Below(N)];
  }

  std::mt19937_64 random_;
  bool spaces_ = false;
};

// `text` as a JSON string, with quotes.
std::string QuoteJson(std::string_view text);

}  // namespace sluice
