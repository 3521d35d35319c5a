// SPDX-License-Identifier: Apache-2.0
#include "extract/strict.h"

#include <cstring>
#include <string>
#include <vector>

#include "extract/value.h"

namespace sluice {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// How many bytes the UTF-8 sequence at the start of `text` has; 0 where it is none (overlong, a
// surrogate, beyond U+10FFFF, cut short): the table of RFC 3629, section 4.
size_t Utf8Length(std::string_view text) {
  const auto byte = [text](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto within = [](unsigned b, unsigned low, unsigned high) { return b >= low && b <= high; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (within(lead, 0xC2, 0xDF)) return within(byte(1), 0x80, 0xBF) ? 2 : 0;
  if (within(lead, 0xE0, 0xEF)) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : 0xBF;
    return within(byte(1), low, high) && within(byte(2), 0x80, 0xBF) ? 3 : 0;
  }
  if (within(lead, 0xF0, 0xF4)) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
    return within(byte(1), low, high) && within(byte(2), 0x80, 0xBF) && within(byte(3), 0x80, 0xBF)
               ? 4
               : 0;
  }
  return 0;
}

class StrictReader {
 public:
  // Without a plan and `found` it only validates.
  StrictReader(std::string_view text, const Plan* plan, Found* found)
      : text_(text), plan_(plan), found_(found), seen_(plan ? plan->node_count() : 0) {}

  Verdict Read() {
    Slice value;
    SkipSpace();
    if (Value(plan_ ? Plan::kRoot : Plan::kNone, &value)) {
      SkipSpace();
      if (!AtEnd()) Fail("more after the end of the JSON text");
    }
    return verdict_;
  }

 private:
  bool AtEnd() const { return at_ == text_.size(); }
  // A NUL, which no rule allows, stands for the end.
  char Next() const { return AtEnd() ? '\0' : text_[at_]; }

  bool Fail(const char* detail) {
    if (AtEnd()) return Fail(RejectReason::kInvalidJson, "the line ends too soon");
    if (Utf8Length(text_.substr(at_)) == 0) return Fail(RejectReason::kInvalidUtf8, "");
    return Fail(RejectReason::kInvalidJson, detail);
  }
  bool Fail(RejectReason reason, const char* detail) {
    verdict_ = {false, reason, static_cast<uint32_t>(at_), detail};
    return false;
  }

  void SkipSpace() {
    while (Next() == ' ' || Next() == '\t' || Next() == '\r' || Next() == '\n') {
      ++at_;
      ++spaces_;
    }
  }

  // Reads the value that begins here. `node` says what is asked of it; kNone: nothing.
  bool Value(uint32_t node, Slice* value) {
    const size_t begin = at_;
    const size_t spaces_before = spaces_;
    bool escapes = false;
    switch (Next()) {
      case '{':
        if (!Object(node)) return false;
        break;
      case '[':
        if (!Array(node)) return false;
        break;
      case '"':
        if (!String(&escapes)) return false;
        break;
      case 't':
        if (!Literal("true")) return false;
        break;
      case 'f':
        if (!Literal("false")) return false;
        break;
      case 'n':
        if (!Literal("null")) return false;
        break;
      default:
        if (!Number()) return false;
    }
    *value = {text_.data() + begin, static_cast<uint32_t>(at_ - begin),
              !escapes && spaces_ == spaces_before ? 1u : 0u};
    if (node != Plan::kNone && plan_->node(node).slot != Plan::kNone)
      found_->slots[plan_->node(node).slot] = *value;
    return true;
  }

  bool Object(uint32_t node) {
    if (++depth_ > kMaxDepth) return Fail(RejectReason::kTooDeep, "more than 1,000 levels");
    ++at_;
    SkipSpace();
    if (Next() == '}') return Close();
    while (true) {
      if (Next() != '"') return Fail("expected a key in double quotes");
      if (!MemberOf(node)) return false;
      SkipSpace();
      if (Next() == '}') return Close();
      if (Next() != ',') return Fail("expected ',' or '}'");
      ++at_;
      SkipSpace();
    }
  }

  bool MemberOf(uint32_t node) {
    const size_t begin = at_;
    bool escapes = false;
    if (!String(&escapes)) return false;
    const Slice key{text_.data() + begin, static_cast<uint32_t>(at_ - begin), escapes ? 0u : 1u};
    SkipSpace();
    if (Next() != ':') return Fail("expected ':'");
    ++at_;
    SkipSpace();

    bool held = false;
    Slice value;
    if (!Value(Wanted(node, key, &held), &value)) return false;
    if (node == Plan::kRoot && plan_->wants_others() && !held)
      found_->others.push_back({key, value});
    return true;
  }

  // The node of the member `key`, unless it is a duplicate: the first one counts. `held` says that
  // a column holds all of the value, or held it already.
  uint32_t Wanted(uint32_t node, const Slice& key, bool* held) {
    if (node == Plan::kNone || (plan_->node(node).is_leaf() && !plan_->wants_others()))
      return Plan::kNone;
    const std::string text = KeyText(key);
    // json_extract compares keys up to the first NUL. Such a key is found by the name before it,
    // and yet another key.
    const size_t nul = text.find('\0');
    const uint32_t child = plan_->node(node).ChildByKey(std::string_view(text).substr(0, nul));
    if (child == Plan::kNone) return Plan::kNone;
    *held = plan_->IsHeld(child) && nul == std::string::npos;
    if (seen_[child]) return Plan::kNone;
    seen_[child] = true;
    return child;
  }

  bool Array(uint32_t node) {
    if (++depth_ > kMaxDepth) return Fail(RejectReason::kTooDeep, "more than 1,000 levels");
    ++at_;
    SkipSpace();
    if (Next() == ']') return Close();
    for (uint64_t index = 0;; ++index) {
      Slice value;
      if (!Value(node == Plan::kNone ? Plan::kNone : plan_->node(node).ChildByIndex(index), &value))
        return false;
      SkipSpace();
      if (Next() == ']') return Close();
      if (Next() != ',') return Fail("expected ',' or ']'");
      ++at_;
      SkipSpace();
    }
  }

  bool Close() {
    ++at_;
    --depth_;
    return true;
  }

  bool String(bool* escapes) {
    ++at_;
    while (!AtEnd()) {
      const unsigned char c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') {
        ++at_;
        return true;
      }
      if (c == '\\') {
        *escapes = true;
        if (!Escape()) return false;
      } else if (c < 0x20) {
        return Fail("a control character in a string");
      } else {
        const size_t length = Utf8Length(text_.substr(at_));
        if (length == 0) return Fail(RejectReason::kInvalidUtf8, "");
        at_ += length;
      }
    }
    return Fail("");
  }

  bool Escape() {
    ++at_;
    if (Next() == 'u') {
      ++at_;
      for (int i = 0; i < 4; ++i, ++at_) {
        if (!IsHexDigit(Next())) return Fail("expected four hex digits after \\u");
      }
      return true;
    }
    if (AtEnd() || Next() == '\0' || !std::strchr("\"\\/bfnrt", Next()))
      return Fail("an unknown escape in a string");
    ++at_;
    return true;
  }

  bool Literal(std::string_view word) {
    for (char c : word) {
      if (Next() != c) return Fail("expected a value");
      ++at_;
    }
    return true;
  }

  // What other programs write for a value: named, since who wrote it has to be changed.
  const char* WhatStandsForAValue() const {
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("NaN")) return "NaN is no JSON";
    if (rest.starts_with("Infinity") || rest.starts_with("-Infinity")) return "Infinity is no JSON";
    if (rest.starts_with("None") || rest.starts_with("True") || rest.starts_with("False"))
      return "None, True and False are Python's, not JSON's";
    if (rest.starts_with('\'')) return "single quotes: a string stands in double quotes";
    return "expected a value";
  }

  bool Number() {
    const bool is_infinity = text_.substr(at_).starts_with("-I");
    if (is_infinity || (Next() != '-' && !IsDigit(Next()))) return Fail(WhatStandsForAValue());
    if (Next() == '-') ++at_;
    if (Next() == '0') {
      ++at_;
      if (IsDigit(Next())) return Fail("a number with a leading zero");
    } else if (!Digits()) {
      return false;
    }
    if (Next() == '.') {
      ++at_;
      if (!Digits()) return false;
    }
    if (Next() == 'e' || Next() == 'E') {
      ++at_;
      if (Next() == '+' || Next() == '-') ++at_;
      if (!Digits()) return false;
    }
    return true;
  }

  bool Digits() {
    if (!IsDigit(Next())) return Fail("expected a digit");
    while (IsDigit(Next())) ++at_;
    return true;
  }

  const std::string_view text_;
  const Plan* const plan_;
  Found* const found_;
  std::vector<bool> seen_;  // nodes that the line had already
  size_t at_ = 0;
  size_t spaces_ = 0;  // insignificant white space so far
  int depth_ = 0;
  Verdict verdict_;
};

}  // namespace

Verdict ReadStrictly(std::string_view text, const Plan& plan, Found* found) {
  found->Clear(plan);
  return StrictReader(text, &plan, found).Read();
}

Verdict Validate(std::string_view text) { return StrictReader(text, nullptr, nullptr).Read(); }

}  // namespace sluice
