// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/key.h"

namespace sluice {
namespace {

// In the order of the classes.
enum class ValueClass : uint64_t { kNull, kNumber, kText, kBlob };

ValueClass ClassOf(SerialType type) {
  if (type == 0) return ValueClass::kNull;
  if (type < 12) return ValueClass::kNumber;
  return type % 2 == 1 ? ValueClass::kText : ValueClass::kBlob;
}

uint64_t LoadBigEndian64(const char* from) {
  uint64_t value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::little ? __builtin_bswap64(value) : value;
}

int64_t LoadInteger(SerialType type, const char* body) {
  if (type >= 8) return static_cast<int64_t>(type) - 8;
  const size_t size = BodySize(type);
  // The first byte carries the sign.
  auto value = static_cast<uint64_t>(static_cast<int64_t>(static_cast<signed char>(body[0])));
  for (size_t i = 1; i < size; ++i) value = value << 8 | static_cast<unsigned char>(body[i]);
  return static_cast<int64_t>(value);
}

double LoadReal(const char* body) { return std::bit_cast<double>(LoadBigEndian64(body)); }

template <typename T>
int Order(T a, T b) {
  return static_cast<int>(a > b) - static_cast<int>(a < b);
}

// Exact: an integer beyond 2^53 is not turned into a double, which would make it equal to others.
int OrderIntegerAgainstReal(int64_t integer, double real) {
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (real < -kTwoTo63) return 1;
  if (real >= kTwoTo63) return -1;
  const auto whole = static_cast<int64_t>(real);  // toward zero, and exact
  if (integer != whole) return Order(integer, whole);
  return Order(static_cast<double>(whole), real);  // what is behind the point decides
}

int OrderNumbers(SerialType type_a, const char* a, SerialType type_b, const char* b) {
  if (type_a == 7 && type_b == 7) return Order(LoadReal(a), LoadReal(b));
  if (type_a == 7) return -OrderIntegerAgainstReal(LoadInteger(type_b, b), LoadReal(a));
  if (type_b == 7) return OrderIntegerAgainstReal(LoadInteger(type_a, a), LoadReal(b));
  return Order(LoadInteger(type_a, a), LoadInteger(type_b, b));
}

int OrderBytes(std::string_view a, std::string_view b) {
  const size_t common = std::min(a.size(), b.size());
  const int order = common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);
  return order != 0 ? order : Order(a.size(), b.size());
}

int OrderValues(SerialType type_a, const char* a, SerialType type_b, const char* b) {
  const ValueClass class_a = ClassOf(type_a);
  const ValueClass class_b = ClassOf(type_b);
  if (class_a != class_b) return Order(class_a, class_b);
  switch (class_a) {
    case ValueClass::kNull:
      return 0;
    case ValueClass::kNumber:
      return OrderNumbers(type_a, a, type_b, b);
    case ValueClass::kText:
    case ValueClass::kBlob:
      break;
  }
  return OrderBytes({a, BodySize(type_a)}, {b, BodySize(type_b)});
}

// The first column of a key.
struct FirstValue {
  SerialType type;
  const char* body;
};
FirstValue FirstValueOf(const char* key, size_t columns) {
  const auto byte = static_cast<unsigned char>(key[0]);
  if (columns == 1 && byte < 0x80) return {byte, key + 1};
  SerialType type;
  const char* types = GetVarint(key, &type);
  SerialType passed_over;
  for (size_t i = 1; i < columns; ++i) types = GetVarint(types, &passed_over);
  return {type, types};
}

// Doubles as unsigned numbers of the same order. An integer that is no double becomes one that is
// near it: then numbers that differ may look the same, but never the other way round.
uint64_t NumberPrefix(SerialType type, const char* body) {
  const double value = type == 7 ? LoadReal(body) : static_cast<double>(LoadInteger(type, body));
  const auto bits = std::bit_cast<uint64_t>(value + 0.0);  // -0.0 becomes 0.0
  constexpr uint64_t kSign = uint64_t{1} << 63;
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

// Up to 8 bytes before `end` from `at` on, zeros behind them. Reads no byte outside the key, which
// begins at `begin`.
uint64_t BytesPrefix(const char* begin, const char* at, const char* end) {
  const auto size = static_cast<size_t>(end - at);
  if (size >= 8) return LoadBigEndian64(at);
  if (size == 0) return 0;
  if (end - begin >= 8) return LoadBigEndian64(end - 8) << (8 * (8 - size));
  uint64_t bytes = 0;
  for (size_t i = 0; i < size; ++i) {
    bytes |= uint64_t{static_cast<unsigned char>(at[i])} << (8 * (7 - i));
  }
  return bytes;
}

}  // namespace

KeyOrder CompareKeys(const char* a, const char* b, size_t columns) {
  // Two short texts, which most comparisons are of.
  if (columns == 1 && IsShortText(*a) && IsShortText(*b)) {
    const int order = OrderBytes({a + 1, BodySize(static_cast<unsigned char>(*a))},
                                 {b + 1, BodySize(static_cast<unsigned char>(*b))});
    return {order, order == 0 ? size_t{1} : 0};
  }
  const char* types_a = a;
  const char* types_b = b;
  const char* body_a = FirstValueOf(a, columns).body;
  const char* body_b = FirstValueOf(b, columns).body;
  for (size_t i = 0; i < columns; ++i) {
    SerialType type_a;
    SerialType type_b;
    types_a = GetVarint(types_a, &type_a);
    types_b = GetVarint(types_b, &type_b);
    const int order = OrderValues(type_a, body_a, type_b, body_b);
    if (order != 0) return {order, i};
    body_a += BodySize(type_a);
    body_b += BodySize(type_b);
  }
  return {0, columns};
}

uint64_t KeyPrefix(const char* key, size_t columns, size_t skip) {
  const FirstValue first = FirstValueOf(key, columns);
  const ValueClass value_class = ClassOf(first.type);
  uint64_t bits = 0;
  if (value_class == ValueClass::kNumber) {
    bits = NumberPrefix(first.type, first.body);
  } else if (value_class != ValueClass::kNull) {
    bits = BytesPrefix(key, first.body + skip, first.body + BodySize(first.type));
  }
  return static_cast<uint64_t>(value_class) << 62 | bits >> 2;
}

std::string_view FirstText(const char* key, size_t columns) {
  const FirstValue first = FirstValueOf(key, columns);
  if (ClassOf(first.type) != ValueClass::kText) return {};
  return {first.body, BodySize(first.type)};
}

size_t CommonPrefix(std::string_view a, std::string_view b) {
  const size_t size = std::min(a.size(), b.size());
  constexpr size_t kWord = sizeof(uint64_t);
  size_t common = 0;
  if (size >= kWord) {
    // The last word may overlap the one before it.
    for (size_t at = 0;; at = std::min(at + kWord, size - kWord)) {
      const uint64_t differing = LoadBigEndian64(a.data() + at) ^ LoadBigEndian64(b.data() + at);
      if (differing != 0) return at + static_cast<size_t>(std::countl_zero(differing)) / 8;
      if (at == size - kWord) return size;
    }
  }
  while (common < size && a[common] == b[common]) ++common;
  return common;
}

std::string_view KeyBuilder::Build(std::span<const Cell> cells) {
  size_t most = cells.size() * (kMaxVarintSize + sizeof(uint64_t));
  for (const Cell& cell : cells) {
    if (cell.type == CellType::kText || cell.type == CellType::kBlob) most += cell.size;
  }
  if (most > bytes_.size()) bytes_.resize(most);

  char* end = bytes_.data();
  for (const Cell& cell : cells) end = PutVarint(SerialTypeOf(cell), end);
  for (const Cell& cell : cells) end = PutBody(cell, end);
  return {bytes_.data(), static_cast<size_t>(end - bytes_.data())};
}

}  // namespace sluice
