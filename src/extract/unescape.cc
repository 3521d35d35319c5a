// SPDX-License-Identifier: Apache-2.0
#include "extract/unescape.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

size_t UnescapeByWords(std::string_view quoted, char* to) {
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

#if defined(__x86_64__)

#define SLUICE_AVX512 \
  __attribute__((target("avx2,avx512bw,avx512vbmi,avx512vbmi2,bmi,bmi2,popcnt")))

SLUICE_AVX512 uint64_t LowBits(uint32_t count) { return _bzhi_u64(~uint64_t{0}, count); }

// All escapes of 64 bytes at once: what is escaped is looked up in a table, and the backslashes are
// left out. Only \u has to be read by itself.
SLUICE_AVX512 size_t UnescapeAvx512(std::string_view quoted, char* to) {
  const __m512i low_table = _mm512_loadu_si512(kEscapedCharacter.data());
  const __m512i high_table = _mm512_loadu_si512(&kEscapedCharacter[64]);
  const char* at = quoted.data() + 1;
  const char* const end = quoted.data() + quoted.size() - 1;
  char* const begin = to;
  while (at != end) {
    const auto left = static_cast<uint32_t>(std::min<ptrdiff_t>(end - at, 64));
    const __m512i chars = _mm512_maskz_loadu_epi8(LowBits(left), at);
    const uint64_t backslashes = _mm512_cmpeq_epi8_mask(chars, _mm512_set1_epi8('\\'));
    uint64_t carry = 0;
    const uint64_t escaped = EscapedBits(backslashes, &carry);
    const uint64_t unicode = escaped & _mm512_cmpeq_epi8_mask(chars, _mm512_set1_epi8('u'));

    // Up to the first \u, and not between a backslash and what it escapes.
    uint32_t count = left - static_cast<uint32_t>(carry);
    if (unicode != 0) count = static_cast<uint32_t>(std::countr_zero(unicode)) - 1;
    const uint64_t kept = LowBits(count) & (escaped | ~backslashes);
    const __m512i text = _mm512_mask2_permutex2var_epi8(low_table, chars, escaped, high_table);
    const auto size = static_cast<uint32_t>(std::popcount(kept));
    _mm512_mask_storeu_epi8(to, LowBits(size), _mm512_maskz_compress_epi8(kept, text));
    at += count;
    to += size;
    while (end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
      to = WriteUtf8(ReadUnicodeEscape(&at, end), to);
    }
  }
  return static_cast<size_t>(to - begin);
}

#undef SLUICE_AVX512

#endif

}  // namespace

UnescapeFunction UnescapeFor(Simd simd) {
#if defined(__x86_64__)
  if (simd == Simd::kAvx512) return UnescapeAvx512;
#endif
  static_cast<void>(simd);
  return UnescapeByWords;
}

size_t Unescape(std::string_view quoted, char* to) {
  static const UnescapeFunction unescape = UnescapeFor(BestSimd());
  return unescape(quoted, to);
}

}  // namespace sluice
