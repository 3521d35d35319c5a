// SPDX-License-Identifier: Apache-2.0
#include "base/number.h"

#include <array>
#include <bit>
#include <cstdint>
#include <limits>

namespace sluice {

// SQLite does not round every decimal correctly, and a cell has to hold what SQLite would. Two
// things matter:
//
// 1. Only the first 19 or 20 digits count. Later ones are dropped, not rounded:
// 3500000000000000.2500001 reads as
//    3500000000000000, where strtod gives ...00.5.
// 2. digits * 10^exponent is rounded with powers of ten of 96 bits (the method is Russ Cox's,
// "Floating-Point Printing
//    and Parsing Can Be Simple And Fast", 2026, which uses 128). What lies within 2^-41 units of a
//    tie is taken for one.
//
// So this file follows SQLite 3.54's steps, down to how a power is put together, instead of calling
// std::from_chars; number_test.cc compares the two on 300,000 random numbers a run.

namespace {

struct PowerOfTen {
  uint64_t high;  // its top bit is set
  uint32_t low;
};

// 10^0 to 10^26, exactly, shifted left until the top bit is set.
constexpr std::array<uint64_t, 27> kSmallPowers = [] {
  std::array<uint64_t, 27> powers{};
  unsigned __int128 power = 1;
  for (uint64_t& top : powers) {
    unsigned __int128 shifted = power;
    while ((shifted >> 127) == 0) shifted <<= 1;
    top = static_cast<uint64_t>(shifted >> 64);
    power *= 10;
  }
  return powers;
}();

// 10^(27 * (i - 13)), rounded to 96 bits.
constexpr int kFirstStep = -13;
constexpr std::array<PowerOfTen, 26> kStepPowers = {{
    {0x8049a4ac0c5811ae, 0x205b896d}, {0xcf42894a5dce35ea, 0x52064cad},
    {0xa76c582338ed2621, 0xaf2af2b8}, {0x873e4f75e2224e68, 0x5a7744a7},
    {0xda7f5bf590966848, 0xaf39a475}, {0xb080392cc4349dec, 0xbd8d794e},
    {0x8e938662882af53e, 0x547eb47b}, {0xe65829b3046b0afa, 0x0cb4a5a3},
    {0xba121a4650e4ddeb, 0x92f34d62}, {0x964e858c91ba2655, 0x3a6a07f9},
    {0xf2d56790ab41c2a2, 0xfae27299}, {0xc428d05aa4751e4c, 0xaa97e14c},
    {0x9e74d1b791e07e48, 0x775ea265}, {0x8000000000000000, 0x00000000},
    {0xcecb8f27f4200f3a, 0x00000000}, {0xa70c3c40a64e6c51, 0x999090b6},
    {0x86f0ac99b4e8dafd, 0x69a028bb}, {0xda01ee641a708de9, 0xe80e6f48},
    {0xb01ae745b101e9e4, 0x5ec05dd0}, {0x8e41ade9fbebc27d, 0x14588f14},
    {0xe5d3ef282a242e81, 0x8f1668c9}, {0xb9a74a0637ce2ee1, 0x6d953e2c},
    {0x95f83d0a1fb69cd9, 0x4abdaf10}, {0xf24a01a73cf2dccf, 0xbc633b39},
    {0xc3b8358109e84f07, 0x0a862f81}, {0x9e19db92b4e31ba9, 0x6c07a2c2},
}};

constexpr int kSmallestPower = -348;
constexpr int kLargestPower = 347;

// The high half of the product; the low half goes to `low`.
uint64_t Multiply(uint64_t a, uint64_t b, uint64_t* low) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  *low = static_cast<uint64_t>(product);
  return static_cast<uint64_t>(product >> 64);
}

PowerOfTen PowerOf(int exponent) {
  if (exponent == -1) return {0xcccccccccccccccc, 0xcccccccc};
  if (exponent >= 0 && exponent < 27) return {kSmallPowers[static_cast<size_t>(exponent)], 0};
  const int step = exponent >= 0 ? exponent / 27 : (exponent - 26) / 27;
  const int rest = exponent - step * 27;
  const PowerOfTen& base = kStepPowers[static_cast<size_t>(step - kFirstStep)];
  if (rest == 0) return base;

  const uint64_t factor = kSmallPowers[static_cast<size_t>(rest)];
  const unsigned __int128 product = static_cast<unsigned __int128>(base.high) * factor +
                                    ((static_cast<unsigned __int128>(base.low) * factor) >> 32);
  PowerOfTen power{static_cast<uint64_t>(product >> 64), static_cast<uint32_t>(product >> 32)};
  if ((power.high >> 63) == 0) {
    power.high = power.high << 1 | power.low >> 31;
    power.low = power.low << 1 | 1;
  }
  return power;
}

// floor(log2(10^exponent)), for exponents as small as ours.
int Log2OfPower(int exponent) { return (exponent * 108853) >> 15; }

struct Decimal {
  uint64_t digits = 0;
  int exponent = 0;
  bool negative = false;
};

// Past this no further digit fits into 64 bits for certain.
constexpr uint64_t kMostDigits = (std::numeric_limits<uint64_t>::max() - 9) / 10;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

Decimal ReadDecimal(std::string_view number) {
  Decimal decimal;
  const char* at = number.data();
  const char* const end = at + number.size();
  const auto digit = [&] { return at != end && IsDigit(*at); };
  if (*at == '-') {
    decimal.negative = true;
    ++at;
  }
  for (; digit(); ++at) {
    if (decimal.digits < kMostDigits) {
      decimal.digits = decimal.digits * 10 + static_cast<uint64_t>(*at - '0');
    } else {
      ++decimal.exponent;
    }
  }
  if (at != end && *at == '.') {
    for (++at; digit(); ++at) {
      if (decimal.digits >= kMostDigits) continue;
      decimal.digits = decimal.digits * 10 + static_cast<uint64_t>(*at - '0');
      --decimal.exponent;
    }
  }
  if (at == end) return decimal;

  ++at;  // the 'e'
  const bool negative = *at == '-';
  if (*at == '-' || *at == '+') ++at;
  // Exponents of more than five digits read as 10000, which even 0.000...1 of that many zeros does
  // not make up for.
  int exponent = 0;
  for (; digit(); ++at) exponent = exponent < 10000 ? exponent * 10 + (*at - '0') : 10000;
  decimal.exponent += negative ? -exponent : exponent;
  return decimal;
}

// The integer of these digits, if they are digits and it fits.
bool ReadMagnitude(std::string_view digits, bool negative, int64_t* value) {
  if (digits.size() > 19) return false;
  uint64_t magnitude = 0;
  for (char c : digits) {
    if (!IsDigit(c)) return false;
    magnitude = magnitude * 10 + static_cast<uint64_t>(c - '0');
  }
  const uint64_t most =
      static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) + (negative ? 1 : 0);
  if (magnitude > most) return false;
  *value = static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
  return true;
}

bool ReadInteger(std::string_view number, int64_t* value) {
  const bool negative = number[0] == '-';
  return ReadMagnitude(number.substr(negative ? 1 : 0), negative, value);
}

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// A number in the wider grammar that affinities know: a '+', digits on one side of the point only.
struct NumberSyntax {
  std::string_view number;  // without '+'; where it is written as an integer, of digits only
  bool is_integer = false;
};

std::optional<NumberSyntax> ReadSyntax(std::string_view text) {
  text = text.substr(0, text.find('\0'));
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  if (!text.empty() && text.front() == '+') {
    text.remove_prefix(1);
    if (!text.empty() && text.front() == '-') return std::nullopt;
  }
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto pass_digits = [&] {
    const char* const first = at;
    while (at != end && IsDigit(*at)) ++at;
    return at != first;
  };
  if (at != end && *at == '-') ++at;
  NumberSyntax syntax{.number = text, .is_integer = true};
  bool digits = pass_digits();
  if (at != end && *at == '.') {
    ++at;
    digits = pass_digits() || digits;
    syntax.is_integer = false;
  }
  if (!digits) return std::nullopt;
  if (at != end && (*at == 'e' || *at == 'E')) {
    ++at;
    if (at != end && (*at == '+' || *at == '-')) ++at;
    if (!pass_digits()) return std::nullopt;
    syntax.is_integer = false;
  }
  return at == end ? std::optional(syntax) : std::nullopt;
}

std::string_view WithoutLeadingZeros(std::string_view digits) {
  while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
  return digits;
}

double ReadReal(std::string_view number) {
  const Decimal decimal = ReadDecimal(number);
  const double magnitude = DecimalToDouble(decimal.digits, decimal.exponent);
  return decimal.negative ? -magnitude : magnitude;
}

}  // namespace

double DecimalToDouble(uint64_t digits, int exponent) {
  if (digits == 0 || exponent < kSmallestPower) return 0;
  if (exponent > kLargestPower) return std::numeric_limits<double>::infinity();

  // The double will be mantissa * 2^-scale, with a mantissa of 53 bits, or fewer for a subnormal.
  const int leading_zeros = std::countl_zero(digits);
  const int log2 = Log2OfPower(exponent);
  int scale = 53 - (64 - leading_zeros) - log2;
  if (scale >= 1130) return 0;
  if (scale > 1074) scale = 1074;
  const int shift = -(scale - leading_zeros + log2 + 3);

  // The power is written as (high + 1) - rest, so that the first product is at most one too large.
  PowerOfTen power = PowerOf(exponent);
  if (power.low != 0) {
    ++power.high;
    power.low = ~power.low;
  }
  const uint64_t left = digits << leading_zeros;
  uint64_t low;
  uint64_t product = Multiply(left, power.high, &low);

  // Whether anything stands below the bits kept. Only where they are followed by zeros alone does
  // `rest` matter.
  uint64_t sticky = 1;
  if ((product & ((uint64_t{1} << shift) - 1)) == 0) {
    uint64_t ignored;
    const uint32_t above = static_cast<uint32_t>(low >> 32);
    const uint32_t below = static_cast<uint32_t>(
        Multiply(left, static_cast<uint64_t>(power.low) << 32, &ignored) >> 32);
    sticky = above - below > 1 ? 1 : 0;
    if (above < below) --product;
  }

  // Two bits below the mantissa, the last of them sticky: round to nearest, ties to even.
  uint64_t rounded = (product >> shift) | sticky;
  if (rounded >= (uint64_t{1} << 55) - 2) {
    rounded = (rounded >> 1) | (rounded & 1);
    --scale;
  }
  uint64_t bits = (rounded + 1 + ((rounded >> 2) & 1)) >> 2;
  if (scale <= -972) return std::numeric_limits<double>::infinity();
  constexpr uint64_t kHiddenBit = uint64_t{1} << 52;
  if (bits & kHiddenBit) bits = (bits & ~kHiddenBit) | static_cast<uint64_t>(1075 - scale) << 52;
  return std::bit_cast<double>(bits);
}

Cell NumberCell(std::string_view number) {
  int64_t integer;
  if (ReadInteger(number, &integer)) return Cell::Integer(integer);
  return Cell::Real(ReadReal(number));
}

Cell IntegralIfExact(double value) {
  // Beyond these no double is next to an integer of 64 bits.
  constexpr double kLimit = 9223372036854774784.0;
  if (!(value >= -kLimit && value <= kLimit)) return Cell::Real(value);
  const auto integer = static_cast<int64_t>(value);
  return static_cast<double>(integer) == value ? Cell::Integer(integer) : Cell::Real(value);
}

std::optional<Cell> NumberInText(std::string_view text) {
  const std::optional<NumberSyntax> syntax = ReadSyntax(text);
  if (!syntax) return std::nullopt;
  // A NUL ends a text for the one of SQLite's readers that makes reals, but not for the one that
  // makes integers.
  const bool has_nul = text.find('\0') != std::string_view::npos;
  if (syntax->is_integer && !has_nul) {
    const bool negative = syntax->number.front() == '-';
    const std::string_view digits = WithoutLeadingZeros(syntax->number.substr(negative ? 1 : 0));
    int64_t integer;
    if (ReadMagnitude(digits, negative, &integer)) return Cell::Integer(integer);
  }
  return IntegralIfExact(ReadReal(syntax->number));
}

}  // namespace sluice
