// SPDX-License-Identifier: Apache-2.0
#include "schema/difference.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/schema.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = SchemaChange::Kind;

constexpr char kBase[] = R"(table = "t"
index_prefix = "i_"
[[column]]
name = "a"
type = "INTEGER NOT NULL"
[[column]]
name = "b"
from = "/x/y"
type = "TEXT"
[[column]]
name = "c"
type = "VARCHAR(20) DEFAULT 'n'"
[[index]]
name = "i_a"
columns = ["a"]
[[index]]
name = "i_u"
columns = ["b"]
unique = true
[[view]]
name = "v"
sql = "SELECT a FROM t"
[[fulltext]]
name = "f"
columns = ["b"]
)";

Table Parsed(const std::string& toml) {
  Result<Table> table = ParseSchema(toml, "t.toml");
  EXPECT_TRUE(table.has_value()) << table.error().message();
  return table ? *table : Table();
}

Table Edited(const std::string& from, const std::string& to) {
  std::string toml = kBase;
  const size_t at = toml.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return Parsed(toml.replace(at, from.size(), to));
}

// "kind text" of each change.
std::vector<std::string> Changes(const Table& current, const Table& wanted) {
  std::vector<std::string> texts;
  for (const SchemaChange& change : Compare(current, wanted)) texts.push_back(change.text);
  return texts;
}
std::vector<std::string> ChangesBy(const std::string& from, const std::string& to) {
  return Changes(Parsed(kBase), Edited(from, to));
}

ChangedBy By(const std::string& from, const std::string& to) {
  const std::vector<SchemaChange> changes = Compare(Parsed(kBase), Edited(from, to));
  EXPECT_EQ(changes.size(), 1u) << TextOf(changes);
  return changes.empty() ? ChangedBy::kRun : WhoMakes(changes.front().kind);
}

TEST(Difference, TheSameInOtherWordsIsNone) {
  EXPECT_THAT(ChangesBy("\"INTEGER NOT NULL\"", "\"integer  not null\""), IsEmpty());
  EXPECT_THAT(ChangesBy("VARCHAR(20) DEFAULT 'n'", "varchar ( 20 ) NULL default 'n'"), IsEmpty());
  EXPECT_THAT(ChangesBy("name = \"b\"\nfrom = \"/x/y\"", "name = \"B\"\nfrom = \"/x/y\""),
              IsEmpty());
  Table turned = Parsed(kBase);
  std::swap(turned.columns[0], turned.columns[2]);
  EXPECT_THAT(Changes(Parsed(kBase), turned), IsEmpty()) << "the order is no difference";
}

TEST(Difference, OfColumns) {
  EXPECT_THAT(ChangesBy("[[index]]", "[[column]]\nname = \"d\"\ntype = \"REAL\"\n[[index]]"),
              ElementsAre("column d is new: REAL"));
  EXPECT_THAT(ChangesBy("[[column]]\nname = \"c\"\ntype = \"VARCHAR(20) DEFAULT 'n'\"\n", ""),
              ElementsAre("column c is gone"));
  EXPECT_THAT(ChangesBy("INTEGER NOT NULL", "TEXT NOT NULL"),
              ElementsAre("column a: INTEGER becomes TEXT"));
  EXPECT_THAT(ChangesBy("INTEGER NOT NULL", "INTEGER"), ElementsAre("column a: NOT NULL goes"));
  EXPECT_THAT(ChangesBy("\"TEXT\"", "\"TEXT NOT NULL\""), ElementsAre("column b: NOT NULL comes"));
  EXPECT_THAT(ChangesBy("\"TEXT\"", "\"TEXT COLLATE NOCASE\""),
              ElementsAre("column b: COLLATE BINARY becomes NOCASE"));
  EXPECT_THAT(ChangesBy(" DEFAULT 'n'", ""), ElementsAre("column c: DEFAULT 'n' becomes none"));
  EXPECT_THAT(ChangesBy("\"/x/y\"", "[\"/x\", \"/y\"]"),
              ElementsAre("column b: from /x/y becomes from /x, /y"));
  EXPECT_THAT(ChangesBy("\"/x/y\"", "\"@line\""),
              ElementsAre("column b: from /x/y becomes from @line"));
  EXPECT_THAT(ChangesBy("INTEGER NOT NULL", "TEXT"),
              ElementsAre("column a: INTEGER becomes TEXT", "column a: NOT NULL goes"));
}

TEST(Difference, OfWhatIsMadeOverATable) {
  EXPECT_THAT(ChangesBy("columns = [\"a\"]", "columns = [\"a\", \"c\"]"),
              ElementsAre("index i_a: (a) becomes (a, c)"));
  EXPECT_THAT(ChangesBy("unique = true\n", ""), ElementsAre("index i_u: UNIQUE goes"));
  EXPECT_THAT(ChangesBy("[[index]]\nname = \"i_a\"\ncolumns = [\"a\"]\n", ""),
              ElementsAre("index i_a is gone"));
  EXPECT_THAT(ChangesBy("i_a", "i_new"),
              ElementsAre("index i_new is new: (a)", "index i_a is gone"));
  EXPECT_THAT(ChangesBy("SELECT a", "SELECT b"), ElementsAre("view v has another text"));
  EXPECT_THAT(ChangesBy("name = \"v\"", "name = \"w\""),
              ElementsAre("view w is new", "view v is gone"));
  EXPECT_THAT(ChangesBy("name = \"f\"\ncolumns = [\"b\"]",
                        "name = \"f\"\ncolumns = [\"b\", \"c\"]\ntokenize = \"trigram\""),
              ElementsAre("full text f: (b) becomes (b, c)"));
  EXPECT_THAT(ChangesBy("name = \"f\"", "name = \"g\""),
              ElementsAre("full text g is new: (b)", "full text f is gone"));
}

TEST(Difference, OfKeysAndRules) {
  const Table base = Parsed("table='t'\n[[column]]\nname='a'\n");
  const Table keyed = Parsed("table='t'\nprimary_key=['a']\n[[column]]\nname='a'\n");
  EXPECT_THAT(Changes(base, keyed),
              ElementsAre("the primary key id becomes (a)", "column id is gone"));
  EXPECT_THAT(Changes(base, Parsed("table='t'\nrowid='n'\n[[column]]\nname='a'\n")),
              ElementsAre("the primary key id becomes n"));
  EXPECT_THAT(Changes(keyed, Parsed("table='t'\nprimary_key=['a']\non_conflict='ignore'\n"
                                    "any_json=true\n[[column]]\nname='a'\n")),
              ElementsAre("on_conflict reject becomes ignore", "a line may be any JSON"));
  EXPECT_THAT(Changes(keyed, Fitted(base, keyed)), IsEmpty())
      << "a file without a key takes the table's";
}

TEST(Difference, WhoMakesWhat) {
  EXPECT_EQ(By("[[index]]", "[[column]]\nname = \"d\"\n[[index]]"), ChangedBy::kRun);
  EXPECT_EQ(By("columns = [\"a\"]", "columns = [\"c\"]"), ChangedBy::kRun);
  EXPECT_EQ(By("SELECT a", "SELECT b"), ChangedBy::kRun);
  EXPECT_EQ(By("[[index]]\nname = \"i_a\"\ncolumns = [\"a\"]\n", ""), ChangedBy::kApplyLeft);
  EXPECT_EQ(By("INTEGER NOT NULL", "INTEGER"), ChangedBy::kApply);
  EXPECT_EQ(By("\"TEXT\"", "\"TEXT NOT NULL\""), ChangedBy::kApply);
  EXPECT_EQ(By("unique = true\n", ""), ChangedBy::kApply);
  EXPECT_EQ(By("columns = [\"b\"]\nunique", "columns = [\"c\"]\nunique"), ChangedBy::kApply);
  EXPECT_EQ(By("\"/x/y\"", "\"/z\""), ChangedBy::kApplyRefill);
  EXPECT_EQ(By("[[column]]\nname = \"c\"\ntype = \"VARCHAR(20) DEFAULT 'n'\"\n", ""),
            ChangedBy::kApplyDrop);
}

TEST(Difference, ATextNamesTheFirstFewOfMany) {
  const std::vector<SchemaChange> changes =
      Compare(Parsed(kBase), Parsed("table='t'\n[[column]]\nname='z'\n"));
  EXPECT_EQ(TextOf(changes, 2), "column z is new; column a is gone; and " +
                                    std::to_string(changes.size() - 2) + " more");
}

TEST(Difference, TheTableItselfSaysWhatItsColumnsAre) {
  const std::optional<TableSql> sql = ParseTableSql(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a int, c MONEY DEFAULT (1 + 1) NOT "
      "NULL CHECK (c > 0), other)");
  const Table current = AsItIs(Parsed(kBase), *sql);
  ASSERT_EQ(current.columns.size(), 2u) << "b is not there";
  EXPECT_EQ(current.columns[0].declared_type, "INT");
  EXPECT_EQ(current.columns[1].declared_type, "NUMERIC NOT NULL");
  EXPECT_EQ(current.columns[1].affinity, Affinity::kNumeric);
  EXPECT_EQ(current.rowid_column, "id");
  EXPECT_EQ(AsItIs(Parsed(kBase), *ParseTableSql("CREATE TABLE t(a, b, c)")).rowid_column, "");

  const Table same = AsItIs(Parsed(kBase), *ParseTableSql(CreateTableSql(Parsed(kBase))));
  EXPECT_EQ(ToToml(same), ToToml(Parsed(kBase)));
}

TEST(Difference, AForeignTableKeepsItsOwnersDefinitions) {
  Table current = Parsed(kBase);
  current.foreign = true;
  const Table wanted = Edited("INTEGER NOT NULL", "TEXT");
  EXPECT_THAT(Changes(current, Fitted(wanted, current)), IsEmpty());
  EXPECT_TRUE(Fitted(wanted, current).foreign);
}

TEST(Difference, WhatAFileNoLongerListsStaysInWhatIsStored) {
  const Table less = Parsed(
      "table='t'\nindex_prefix='i_'\n[[column]]\nname='a'\n"
      "type='INTEGER NOT NULL'\n[[column]]\nname='b'\nfrom='/x/y'\n");
  const Table left = WithWhatIsLeft(less, Parsed(kBase), true);
  EXPECT_EQ(left.indexes.size(), 2u);
  EXPECT_EQ(left.views.size(), 1u);
  EXPECT_EQ(left.full_texts.size(), 1u);
  EXPECT_TRUE(CheckTable(left).ok());
  EXPECT_TRUE(WithWhatIsLeft(less, Parsed(kBase), false).indexes.empty());
}

TEST(Difference, ANewerPresetAddsAndChangesNothing) {
  const Table old = Parsed(kBase);
  const Table preset = Parsed(R"(table = "t"
index_prefix = "i_"
[[column]]
name = "a"
type = "TEXT"
[[column]]
name = "d"
[[column]]
name = "e"
type = "TEXT NOT NULL"
[[index]]
name = "i_d"
columns = ["d"]
[[index]]
name = "i_e"
columns = ["e"]
[[view]]
name = "v"
sql = "SELECT d FROM t"
)");
  const Table merged = Merged(old, preset);
  EXPECT_TRUE(CheckTable(merged).ok()) << CheckTable(merged).message();
  EXPECT_THAT(Changes(old, merged),
              ElementsAre("column d is new", "index i_d is new: (d)", "view v has another text"));
  for (const SchemaChange& change : Compare(old, merged))
    EXPECT_EQ(WhoMakes(change.kind), ChangedBy::kRun) << change.text;
}

}  // namespace
}  // namespace sluice
