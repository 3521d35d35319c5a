// SPDX-License-Identifier: Apache-2.0
#include "extract/other_forms.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <set>
#include <vector>

namespace sluice {
namespace {

constexpr std::string_view kBlank = " \t\r\n";
constexpr size_t kLinesLookedAt = 100;

bool IsBlankChar(char c) { return kBlank.find(c) != std::string_view::npos; }

// Where the string that begins at `at` ends, behind its closing quote; npos if the text or the line
// ends first.
size_t EndOfString(std::string_view text, size_t at) {
  for (size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '\n') {
      return std::string_view::npos;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

// Where the number or literal that begins at `at` ends; npos if it is none. The last one of a text
// may be cut off.
size_t EndOfScalar(std::string_view text, size_t at) {
  const auto end_of = [&](auto belongs) {
    const auto end = std::find_if_not(text.begin() + static_cast<ptrdiff_t>(at), text.end(),
                                      [&](char c) { return belongs(c); });
    return static_cast<size_t>(end - text.begin());
  };
  if (std::string_view("-0123456789").find(text[at]) != std::string_view::npos) {
    return end_of([](char c) {
      return std::string_view("+-.0123456789eE").find(c) != std::string_view::npos;
    });
  }
  const size_t end = end_of([](char c) { return c >= 'a' && c <= 'z'; });
  const std::string_view word = text.substr(at, end - at);
  for (const std::string_view literal : {"true", "false", "null"}) {
    const bool is_cut = end == text.size() && !word.empty() && literal.starts_with(word);
    if (word == literal || is_cut) return end;
  }
  return std::string_view::npos;
}

// Follows the brackets of a document and remembers where arrays of objects stand.
class ArrayFinder {
 public:
  explicit ArrayFinder(std::string_view text) : text_(text) {}

  std::string Find() {
    for (size_t i = 0; i < text_.size(); ++i) {
      switch (text_[i]) {
        case '"':
          i = TakeString(i);
          if (i == std::string_view::npos) return Only();
          --i;
          break;
        case '{':
          path_.push_back(key_);
          break;
        case '[':
          if (arrays_ == 0 && HoldsObjects(i)) NoteArray();
          ++arrays_;
          path_.push_back(key_);
          break;
        case '}':
          Pop();
          break;
        case ']':
          arrays_ -= std::min<size_t>(arrays_, 1);
          Pop();
          break;
        default:
          break;
      }
    }
    return Only();
  }

 private:
  std::string Only() const { return found_.size() == 1 ? *found_.begin() : std::string(); }

  size_t TakeString(size_t at) {
    const size_t end = EndOfString(text_, at);
    if (end == std::string_view::npos) return end;
    const size_t next = text_.find_first_not_of(kBlank, end);
    if (next != std::string_view::npos && text_[next] == ':')
      key_ = text_.substr(at + 1, end - at - 2);
    return end;
  }

  bool HoldsObjects(size_t bracket) const {
    const size_t next = text_.find_first_not_of(kBlank, bracket + 1);
    return next != std::string_view::npos && text_[next] == '{';
  }

  void NoteArray() {
    std::string path;
    // The outermost object has no key.
    for (size_t i = 1; i < path_.size(); ++i) path += JqKey(path_[i]);
    if (!path_.empty()) found_.insert(path + JqKey(key_) + "[]");
  }

  static std::string JqKey(std::string_view key) {
    const bool is_word = !key.empty() && !std::isdigit(static_cast<unsigned char>(key.front())) &&
                         std::all_of(key.begin(), key.end(), [](char c) {
                           return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
                         });
    return is_word ? "." + std::string(key) : ".\"" + std::string(key) + "\"";
  }

  void Pop() {
    if (!path_.empty()) path_.pop_back();
  }

  const std::string_view text_;
  std::string_view key_;                // the last one
  std::vector<std::string_view> path_;  // keys of the brackets that are open
  size_t arrays_ = 0;                   // of these brackets
  std::set<std::string> found_;
};

// How often it stands outside of quotes.
size_t CountDelimiter(std::string_view line, char delimiter) {
  size_t count = 0;
  bool in_quotes = false;
  for (char c : line) {
    if (c == '"') in_quotes = !in_quotes;
    if (c == delimiter && !in_quotes) ++count;
  }
  return count;
}

}  // namespace

bool LooksLikeJson(std::string_view text) {
  int depth = 0;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '"') {
      const size_t end = EndOfString(text, i);
      // A sample may end within a string, but a line of JSON does not.
      if (end == std::string_view::npos) return text.find('\n', i) == std::string_view::npos;
      i = end;
      continue;
    }
    if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (--depth < 0) return false;
    } else if (!IsBlankChar(c) && (depth == 0 || (c != ',' && c != ':'))) {
      if (depth == 0) return false;
      i = EndOfScalar(text, i);
      if (i == std::string_view::npos) return false;
      continue;
    }
    ++i;
  }
  return true;
}

bool GoesOnAfterItsEnd(std::string_view text) {
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      i = EndOfString(text, i);
      if (i == std::string_view::npos) return false;
      --i;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return text.find_first_not_of(kBlank, i + 1) != std::string_view::npos;
    }
  }
  return false;
}

std::string OnlyArrayIn(std::string_view text) { return ArrayFinder(text).Find(); }

bool IsServerSent(std::string_view line) {
  for (std::string_view field : {"data:", "event:", "id:", "retry:", ":"}) {
    if (line.starts_with(field)) return true;
  }
  return false;
}

bool HasSingleQuotes(std::span<const std::string_view> lines) {
  const auto has = [](std::string_view line) {
    const size_t first = line.find_first_not_of("{[( ");
    return first != std::string_view::npos && first > 0 && line[first] == '\'' &&
           line.front() == '{' && line.find("':", first) != std::string_view::npos;
  };
  return !lines.empty() &&
         static_cast<size_t>(std::count_if(lines.begin(), lines.end(), has)) * 2 >= lines.size();
}

char DelimiterOf(std::span<const std::string_view> lines) {
  if (lines.empty()) return 0;
  lines = lines.first(std::min(lines.size(), kLinesLookedAt));
  for (const char delimiter : {',', '\t', ';'}) {
    const size_t count = CountDelimiter(lines.front(), delimiter);
    const bool is_even = std::all_of(lines.begin(), lines.end(), [&](std::string_view line) {
      return CountDelimiter(line, delimiter) == count;
    });
    // "Ready, steady" alone is a sentence.
    const bool is_sentence =
        lines.size() == 1 && lines.front().find(' ') != std::string_view::npos && delimiter != '\t';
    if (count > 0 && is_even && !is_sentence) return delimiter;
  }
  return 0;
}

}  // namespace sluice
