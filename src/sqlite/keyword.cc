// SPDX-License-Identifier: Apache-2.0
#include "sqlite/keyword.h"

#include <algorithm>
#include <cctype>

namespace sluice {
namespace {

bool IsWordByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) != 0 || c == '_' || c == '$' || byte >= 0x80;
}

// The end of what begins at the front of `sql` and holds no keywords: a string, a quoted name, a
// comment. 0 if none begins there. (A doubled quote ends one string and begins the next.)
size_t EndOfQuoted(std::string_view sql) {
  const auto after = [&](std::string_view end, size_t from) {
    const size_t found = sql.find(end, from);
    return found == std::string_view::npos ? sql.size() : found + end.size();
  };
  if (sql.starts_with("--")) return after("\n", 2);
  if (sql.starts_with("/*")) return after("*/", 2);
  if (sql[0] == '[') return after("]", 1);
  const bool is_quote = sql[0] == '\'' || sql[0] == '"' || sql[0] == '`';
  return is_quote ? after(sql.substr(0, 1), 1) : 0;
}

bool SameWord(std::string_view word, std::string_view keyword) {
  return std::ranges::equal(word, keyword, [](char a, char b) {
    return std::toupper(static_cast<unsigned char>(a)) == b;
  });
}

}  // namespace

bool HasKeyword(std::string_view sql, std::string_view keyword) {
  while (!sql.empty()) {
    size_t end = EndOfQuoted(sql);
    if (end == 0) {
      while (end < sql.size() && IsWordByte(sql[end])) ++end;
      if (SameWord(sql.substr(0, end), keyword)) return true;
      end = std::max<size_t>(end, 1);
    }
    sql.remove_prefix(end);
  }
  return false;
}

}  // namespace sluice
