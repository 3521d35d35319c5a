// SPDX-License-Identifier: Apache-2.0
#include "extract/value.h"

#include <cstring>

#include <simdjson.h>

#include "base/number.h"
#include "extract/unescape.h"

namespace sluice {
namespace {

std::string_view StringText(const Slice& value, Arena* arena) {
  if (value.plain) return value.text().substr(1, value.size - 2);
  char* text = arena->Allocate(value.size);
  const size_t size = Unescape(value.text(), text);
  arena->GiveBack(value.size - size);
  return {text, size};
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Cell CellOf(const Slice& value, Arena* arena) {
  if (!value) return Cell::Null();
  switch (value.data[0]) {
    case '"':
      return Cell::Text(StringText(value, arena));
    case '{':
    case '[':
      return Cell::Text(Minified(value, arena));
    case 't':
      return Cell::Integer(1);
    case 'f':
      return Cell::Integer(0);
    case 'n':
      return Cell::Null();
    default:
      return NumberCell(value.text());
  }
}

std::string KeyText(const Slice& key) {
  if (key.plain) return std::string(key.text().substr(1, key.size - 2));
  std::string text(key.size, '\0');
  text.resize(Unescape(key.text(), text.data()));
  return text;
}

size_t Minify(const Slice& value, char* to) {
  if (value.plain || value.data[0] == '"') {
    std::memcpy(to, value.data, value.size);
    return value.size;
  }
  size_t size = 0;
  // It only fails for an open string, and the value is valid.
  if (simdjson::minify(value.data, value.size, to, size) != simdjson::SUCCESS) return 0;
  return size;
}

std::string_view Minified(const Slice& value, Arena* arena) {
  if (value.plain || value.data[0] == '"') return value.text();
  char* text = arena->Allocate(value.size);
  const size_t size = Minify(value, text);
  arena->GiveBack(value.size - size);
  return {text, size};
}

bool LooksNumeric(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  text = text.substr(0, text.find('\0'));  // SQLite reads no further
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);

  const auto take_digits = [&text] {
    size_t count = 0;
    while (count < text.size() && IsDigit(text[count])) ++count;
    text.remove_prefix(count);
    return count > 0;
  };
  bool digits = take_digits();
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    digits = take_digits() || digits;
  }
  if (!digits) return false;
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return take_digits() && text.empty();
}

}  // namespace sluice
