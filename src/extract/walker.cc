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

// Behind the quote that ends the string which begins at `begin`: the last byte before the next
// token that is no space.
const char* StringEnd(const char* next_token) {
  while (IsSpace(next_token[-1])) --next_token;
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
    keys.known[0].mask[0] = 0xFF;  // equals only a key that begins with a NUL, which none does
  }
}

void Walker::Enter(const Structure& structure) {
  structure_ = &structure;
  window_ = structure.window().data();
  token_ = structure.tokens();
}

bool Walker::Walk(std::string_view text, Found* found) {
  const auto begin = static_cast<uint32_t>(text.data() - window_);
  end_ = begin + static_cast<uint32_t>(text.size());
  while (*token_ < begin) ++token_;
  const uint32_t* const first = token_;
  ++text_number_;
  found_ = found;
  found->Clear(plan_);

  // Each step checks that its tokens begin before the end of the text, or else reads at most a few
  // tokens beyond; that the last one does, and the next does not, is checked here.
  const Slice* const value = Value(Plan::kRoot, 0);
  if (value && token_[-1] < end_ && *token_ >= end_ &&
      value->data + value->size <= window_ + end_) {
    return true;
  }
  token_ = first;
  return false;
}

// A value is written where it is to stay, at once: a Slice that is copied right after it was
// written makes the processor wait for its stores.
const Slice* Walker::Value(uint32_t node, int depth) {
  if (*token_ >= end_) return nullptr;
  const char* const begin = window_ + *token_;
  const uint32_t slot = node == Plan::kNone ? Plan::kNone : wishes_[node].slot;
  Slice* const value = slot == Plan::kNone ? &unslotted_ : &found_->slots[slot];
  if (*begin == '"') return String(value) ? value : nullptr;
  if (*begin == '{' || *begin == '[') return Container(node, depth, value) ? value : nullptr;
  const char* const end = ScalarEnd(begin);
  if (!end) return nullptr;
  *value = {begin, static_cast<uint32_t>(end - begin), 1};
  ++token_;
  return value;
}

bool Walker::Container(uint32_t node, int depth, Slice* value) {
  const uint32_t* const first = token_;
  const char* const begin = window_ + *first;
  const bool walk = node != Plan::kNone && wishes_[node].parts;
  const bool valid = !walk           ? SkipContainer(depth)
                     : *begin == '{' ? Object(node, depth)
                                     : Array(node, depth);
  if (!valid) return false;
  const char* const end = window_ + token_[-1] + 1;
  *value = {begin, static_cast<uint32_t>(end - begin), 1};
  // At most @extra could want to know, and it asks for members of the root alone.
  if (value == &unslotted_ && (node == Plan::kRoot || !plan_.wants_others())) return true;

  // Insignificant white space stands before one of the tokens.
  for (const uint32_t* token = first + 1; token < token_; ++token) {
    if (IsSpace(window_[*token - 1])) value->plain = 0;
  }
  return true;
}

bool Walker::String(Slice* value) {
  const char* const begin = window_ + token_[0];
  const char* const end = StringEnd(window_ + token_[1]);
  if (end[-1] != '"' || end - begin < 2) return false;
  const auto size = static_cast<uint32_t>(end - begin);
  *value = {begin, size, structure_->HasBackslash(*token_, *token_ + size) ? 0u : 1u};
  ++token_;
  return true;
}

bool Walker::Object(uint32_t node, int depth) {
  if (depth == kMaxDepth) return false;
  ++token_;
  if (window_[*token_] == '}') {
    ++token_;
    return true;
  }
  uint32_t previous = 0;
  while (true) {
    const char* const begin = window_ + *token_;
    const Key* const key = NextKey(node, &previous);
    if (!key || !Member(node, *key, begin, depth + 1)) return false;
    const char after = window_[*token_++];
    if (after == '}') return true;
    if (after != ',') return false;
  }
}

bool Walker::Member(uint32_t node, const Key& key, const char* key_begin, int depth) {
  token_ += 2;  // the key and its colon
  // Of duplicates the first counts.
  uint32_t child = key.node;
  if (child != Plan::kNone && seen_in_[child] == text_number_) child = Plan::kNone;
  const bool is_other = node == Plan::kRoot && plan_.wants_others() && !key.held;
  if (child == Plan::kNone && !is_other) return Skip(depth);

  if (child != Plan::kNone) seen_in_[child] = text_number_;
  // `key` may be gone after the value: its members may be as unusual as it is.
  const Slice text{key_begin, static_cast<uint32_t>(key.quoted.size()), key.plain};
  const Slice* const value = Value(child, depth);
  if (!value) return false;
  if (is_other) found_->others.push_back({text, *value});
  return true;
}

bool Walker::Array(uint32_t node, int depth) {
  if (depth == kMaxDepth) return false;
  ++token_;
  if (window_[*token_] == ']') {
    ++token_;
    return true;
  }
  for (uint64_t index = 0;; ++index) {
    const uint32_t child = plan_.node(node).ChildByIndex(index);
    const bool valid = child == Plan::kNone ? Skip(depth + 1) : Value(child, depth + 1) != nullptr;
    if (!valid) return false;
    const char after = window_[*token_++];
    if (after == ']') return true;
    if (after != ',') return false;
  }
}

// Checks the value that begins here; nobody wants it.
bool Walker::Skip(int depth) {
  if (*token_ >= end_) return false;
  const char* const begin = window_ + *token_;
  if (*begin == '{' || *begin == '[') return SkipContainer(depth);
  ++token_;
  return *begin == '"' || ScalarEnd(begin) != nullptr;
}

// The same for a container, however deep, without recursion: one bit a level says whether it is an
// array.
bool Walker::SkipContainer(const int depth) {
  const char* const window = window_;
  const uint32_t* token = token_;
  int level = depth;
  bool in_array = false;
  std::array<uint64_t, kMaxDepth / 64 + 1> arrays;

open:
  if (level == kMaxDepth) return false;
  in_array = window[*token] == '[';
  {
    uint64_t& word = arrays[static_cast<size_t>(level) / 64];
    const uint64_t bit = uint64_t{1} << (level % 64);
    word = in_array ? word | bit : word & ~bit;
  }
  ++level;
  ++token;
  if (window[*token] == (in_array ? ']' : '}')) goto close;
  if (in_array) goto value;

key:
  if (*token >= end_ || window[token[0]] != '"' || window[token[1]] != ':') return false;
  token += 2;

value : {
  if (*token >= end_) return false;
  const char* const begin = window + *token;
  if (*begin == '{' || *begin == '[') goto open;
  if (*begin != '"' && !ScalarEnd(begin)) return false;
  ++token;
}

after:
  if (window[*token] == ',') {
    ++token;
    if (in_array) goto value;
    goto key;
  }
  if (window[*token] != (in_array ? ']' : '}')) return false;

close:
  ++token;
  --level;
  if (level == depth) {
    token_ = token;
    return true;
  }
  in_array = (arrays[static_cast<size_t>(level - 1) / 64] >> ((level - 1) % 64) & 1) != 0;
  goto after;
}

// The key that begins here, with a colon behind it, which is left to be read. Null: look closer.
const Walker::Key* Walker::NextKey(uint32_t node, uint32_t* previous) {
  if (*token_ >= end_) return nullptr;
  const char* const begin = window_ + token_[0];
  if (*begin != '"' || window_[token_[1]] != ':') return nullptr;
  const std::vector<Key>& known = keys_[node].known;
  for (uint32_t index : known[*previous].next) {
    if (!IsKey(known[index], begin)) continue;
    *previous = index;
    return &known[index];
  }
  return FindKey(node, previous);
}

// `begin` stands on a quote, so what equals a remembered key up to its closing quote is that key:
// it has no escapes.
bool Walker::IsKey(const Key& key, const char* begin) const {
  uint64_t bytes[2];
  std::memcpy(bytes, begin + 1, sizeof bytes);
  if ((((bytes[0] ^ key.head[0]) & key.mask[0]) | ((bytes[1] ^ key.head[1]) & key.mask[1])) != 0) {
    return false;
  }
  if (key.quoted.size() - 1 <= Key::kShort) return true;
  return std::memcmp(begin, key.quoted.data(), key.quoted.size()) == 0;
}

const Walker::Key* Walker::FindKey(uint32_t node, uint32_t* previous) {
  const uint32_t* const first = token_;
  Slice quoted;
  if (!String(&quoted)) return nullptr;
  token_ = first;

  Keys& keys = keys_[node];
  auto found = keys.by_text.end();
  if (quoted.plain) found = keys.by_text.find(std::string(quoted.text()));
  if (found == keys.by_text.end()) {
    if (!quoted.plain || keys.known.size() > kMaxKeys) {
      *previous = 0;
      unusual_ = MakeKey(node, quoted);
      return &unusual_;
    }
    found = keys.by_text.emplace(quoted.text(), static_cast<uint32_t>(keys.known.size())).first;
    keys.known.push_back(MakeKey(node, quoted));
  }
  const uint32_t index = found->second;
  Key& before = keys.known[*previous];
  before.next[1] = before.next[0];
  before.next[0] = index;
  *previous = index;
  return &keys.known[index];
}

Walker::Key Walker::MakeKey(uint32_t node, const Slice& quoted) const {
  Key key;
  key.quoted = quoted.text();
  key.plain = quoted.plain;
  const size_t head = std::min(key.quoted.size() - 1, Key::kShort);
  std::memcpy(key.head, key.quoted.data() + 1, head);
  std::memset(key.mask, 0xFF, head);

  const std::string text = KeyText(quoted);
  // json_extract compares keys up to the first NUL. Such a key is found by the name before it, and
  // yet another key.
  const size_t nul = text.find('\0');
  key.node = plan_.node(node).ChildByKey(std::string_view(text).substr(0, nul));
  key.held = key.node != Plan::kNone && nul == std::string::npos && plan_.IsHeld(key.node);
  return key;
}

}  // namespace sluice
