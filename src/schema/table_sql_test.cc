// SPDX-License-Identifier: Apache-2.0
#include "schema/table_sql.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice {
namespace {

std::string Shown(std::string_view sql) {
  const std::optional<TableSql> table = ParseTableSql(sql);
  if (!table) return "none";
  std::string shown;
  for (const TableSql::Item& item : table->items) shown += item.column + "=" + item.text + ";";
  return shown + table->options;
}

TEST(TableSql, TakesApartWhatAnyProgramWrote) {
  EXPECT_EQ(Shown("CREATE TABLE t(a, b)"), "a=;b=;");
  EXPECT_EQ(Shown("CREATE TABLE \"t\" (\n  \"id\" INTEGER PRIMARY KEY,\n  \"a\"\"b\" TEXT\n)"),
            "id=INTEGER PRIMARY KEY;a\"b=TEXT;");
  EXPECT_EQ(Shown("CREATE TABLE IF NOT EXISTS [a(b] ([x,y] NUMERIC(10, 2), `z` TEXT) STRICT"),
            "x,y=NUMERIC(10, 2);z=TEXT;STRICT");
  EXPECT_EQ(Shown("create table t(a INT CHECK (a IN (1, 2) AND b <> ')'), 'b' TEXT DEFAULT 'x,y')"),
            "a=INT CHECK (a IN (1, 2) AND b <> ')');b=TEXT DEFAULT 'x,y';");
}

TEST(TableSql, ATableConstraintIsNoColumn) {
  EXPECT_EQ(Shown("CREATE TABLE t(a, b, PRIMARY KEY (a, b), CONSTRAINT u UNIQUE (b), CHECK (a > 0)"
                  ", FOREIGN KEY (a) REFERENCES o(x)) WITHOUT ROWID"),
            "a=;b=;=PRIMARY KEY (a, b);=CONSTRAINT u UNIQUE (b);=CHECK (a > 0);"
            "=FOREIGN KEY (a) REFERENCES o(x);WITHOUT ROWID");
  EXPECT_EQ(Shown("CREATE TABLE t(\"check\" TEXT, unique_ INT)"), "check=TEXT;unique_=INT;");
}

TEST(TableSql, LeavesCommentsOut) {
  EXPECT_EQ(Shown("CREATE TABLE t(a INT, -- one, two\n b /* ) */ TEXT -- the end\n)"),
            "a=INT;b=TEXT;");
  EXPECT_EQ(Shown("CREATE TABLE t(a DEFAULT '--x')"), "a=DEFAULT '--x';");
}

TEST(TableSql, SaysWhenItIsNone) {
  for (const char* sql : {"", "CREATE TABLE t", "CREATE TABLE t(a", "CREATE TABLE t('a)",
                          "SELECT (1)", "CREATE TABLE t()"}) {
    EXPECT_EQ(Shown(sql), "none") << sql;
  }
}

TEST(TableSql, KnowsWhatADefinitionNames) {
  EXPECT_TRUE(NamesColumn("INTEGER CHECK (A > 0)", "a"));
  EXPECT_TRUE(NamesColumn("AS (b || \"a\")", "a"));
  EXPECT_TRUE(NamesColumn("UNIQUE (b, [a])", "a"));
  EXPECT_TRUE(NamesColumn("FOREIGN KEY (a) REFERENCES o(b)", "a"));
  EXPECT_TRUE(NamesColumn("REFERENCES o(b) CHECK (a > 0)", "a"));
  EXPECT_TRUE(NamesColumn("REFERENCES o CHECK (a > 0)", "a"));
  EXPECT_FALSE(NamesColumn("REFERENCES a(a)", "a"));
  EXPECT_FALSE(NamesColumn("INTEGER PRIMARY KEY", "key"));
  EXPECT_FALSE(NamesColumn("CHECK (b <> 'a')", "a"));
  EXPECT_FALSE(NamesColumn("CHECK (ab > 0)", "a"));
}

TEST(TableSql, KnowsTheColumnsOfUpdateOf) {
  const auto columns = [](std::string_view sql) {
    std::string list;
    for (const std::string& column : UpdateColumnsOf(sql)) list += column + ";";
    return list;
  };
  EXPECT_EQ(columns("CREATE TRIGGER x AFTER UPDATE OF a, \"b c\" ON t BEGIN SELECT 1; END"),
            "a;b c;");
  EXPECT_EQ(columns("CREATE TRIGGER x update/**/of [on] ON t BEGIN SELECT 1; END"), "on;");
  EXPECT_EQ(columns("CREATE TRIGGER x AFTER UPDATE ON t BEGIN UPDATE t SET a = 1; END"), "");
  EXPECT_EQ(columns("CREATE TRIGGER \"update\" DELETE ON \"of\" BEGIN SELECT 1; END"), "");
}

TEST(TableSql, GoesBackToSqlUnderAnotherName) {
  const std::optional<TableSql> table =
      ParseTableSql("CREATE TABLE t(a INT -- first\n, \"b c\", CHECK (a > 0)) STRICT");
  ASSERT_TRUE(table.has_value());
  EXPECT_EQ(CreateTableSql(*table, "n\"w"),
            "CREATE TABLE \"n\"\"w\" (\n  \"a\" INT,\n  \"b c\",\n  CHECK (a > 0)\n) STRICT");
}

TEST(TableSql, FindsTheContentOfAFullTextTable) {
  EXPECT_EQ(FullTextContentOf("CREATE VIRTUAL TABLE f USING fts5(a, content='it''s')"), "it's");
  EXPECT_EQ(FullTextContentOf("CREATE VIRTUAL TABLE [f] USING FTS4 (a, content = \"t\")"), "t");
  EXPECT_EQ(FullTextContentOf("CREATE VIRTUAL TABLE f USING FTS5 (\n [a],\n content=[t]\n)"), "t");
  EXPECT_EQ(FullTextContentOf("CREATE VIRTUAL TABLE f USING fts5(a, content=t)"), "t");
  EXPECT_EQ(FullTextContentOf("CREATE VIRTUAL TABLE f USING fts5(a, content='')"), "");
  EXPECT_EQ(FullTextContentOf("CREATE VIRTUAL TABLE f USING fts5(a, b)"), "");
  EXPECT_EQ(FullTextContentOf("CREATE VIRTUAL TABLE r USING rtree(a, content=t)"), "");
  EXPECT_TRUE(MakesFullTextOf("CREATE VIRTUAL TABLE f USING FTS5(a, content='T')", "t"));
  EXPECT_FALSE(MakesFullTextOf("CREATE VIRTUAL TABLE f USING fts4(a, content='t')", "t"));
  EXPECT_FALSE(MakesFullTextOf("CREATE VIRTUAL TABLE f USING fts5(a, content='')", ""));
  EXPECT_FALSE(MakesFullTextOf("CREATE TABLE f(a)", "t"));
}

}  // namespace
}  // namespace sluice
