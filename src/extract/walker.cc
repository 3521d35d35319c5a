// SPDX-License-Identifier: Apache-2.0
#include "extract/walker.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "extract/strict.h"
#include "extract/value.h"

namespace sluice {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool IsDigit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

// A number or a literal has to be followed by one of these, or it goes on.
bool EndsScalar(char c) { return c == ',' || c == '}' || c == ']' || IsSpace(c); }

const char* SkipDigits(const char* at) {
  while (IsDigit(*at)) ++at;
  return at;
}

// The end of the number that begins here, null where it is none.
const char* NumberEnd(const char* at) {
  if (*at == '-') ++at;
  if (!IsDigit(*at)) return nullptr;
  at = *at == '0' ? at + 1 : SkipDigits(at);
  if (*at == '.') {
    if (!IsDigit(*++at)) return nullptr;
    at = SkipDigits(at);
  }
  if (*at == 'e' || *at == 'E') {
    ++at;
    if (*at == '+' || *at == '-') ++at;
    if (!IsDigit(*at)) return nullptr;
    at = SkipDigits(at);
  }
  return EndsScalar(*at) ? at : nullptr;
}

// The end of the number or literal that begins here, null where it is none.
const char* ScalarEnd(const char* at) {
  const char* end;
  switch (*at) {
    case 't':
      end = std::memcmp(at, "true", 4) == 0 ? at + 4 : nullptr;
      break;
    case 'f':
      end = std::memcmp(at, "false", 5) == 0 ? at + 5 : nullptr;
      break;
    case 'n':
      end = std::memcmp(at, "null", 4) == 0 ? at + 4 : nullptr;
      break;
    default:
      return NumberEnd(at);
  }
  return end && EndsScalar(*end) ? end : nullptr;
}

// Behind the last byte before `next_token` that is no space: where a string ends.
const char* SkipSpaceBack(const char* next_token) {
  while (next_token[-1] != '"' && IsSpace(next_token[-1])) --next_token;
  return next_token;
}

}  // namespace

Walker::Walker(const Plan& plan)
    : plan_(plan), keys_(plan.node_count()), seen_in_(plan.node_count(), 0) {
  for (uint32_t i = 0; i < plan.node_count(); ++i) {
    wishes_.push_back({plan.node(i).slot, !plan.node(i).is_leaf()});
  }
  // The members of the top-level object are wanted for @extra, even if no column looks into it.
  if (plan.wants_others()) wishes_[Plan::kRoot].parts = true;
  for (Keys& keys : keys_) {
    keys.known.emplace_back();
    keys.known[0].quoted.mask[0] =
        0xFF;  // equals only a key that begins with a NUL, which none does
  }
}

void Walker::Enter(const Structure& structure) {
  structure_ = &structure;
  window_ = structure.window().data();
  tokens_ = structure.tokens();
  kinds_ = structure.kinds();
  first_ = 0;
}

bool Walker::Walk(std::string_view text, Found* found) {
  const auto begin = static_cast<uint32_t>(text.data() - window_);
  end_ = begin + static_cast<uint32_t>(text.size());
  while (tokens_[first_] < begin) ++first_;
  found_ = found;

  if (TakeLikelyShape()) {
    first_ = last_;
    return true;
  }
  last_ = first_;
  while (tokens_[last_] < end_) ++last_;
  const bool has_shape = last_ - first_ <= Shapes::kMaxTokensOfOne && !keys_are_data_;
  const uint64_t hash = has_shape ? Shapes::HashOf(kinds_ + first_, last_ - first_) : 0;
  if (has_shape && TakeShape(hash)) return true;

  if (!WalkText()) return false;
  if (has_shape && shapes_.IsWorthKeeping(hash)) KeepShape(hash);
  return true;
}

bool Walker::TakeLikelyShape() {
  for (const uint32_t index : shapes_.Likely()) {
    const Shape& shape = shapes_.at(index);
    last_ = first_ + shape.count;
    if (last_ > structure_->token_count() || tokens_[last_ - 1] >= end_ || tokens_[last_] < end_) {
      continue;
    }
    if (!Take(shape)) continue;
    shapes_.Follow(index);
    return true;
  }
  return false;
}

bool Walker::TakeShape(uint64_t hash) {
  uint32_t index = shapes_.Find(hash);
  while (index != 0 && (shapes_.at(index).count != last_ - first_ || !Take(shapes_.at(index))))
    index = shapes_.at(index).same_hash;
  shapes_.Follow(index);
  return index != 0;
}

inline Slice Walker::StringAt(size_t token) const {
  const char* const begin = At(token);
  const auto size = static_cast<uint32_t>(SkipSpaceBack(At(token + 1)) - begin);
  const uint32_t place = tokens_[token];
  return {begin, size, structure_->HasBackslash(place, place + size) ? 0u : 1u};
}

inline Slice Walker::ContainerAt(size_t first, size_t last) const {
  const uint32_t begin = tokens_[first];
  const uint32_t end = tokens_[last] + 1;
  return {window_ + begin, end - begin, structure_->HasSpace(begin, end) ? 0u : 1u};
}

inline bool Walker::TakeValue(size_t first, size_t last, Slice* value) const {
  switch (kinds_[first]) {
    case '"':
      *value = StringAt(first);
      return true;
    case '0': {
      const char* const end = ScalarEnd(At(first));
      if (!end) return false;
      *value = {At(first), static_cast<uint32_t>(end - At(first)), 1};
      return true;
    }
    default:
      *value = ContainerAt(first, last);
      return true;
  }
}

// If the text, which has as many tokens, is of that shape, finds its values.
bool Walker::Take(const Shape& shape) {
  if (!shape.Fits(kinds_ + first_)) return false;
  for (const Shape::Key& key : shape.keys) {
    if (!key.key.IsAt(At(first_ + key.token))) return false;
  }
  for (const uint32_t token : shape.unwanted) {
    if (kinds_[first_ + token] == '0' && !ScalarEnd(At(first_ + token))) return false;
  }
  found_->Clear(plan_);
  for (const Shape::Value& value : shape.values) {
    if (!TakeValue(first_ + value.token, first_ + value.last, &found_->slots[value.slot]))
      return false;
  }
  for (const Shape::Other& other : shape.others) {
    const char* const key = At(first_ + other.key);
    Member& member = found_->others.emplace_back();
    member.key = {key, other.key_size, other.key_plain};
    if (!TakeValue(first_ + other.value, first_ + other.last, &member.value)) return false;
  }
  return true;
}

// Walks the text once more, and writes down what is asked for on the way.
void Walker::KeepShape(uint64_t hash) {
  Shape shape({kinds_ + first_, last_ - first_});
  recording_ = &shape;
  const bool valid = WalkText();
  recording_ = nullptr;
  if (!valid) return;  // it was before, so this cannot be

  std::vector<bool> wanted(shape.count);
  for (const Shape::Value& value : shape.values) wanted[value.token] = true;
  for (const Shape::Other& other : shape.others) wanted[other.value] = true;
  std::erase_if(shape.unwanted, [&wanted](uint32_t token) { return wanted[token]; });
  shapes_.Keep(hash, std::move(shape));
}

// Each step checks that what it begins with belongs to the text, or else reads at most a few tokens
// beyond; that the last token is the text's last is checked here.
bool Walker::WalkText() {
  ++walk_number_;
  found_->Clear(plan_);
  Slice* const value = SlotOf(Plan::kRoot);
  if (first_ == last_ || WalkValue(first_, Plan::kRoot, 0, value) != last_) return false;
  // A number could go on behind the text.
  return kinds_[first_] != '0' || value->data + value->size <= window_ + end_;
}

Slice* Walker::SlotOf(uint32_t node) {
  const uint32_t slot = node == Plan::kNone ? Plan::kNone : wishes_[node].slot;
  return slot == Plan::kNone ? &unslotted_ : &found_->slots[slot];
}

// A value is written where it is to stay, at once: a Slice that is copied right after it was
// written makes the processor wait for its stores.
size_t Walker::WalkValue(size_t token, uint32_t node, int depth, Slice* value) {
  if (token >= last_) return kLookCloser;
  size_t behind = token + 1;
  switch (kinds_[token]) {
    case '"':
      *value = StringAt(token);
      break;
    case '0': {
      const char* const end = ScalarEnd(At(token));
      if (!end) return kLookCloser;
      *value = {At(token), static_cast<uint32_t>(end - At(token)), 1};
      break;
    }
    case '{':
    case '[':
      behind = WalkContainer(token, node, depth);
      if (behind == kLookCloser) return kLookCloser;
      // At most @extra could want a container of no slot, and it asks for members of the root
      // alone.
      if (value == &unslotted_ && (node == Plan::kRoot || !plan_.wants_others())) break;
      *value = ContainerAt(token, behind - 1);
      break;
    default:
      return kLookCloser;
  }
  if (recording_ && value != &unslotted_) {
    recording_->values.push_back({NumberOf(token), NumberOf(behind - 1), wishes_[node].slot});
  }
  return behind;
}

size_t Walker::WalkContainer(size_t token, uint32_t node, int depth) {
  const bool walk = node != Plan::kNone && wishes_[node].parts;
  if (!walk) return SkipContainer(token, depth);
  return kinds_[token] == '{' ? WalkObject(token, node, depth) : WalkArray(token, node, depth);
}

size_t Walker::WalkObject(size_t token, uint32_t node, int depth) {
  if (depth == kMaxDepth) return kLookCloser;
  ++token;
  if (kinds_[token] == '}') return token + 1;
  uint32_t previous = 0;
  while (true) {
    if (token >= last_ || kinds_[token] != '"' || kinds_[token + 1] != ':') return kLookCloser;
    token = WalkMember(token, node, KeyAt(token, node, &previous), depth + 1);
    if (token == kLookCloser) return kLookCloser;
    const char after = kinds_[token++];
    if (after == '}') return token;
    if (after != ',') return kLookCloser;
  }
}

size_t Walker::WalkMember(size_t token, uint32_t node, const Key& key, int depth) {
  if (recording_) recording_->keys.push_back({key.quoted, NumberOf(token)});
  // Of duplicates the first counts.
  uint32_t child = key.node;
  if (child != Plan::kNone && seen_in_[child] == walk_number_) child = Plan::kNone;
  const bool is_other = node == Plan::kRoot && plan_.wants_others() && !key.held;
  const size_t value_token = token + 2;
  if (child == Plan::kNone && !is_other) return Skip(value_token, depth);

  if (child != Plan::kNone) seen_in_[child] = walk_number_;
  // `key` may be gone after the value: its members may be as unknown as it is.
  const Slice text{At(token), static_cast<uint32_t>(key.quoted.text.size()), key.plain};
  Slice* const value = SlotOf(child);
  const size_t behind = WalkValue(value_token, child, depth, value);
  if (behind == kLookCloser || !is_other) return behind;
  found_->others.push_back({text, *value});
  if (recording_) {
    recording_->others.push_back(
        {NumberOf(token), text.size, text.plain, NumberOf(value_token), NumberOf(behind - 1)});
  }
  return behind;
}

size_t Walker::WalkArray(size_t token, uint32_t node, int depth) {
  if (depth == kMaxDepth) return kLookCloser;
  ++token;
  if (kinds_[token] == ']') return token + 1;
  for (uint64_t index = 0;; ++index) {
    const uint32_t child = plan_.node(node).ChildByIndex(index);
    token = child == Plan::kNone ? Skip(token, depth + 1)
                                 : WalkValue(token, child, depth + 1, SlotOf(child));
    if (token == kLookCloser) return kLookCloser;
    const char after = kinds_[token++];
    if (after == ']') return token;
    if (after != ',') return kLookCloser;
  }
}

// Checks the value that begins here; nobody wants it.
size_t Walker::Skip(size_t token, int depth) const {
  if (token >= last_) return kLookCloser;
  switch (kinds_[token]) {
    case '"':
      return token + 1;
    case '0':
      return ScalarEnd(At(token)) ? token + 1 : kLookCloser;
    case '{':
    case '[':
      return SkipContainer(token, depth);
    default:
      return kLookCloser;
  }
}

// The same for a container, however deep, without recursion: one bit a level says whether it is an
// array.
size_t Walker::SkipContainer(size_t token, const int depth) const {
  const char* const kinds = kinds_;
  int level = depth;
  bool in_array = false;
  std::array<uint64_t, kMaxDepth / 64 + 1> arrays;

open:
  if (level == kMaxDepth) return kLookCloser;
  in_array = kinds[token] == '[';
  {
    uint64_t& word = arrays[static_cast<size_t>(level) / 64];
    const uint64_t bit = uint64_t{1} << (level % 64);
    word = in_array ? word | bit : word & ~bit;
  }
  ++level;
  ++token;
  if (kinds[token] == (in_array ? ']' : '}')) goto close;
  if (in_array) goto value;

key:
  if (token >= last_ || kinds[token] != '"' || kinds[token + 1] != ':') return kLookCloser;
  token += 2;

value:
  if (token >= last_) return kLookCloser;
  if (kinds[token] == '{' || kinds[token] == '[') goto open;
  if (kinds[token] != '"' && (kinds[token] != '0' || !ScalarEnd(At(token)))) return kLookCloser;
  ++token;

after:
  if (kinds[token] == ',') {
    ++token;
    if (in_array) goto value;
    goto key;
  }
  if (kinds[token] != (in_array ? ']' : '}')) return kLookCloser;

close:
  ++token;
  --level;
  if (level == depth) return token;
  in_array = (arrays[static_cast<size_t>(level - 1) / 64] >> ((level - 1) % 64) & 1) != 0;
  goto after;
}

// The key that begins here.
const Walker::Key& Walker::KeyAt(size_t token, uint32_t node, uint32_t* previous) {
  const std::vector<Key>& known = keys_[node].known;
  const char* const begin = At(token);
  for (const uint32_t index : known[*previous].next) {
    if (!known[index].quoted.IsAt(begin)) continue;
    *previous = index;
    return known[index];
  }
  return FindKey(StringAt(token), node, previous);
}

const Walker::Key& Walker::FindKey(const Slice& quoted, uint32_t node, uint32_t* previous) {
  Keys& keys = keys_[node];
  auto found = keys.by_text.find(std::string(quoted.text()));
  if (found == keys.by_text.end()) {
    if (keys.known.size() > kMaxKeys) {
      keys_are_data_ = true;
      *previous = 0;
      unknown_ = MakeKey(node, quoted);
      return unknown_;
    }
    found = keys.by_text.emplace(quoted.text(), static_cast<uint32_t>(keys.known.size())).first;
    keys.known.push_back(MakeKey(node, {found->first.data(), quoted.size, quoted.plain}));
  }
  const uint32_t index = found->second;
  Key& before = keys.known[*previous];
  before.next[1] = before.next[0];
  before.next[0] = index;
  *previous = index;
  return keys.known[index];
}

Walker::Key Walker::MakeKey(uint32_t node, const Slice& quoted) const {
  Key key;
  key.quoted = QuotedKey(quoted.text());
  key.plain = quoted.plain;
  const std::string text = KeyText(quoted);
  // json_extract compares keys up to the first NUL. Such a key is found by the name before it, and
  // yet another key.
  const size_t nul = text.find('\0');
  key.node = plan_.node(node).ChildByKey(std::string_view(text).substr(0, nul));
  key.held = key.node != Plan::kNone && nul == std::string::npos && plan_.IsHeld(key.node);
  return key;
}

}  // namespace sluice
