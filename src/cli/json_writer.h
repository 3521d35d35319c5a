// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

// Writes one JSON text, compact, its calls in the order of what is written:
//
//   JsonWriter out;
//   out.BeginObject().Key("rows").Integer(3).Key("sources").BeginArray().EndArray().EndObject();
//   out.text();  // {"rows":3,"sources":[]}
//
// Text that is no UTF-8 gets U+FFFD for the bytes that are wrong: what comes out is always valid.
class JsonWriter {
 public:
  JsonWriter& BeginObject() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& BeginArray() { return Open('['); }
  JsonWriter& EndArray() { return Close(']'); }
  JsonWriter& Key(std::string_view key);

  JsonWriter& String(std::string_view text);
  JsonWriter& Integer(int64_t value);
  JsonWriter& Unsigned(uint64_t value);
  // The shortest text that reads back as the same double; infinities, which JSON does not have, as
  // ±9e999.
  JsonWriter& Real(double value);
  JsonWriter& Bool(bool value);
  JsonWriter& Null();

  const std::string& text() const { return text_; }
  std::string Take() { return std::move(text_); }

 private:
  JsonWriter& Open(char bracket);
  JsonWriter& Close(char bracket);
  JsonWriter& Raw(std::string_view json);
  void Separate();
  void Quote(std::string_view text);

  std::string text_;
  bool needs_comma_ = false;
};

}  // namespace sluice
