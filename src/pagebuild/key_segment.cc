// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/key_segment.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "pagebuild/key.h"
#include "pagebuild/varint.h"

namespace sluice {
namespace {

constexpr uint64_t kMostRowidsApart = std::numeric_limits<uint32_t>::max();
// In a list: a distance of 32 bits, doubled, and a count of as many.
constexpr size_t kMaxListedRange = 5 + 5;

constexpr size_t kShortestSlice = 12;  // at least one range
constexpr size_t kLongestSlice = 1024;
constexpr size_t kLinkSize = sizeof(uint32_t);

// The slice that a list of so many ranges goes on in: about as long as what it has already, so that
// at most half of it is unused. Without its link.
size_t SliceSize(uint32_t ranges) {
  return std::clamp<size_t>(ranges, kShortestSlice, kLongestSlice);
}

uint32_t HashOfBytes(std::string_view bytes) {
  return static_cast<uint32_t>(XXH3_64bits(bytes.data(), bytes.size()));
}

// Keys in sorted order lie anywhere in the block: so many ahead, the next one is asked for.
constexpr size_t kPrefetchDistance = 8;

}  // namespace

void PlainSegment::Start(std::span<char> block) {
  block_ = block.data();
  keys_end_ = block.size();
  keys_begin_ = keys_end_;
  rows_ = 0;
}

size_t PlainSegment::Add(std::string_view key, int64_t rowid, size_t count) {
  if (rows_ == 0) lowest_rowid_ = rowid;
  const auto row = static_cast<uint64_t>(rowid - lowest_rowid_);
  if (row > kMostRowidsApart) return 0;
  const size_t room = keys_begin_ - std::min(keys_begin_, key.size());
  const size_t entries = room / (2 * sizeof(SortEntry));
  count = std::min({count, entries - std::min<size_t>(entries, rows_),
                    static_cast<size_t>(kMostRowidsApart - row) + 1});
  if (count == 0) return 0;

  keys_begin_ -= key.size();
  std::memcpy(block_ + keys_begin_, key.data(), key.size());
  auto* entry = reinterpret_cast<SortEntry*>(block_) + rows_;
  for (size_t i = 0; i < count; ++i) {
    entry[i].offset = static_cast<uint32_t>(keys_begin_);
    entry[i].order = static_cast<uint32_t>(row + i);
  }
  rows_ += static_cast<uint32_t>(count);
  return count;
}

Status PlainSegment::Seal(KeyRunWriter* writer) {
  const std::span<SortEntry> entries(reinterpret_cast<SortEntry*>(block_), rows_);
  SortKeys(block_, columns_, entries, {entries.data() + rows_, rows_});
  rows_ = 0;

  std::array<RowidRange, KeyRunWriter::kMaxGroup> ranges;
  for (size_t i = 0; i < entries.size();) {
    if (i + kPrefetchDistance < entries.size()) {
      __builtin_prefetch(block_ + entries[i + kPrefetchDistance].offset);
    }
    const uint64_t prefix = entries[i].prefix;
    const char* key = block_ + entries[i].offset;
    const KeyShape shape = ShapeOfKey(key, columns_);
    const size_t size = shape.header + shape.body;
    size_t count = 0;
    do {
      const int64_t rowid = lowest_rowid_ + entries[i++].order;
      const bool goes_on = count > 0 && ranges[count - 1].last() + 1 == rowid;
      if (goes_on) {
        ++ranges[count - 1].count;
      } else {
        ranges[count++] = {rowid, 1};
      }
      // No key is the beginning of another, so these bytes can only be a key that is the same.
    } while (i < entries.size() && count < ranges.size() && entries[i].prefix == prefix &&
             entries[i].offset + size <= keys_end_ &&
             std::memcmp(block_ + entries[i].offset, key, size) == 0);
    Status status = writer->Add({key, size}, {ranges.data(), count});
    if (!status.ok()) return status;
  }
  return {};
}

// Its key follows, then the first slice of its list: what a row needs lies side by side.
struct DictionarySegment::Value {
  uint32_t hash;
  uint32_t key_size;
  uint32_t ranges;
  uint32_t last_row;  // the last rowid, above lowest_rowid_
  uint32_t tail;      // where the next range goes
  uint32_t tail_end;  // of that slice; the link to the next one stands here

  const char* key_bytes() const { return reinterpret_cast<const char*>(this + 1); }
  std::string_view key() const { return {key_bytes(), key_size}; }
};

// Reads the list of a value from its beginning.
class DictionarySegment::RowidList {
 public:
  RowidList(const DictionarySegment& segment, const Value& value)
      : block_(segment.block_),
        ranges_(value.ranges),
        at_(static_cast<size_t>(value.key_bytes() + value.key_size - block_)),
        end_(at_ + SliceSize(0)) {
    Read(segment.lowest_rowid_);
  }

  bool HasRowid() const { return range_.count > 0; }
  int64_t rowid() const { return range_.first; }
  // Takes what is below `limit`, as many ranges as `to` has room for. Returns how many.
  size_t Take(int64_t limit, std::span<RowidRange> to) {
    size_t count = 0;
    while (HasRowid() && rowid() < limit && count < to.size()) {
      const uint64_t below = static_cast<uint64_t>(limit) - static_cast<uint64_t>(rowid());
      const uint64_t taken = std::min(range_.count, below);
      to[count++] = {range_.first, taken};
      range_.first += static_cast<int64_t>(taken);
      range_.count -= taken;
      if (range_.count == 0 && read_ < ranges_) Read(range_.first - 1);
    }
    return count;
  }

 private:
  // As AppendRange writes.
  void Read(int64_t above) {
    if (end_ - at_ < kMaxListedRange) {
      uint32_t next;
      std::memcpy(&next, block_ + end_, kLinkSize);
      at_ = next;
      end_ = at_ + SliceSize(read_);
    }
    uint64_t distance;
    const char* after = GetRange(block_ + at_, &distance, &range_.count);
    at_ = static_cast<size_t>(after - block_);
    range_.first = above + static_cast<int64_t>(distance);
    ++read_;
  }

  const char* block_;
  uint32_t ranges_;
  size_t at_;
  size_t end_;
  uint32_t read_ = 0;
  RowidRange range_{};
};

size_t DictionarySegment::BytesFor(size_t key_size) {
  return sizeof(Value) + key_size + SliceSize(0) + kLinkSize + alignof(Value) - 1 +
         2 * sizeof(SortEntry);
}

size_t DictionarySegment::SlotsFor(size_t block_size) {
  // A short key with a few rows takes about 100 bytes, so the block is full before the slots are.
  return std::bit_floor(std::max<size_t>(block_size / 64, 16));
}

void DictionarySegment::Start(std::span<char> block, size_t slots) {
  block_ = block.data();
  slots_ = slots;
  std::memset(block_, 0, slots * sizeof(uint32_t));
  back_ = block.size();
  distinct_ = 0;
  rows_ = 0;
}

// Room to sort so many distinct keys, and for more bytes at the back.
bool DictionarySegment::HasRoom(size_t values, size_t bytes) const {
  return slots_ * sizeof(uint32_t) + values * 2 * sizeof(SortEntry) + bytes <= back_;
}

DictionarySegment::Value* DictionarySegment::ValueAt(size_t offset) const {
  return reinterpret_cast<Value*>(block_ + offset);
}

size_t DictionarySegment::Add(std::string_view key, int64_t rowid, size_t count) {
  if (rows_ == 0) lowest_rowid_ = rowid;
  const uint32_t hash = HashOf(key);
  uint32_t* slot = nullptr;
  Value* value = Find(
      hash, [key](const Value& found) { return SameBytes(found.key(), key); }, &slot);
  if (value == nullptr) value = AddValue(key, hash, slot);
  return value == nullptr ? 0 : AppendRange(value, rowid, count);
}

size_t DictionarySegment::AddKnownText(std::string_view text, int64_t rowid, size_t count) {
  const char type = TypeOfShortText(text.size());
  uint32_t* slot = nullptr;
  // The type says the size as well.
  const auto is_text = [text, type](const Value& found) {
    return *found.key_bytes() == type && SameBytes(found.key().substr(1), text);
  };
  Value* value = Find(HashOfBytes(text), is_text, &slot);
  return value == nullptr ? 0 : AppendRange(value, rowid, count);
}

// Of a short text alone its bytes without the type: these are at hand before there is a key.
uint32_t DictionarySegment::HashOf(std::string_view key) const {
  return HashOfBytes(columns_ == 1 && IsShortText(key[0]) ? key.substr(1) : key);
}

// The wanted value with that hash, or nothing and the slot where it belongs.
template <typename IsWanted>
DictionarySegment::Value* DictionarySegment::Find(uint32_t hash, IsWanted is_wanted,
                                                  uint32_t** slot) const {
  auto* slots = reinterpret_cast<uint32_t*>(block_);
  const size_t mask = slots_ - 1;
  for (size_t at = hash & mask;; at = (at + 1) & mask) {
    if (slots[at] == 0) {
      *slot = &slots[at];
      return nullptr;
    }
    Value* value = ValueAt(slots[at]);
    if (value->hash == hash && is_wanted(*value)) return value;
  }
}

// Nothing where there is no room.
DictionarySegment::Value* DictionarySegment::AddValue(std::string_view key, uint32_t hash,
                                                      uint32_t* slot) {
  const size_t slice = SliceSize(0);
  const size_t size = sizeof(Value) + key.size() + slice + kLinkSize + alignof(Value) - 1;
  if (distinct_ >= slots_ / 8 * 5 || !HasRoom(distinct_ + size_t{1}, size)) return nullptr;
  back_ = (back_ - size + alignof(Value) - 1) / alignof(Value) * alignof(Value);
  *slot = static_cast<uint32_t>(back_);
  ++distinct_;
  const auto tail = static_cast<uint32_t>(back_ + sizeof(Value) + key.size());
  Value* value = ValueAt(back_);
  *value = {.hash = hash,
            .key_size = static_cast<uint32_t>(key.size()),
            .ranges = 0,
            .last_row = 0,
            .tail = tail,
            .tail_end = static_cast<uint32_t>(tail + slice)};
  std::memcpy(value + 1, key.data(), key.size());
  return value;
}

size_t DictionarySegment::AppendRange(Value* value, int64_t rowid, size_t count) {
  const auto row = static_cast<uint64_t>(rowid - lowest_rowid_);
  if (row > kMostRowidsApart) return 0;
  count = std::min<size_t>(count, kMostRowidsApart - row + 1);
  if (value->tail_end - value->tail < kMaxListedRange) {
    const size_t slice = SliceSize(value->ranges);
    if (!HasRoom(distinct_, slice + kLinkSize)) return 0;
    back_ -= slice + kLinkSize;
    const auto next = static_cast<uint32_t>(back_);
    std::memcpy(block_ + value->tail_end, &next, kLinkSize);
    value->tail = next;
    value->tail_end = static_cast<uint32_t>(next + slice);
  }
  char* end = PutRange(row - value->last_row, count, block_ + value->tail);
  value->tail = static_cast<uint32_t>(end - block_);
  value->last_row = static_cast<uint32_t>(row + count - 1);
  ++value->ranges;
  rows_ += count;
  return count;
}

Status DictionarySegment::Seal(KeyRunWriter* writer) {
  const std::span<const uint32_t> slots(reinterpret_cast<uint32_t*>(block_), slots_);
  const std::span<SortEntry> entries(
      reinterpret_cast<SortEntry*>(block_ + slots_ * sizeof(uint32_t)), distinct_);
  size_t count = 0;
  for (uint32_t offset : slots) {
    if (offset == 0) continue;
    const auto key = static_cast<uint32_t>(offset + sizeof(Value));
    entries[count++] = {.prefix = 0, .offset = key, .order = offset};
  }
  SortKeys(block_, columns_, entries, {entries.data() + distinct_, distinct_});

  for (size_t begin = 0; begin < entries.size();) {
    const char* key = block_ + entries[begin].offset;
    size_t end = begin + 1;
    while (end < entries.size() &&
           CompareKeys(key, block_ + entries[end].offset, columns_).order == 0) {
      ++end;
    }
    Status status = WriteTurns(entries.subspan(begin, end - begin), writer);
    if (!status.ok()) return status;
    begin = end;
  }
  rows_ = 0;
  return {};
}

// Writes the entries of keys that compare equal: mostly one key, but 5 and 5.0 are two. They take
// turns, as their rowids want it.
Status DictionarySegment::WriteTurns(std::span<const SortEntry> equal, KeyRunWriter* writer) const {
  std::vector<RowidList> lists;
  lists.reserve(equal.size());
  for (const SortEntry& entry : equal) lists.emplace_back(*this, *ValueAt(entry.order));

  std::array<RowidRange, KeyRunWriter::kMaxGroup> ranges;
  for (;;) {
    size_t lowest = equal.size();
    int64_t limit = std::numeric_limits<int64_t>::max();  // the lowest rowid of the others
    for (size_t i = 0; i < lists.size(); ++i) {
      if (!lists[i].HasRowid()) continue;
      if (lowest == equal.size() || lists[i].rowid() < lists[lowest].rowid()) {
        if (lowest != equal.size()) limit = lists[lowest].rowid();
        lowest = i;
      } else {
        limit = std::min(limit, lists[i].rowid());
      }
    }
    if (lowest == equal.size()) return {};
    const std::string_view key = ValueAt(equal[lowest].order)->key();
    const size_t count = lists[lowest].Take(limit, ranges);
    if (Status status = writer->Add(key, {ranges.data(), count}); !status.ok()) return status;
  }
}

}  // namespace sluice
