// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/cell.h"
#include "pagebuild/record.h"

namespace sluice {

// A *key* is the indexed values of one row as bytes: for each column its serial type as a varint,
// then the values' bodies, one after the other. That is SQLite's record of an index entry without
// the length of its header and without the rowid, so the two are put around it when it is written.
//
//   ("ab", 5)    11 01 61 62 05         17 is a text of 2 bytes, 1 an integer of 1 byte
//
// How many columns a key has is not in it. With that known it says its own length, so no key is the
// beginning of another, and keys lie side by side without lengths between them. So functions take a
// key by its first byte.
//
// Keys are ordered as SQLite orders values under the collation BINARY: NULL, then numbers, then
// texts, then blobs; entries whose keys compare equal, by rowid. Equal keys need not be the same
// bytes: 5 equals 5.0, and 0.0 equals -0.0.

// The lengths of a key's two parts, in bytes.
struct KeyShape {
  size_t header = 0;  // serial types
  size_t body = 0;    // values
};
// Reads the serial types only.
inline KeyShape ShapeOfKey(const char* key, size_t columns) {
  KeyShape shape;
  const char* types = key;
  for (size_t i = 0; i < columns; ++i) {
    SerialType type;
    types = GetVarint(types, &type);
    shape.body += BodySize(type);
  }
  shape.header = static_cast<size_t>(types - key);
  return shape;
}

struct KeyOrder {
  int order = 0;             // below, at or above 0 as `a` comes before, with or after `b`
  size_t equal_columns = 0;  // how many leading columns are equal; all of them where order is 0
};
KeyOrder CompareKeys(const char* a, const char* b, size_t columns);

// A number for the beginning of a key: where the numbers of two keys differ, the keys come in that
// order; where they are the same, only CompareKeys can tell. The two top bits are the first
// column's class; below stand the first bytes of a text or blob, or a number's double.
//
// `skip` is for keys whose first columns are all texts that begin with the same `skip` bytes, such
// as timestamps: the bytes after those are taken.
uint64_t KeyPrefix(const char* key, size_t columns, size_t skip = 0);

// Whether two keys can compare equal only if they are the same bytes. Where it does not know, no.
inline bool OnlyEqualsItself(const char* key, size_t columns) {
  return columns == 1 && static_cast<unsigned char>(key[0]) >= 12;
}

// A text whose serial type is one byte: as a key by itself it is that byte and its own.
inline constexpr size_t kLongestShortText = (127 - 13) / 2;
inline char TypeOfShortText(size_t size) { return static_cast<char>(13 + 2 * size); }
inline bool IsShortText(char type) {
  const auto byte = static_cast<unsigned char>(type);
  return byte >= 13 && byte < 0x80 && byte % 2 == 1;
}

// The first column of a key where it is a text. Nothing (data() is null) where it is none.
std::string_view FirstText(const char* key, size_t columns);

// The first `kPiece` bytes and the last, all of up to twice as many.
template <size_t kPiece>
bool SameEnds(std::string_view a, std::string_view b) {
  const size_t last = a.size() - kPiece;
  return std::memcmp(a.data(), b.data(), kPiece) == 0 &&
         std::memcmp(a.data() + last, b.data() + last, kPiece) == 0;
}

// Whether both are the same bytes. For short ones a call of memcmp costs more than it does.
inline bool SameBytes(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  if (a.size() > 32) return a == b;
  if (a.size() >= 16) return SameEnds<16>(a, b);
  if (a.size() >= 8) return SameEnds<8>(a, b);
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

// How many leading bytes of both are the same.
size_t CommonPrefix(std::string_view a, std::string_view b);

// Makes keys from cells, to which the affinity of their columns has been applied already.
//
// Threads: owned by one thread.
class KeyBuilder {
 public:
  // Lifetime: the key is a view that the next call ends.
  std::string_view Build(std::span<const Cell> cells);

 private:
  std::vector<char> bytes_;
};

}  // namespace sluice
