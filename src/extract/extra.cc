// SPDX-License-Identifier: Apache-2.0
#include "extract/extra.h"

#include <cstring>

#include "extract/value.h"

namespace sluice {
namespace {

std::string Quoted(std::string_view key) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (char c : key) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      quoted += "\\u00";
      quoted += kHex[c >> 4];
      quoted += kHex[c & 15];
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

char* Append(std::string_view text, char* to) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

}  // namespace

Extra::Extra(const Table& table, const Plan& plan) : plan_(plan) {
  for (uint32_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    if (column.origin == Origin::kExtra) column_ = i;
    std::vector<std::string> parts;
    if (column.origin == Origin::kPointer && column.pointers.size() == 1)
      parts = PointerParts(column.pointers[0]);
    quoted_keys_.push_back(parts.size() == 1 ? Quoted(parts[0]) : std::string());
  }
}

void Extra::Begin(RowBatch* batch) {
  batch_ = batch;
  unknown_.clear();
}

Cell Extra::Compose(const Found& found, const std::vector<KeptOut>& kept_out) {
  members_.clear();
  of_line_.clear();
  bool has_unknown = false;
  for (const Member& member : found.others) {
    const auto [key, is_first] = of_line_.insert(KeyText(member.key));
    if (!is_first) continue;
    members_.push_back(member);
    has_unknown = NoteIfUnknown(*key) || has_unknown;
  }
  if (has_unknown) ++batch_->lines_with_unknown_keys;
  for (const KeptOut& kept : kept_out) {
    const std::string& key = quoted_keys_[kept.column];
    // Deeper than the top level: it is in the member that holds it.
    if (!key.empty())
      members_.push_back({{key.data(), static_cast<uint32_t>(key.size()), 1}, kept.value});
  }
  if (members_.empty()) return Cell::Null();

  size_t room = 2;
  for (Member& member : members_) {
    // A member's own room in the arena is used up before that of the whole is taken.
    const std::string_view value = Minified(member.value, &batch_->arena);
    member.value = {value.data(), static_cast<uint32_t>(value.size()), 1};
    room += member.key.size + member.value.size + 2;
  }
  char* const begin = batch_->arena.Allocate(room);
  char* end = begin;
  for (const Member& member : members_) {
    *end = end == begin ? '{' : ',';
    end = Append(member.key.text(), end + 1);
    *end = ':';
    end = Append(member.value.text(), end + 1);
  }
  *end++ = '}';
  const size_t size = static_cast<size_t>(end - begin);
  batch_->arena.GiveBack(room - size);
  return Cell::Text({begin, size});
}

bool Extra::NoteIfUnknown(const std::string& key) {
  // A key that columns look into is known, even if none of them holds all of it.
  if (plan_.node(Plan::kRoot).ChildByKey(key) != Plan::kNone) return false;
  if (unknown_.size() < kMaxUnknownKeys && unknown_.insert(key).second)
    batch_->unknown_keys.push_back(key);
  return true;
}

}  // namespace sluice
