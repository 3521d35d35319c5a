// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>
#include <vector>

#include "schema/schema.h"

namespace sluice {
namespace {

// Every name is quoted: a quoted name is never a keyword and never anything but a name.
std::string Quoted(std::string_view text, char quote) {
  std::string quoted(1, quote);
  for (char c : text) {
    if (c == quote) quoted += quote;
    quoted += c;
  }
  return quoted + quote;
}
std::string Name(std::string_view name) { return Quoted(name, '"'); }
std::string Text(std::string_view text) { return Quoted(text, '\''); }

// "a", "b", each with `before`: new."a", new."b".
std::string NameList(const std::vector<std::string>& names, std::string_view before = "") {
  std::string list;
  for (const std::string& name : names) {
    if (!list.empty()) list += ", ";
    list += before;
    list += Name(name);
  }
  return list;
}

// What --ignore and --replace go by.
std::vector<std::vector<std::string>> KeysOf(const Table& table) {
  if (!table.primary_key.empty()) return {table.primary_key};
  std::vector<std::vector<std::string>> keys;
  for (const Index& index : table.indexes) {
    if (index.unique) keys.push_back(index.columns);
  }
  return keys;
}

}  // namespace

std::string CreateTableSql(const Table& table) {
  std::string sql = "CREATE TABLE " + Name(table.name) + " (";
  std::string_view separator = "\n  ";
  const auto add = [&](const std::string& definition) {
    sql += separator;
    sql += definition;
    separator = ",\n  ";
  };
  if (!table.rowid_column.empty()) add(Name(table.rowid_column) + " INTEGER PRIMARY KEY");
  for (const Column& column : table.columns) {
    add(column.declared_type.empty() ? Name(column.name)
                                     : Name(column.name) + " " + column.declared_type);
  }
  if (!table.primary_key.empty()) add("PRIMARY KEY (" + NameList(table.primary_key) + ")");
  return sql + "\n)";
}

std::string CreateIndexSql(const Table& table, const Index& index) {
  return std::string(index.unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ") + Name(index.name) +
         " ON " + Name(table.name) + " (" + NameList(index.columns) + ")";
}

std::string CreateViewSql(const View& view) {
  const size_t end = view.sql.find_last_not_of(" \t\r\n\f") + 1;
  return "CREATE VIEW " + Name(view.name) + " AS\n" + view.sql.substr(0, end);
}

std::vector<std::string> CreateFullTextSql(const Table& table, const FullText& full_text) {
  const std::string name = Name(full_text.name);
  const std::string rowid = Name(table.rowid_column);
  const std::string columns = NameList(full_text.columns);

  std::string create = "CREATE VIRTUAL TABLE " + name + " USING fts5(" + columns +
                       ", content=" + Text(table.name) +
                       ", content_rowid=" + Text(table.rowid_column);
  if (!full_text.tokenize.empty()) create += ", tokenize=" + Text(full_text.tokenize);
  create += ")";

  const std::string add = "INSERT INTO " + name + " (rowid, " + columns + ") VALUES (new." + rowid +
                          ", " + NameList(full_text.columns, "new.") + ");";
  // With external content FTS5 has to be told the old text to forget it.
  const std::string remove = "INSERT INTO " + name + " (" + name + ", rowid, " + columns +
                             ") VALUES ('delete', old." + rowid + ", " +
                             NameList(full_text.columns, "old.") + ");";
  const auto trigger = [&](const char* suffix, const char* event, const std::string& body) {
    return "CREATE TRIGGER " + Name(full_text.name + suffix) + " AFTER " + event + " ON " +
           Name(table.name) + " BEGIN " + body + " END";
  };
  return {create, "INSERT INTO " + name + " (" + name + ") VALUES ('rebuild')",
          trigger("_insert", "INSERT", add), trigger("_delete", "DELETE", remove),
          trigger("_update", "UPDATE", remove + " " + add)};
}

std::string InsertSql(const Table& table, const std::string& rows, const InsertForm& form) {
  std::vector<std::string> names;
  std::string replacements;
  for (const Column& column : table.columns) {
    names.push_back(column.name);
    const std::string name = Name(column.name);
    replacements += (replacements.empty() ? "" : ", ") + name + " = excluded." + name;
  }
  std::string sql = std::string(form.or_fail ? "INSERT OR FAIL INTO " : "INSERT INTO ") +
                    Name(table.name) + " (" + NameList(names) + ") " + rows;
  if (table.on_conflict == OnConflict::kReject) return sql;

  std::string action = " DO NOTHING";
  if (table.on_conflict == OnConflict::kReplace) {
    action = " DO UPDATE SET " + replacements;
    if (!form.replace_guard.empty()) action += " WHERE " + Name(form.replace_guard) + "()";
  }
  for (const std::vector<std::string>& key : KeysOf(table)) {
    sql += " ON CONFLICT(" + NameList(key) + ")" + action;
  }
  return sql;
}

}  // namespace sluice
