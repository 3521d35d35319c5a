// SPDX-License-Identifier: Apache-2.0
#include "schema/table_sql.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "schema/names.h"

namespace sluice {
namespace {

bool IsSpace(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

// Part of a bare name, as SQLite's tokenizer has it.
bool IsNameByte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// The end of the quoted text that begins at `at`; npos if it is not closed.
size_t QuotedEnd(std::string_view sql, size_t at) {
  const char close = sql[at] == '[' ? ']' : sql[at];
  for (++at; at < sql.size(); ++at) {
    if (sql[at] != close) continue;
    if (close == ']' || at + 1 >= sql.size() || sql[at + 1] != close) return at + 1;
    ++at;
  }
  return std::string_view::npos;
}

std::string Unquoted(std::string_view word) {
  const char close = word.front() == '[' ? ']' : word.front();
  std::string text;
  for (size_t i = 1; i + 1 < word.size(); ++i) {
    text += word[i];
    if (word[i] == close) ++i;
  }
  return text;
}

bool IsQuote(char c) { return c == '"' || c == '\'' || c == '`' || c == '['; }

// Comments as one blank each.
std::optional<std::string> WithoutComments(std::string_view sql) {
  std::string text;
  for (size_t at = 0; at < sql.size();) {
    size_t end = at + 1;
    if (IsQuote(sql[at])) {
      end = QuotedEnd(sql, at);
      if (end == std::string_view::npos) return std::nullopt;
      text += sql.substr(at, end - at);
    } else if (sql.substr(at, 2) == "--") {
      end = std::min(sql.size(), sql.find('\n', at));
      text += ' ';
    } else if (sql.substr(at, 2) == "/*") {
      const size_t close = sql.find("*/", at + 2);
      end = close == std::string_view::npos ? sql.size() : close + 2;
      text += ' ';
    } else {
      text += sql[at];
    }
    at = end;
  }
  return text;
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

// What stands in the first parentheses, cut at its commas, and what follows them.
struct Parts {
  std::vector<std::string_view> items;
  std::string_view rest;
};

std::optional<Parts> PartsOf(std::string_view sql) {
  Parts parts;
  size_t depth = 0;
  size_t begin = 0;
  for (size_t at = 0; at < sql.size(); ++at) {
    const char c = sql[at];
    if (IsQuote(c)) {
      at = QuotedEnd(sql, at) - 1;  // it is closed: WithoutComments has seen to that
    } else if (c == '(') {
      if (++depth == 1) begin = at + 1;
    } else if (c == ',' && depth == 1) {
      parts.items.push_back(Trimmed(sql.substr(begin, at - begin)));
      begin = at + 1;
    } else if (c == ')' && depth > 0 && --depth == 0) {
      parts.items.push_back(Trimmed(sql.substr(begin, at - begin)));
      parts.rest = Trimmed(sql.substr(at + 1));
      return parts;
    }
  }
  return std::nullopt;
}

// The end of the name or word that `text` begins with.
size_t WordEnd(std::string_view text) {
  if (text.empty()) return 0;
  if (IsQuote(text.front())) return QuotedEnd(text, 0);
  size_t end = 0;
  while (end < text.size() && IsNameByte(text[end])) ++end;
  return end;
}

// Names, words and quoted texts, and all else by one character each.
std::vector<std::string_view> TokensOf(std::string_view sql) {
  std::vector<std::string_view> tokens;
  for (size_t at = 0; at < sql.size();) {
    const size_t word = WordEnd(sql.substr(at));
    if (word == std::string_view::npos) return tokens;
    const size_t size = word == 0 ? 1 : word;
    if (!IsSpace(sql[at])) tokens.push_back(sql.substr(at, size));
    at += size;
  }
  return tokens;
}

bool BeginsConstraint(std::string_view word) {
  constexpr std::array<std::string_view, 5> kWords = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK",
                                                      "FOREIGN"};
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view known) { return SameName(known, word); });
}

std::string QuotedName(std::string_view name) {
  std::string quoted = "\"";
  for (char c : name) {
    if (c == '"') quoted += c;
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

std::optional<TableSql> ParseTableSql(std::string_view create_table) {
  const std::optional<std::string> sql = WithoutComments(create_table);
  if (!sql || !SameName(std::string_view(*sql).substr(0, 6), "CREATE")) return std::nullopt;
  const std::optional<Parts> parts = PartsOf(*sql);
  if (!parts) return std::nullopt;
  TableSql table;
  table.options = parts->rest;
  for (std::string_view item : parts->items) {
    const size_t end = WordEnd(item);
    if (end == 0 || end == std::string_view::npos) return std::nullopt;
    const std::string_view word = item.substr(0, end);
    if (IsQuote(word.front())) {
      table.items.push_back({Unquoted(word), std::string(Trimmed(item.substr(end)))});
    } else if (BeginsConstraint(word)) {
      table.items.push_back({"", std::string(item)});
    } else {
      table.items.push_back({std::string(word), std::string(Trimmed(item.substr(end)))});
    }
  }
  return table;
}

std::string CreateTableSql(const TableSql& table, std::string_view name) {
  std::string sql = "CREATE TABLE " + QuotedName(name) + " (";
  std::string_view separator = "\n  ";
  for (const TableSql::Item& item : table.items) {
    sql += separator;
    separator = ",\n  ";
    if (!item.column.empty()) sql += QuotedName(item.column) + (item.text.empty() ? "" : " ");
    sql += item.text;
  }
  return sql + "\n)" + (table.options.empty() ? "" : " ") + table.options;
}

bool NamesColumn(std::string_view definition, std::string_view column) {
  size_t depth = 0;
  size_t name_of_other = std::string_view::npos;  // the depth of REFERENCES, until its list is over
  for (const std::string_view token : TokensOf(definition)) {
    if (token == "(") {
      ++depth;
    } else if (token == ")") {
      if (depth > 0 && --depth == name_of_other) name_of_other = std::string_view::npos;
    } else if (SameName(token, "REFERENCES")) {
      name_of_other = depth;
    } else if (name_of_other != std::string_view::npos) {
      // "REFERENCES o CHECK (a > 0)" has no list.
      if (depth == name_of_other && BeginsConstraint(token)) name_of_other = std::string_view::npos;
    } else if (depth > 0 && token.front() != '\'') {
      if (SameName(IsQuote(token.front()) ? Unquoted(token) : std::string(token), column))
        return true;
    }
  }
  return false;
}

std::vector<std::string> UpdateColumnsOf(std::string_view create_trigger) {
  const std::optional<std::string> sql = WithoutComments(create_trigger);
  if (!sql) return {};
  std::vector<std::string> columns;
  bool is_list = false;
  std::string_view before;
  for (const std::string_view token : TokensOf(*sql)) {
    if (SameName(token, "ON") || SameName(token, "BEGIN")) break;
    if (is_list && token != ",")
      columns.push_back(IsQuote(token.front()) ? Unquoted(token) : std::string(token));
    is_list |= SameName(before, "UPDATE") && SameName(token, "OF");
    before = token;
  }
  return columns;
}

std::string FullTextContentOf(std::string_view create_virtual_table) {
  const std::optional<std::string> sql = WithoutComments(create_virtual_table);
  if (!sql) return "";
  const std::string folded = FoldName(*sql);
  const size_t open = folded.find('(');
  if (open == std::string::npos || folded.substr(0, open).find("using fts") == std::string::npos) {
    return "";
  }
  const std::optional<Parts> parts = PartsOf(*sql);
  if (!parts) return "";
  for (std::string_view item : parts->items) {
    const size_t end = WordEnd(item);
    if (end == std::string_view::npos || !SameName(item.substr(0, end), "content")) continue;
    std::string_view value = Trimmed(item.substr(end));
    if (!value.starts_with('=')) continue;
    value = Trimmed(value.substr(1));
    if (value.empty()) return "";
    return IsQuote(value.front()) ? Unquoted(value) : std::string(value);
  }
  return "";
}

bool MakesFullTextOf(std::string_view create_virtual_table, std::string_view table) {
  const std::string content = FullTextContentOf(create_virtual_table);
  if (content.empty() || !SameName(content, table)) return false;
  const std::string folded = FoldName(create_virtual_table);
  return folded.substr(0, folded.find('(')).find("using fts5") != std::string::npos;
}

}  // namespace sluice
