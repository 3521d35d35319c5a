// SPDX-License-Identifier: Apache-2.0
#include "extract/scan.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <simdjson.h>

namespace sluice {
namespace {

// Each block of 64 bytes goes through three steps: `Classify` makes a bitmap of each class of
// bytes, Tokens reckons with them where tokens begin, `Collect` writes those down. The first
// and the last are written for each set of instructions; the middle is arithmetic on words, the
// same for all, and compiled into each loop.
#define SLUICE_INLINE inline __attribute__((always_inline))

constexpr size_t kBlock = 64;

// What stands in a block: bit i is byte i.
struct BlockBits {
  uint64_t backslashes;
  uint64_t quotes;
  uint64_t operators;  // { } [ ] : ,
  uint64_t spaces;     // blank, tab, CR, newline
  uint64_t controls;   // below 0x20
  uint64_t common;     // the bytes " \ n t, which mostly follow a backslash
  uint64_t beyond;     // the bytes that are not ASCII
};

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

// Seldom called, and no members of Tokens: so its state stays in registers.
__attribute__((noinline)) bool AreEscapable(const char* block, uint64_t bits) {
  for (; bits != 0; bits &= bits - 1) {
    if (!IsEscapable(block + std::countr_zero(bits))) return false;
  }
  return true;
}

// The bytes of a block that belong to the window: what stands behind it means nothing.
SLUICE_INLINE uint64_t Within(std::string_view window, size_t block) {
  const size_t left = window.size() - block * kBlock;
  return ~uint64_t{0} >> (kBlock - std::min(left, kBlock));
}

// Whether a window is UTF-8. Blocks of ASCII alone need no look. Between two such no sequence is
// cut, so each run of others is checked by itself.
class Utf8Runs {
 public:
  explicit Utf8Runs(std::string_view window) : window_(window) {}

  SLUICE_INLINE void Take(const BlockBits& bits, size_t block) {
    if ((bits.beyond & Within(window_, block)) != 0) {
      blocks_ = block + 1 - begin_;
      return;
    }
    if (blocks_ != 0) EndRun();
    begin_ = block + 1;
  }

  bool IsSound() {
    if (blocks_ != 0) EndRun();
    return is_sound_;
  }

 private:
  __attribute__((noinline)) void EndRun() {
    const std::string_view run = window_.substr(begin_ * kBlock, blocks_ * kBlock);
    if (!simdjson::validate_utf8(run.data(), run.size())) is_sound_ = false;
    blocks_ = 0;
  }

  const std::string_view window_;
  size_t begin_ = 0;   // of the run at hand
  size_t blocks_ = 0;  // in it
  bool is_sound_ = true;
};

// Bit i is whether an odd number of `bits` stands at or before i: from quotes, what is within them.
uint64_t PrefixXor(uint64_t bits) {
  for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

// Where the tokens of a window begin: block by block, with what one block leaves for the next.
class Tokens {
 public:
  Tokens(std::string_view window, ScanOutput output) : window_(window), output_(output) {}

  // The quotes that open and close strings.
  SLUICE_INLINE uint64_t Quotes(const BlockBits& bits, size_t block) {
    const uint64_t within = Within(window_, block);
    const uint64_t escaped = EscapedBits(bits.backslashes, &escaped_);
    const uint64_t unusual = escaped & ~bits.common & within;
    if (unusual != 0 && !AreEscapable(window_.data() + block * kBlock, unusual)) broken_ = 1;
    return bits.quotes & ~escaped & within;
  }

  // `parity` is PrefixXor(quotes), which is left to the caller, who may have an instruction for it.
  SLUICE_INLINE uint64_t In(const BlockBits& bits, size_t block, uint64_t quotes, uint64_t parity) {
    const uint64_t within = Within(window_, block);
    // From the opening quote to the byte before the closing one.
    const uint64_t in_string = parity ^ in_string_;
    in_string_ = uint64_t{0} - (in_string >> 63);
    broken_ |= bits.controls & in_string & within;

    // A scalar is a token where it begins; so is what stands right behind a closing quote, though
    // no grammar allows it.
    const uint64_t scalar = ~(bits.operators | bits.spaces | quotes);
    const uint64_t continues = scalar << 1 | in_scalar_;
    in_scalar_ = scalar >> 63;
    const uint64_t begins = (scalar & ~continues) | bits.operators | quotes;
    const uint64_t behind_quote = in_string ^ quotes;  // and up to the closing quote, inclusive

    output_.backslashes[block] = bits.backslashes;
    output_.spaces[block] = bits.spaces & ~in_string;
    return begins & ~behind_quote & within;
  }

  bool AreSound() const { return broken_ == 0 && in_string_ == 0; }

 private:
  const std::string_view window_;
  const ScanOutput output_;
  uint64_t escaped_ = 0;    // 1: the next block begins with an escaped byte
  uint64_t in_string_ = 0;  // all ones: it begins within a string
  uint64_t in_scalar_ = 0;  // 1: it begins within a scalar
  uint64_t broken_ = 0;     // not 0: something is
};

// A chunk is mostly in the cache of the core that read it. The processor fetches ahead by itself,
// but not beyond a page: of lines that no cache has, the scan takes two thirds of the time so.
SLUICE_INLINE void FetchAhead(std::string_view window, size_t block) {
  constexpr size_t kAhead = 2048;
  __builtin_prefetch(window.data() + std::min(window.size(), block * kBlock + kAhead));
}

size_t BlocksOf(std::string_view window) { return (window.size() + kBlock - 1) / kBlock; }

// The class of a byte: one bit for each of the BlockBits that ASCII has.
enum Class : uint8_t {
  kSpace = 1,
  kControl = 2,
  kCommon = 4,
  kQuote = 8,
  kBackslash = 16,
  kBeyond = 32,     // has no entry in the table
  kOperator = 128,  // the top bit of a byte can be had on another port
};

constexpr std::array<uint8_t, 128> kClasses = [] {
  std::array<uint8_t, 128> classes{};
  const auto add = [&classes](std::string_view bytes, Class added) {
    for (char byte : bytes) {
      uint8_t& entry = classes[static_cast<unsigned char>(byte)];
      entry = static_cast<uint8_t>(entry | added);
    }
  };
  add("{}[]:,", kOperator);
  add(" \t\r\n", kSpace);
  add("\"\\nt", kCommon);
  add("\"", kQuote);
  add("\\", kBackslash);
  for (char c = 0; c < 0x20; ++c) add({&c, 1}, kControl);
  return classes;
}();

// What a token is by its first byte.
constexpr std::array<char, 256> kKinds = [] {
  std::array<char, 256> kinds{};
  for (size_t i = 0; i < kinds.size(); ++i) {
    const bool is_scalar = i >= 128 || (kClasses[i] & (kOperator | kQuote)) == 0;
    kinds[i] = is_scalar ? '0' : static_cast<char>(i);
  }
  return kinds;
}();

// 16 bytes as gcc and clang have them for any processor.
using Bytes = uint8_t __attribute__((vector_size(16)));

// One bit of each of 16 bytes that are all ones or zeros, 8 at a time: the product moves bit 0 of
// each of 8 bytes into the top byte.
uint64_t Gather(Bytes mask) {
  static_assert(std::endian::native == std::endian::little);
  uint64_t halves[2];
  std::memcpy(halves, &mask, sizeof halves);
  const auto gather = [](uint64_t half) {
    return (half & 0x0101010101010101) * 0x0102040810204080 >> 56;
  };
  return gather(halves[0]) | gather(halves[1]) << 8;
}

BlockBits Classify(const char* bytes) {
  BlockBits bits{};
  for (size_t i = 0; i < kBlock; i += sizeof(Bytes)) {
    Bytes chars;
    std::memcpy(&chars, bytes + i, sizeof chars);
    const auto is = [&chars](uint8_t byte) { return Bytes(chars == byte); };
    const Bytes lower = chars | 0x20;  // of `[`: `{`
    const Bytes operators = Bytes(lower == '{') | Bytes(lower == '}') | is(':') | is(',');
    const Bytes spaces = is(' ') | is('\t') | is('\n') | is('\r');
    const Bytes common = is('"') | is('\\') | is('n') | is('t');
    bits.backslashes |= Gather(is('\\')) << i;
    bits.quotes |= Gather(is('"')) << i;
    bits.operators |= Gather(operators) << i;
    bits.spaces |= Gather(spaces) << i;
    bits.controls |= Gather(Bytes(chars < 0x20)) << i;
    bits.common |= Gather(common) << i;
    bits.beyond |= Gather(Bytes(chars >= 0x80)) << i;
  }
  return bits;
}

// Writes the tokens of the block that begins at `window[first]` behind `count` others.
SLUICE_INLINE size_t Collect(std::string_view window, size_t first, uint64_t tokens,
                             ScanOutput output, size_t count) {
  for (; tokens != 0; tokens &= tokens - 1, ++count) {
    const size_t place = first + static_cast<size_t>(std::countr_zero(tokens));
    output.tokens[count] = static_cast<uint32_t>(place);
    output.kinds[count] = kKinds[static_cast<unsigned char>(window.data()[place])];
  }
  return count;
}

size_t Scan(std::string_view window, ScanOutput output) {
  Tokens tokens(window, output);
  Utf8Runs utf8(window);
  size_t count = 0;
  const size_t blocks = BlocksOf(window);
  for (size_t block = 0; block < blocks; ++block) {
    FetchAhead(window, block);
    const BlockBits bits = Classify(window.data() + block * kBlock);
    utf8.Take(bits, block);
    const uint64_t quotes = tokens.Quotes(bits, block);
    const uint64_t found = tokens.In(bits, block, quotes, PrefixXor(quotes));
    count = Collect(window, block * kBlock, found, output, count);
  }
  return tokens.AreSound() && utf8.IsSound() ? count : kBroken;
}

#if defined(__x86_64__)

#define SLUICE_AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,pclmul")))

// Without carries, a product with all ones adds up all bits from the first to each.
SLUICE_AVX2 uint64_t PrefixXorByProduct(uint64_t bits) {
  const __m128i product =
      _mm_clmulepi64_si128(_mm_set_epi64x(0, static_cast<int64_t>(bits)), _mm_set1_epi8(-1), 0);
  return static_cast<uint64_t>(_mm_cvtsi128_si64(product));
}

// Half a block. A byte's class is looked up by its low and by its high half: it has the bits that
// both tables have, so one bit stands for a rectangle of the ASCII table:
//   1 `,`   2 `:`   4 `[` `]` `{` `}`   8 blank   16 tab, newline, CR
struct HalfAvx2 {
  static constexpr char kOperators = 1 | 2 | 4;
  static constexpr char kSpaces = 8 | 16;

  SLUICE_AVX2 explicit HalfAvx2(const char* bytes)
      : chars(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes))) {
    const __m256i low_table = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(8, 0, 0, 0, 0, 0, 0, 0, 0, 16, 16 | 2, 4, 1, 16 | 4, 0, 0));
    const __m256i high_table = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(16, 0, 1 | 8, 2, 0, 4, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0));
    // Of a byte that is not ASCII the lookup by the low half gives 0.
    const __m256i high = _mm256_and_si256(_mm256_srli_epi16(chars, 4), _mm256_set1_epi8(15));
    classes = _mm256_and_si256(_mm256_shuffle_epi8(low_table, chars),
                               _mm256_shuffle_epi8(high_table, high));
  }

  SLUICE_AVX2 static uint64_t Mask(__m256i bytes) {
    return static_cast<uint32_t>(_mm256_movemask_epi8(bytes));
  }
  SLUICE_AVX2 uint64_t Is(char c) const {
    return Mask(_mm256_cmpeq_epi8(chars, _mm256_set1_epi8(c)));
  }
  SLUICE_AVX2 uint64_t Has(char some) const {
    return Mask(_mm256_cmpgt_epi8(_mm256_and_si256(classes, _mm256_set1_epi8(some)),
                                  _mm256_setzero_si256()));
  }
  SLUICE_AVX2 uint64_t UpTo(char most) const {
    const __m256i limit = _mm256_set1_epi8(most);
    return Mask(_mm256_cmpeq_epi8(_mm256_max_epu8(chars, limit), limit));
  }

  __m256i chars;
  __m256i classes;
};

SLUICE_AVX2 BlockBits ClassifyAvx2(const char* bytes) {
  const HalfAvx2 low(bytes);
  const HalfAvx2 high(bytes + kBlock / 2);
  const auto both = [](uint64_t first, uint64_t second) { return first | second << 32; };
  BlockBits bits;
  bits.backslashes = both(low.Is('\\'), high.Is('\\'));
  bits.quotes = both(low.Is('"'), high.Is('"'));
  bits.operators = both(low.Has(HalfAvx2::kOperators), high.Has(HalfAvx2::kOperators));
  bits.spaces = both(low.Has(HalfAvx2::kSpaces), high.Has(HalfAvx2::kSpaces));
  bits.controls = both(low.UpTo(0x1F), high.UpTo(0x1F));
  bits.common = bits.backslashes | bits.quotes | both(low.Is('n'), high.Is('n')) |
                both(low.Is('t'), high.Is('t'));
  bits.beyond = both(HalfAvx2::Mask(low.chars), HalfAvx2::Mask(high.chars));
  return bits;
}

SLUICE_AVX2 size_t ScanAvx2(std::string_view window, ScanOutput output) {
  Tokens tokens(window, output);
  Utf8Runs utf8(window);
  size_t count = 0;
  const size_t blocks = BlocksOf(window);
  for (size_t block = 0; block < blocks; ++block) {
    FetchAhead(window, block);
    const BlockBits bits = ClassifyAvx2(window.data() + block * kBlock);
    utf8.Take(bits, block);
    const uint64_t quotes = tokens.Quotes(bits, block);
    const uint64_t found = tokens.In(bits, block, quotes, PrefixXorByProduct(quotes));
    count = Collect(window, block * kBlock, found, output, count);
  }
  return tokens.AreSound() && utf8.IsSound() ? count : kBroken;
}

#define SLUICE_AVX512 \
  __attribute__((target("avx2,avx512bw,avx512vbmi,avx512vbmi2,bmi,bmi2,lzcnt,popcnt,pclmul")))

struct BlockAvx512 {
  // The table of 128 classes fits into two registers.
  SLUICE_AVX512 explicit BlockAvx512(const char* bytes) {
    const __m512i chars = _mm512_loadu_si512(bytes);
    const __mmask64 beyond = _mm512_movepi8_mask(chars);
    const __m512i classes = _mm512_maskz_permutex2var_epi8(
        ~beyond, _mm512_loadu_si512(kClasses.data()), chars, _mm512_loadu_si512(&kClasses[64]));
    const auto has = [&classes](Class of) SLUICE_AVX512 {
      return _mm512_test_epi8_mask(classes, _mm512_set1_epi8(static_cast<char>(of)));
    };
    const __mmask64 operators = _mm512_movepi8_mask(classes);
    const __mmask64 quotes = has(kQuote);
    bits = {has(kBackslash), quotes, operators, has(kSpace), has(kControl), has(kCommon), beyond};
    kinds = _mm512_mask_mov_epi8(_mm512_set1_epi8('0'), operators | quotes, chars);
  }

  // Writes the tokens down, behind `count` others. One instruction gathers the bytes of a mask.
  SLUICE_AVX512 size_t Collect(__m512i first, uint64_t tokens, ScanOutput output,
                               size_t count) const {
    _mm512_storeu_si512(output.kinds + count, _mm512_maskz_compress_epi8(tokens, kinds));
    const __m512i places = _mm512_maskz_compress_epi8(tokens, _mm512_load_si512(kNumbers.data()));
    uint32_t* const to = output.tokens + count;
    const auto store = [&](int quarter, __m128i sixteen) SLUICE_AVX512 {
      _mm512_storeu_si512(to + 16 * quarter,
                          _mm512_add_epi32(_mm512_cvtepu8_epi32(sixteen), first));
    };
    const int found = std::popcount(tokens);
    store(0, _mm512_castsi512_si128(places));
    if (found > 16) {
      store(1, _mm512_extracti32x4_epi32(places, 1));
      store(2, _mm512_extracti32x4_epi32(places, 2));
      store(3, _mm512_extracti32x4_epi32(places, 3));
    }
    return count + static_cast<size_t>(found);
  }

  alignas(kBlock) static constexpr std::array<uint8_t, kBlock> kNumbers = [] {
    std::array<uint8_t, kBlock> numbers{};
    for (size_t i = 0; i < kBlock; ++i) numbers[i] = static_cast<uint8_t>(i);
    return numbers;
  }();

  BlockBits bits;
  __m512i kinds;
};

// As Utf8Runs, a block at a time: the runs are short, a block or two of a name or a dash, and a
// call for each took as long as a third of the scan. The method is that of Keiser and Lemire
// ("Validating UTF-8 In Less Than One Instruction Per Byte", 2021): three tables, looked up by the
// halves of two bytes in a row, have a bit for each thing that can be wrong with these two, and
// what all three agree on is wrong.
class Utf8Avx512 {
 public:
  SLUICE_AVX512 explicit Utf8Avx512(std::string_view window)
      : window_(window), before_(_mm512_setzero_si512()), broken_(_mm512_setzero_si512()) {}

  SLUICE_INLINE void Take(const BlockBits& bits, size_t block) {
    const uint64_t beyond = bits.beyond & Within(window_, block);
    if ((beyond | is_open_) != 0) Look(beyond, block);
  }

  SLUICE_AVX512 bool IsSound() {
    if (is_open_ != 0) Look(0, looked_at_);
    return _mm512_test_epi8_mask(broken_, broken_) == 0;
  }

 private:
  // What can be wrong with two bytes in a row. Two of them share a bit: no first byte has both.
  enum Wrong : uint8_t {
    kTooShort = 1,       // a first byte, and no continuation
    kTooLong = 2,        // ASCII, and a continuation
    kOverlong3 = 4,      // E0, and less than A0
    kTooLarge = 8,       // F4 or more, and 90 or more
    kSurrogate = 16,     // ED, and A0 or more
    kOverlong2 = 32,     // C0 or C1
    kTooLarge1000 = 64,  // F5 or more, and 80 to 8F
    kOverlong4 = 64,     // F0, and 80 to 8F
    kTwo = 128,          // two continuations: right behind E0 or more only
  };
  static constexpr uint8_t kAny = kTooShort | kTooLong | kTwo;
  using Table = std::array<uint8_t, 16>;
  static constexpr Table kFirstHigh = [] {
    Table table{};
    for (size_t i = 0; i < 8; ++i) table[i] = kTooLong;
    for (size_t i = 8; i < 12; ++i) table[i] = kTwo;
    table[12] = kTooShort | kOverlong2;
    table[13] = kTooShort;
    table[14] = kTooShort | kOverlong3 | kSurrogate;
    table[15] = kTooShort | kTooLarge | kTooLarge1000 | kOverlong4;
    return table;
  }();
  static constexpr Table kFirstLow = [] {
    Table table{};
    for (uint8_t& entry : table) entry = kAny | kTooLarge | kTooLarge1000;
    table[0] = kAny | kOverlong3 | kOverlong2 | kOverlong4;
    table[1] = kAny | kOverlong2;
    table[2] = table[3] = kAny;
    table[4] = kAny | kTooLarge;
    table[13] |= kSurrogate;
    return table;
  }();
  static constexpr Table kSecondHigh = [] {
    Table table{};
    for (uint8_t& entry : table) entry = kTooShort;
    const uint8_t continued = kTooLong | kOverlong2 | kTwo;
    table[8] = continued | kOverlong3 | kTooLarge1000 | kOverlong4;
    table[9] = continued | kOverlong3 | kTooLarge;
    table[10] = table[11] = continued | kSurrogate | kTooLarge;
    return table;
  }();

  SLUICE_AVX512 static __m512i LookUp(const Table& table, __m512i halves) {
    const __m128i once = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table.data()));
    return _mm512_shuffle_epi8(_mm512_maskz_broadcast_i32x4(0xFFFF, once), halves);
  }
  SLUICE_AVX512 static __m512i LowHalves(__m512i bytes) {
    return _mm512_and_si512(bytes, _mm512_set1_epi8(15));
  }
  SLUICE_AVX512 static __m512i HighHalves(__m512i bytes) {
    return LowHalves(_mm512_srli_epi16(bytes, 4));
  }

  // The block whose bytes are `beyond` ASCII where that has a bit; where it has none, what was open
  // ends here.
  SLUICE_AVX512 __attribute__((noinline)) void Look(uint64_t beyond, size_t block) {
    const __m512i none = _mm512_setzero_si512();
    const __m512i chars = beyond == 0 ? none
                                      : _mm512_maskz_loadu_epi8(Within(window_, block),
                                                                window_.data() + block * kBlock);
    const __m512i before = looked_at_ == block ? before_ : none;
    const auto shifted = [&](char by) SLUICE_AVX512 {
      const __m512i numbers = _mm512_load_si512(BlockAvx512::kNumbers.data());
      const __m512i from = _mm512_add_epi8(numbers, _mm512_set1_epi8(static_cast<char>(64 - by)));
      return _mm512_permutex2var_epi8(before, from, chars);
    };
    const __m512i first = shifted(1);
    const __m512i wrong = _mm512_and_si512(_mm512_and_si512(LookUp(kFirstHigh, HighHalves(first)),
                                                            LookUp(kFirstLow, LowHalves(first))),
                                           LookUp(kSecondHigh, HighHalves(chars)));
    // The third byte behind E0 or more, and the fourth behind F0 or more, are second continuations.
    const __m512i third = _mm512_subs_epu8(shifted(2), _mm512_set1_epi8(0xE0 - 0x80));
    const __m512i fourth = _mm512_subs_epu8(shifted(3), _mm512_set1_epi8(0xF0 - 0x80));
    const __m512i two =
        _mm512_and_si512(_mm512_or_si512(third, fourth), _mm512_set1_epi8(static_cast<char>(kTwo)));
    broken_ = _mm512_or_si512(broken_, _mm512_xor_si512(wrong, two));
    before_ = chars;
    looked_at_ = block + 1;
    is_open_ = beyond >> 61;  // a sequence may go on behind the last three bytes
  }

  const std::string_view window_;
  __m512i before_;        // the block before `looked_at_`
  __m512i broken_;        // not all zeros: something is
  size_t looked_at_ = 0;  // behind the last block that was
  uint64_t is_open_ = 0;
};

SLUICE_AVX512 size_t ScanAvx512(std::string_view window, ScanOutput output) {
  Tokens tokens(window, output);
  Utf8Avx512 utf8(window);
  size_t count = 0;
  const size_t blocks = BlocksOf(window);
  __m512i first = _mm512_setzero_si512();
  for (size_t block = 0; block < blocks; ++block) {
    FetchAhead(window, block);
    const BlockAvx512 here(window.data() + block * kBlock);
    utf8.Take(here.bits, block);
    const uint64_t quotes = tokens.Quotes(here.bits, block);
    const uint64_t found = tokens.In(here.bits, block, quotes, PrefixXorByProduct(quotes));
    count = here.Collect(first, found, output, count);
    first = _mm512_add_epi32(first, _mm512_set1_epi32(kBlock));
  }
  return tokens.AreSound() && utf8.IsSound() ? count : kBroken;
}

#endif

}  // namespace

ScanFunction ScanFor(Simd simd) {
  switch (simd) {
#if defined(__x86_64__)
    case Simd::kAvx512:
      return ScanAvx512;
    case Simd::kAvx2:
      return ScanAvx2;
#endif
    default:
      return Scan;
  }
}

}  // namespace sluice
