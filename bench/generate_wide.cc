// SPDX-License-Identifier: Apache-2.0
// wide_generate: flat objects of many keys, as metrics and exports of tables have them, made up
// from a seed.
//
//   wide_generate LINES > lines.jsonl
//
// 200 keys a line, each of one type: of ten keys four hold integers, two reals, three text of 4-22
// bytes, and one a boolean. One value in 50 is null. The same number gives the same bytes.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "generated_lines.h"

namespace {

constexpr uint64_t kSeed = 2;
constexpr uint64_t kKeys = 200;
constexpr uint64_t kNullOneIn = 50;

enum class Kind { kInteger, kReal, kText, kBoolean };

struct Key {
  std::string before;  // `,"k017_requests":`
  Kind kind;
};

std::vector<Key> MakeKeys() {
  static constexpr Kind kKinds[] = {Kind::kInteger, Kind::kText,    Kind::kReal, Kind::kInteger,
                                    Kind::kText,    Kind::kInteger, Kind::kReal, Kind::kBoolean,
                                    Kind::kText,    Kind::kInteger};
  static constexpr std::string_view kNames[] = {"bytes",   "host",    "latency", "requests",
                                                "region",  "errors",  "load",    "healthy",
                                                "version", "sequence"};
  std::vector<Key> keys;
  for (uint64_t i = 0; i < kKeys; ++i) {
    const std::string number = std::to_string(i);
    const std::string padding(number.size() < 3 ? 3 - number.size() : 0, '0');
    keys.push_back({(i == 0 ? "{\"k" : ",\"k") + padding + number + '_' +
                        std::string(kNames[i % std::size(kNames)]) + "\":",
                    kKinds[i % std::size(kKinds)]});
  }
  return keys;
}

void WriteValue(Kind kind, uint64_t draw, Output* out) {
  if (draw % kNullOneIn == 0) {
    out->Text("null");
    return;
  }
  draw /= kNullOneIn;
  switch (kind) {
    case Kind::kInteger:
      // Small numbers as often as large ones.
      out->Number((draw >> 8) & ((uint64_t{1} << (draw % 40)) - 1));
      break;
    case Kind::kReal:
      out->Number(draw % 1000);
      out->Text(".");
      out->Digits(draw / 1000 % 1000, 3);
      break;
    case Kind::kText:
      out->Text("\"");
      out->Hex(draw, 4 + draw % 13);
      out->Text(draw % 3 == 0 ? " café\"" : "\"");
      break;
    case Kind::kBoolean:
      out->Text(draw % 2 == 0 ? "true" : "false");
      break;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: wide_generate LINES > lines.jsonl\n", stderr);
    return 2;
  }
  const uint64_t lines = std::strtoull(argv[1], nullptr, 10);
  const std::vector<Key> keys = MakeKeys();
  Output out;
  for (uint64_t line = 0; line < lines; ++line) {
    for (uint64_t i = 0; i < keys.size(); ++i) {
      out.Text(keys[i].before);
      WriteValue(keys[i].kind, Draw(kSeed, line, i), &out);
    }
    out.Text("}");
    out.EndLine();
  }
  out.Flush();
}
