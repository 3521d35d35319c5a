// SPDX-License-Identifier: Apache-2.0
#include "json_generator.h"

#include <cstdio>

namespace sluice {

std::vector<std::vector<std::string>> JsonGenerator::Pointers() {
  return {{"/a"},
          {"/b"},
          {"/a~1b"},
          {"/m~0n"},
          {"/"},
          {"/k.d"},
          {"/q\"q"},
          {"/back\\slash"},
          {"/ü"},
          {"/0"},
          {"/1"},
          {"/-"},
          {"/01"},
          {"/a/a"},
          {"/a/b"},
          {"/b/0"},
          {"/b/1/a"},
          {"/a/a~1b"},
          {"/a/0/1"},
          {"/b/-"},
          {"/long key of more than sixteen bytes"},
          {"/a/b/a"},
          {"/a", "/b"},
          {"/a", "/a"},
          {"/b", "/0"},
          {"/a", "/a", "/b"},
          {"/b/a", "/b"},
          {"/\xF0\x9F\x98\x80"},
          {"/b/00"}};
}

std::string JsonGenerator::Space() {
  static const char* const kSpaces[] = {"", "", " ", "  ", "\t", "\r", " \t\r "};
  return spaces_ ? Pick(kSpaces) : "";
}

std::string JsonGenerator::Key() {
  static const char* const kKeys[] = {R"("a")",
                                      R"("a")",
                                      R"("a")",
                                      R"("b")",
                                      R"("b")",
                                      R"("a/b")",
                                      R"("m~n")",
                                      R"("")",
                                      R"("k.d")",
                                      R"("q\"q")",
                                      R"("back\\slash")",
                                      R"("ü")",
                                      R"("\u00fc")",
                                      R"("\u0061")",
                                      R"("\u0062")",
                                      R"("0")",
                                      R"("1")",
                                      R"("-")",
                                      R"("a\u0000x")",
                                      R"("a\/b")",
                                      R"("01")",
                                      R"("other")",
                                      R"("\ud83d\ude00")",
                                      R"("\ud83d")",
                                      R"("😀")",
                                      R"("A")",
                                      R"("aa")",
                                      R"("long key of more than sixteen bytes")",
                                      R"("unknown long key of more than sixteen bytes")"};
  return Pick(kKeys);
}

std::string JsonGenerator::Number() {
  static const char* const kNumbers[] = {"0",
                                         "-0",
                                         "1",
                                         "-1",
                                         "9223372036854775807",
                                         "9223372036854775808",
                                         "-9223372036854775808",
                                         "-9223372036854775809",
                                         "18446744073709551616",
                                         "123456789012345678901234567890",
                                         "1e400",
                                         "-1e400",
                                         "1e-400",
                                         "0.1",
                                         "-0.0",
                                         "1E+2",
                                         "3500000000000000.2500001"};
  if (Below(3) == 0) return Pick(kNumbers);
  char text[64];
  if (Below(2) == 0) {
    std::snprintf(text, sizeof text, "%lld", static_cast<long long>(random_()) >> Below(64));
  } else {
    std::snprintf(text, sizeof text, "%.*g", static_cast<int>(1 + Below(17)),
                  static_cast<double>(static_cast<int64_t>(random_())) /
                      static_cast<double>(1 + (random_() >> Below(64))));
  }
  return text;
}

std::string JsonGenerator::String(int depth) {
  static const char* const kPieces[] = {"a",         "plain text ",
                                        "ü",         "€",
                                        "😀",         R"(\n)",
                                        R"(\")",     R"(\\)",
                                        R"(\/)",     R"(\t)",
                                        R"(\u00e9)", R"(\u20ac)",
                                        R"(\u0000)", R"(\ud83d\ude00)",
                                        R"(\ud83d)", R"(\ude00)",
                                        R"(\b\f\r)", "{",
                                        "}",         "[,]",
                                        ":",         "02139",
                                        " ",         "'",
                                        "\x7f",      "12345678901234567890"};
  if (depth > 0 && Below(5) == 0) return QuoteJson(Value(depth - 1));
  std::string text = "\"";
  for (uint64_t i = Below(6); i > 0; --i) text += Pick(kPieces);
  if (Below(8) == 0) text += std::string(Below(200), 'x');
  return text + '"';
}

std::string JsonGenerator::Array(int depth) {
  std::string text = "[" + Space();
  for (uint64_t i = 0, count = Below(4); i < count; ++i) {
    text += (i ? Space() + "," + Space() : "") + Value(depth - 1);
  }
  return text + Space() + "]";
}

std::string JsonGenerator::Object(int depth) {
  if (depth == 4) spaces_ = Below(3) == 0;
  std::string text = "{" + Space();
  for (uint64_t i = 0, count = Below(8); i < count; ++i) {
    text += (i ? Space() + "," + Space() : "") + Key() + Space() + ":" + Space() + Value(depth - 1);
  }
  return text + Space() + "}";
}

std::string JsonGenerator::Value(int depth) {
  switch (Below(depth > 0 ? 10 : 6)) {
    case 0:
      return "true";
    case 1:
      return "false";
    case 2:
      return "null";
    case 3:
      return Number();
    case 4:
    case 5:
      return String(depth);
    case 6:
    case 7:
      return Array(depth);
    default:
      return Object(depth);
  }
}

std::string JsonGenerator::Damage(std::string text) {
  static const std::string_view kBytes =
      "{}[]:,\"\\ \t0123456789-+.eEtfnulx/u\x01\x7f\x80\xC2\xE2\xED\xF0\xFF";
  for (uint64_t i = Below(3) + 1; i > 0 && !text.empty(); --i) {
    const size_t at = Below(text.size());
    const char byte = kBytes[Below(kBytes.size())];
    switch (Below(4)) {
      case 0:
        text[at] = byte;
        break;
      case 1:
        text.insert(at, 1, byte);
        break;
      case 2:
        text.erase(at, 1 + Below(3));
        break;
      default:
        text.resize(at);
    }
  }
  return text;
}

std::string QuoteJson(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", c);
      quoted += escape;
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace sluice
