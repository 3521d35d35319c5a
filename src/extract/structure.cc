// SPDX-License-Identifier: Apache-2.0
#include "extract/structure.h"

#include <algorithm>
#include <bit>

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <simdjson.h>

namespace sluice {
namespace {

// Bitmaps of a window: bit i % 64 of word i / 64 is byte i.
struct Bitmaps {
  uint64_t* backslashes;
  uint64_t* common;  // the bytes " \ n, of the escapes that logs mostly have
};

void FindBytes(const char* block, size_t blocks, Bitmaps to) {
  for (; blocks > 0; --blocks, block += 64) {
    uint64_t backslashes = 0;
    uint64_t common = 0;
    for (size_t i = 0; i < 64; ++i) {
      const bool is_backslash = block[i] == '\\';
      backslashes |= static_cast<uint64_t>(is_backslash) << i;
      common |= static_cast<uint64_t>(is_backslash || block[i] == '"' || block[i] == 'n') << i;
    }
    *to.backslashes++ = backslashes;
    *to.common++ = common;
  }
}

#if defined(__x86_64__)

// The same, 32 bytes at once.
__attribute__((target("avx2"))) void FindBytesAvx2(const char* block, size_t blocks, Bitmaps to) {
  for (; blocks > 0; --blocks, block += 64) {
    const auto* halves = reinterpret_cast<const __m256i*>(block);
    uint64_t bits[2] = {0, 0};
    for (int half = 0; half < 2; ++half) {
      const __m256i bytes = _mm256_loadu_si256(halves + half);
      const __m256i backslashes = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\'));
      const __m256i others = _mm256_or_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('"')),
                                             _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('n')));
      const auto mask = [half](int movemask) {
        return static_cast<uint64_t>(static_cast<uint32_t>(movemask)) << (32 * half);
      };
      bits[0] |= mask(_mm256_movemask_epi8(backslashes));
      bits[1] |= mask(_mm256_movemask_epi8(_mm256_or_si256(backslashes, others)));
    }
    *to.backslashes++ = bits[0];
    *to.common++ = bits[1];
  }
}

// And 64.
__attribute__((target("avx512bw"))) void FindBytesAvx512(const char* block, size_t blocks,
                                                         Bitmaps to) {
  for (; blocks > 0; --blocks, block += 64) {
    const __m512i bytes = _mm512_loadu_si512(block);
    const uint64_t backslashes = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\\'));
    *to.backslashes++ = backslashes;
    *to.common++ = backslashes | _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('"')) |
                   _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('n'));
  }
}

#endif

using BytesFinder = void (*)(const char*, size_t, Bitmaps);

BytesFinder FastestFinder() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bw")) return FindBytesAvx512;
  if (__builtin_cpu_supports("avx2")) return FindBytesAvx2;
#endif
  return FindBytes;
}

// Which bytes of a block are escaped by an active backslash before them: of a run of backslashes
// every second one is active. A subtraction lets a carry run through each run at once; `carry` is 1
// where the next block begins escaped.
uint64_t EscapedBits(uint64_t backslashes, uint64_t* carry) {
  constexpr uint64_t kOddBits = 0xAAAAAAAAAAAAAAAA;
  const uint64_t starts = backslashes & ~*carry;
  const uint64_t ends = ((starts << 1 | kOddBits) - starts) ^ kOddBits;
  const uint64_t escaped = ends ^ (backslashes | *carry);
  *carry = (ends & backslashes) >> 63;
  return escaped;
}

bool IsHexDigit(char c) {
  return static_cast<unsigned char>(c - '0') < 10 ||
         static_cast<unsigned char>((c | 0x20) - 'a') < 6;
}

// Whether the byte here may follow a backslash.
bool IsEscapable(const char* at) {
  switch (*at) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return true;
    case 'u':
      return IsHexDigit(at[1]) && IsHexDigit(at[2]) && IsHexDigit(at[3]) && IsHexDigit(at[4]);
    default:
      return false;
  }
}

}  // namespace

// simdjson's parser, of which only the first stage is used.
class Structure::Parser {
 public:
  bool Find(std::string_view window) {
    if (window.size() > capacity_ && !Grow(window.size())) return false;
    const auto* bytes = reinterpret_cast<const uint8_t*>(window.data());
    if (parser_->stage1(bytes, window.size(), simdjson::stage1_mode::regular) !=
        simdjson::SUCCESS) {
      return false;
    }
    // simdjson keeps room for 9 entries more than the window has bytes.
    uint32_t* const behind = parser_->structural_indexes.get() + parser_->n_structural_indexes;
    std::fill_n(behind, kSentinels, static_cast<uint32_t>(window.size()));
    return true;
  }

  const uint32_t* tokens() const { return parser_->structural_indexes.get(); }

 private:
  bool Grow(size_t size) {
    const size_t capacity = std::max(size, kWindow);
    // The depth is stage 2's, which is never run.
    if (simdjson::get_active_implementation()->create_dom_parser_implementation(
            capacity, 1, parser_) != simdjson::SUCCESS) {
      return false;
    }
    capacity_ = capacity;
    return true;
  }

  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser_;
  size_t capacity_ = 0;
};

Structure::Structure() : parser_(std::make_unique<Parser>()) {}
Structure::~Structure() = default;
Structure::Structure(Structure&&) noexcept = default;

bool Structure::Find(std::string_view window) {
  window_ = window;
  if (window.empty() || window.size() > kMaxWindow) return false;
  return FindBackslashes() && parser_->Find(window);
}

bool Structure::FindBackslashes() {
  static const BytesFinder find_bytes = FastestFinder();
  const size_t blocks = (window_.size() + 63) / 64;
  backslashes_.resize(blocks);
  common_.resize(blocks);
  find_bytes(window_.data(), blocks, {backslashes_.data(), common_.data()});

  const char* const end = window_.data() + window_.size();
  uint64_t carry = 0;
  for (size_t i = 0; i < blocks; ++i) {
    if ((backslashes_[i] | carry) == 0) continue;
    uint64_t rest = EscapedBits(backslashes_[i], &carry) & ~common_[i];
    for (; rest != 0; rest &= rest - 1) {
      const char* const at = window_.data() + i * 64 + std::countr_zero(rest);
      if (at >= end) break;
      if (!IsEscapable(at)) return false;
    }
  }
  return true;
}

const uint32_t* Structure::tokens() const { return parser_->tokens(); }

}  // namespace sluice
