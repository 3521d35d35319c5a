// SPDX-License-Identifier: Apache-2.0
#include "extract/unescape.h"

#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace sluice {
namespace {

// What is in a string as JSON, and as text.
const std::vector<std::pair<std::string, std::string>>& Pieces() {
  static const std::vector<std::pair<std::string, std::string>> pieces = {
      {"a", "a"},
      {"plain", "plain"},
      {"nubrt", "nubrt"},
      {"é😀", "é😀"},
      {R"(\")", "\""},
      {R"(\\)", "\\"},
      {R"(\/)", "/"},
      {R"(\b\f\n\r\t)", "\b\f\n\r\t"},
      {R"(\u0041)", "A"},
      {R"(\u0000)", std::string(1, '\0')},
      {R"(\u00e9)", "é"},
      {R"(\u20AC)", "€"},
      {R"(\ud83d\ude00)", "😀"},
      {R"(\ud83d)", "\xEF\xBF\xBD"},
      {R"(\ude00)", "\xEF\xBF\xBD"},
      {R"(\ud83d\n)", "\xEF\xBF\xBD\n"},
      {R"(\ud83d\u0041)",
       "\xEF\xBF\xBD"
       "A"},
      {R"(\\u0041)", "\\u0041"},
      {R"(\\\\)", "\\\\"},
  };
  return pieces;
}

// At the very end of its memory, so that a sanitizer sees what is read or written beyond.
std::string Unescaped(const std::string& quoted, Simd simd) {
  const std::vector<char> exact(quoted.begin(), quoted.end());
  std::vector<char> text(quoted.size(), '#');
  text.resize(UnescapeFor(simd)({exact.data(), exact.size()}, text.data()));
  return {text.begin(), text.end()};
}

TEST(UnescapeTest, EachPieceAtEveryPlace) {
  for (const Simd simd : AvailableSimd()) {
    for (size_t before = 0; before < 140; ++before) {
      for (const auto& [json, text] : Pieces()) {
        const std::string front(before, 'x');
        EXPECT_EQ(Unescaped('"' + front + json + '"', simd), front + text);
        EXPECT_EQ(Unescaped('"' + front + json + R"(\n")", simd), front + text + "\n");
      }
    }
  }
}

TEST(UnescapeTest, PiecesInAnyOrder) {
  std::mt19937 random(11);
  for (int round = 0; round < 2000; ++round) {
    std::string json = "\"";
    std::string text;
    for (size_t i = random() % 60; i > 0; --i) {
      // A high surrogate before a low one would be a pair.
      const auto& piece = Pieces()[random() % Pieces().size()];
      if (piece.first == R"(\ude00)" && json.ends_with(R"(\ud83d)")) continue;
      json += piece.first;
      text += piece.second;
    }
    for (const Simd simd : AvailableSimd()) ASSERT_EQ(Unescaped(json + '"', simd), text) << json;
  }
}

}  // namespace
}  // namespace sluice
