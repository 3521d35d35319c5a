// SPDX-License-Identifier: Apache-2.0
#include "extract/structure.h"

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "base/buffer.h"

namespace sluice {
namespace {

// What a Structure has to find, read byte by byte. For windows of valid texts only.
struct Expected {
  std::vector<uint32_t> tokens;
  std::string kinds;
  std::vector<bool> spaces;
};

Expected ReadPlainly(std::string_view window) {
  Expected expected;
  bool in_string = false;
  bool in_scalar = false;
  for (uint32_t i = 0; i < window.size(); ++i) {
    const char c = window[i];
    expected.spaces.push_back(!in_string &&
                              std::string_view(" \t\r\n").find(c) != std::string::npos);
    if (in_string) {
      if (c == '\\') {
        ++i;
        expected.spaces.push_back(false);
      }
      in_string = c != '"';
      continue;
    }
    const bool is_operator = std::string_view("{}[]:,\"").find(c) != std::string::npos;
    const bool is_scalar = !is_operator && !expected.spaces[i];
    if (is_operator || (is_scalar && !in_scalar)) {
      expected.tokens.push_back(i);
      expected.kinds += is_scalar ? '0' : c;
    }
    in_scalar = is_scalar;
    in_string = c == '"';
  }
  return expected;
}

// `window` at a place in a buffer, with bytes around it that would go on with it.
class Placed {
 public:
  Placed(std::string_view window, size_t place)
      : bytes_(place + window.size() + Buffer::kPadding, '"'), place_(place), size_(window.size()) {
    std::memcpy(bytes_.data() + place, window.data(), window.size());
  }
  std::string_view window() const { return {bytes_.data() + place_, size_}; }
  char* at(size_t byte) { return bytes_.data() + place_ + byte; }

 private:
  std::string bytes_;
  size_t place_;
  size_t size_;
};

void ExpectStructure(std::string_view text, Simd simd) {
  const Placed placed(text, text.size() % 3);
  Structure structure(simd);
  ASSERT_TRUE(structure.Find(placed.window())) << text;
  const Expected expected = ReadPlainly(text);
  const size_t count = expected.tokens.size();
  for (size_t i = 0; i < count; ++i) ASSERT_EQ(structure.tokens()[i], expected.tokens[i]) << text;
  ASSERT_EQ(std::string(structure.kinds(), count), expected.kinds) << text;
  for (size_t i = count; i < count + Structure::kSentinels; ++i) {
    ASSERT_EQ(structure.tokens()[i], text.size());
    ASSERT_EQ(structure.kinds()[i], '\0');
  }
  for (size_t i = 0; i < text.size(); ++i) {
    ASSERT_EQ(structure.HasBackslash(i, i + 1), text[i] == '\\') << i << " in " << text;
    ASSERT_EQ(structure.HasSpace(i, i + 1), expected.spaces[i]) << i << " in " << text;
  }
}

// A text with `piece` in a string, `before` bytes from the start of the window.
std::string WithPieceAt(size_t before, std::string_view piece) {
  return "[" + std::string(before < 2 ? 0 : before - 2, ' ') + "\"" + std::string(piece) + "\", 1]";
}

TEST(StructureTest, PiecesOfStringsAtEveryPlaceOfABlock) {
  for (const Simd simd : AvailableSimd()) {
    for (size_t before = 2; before < 135; ++before) {
      for (const char* piece :
           {"", R"(\")", R"(\\)", R"(\\\")", R"(\\\\\\)", R"(\n\t\/\b\f\r)", R"(\u00e9)",
            R"(\ud83d)", "é", "€", "😀", "é😀€", "{\\\"a\\\":[1]}", "\x7f", " , : ] } "}) {
        ASSERT_NO_FATAL_FAILURE(ExpectStructure(WithPieceAt(before, piece), simd));
      }
    }
  }
}

TEST(StructureTest, BrokenPiecesAtEveryPlaceOfABlock) {
  for (const Simd simd : AvailableSimd()) {
    Structure structure(simd);
    for (size_t before = 2; before < 135; ++before) {
      for (const std::string& piece :
           {std::string(R"(\a)"), std::string(R"(\\\x)"), std::string(R"(\u00g0)"),
            std::string("\n"), std::string("\x1f"), std::string(1, '\0'), std::string("\x80"),
            std::string("\xC3"), std::string("\xC0\x80"), std::string("\xE2\x82"),
            std::string("\xED\xA0\x80"), std::string("\xF0\x9F\x98"),
            std::string("\xF4\x90\x80\x80"), std::string("\xFF"), std::string("\\\xC3\xA9")}) {
        const Placed placed(WithPieceAt(before, piece), before % 5);
        EXPECT_FALSE(structure.Find(placed.window())) << before << ": " << piece;
      }
      // Open to the end, and with an escaped closing quote.
      for (const char* piece : {"", "\\\"", "\\"}) {
        const std::string open = std::string(before, ' ') + "\"" + piece;
        const Placed placed(open, 0);
        EXPECT_FALSE(structure.Find(placed.window())) << before << ": " << piece;
      }
    }
  }
}

// All sequences of four bytes at the edges of what UTF-8 tells apart, within a block and across
// two.
TEST(StructureTest, Utf8IsWhatSimdjsonTakesForIt) {
  const std::string edges =
      "a\x80\x8F\x90\x9F\xA0\xBF\xC0\xC1\xC2\xDF\xE0\xE1\xEC\xED\xEE\xEF\xF0\xF1\xF3\xF4\xF5\xFF";
  std::vector<Structure> structures;
  for (const Simd simd : AvailableSimd()) structures.emplace_back(simd);
  for (const size_t before : {70u, 124u, 125u, 126u, 127u}) {
    const std::string text = WithPieceAt(before, "1234");
    Placed placed(text, 0);
    char* const piece = placed.at(text.find('1'));
    for (size_t code = 0; code < edges.size() * edges.size() * edges.size() * edges.size();
         ++code) {
      size_t left = code;
      for (int i = 0; i < 4; ++i, left /= edges.size()) piece[i] = edges[left % edges.size()];
      const bool is_utf8 = simdjson::validate_utf8(piece, 4);
      for (Structure& structure : structures) {
        ASSERT_EQ(structure.Find(placed.window()), is_utf8) << before << ", " << code;
      }
    }
  }
}

// Windows that end anywhere: what stands behind them must not matter.
TEST(StructureTest, APrefixIsSoundUnlessItEndsInAString) {
  const std::string text = std::string(50, ' ') + R"(["x\n\u00e9 é","\\😀\"", 12 ,"\\\\"])";
  for (const Simd simd : AvailableSimd()) {
    Structure structure(simd);
    for (size_t size = 51; size <= text.size(); ++size) {
      const Placed placed(text.substr(0, size), 0);
      bool in_string = false;
      for (size_t i = 0; i < size; ++i) {
        if (in_string && text[i] == '\\') {
          ++i;
        } else if (text[i] == '"') {
          in_string = !in_string;
        }
      }
      EXPECT_EQ(structure.Find(placed.window()), !in_string) << size;
    }
  }
}

TEST(StructureTest, DenseAndLongWindows) {
  std::mt19937 random(7);
  static const std::vector<std::string> kPieces = {
      "[",  "]",    "{",    "}",       ":",       ",",       " ",     "\n",
      "12", "true", "\"\"", "\"a b\"", R"("\\")", R"("\"")", "\"é\"", "-"};
  for (int round = 0; round < 50; ++round) {
    std::string text;
    const size_t size = 1 + random() % 5000;
    // Blocks of nothing but tokens, and others.
    const size_t choice = round % 2 == 0 ? 6 : kPieces.size();
    while (text.size() < size) text += kPieces[random() % choice];
    for (const Simd simd : AvailableSimd()) {
      ASSERT_NO_FATAL_FAILURE(ExpectStructure(text, simd));
    }
  }
}

TEST(StructureTest, NoWindowIsTooSmallAndSomeAreTooLarge) {
  for (const Simd simd : AvailableSimd()) {
    Structure structure(simd);
    EXPECT_FALSE(structure.Find(""));
    ASSERT_NO_FATAL_FAILURE(ExpectStructure("1", simd));
    const Placed largest(std::string(Structure::kMaxWindow, '['), 0);
    EXPECT_TRUE(structure.Find(largest.window()));
    EXPECT_EQ(structure.tokens()[Structure::kMaxWindow - 1], Structure::kMaxWindow - 1);
    const Placed larger(std::string(Structure::kMaxWindow + 1, '['), 0);
    EXPECT_FALSE(structure.Find(larger.window()));
  }
}

}  // namespace
}  // namespace sluice
