// SPDX-License-Identifier: Apache-2.0
#include "schema/schema.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "memory_database.h"

namespace sluice {
namespace {

constexpr char kSmall[] = R"(table = "t"
[[column]]
name = "a"
from = "/a"
type = "TEXT"
)";

Table Parsed(const std::string& toml) {
  Result<Table> table = ParseSchema(toml, "s.toml");
  EXPECT_TRUE(table.has_value()) << (table ? "" : table.error().message());
  return table.value_or(Table());
}

Status ErrorOf(const std::string& toml) {
  const Result<Table> table = ParseSchema(toml, "s.toml");
  EXPECT_FALSE(table.has_value()) << toml;
  return table ? Status() : table.error();
}

TEST(Schema, ReadsEveryKey) {
  const Table table = Parsed(R"(
table = "log"
index_prefix = "idx_log_"
rowid = "row"
on_conflict = "ignore"
companions = ["raw"]
any_json = true
[[column]]
name = "line"
from = "@line"
type = "TEXT NOT NULL"
[[column]]
name = "pid"
from = ["/metadata", "/pid"]
type = "INTEGER"
keep_strings_out = true
[[column]]
name = "a/b"
[[index]]
name = "idx_log_pid"
columns = ["pid", "a/b"]
unique = true
[[view]]
name = "v"
sql = "SELECT 1"
[[fulltext]]
name = "log_text"
columns = ["line"]
tokenize = "porter"
)");
  EXPECT_EQ(table.name, "log");
  EXPECT_EQ(table.index_prefix, "idx_log_");
  EXPECT_EQ(table.rowid_column, "row");
  EXPECT_EQ(table.on_conflict, OnConflict::kIgnore);
  EXPECT_EQ(table.companions, std::vector<std::string>{"raw"});
  EXPECT_TRUE(table.any_json);
  ASSERT_EQ(table.columns.size(), 3u);
  EXPECT_EQ(table.columns[0].origin, Origin::kLine);
  EXPECT_EQ(table.columns[0].affinity, Affinity::kText);
  EXPECT_EQ(table.columns[1].pointers, (std::vector<std::string>{"/metadata", "/pid"}));
  EXPECT_EQ(table.columns[1].affinity, Affinity::kInteger);
  EXPECT_TRUE(table.columns[1].keep_strings_out);
  EXPECT_EQ(table.columns[2].pointers, std::vector<std::string>{"/a~1b"})
      << "from is the key of the name";
  EXPECT_EQ(table.columns[2].affinity, Affinity::kBlob);
  ASSERT_EQ(table.indexes.size(), 1u);
  EXPECT_TRUE(table.indexes[0].unique);
  EXPECT_EQ(table.full_texts[0].tokenize, "porter");
}

struct BadSchema {
  const char* toml;
  const char* message;  // begins so
  const char* remedy;   // holds this
};

TEST(Schema, SaysWhereAndWhatIsWrong) {
  // Line 6 is the first after kSmall.
  const BadSchema cases[] = {
      {"indx_prefix = 'x'\n", "s.toml:1: unknown key 'indx_prefix'",
       "did you mean 'index_prefix'?"},
      {"[[colunm]]\n", "s.toml:6: unknown key 'colunm'", "'column'"},
      {"[[column]]\nname='b'\nform='/b'\n", "s.toml:8: unknown key 'form' in [[column]]", "'from'"},
      {"[[column]]\nfrom='/b'\n", "s.toml:6: a [[column]] has no 'name'", "name"},
      {"[[column]]\nname=5\n", "s.toml:7: 'name' must be a string", "quotes"},
      {"[[column]]\nname='b'\nfrom=5\n", "s.toml:8: 'from' must be a list of strings", "from"},
      {"[[column]]\nname='b'\nfrom=[]\n", "s.toml:6: column 'b' comes from nowhere", "from"},
      {"[[column]]\nname='b'\nfrom='b'\n", "s.toml:6: column 'b': bad pointer 'b'", "'/b'"},
      {"[[column]]\nname='b'\nfrom='/b~2'\n", "s.toml:6: column 'b': bad pointer '/b~2'", "~0"},
      {"[[column]]\nname='b'\nfrom='/b~'\n", "s.toml:6: column 'b': bad pointer '/b~'", "~1"},
      {"[[column]]\nname='b'\nfrom=['/b','c']\n", "s.toml:6: column 'b': bad pointer 'c'", "'/c'"},
      {"[[column]]\nname='b'\nfrom='@lines'\n", "s.toml:8: unknown name '@lines'", "'@line'"},
      {"[[column]]\nname='b'\ntype='TXT'\n", "s.toml:6: column 'b': unknown type 'TXT'", "'TEXT'"},
      {"[[column]]\nname='A'\n", "s.toml:6: a second column 'A'", "case"},
      {"[[column]]\nname='ID'\n", "s.toml:6: column 'ID' has the name of the rowid", "rowid"},
      {"[[column]]\nname=''\n", "s.toml:6: a column has an empty name", "name"},
      {"[[column]]\nname='b'\ntype='TEXT'\nkeep_strings_out=true\n",
       "s.toml:6: column 'b': keep_strings_out", "INTEGER"},
      {"[[index]]\nname='i'\n", "s.toml:6: index 'i' is on no column", "columns"},
      {"[[index]]\nname='i'\ncolumns=['b']\n", "s.toml:6: index 'i': there is no column 'b'", ""},
      {"[[index]]\nname='i'\ncolumns=['a','A']\n", "s.toml:6: index 'i' names column 'A' twice",
       ""},
      {"[[index]]\nname='i'\ncolumns='a'\n", "s.toml:8: 'columns' must be a list", "["},
      {"[[index]]\nname='T'\ncolumns=['a']\n", "s.toml:6: index 'T': the name is taken", ""},
      {"[[index]]\nname='sqlite_i'\ncolumns=['a']\n", "s.toml:6: index 'sqlite_i' has a reserved",
       ""},
      {"[[index]]\nname='i'\ncolumns=['a']\nunique='yes'\n", "s.toml:9: 'unique' must be",
       "quotes"},
      {"[[view]]\nname='v'\n", "s.toml:6: a [[view]] has no 'sql'", "sql"},
      {"[[view]]\nname='_SLUICE_v'\nsql='SELECT 1'\n", "s.toml:6: view '_SLUICE_v' has a reserved",
       ""},
      {"[[view]]\nname='v'\nsql='SELECT 1; DROP TABLE t'\n", "s.toml:6: view 'v': there is a ';'",
       ""},
      {"[[view]]\nname='v'\nsql='DROP TABLE t'\n", "s.toml:6: view 'v': it does not begin",
       "SELECT"},
      {"[[view]]\nname='v'\nsql='SELECT \"x'\n", "s.toml:6: view 'v': a quote is not closed", ""},
      {"[[view]]\nname='v'\nsql='SELECT 1 /* '\n", "s.toml:6: view 'v': a comment is not closed",
       ""},
      {"[[fulltext]]\nname='f'\n", "s.toml:6: fulltext 'f' is on no column", "columns"},
      {"[[fulltext]]\nname='f'\ncolumns=['rowid']\n", "s.toml:6: fulltext 'f': there is no", ""},
      {"[[fulltext]]\nname='a'\ncolumns=['a']\n", "s.toml:6: fulltext 'a': FTS5 cannot", ""},
      {"[index]\nname='i'\n", "s.toml:6: 'index' must be a list of tables", "[[index]]"},
      {"column = \n", "s.toml:1: ", "TOML"},
  };
  for (const BadSchema& bad : cases) {
    const std::string text(bad.toml);
    const Status status = ErrorOf(text.starts_with('[') ? kSmall + text : text + kSmall);
    EXPECT_EQ(status.code(), StatusCode::kUsage) << bad.toml;
    EXPECT_EQ(status.message().substr(0, std::string_view(bad.message).size()), bad.message);
    EXPECT_NE(status.remedy().find(bad.remedy), std::string::npos)
        << bad.toml << status.message() << "\n"
        << status.remedy();
  }
}

TEST(Schema, SaysWhatIsWrongWithTheTable) {
  const std::string column = "[[column]]\nname='a'\n";
  EXPECT_EQ(ErrorOf(column).message(), "s.toml:1: the schema has no 'table'");
  EXPECT_EQ(ErrorOf("\ntable=''\n" + column).message(), "s.toml:2: the table has an empty name");
  EXPECT_EQ(ErrorOf("table='t'\n").message(), "s.toml:1: table 't' has no column");
  EXPECT_EQ(ErrorOf("table='SQLite_t'\n" + column).message(),
            "s.toml:1: the table 'SQLite_t' has a reserved name");
  EXPECT_EQ(ErrorOf("table='t'\nprimary_key=['b']\n" + column).message(),
            "s.toml:1: primary_key: there is no column 'b'");
  EXPECT_EQ(ErrorOf("table='t'\nprimary_key=['a']\nrowid='id'\n" + column).message(),
            "s.toml:1: both primary_key and rowid 'id'");
  EXPECT_EQ(ErrorOf("table='t'\non_conflict='ignore'\n" + column).message(),
            "s.toml:1: on_conflict without anything that could conflict");
  EXPECT_EQ(ErrorOf("table='t'\non_conflict='ignored'\n" + column).remedy(),
            "did you mean 'ignore'?");
  EXPECT_EQ(
      ErrorOf("table='t'\nindex_prefix='x_'\n" + column + "[[index]]\nname='i'\ncolumns=['a']\n")
          .message(),
      "s.toml:5: index 'i' does not begin with 'x_'");
  EXPECT_EQ(ErrorOf("table='t'\ncompanions=['codx']\n" + column).remedy(), "did you mean 'codex'?");
  const std::string full_text = "[[fulltext]]\nname='f'\ncolumns=['a']\n";
  EXPECT_EQ(ErrorOf("table='t'\nprimary_key=['a']\n" + column + full_text).code(),
            StatusCode::kUsage);

  std::string many = "table='t'\n";
  for (size_t i = 0; i <= kMaxColumns; ++i)
    many += "[[column]]\nname='c" + std::to_string(i) + "'\n";
  EXPECT_EQ(ErrorOf(many).message(), "s.toml:1: too many columns: 2000");

  std::string endless = "a";
  for (int i = 0; i < 500'000; ++i) endless += ".a";
  EXPECT_EQ(ErrorOf(endless + " = 1\n").code(), StatusCode::kUsage);
  EXPECT_EQ(ErrorOf("[" + endless + "]\n").code(), StatusCode::kUsage);

  EXPECT_EQ(LoadSchema("/none/such.toml").error().code(), StatusCode::kNotFound);
  EXPECT_EQ(LoadPreset("sse-line").error().remedy(), "did you mean 'sse-lines'?");
}

TEST(Schema, OddNamesRoundTripAndRunInSqlite) {
  Table table;
  table.name = "select \"from\" 'it' [x] `y`; --";
  table.index_prefix = "idx ";
  table.rowid_column = "row\nid";
  for (const char* name : {"a\"b", "group", "1", " ", "é", "a.b", "x'y", "/~", "[c]", "tab\t",
                           "\x01\x7f", "\\", "a'''b\nc'"}) {
    Column column;
    column.name = name;
    column.declared_type = "TEXT DEFAULT 'it''s \"'";
    column.affinity = Affinity::kText;
    column.pointers = {"/x", ""};
    table.columns.push_back(column);
    table.indexes.push_back({"idx " + column.name, {column.name}, false});
  }
  table.views = {{"v\"'", "SELECT ';' AS \";\" -- ;\n/* ; */"}};
  table.full_texts = {{"full \"text\"'", {"a\"b", "x'y", "[c]", "é"}, "unicode61 tokenchars '-_'"}};
  ASSERT_TRUE(CheckTable(table).ok()) << CheckTable(table).message();

  const Table read = Parsed(ToToml(table));
  EXPECT_EQ(ToToml(read), ToToml(table));
  ASSERT_EQ(read.columns.size(), table.columns.size());
  for (size_t i = 0; i < table.columns.size(); ++i) {
    EXPECT_EQ(read.columns[i].name, table.columns[i].name);
    EXPECT_EQ(read.columns[i].pointers, table.columns[i].pointers);
  }
  EXPECT_EQ(read.name, table.name);
  EXPECT_EQ(read.rowid_column, table.rowid_column);
  EXPECT_EQ(read.views[0].sql, table.views[0].sql);
  MemoryDatabase().Make(table);
}

TEST(Schema, TheSqlOfAViewIsWhatSqliteKeeps) {
  for (const std::string sql : {"SELECT 1 AS a", "SELECT 1 AS a\n", "\n SELECT 1 AS a \n\n",
                                "SELECT ';' AS a", "SELECT 1 AS a -- one\n", "SELECT 1 AS a\r\n"}) {
    MemoryDatabase memory;
    const std::string create = CreateViewSql({.name = "v", .sql = sql});
    memory.Execute(create);
    EXPECT_EQ(memory.Query("SELECT sql FROM sqlite_schema"), create);
  }
}

TEST(Schema, FullTextFollowsTheTable) {
  const Table table = Parsed(std::string(kSmall) + "[[fulltext]]\nname='f'\ncolumns=['a']\n");
  MemoryDatabase memory;
  memory.Execute(CreateTableSql(table));
  memory.Execute("INSERT INTO t(a) VALUES ('red apple'), ('green pear')");
  for (const std::string& sql : CreateFullTextSql(table, table.full_texts[0])) memory.Execute(sql);
  EXPECT_EQ(memory.Query("SELECT rowid FROM f WHERE f MATCH 'apple'"), "1") << "rows before it";
  memory.Execute("INSERT INTO t(a) VALUES ('blue plum')");
  EXPECT_EQ(memory.Query("SELECT rowid, a FROM f WHERE f MATCH 'plum'"), "3|blue plum");
  memory.Execute("UPDATE t SET a = 'yellow quince' WHERE id = 1");
  EXPECT_EQ(memory.Query("SELECT rowid FROM f WHERE f MATCH 'apple'"), "");
  EXPECT_EQ(memory.Query("SELECT rowid FROM f WHERE f MATCH 'quince'"), "1");
  memory.Execute("DELETE FROM t WHERE id = 2");
  EXPECT_EQ(memory.Query("SELECT rowid FROM f WHERE f MATCH 'pear'"), "");
  memory.Execute("INSERT INTO f(f) VALUES ('integrity-check')");
}

TEST(Schema, InsertsByTheRuleForConflicts) {
  Table table = Parsed(
      "table='t'\nprimary_key=['a']\n[[column]]\nname='a'\n[[column]]\nname='b'\ntype='TEXT NOT "
      "NULL'\n");
  EXPECT_EQ(InsertSql(table, "VALUES (?, ?)"),
            R"(INSERT OR FAIL INTO "t" ("a", "b") VALUES (?, ?))");
  EXPECT_EQ(table.rowid_column, "");

  table.on_conflict = OnConflict::kIgnore;
  MemoryDatabase memory;
  memory.Execute(CreateTableSql(table));
  const auto insert = [&](const std::string& values) {
    return InsertSql(table, "VALUES " + values);
  };
  memory.Execute(insert("(1, 'x')"));
  memory.Execute(insert("(1, 'y')"));
  EXPECT_EQ(memory.Query("SELECT a, b FROM t"), "1|x");
  // The other constraints still refuse a row: it is a reject, and not passed over in silence.
  EXPECT_FALSE(memory.Runs(insert("(2, NULL)")));
  table.on_conflict = OnConflict::kReplace;
  memory.Execute(insert("(1, 'z')"));
  EXPECT_EQ(memory.Query("SELECT a, b FROM t"), "1|z");
}

TEST(Schema, ARenamedTableStandsBesideTheFirst) {
  Result<Table> first = LoadPreset("sse-lines");
  ASSERT_TRUE(first.has_value());
  first->full_texts = {{"sse_lines_text", {"line"}, ""}};
  Table second = *first;
  RenameTable(&second, "other");
  EXPECT_EQ(second.indexes[0].name, "idx_other_flow_id");
  EXPECT_EQ(second.full_texts[0].name, "other_text");
  EXPECT_TRUE(CheckTable(second).ok()) << CheckTable(second).message();
  MemoryDatabase memory;
  memory.Make(*first);
  memory.Make(second);
}

TEST(Schema, CompanionsComeEachOnce) {
  for (const char* name : {"claude-code", "codex", "agents"}) {
    const Result<std::vector<Table>> tables = WithCompanions(*LoadPreset(name));
    ASSERT_TRUE(tables.has_value());
    EXPECT_EQ(tables->size(), 3u);
    EXPECT_EQ(tables->front().preset, name);
  }
}

TEST(Schema, WarnsOfIndexesOnLargeText) {
  const Table table = Parsed(R"(
table = "t"
[[column]]
name = "line"
from = "@line"
type = "TEXT"
[[column]]
name = "meta"
type = "TEXT"
[[column]]
name = "pid"
from = ["/meta", "/pid"]
[[column]]
name = "kind"
type = "TEXT"
[[index]]
name = "i1"
columns = ["line"]
[[index]]
name = "i2"
columns = ["kind", "meta"]
[[index]]
name = "i3"
columns = ["kind"]
[[index]]
name = "i4"
columns = ["pid"]
)");
  const std::vector<std::string> warnings = SchemaWarnings(table);
  ASSERT_EQ(warnings.size(), 3u);
  EXPECT_NE(warnings[0].find("'i1' is on column 'line', which holds whole lines"),
            std::string::npos);
  EXPECT_NE(warnings[1].find("'meta', which holds JSON objects"), std::string::npos);
  EXPECT_NE(warnings[2].find("'i3' repeats the first columns of 'i2'"), std::string::npos);
}

TEST(Schema, SseLinesIsExactlyWhatItsUsersKnow) {
  const Result<Table> table = LoadPreset("sse-lines");
  MemoryDatabase memory;
  memory.Make(*table);
  EXPECT_EQ(
      memory.Query("SELECT group_concat(name || ' ' || type || "
                   "iif(\"notnull\", ' NOT NULL', '') || iif(pk, ' PRIMARY KEY', ''), ', ') "
                   "FROM pragma_table_info('sse_lines')"),
      "id INTEGER PRIMARY KEY, line TEXT NOT NULL, event TEXT, t TEXT, sid TEXT, flow_id TEXT, "
      "round INTEGER, metadata TEXT, meta_pid INTEGER, meta_cwd TEXT, meta_turn_id TEXT");
  EXPECT_EQ(memory.Query("SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema "
                         "WHERE type = 'index' ORDER BY rowid)"),
            "idx_sse_flow_id,idx_sse_sid,idx_sse_t,idx_sse_meta_pid,idx_sse_meta_cwd,idx_sse_round,"
            "idx_sse_meta_turn_id");
}

TEST(Schema, EveryPresetIsSoundRoundTripsAndRunsInSqlite) {
  MemoryDatabase memory;
  for (const Preset& preset : Presets()) {
    Result<Table> table = LoadPreset(preset.name);
    ASSERT_TRUE(table.has_value()) << table.error().message();
    EXPECT_EQ(table->preset, preset.name);
    EXPECT_EQ(ToToml(Parsed(ToToml(*table))), ToToml(*table));
    EXPECT_EQ(SchemaWarnings(*table), std::vector<std::string>());
    memory.Make(*table);
  }
  for (const Preset& preset : Presets()) {
    const Result<Table> table = LoadPreset(preset.name);
    for (const View& view : table->views) {
      EXPECT_EQ(memory.Query("SELECT * FROM " + view.name), "") << view.name;
    }
  }
}

}  // namespace
}  // namespace sluice
