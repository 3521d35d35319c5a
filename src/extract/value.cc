// SPDX-License-Identifier: Apache-2.0
#include "extract/value.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include <simdjson.h>

#include "base/number.h"

namespace sluice {
namespace {

uint32_t HexDigit(char c) {
  if (c <= '9') return static_cast<uint32_t>(c - '0');
  return static_cast<uint32_t>((c | 0x20) - 'a' + 10);
}

uint32_t FourHexDigits(const char* at) {
  return HexDigit(at[0]) << 12 | HexDigit(at[1]) << 8 | HexDigit(at[2]) << 4 | HexDigit(at[3]);
}

bool IsHighSurrogate(uint32_t code) { return (code & 0xFC00) == 0xD800; }
bool IsLowSurrogate(uint32_t code) { return (code & 0xFC00) == 0xDC00; }

constexpr uint32_t kReplacementCharacter = 0xFFFD;

char* WriteUtf8(uint32_t code, char* to) {
  const auto put = [&to](uint32_t byte) { *to++ = static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
  return to;
}

// Reads the \uXXXX at `*at`, with the one behind it where both are a pair, and leaves `*at` after
// it.
uint32_t ReadUnicodeEscape(const char** at, const char* end) {
  const uint32_t code = FourHexDigits(*at + 2);
  *at += 6;
  if (IsLowSurrogate(code)) return kReplacementCharacter;
  if (!IsHighSurrogate(code)) return code;
  if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') return kReplacementCharacter;
  const uint32_t low = FourHexDigits(*at + 2);
  if (!IsLowSurrogate(low)) return kReplacementCharacter;
  *at += 6;
  return 0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF);
}

constexpr std::array<char, 256> kEscapedCharacter = [] {
  std::array<char, 256> table{};
  table['"'] = '"';
  table['\\'] = '\\';
  table['/'] = '/';
  table['b'] = '\b';
  table['f'] = '\f';
  table['n'] = '\n';
  table['r'] = '\r';
  table['t'] = '\t';
  return table;
}();

// The word's first byte is its lowest.
static_assert(std::endian::native == std::endian::little);

// Copies up to the next backslash or `end`. Escapes are often a few bytes apart (JSON in a string),
// so it goes by words of 8 bytes, of which up to 7 are copied in vain.
void CopyToBackslash(const char** at, const char* end, char** to) {
  while (end - *at >= 8) {
    uint64_t word;
    std::memcpy(&word, *at, sizeof word);
    std::memcpy(*to, &word, sizeof word);
    // The lowest byte that is a backslash gets its top bit set (others above it may, too).
    const uint64_t difference = word ^ 0x5C5C5C5C5C5C5C5C;
    const uint64_t zeros = (difference - 0x0101010101010101) & ~difference & 0x8080808080808080;
    const int bytes = zeros == 0 ? 8 : std::countr_zero(zeros) / 8;
    *at += bytes;
    *to += bytes;
    if (bytes < 8) return;
  }
  while (*at != end && **at != '\\') *(*to)++ = *(*at)++;
}

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

size_t Unescape(std::string_view quoted, char* to) {
  const char* at = quoted.data() + 1;
  const char* const end = quoted.data() + quoted.size() - 1;
  char* const begin = to;
  while (true) {
    CopyToBackslash(&at, end, &to);
    if (at == end) return static_cast<size_t>(to - begin);
    if (at[1] == 'u') {
      to = WriteUtf8(ReadUnicodeEscape(&at, end), to);
    } else {
      *to++ = kEscapedCharacter[static_cast<unsigned char>(at[1])];
      at += 2;
    }
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
