// SPDX-License-Identifier: Apache-2.0
// A new database is written as pages, or through SQLite's API: the one judges the other.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "database_view.h"
#include "ingest_corpus.h"
#include "shared_data.h"
#include "sluice/ingest.hpp"
#include "sqlite/connection.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

// Differs from run to run, or by the path.
bool IsOfTheRun(const std::string& table, const std::string& column) {
  static const std::set<std::string> names = {"ended_at", "updated_at", "rejected_at", "at",
                                              "bytes_written"};
  return table.starts_with("_sluice_") &&
         (names.contains(column) || (table == "_sluice_waiting" && column == "since") ||
          (table == "_sluice_runs" && column == "path"));
}

std::string ReplaceAll(std::string text, std::string_view what, std::string_view by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
  return text;
}

// All tables with all that is in them, and the schema.
std::vector<std::string> Dump(const std::string& database) {
  DatabaseView view(database);
  EXPECT_EQ(view.Integrity(), "ok");
  std::vector<std::string> all =
      view.TypedRows("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name");
  const std::string started = view.One("SELECT started_at FROM _sluice_runs");
  for (const std::string& table :
       view.Rows("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', "
                 "'shadow') AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name")) {
    std::string columns;
    for (const std::string& column :
         view.Rows("SELECT name FROM pragma_table_info(" + QuoteText(table) + ")")) {
      if (!IsOfTheRun(table, column)) columns += (columns.empty() ? "" : ",") + QuoteName(column);
    }
    const bool has_rowid =
        view.Count("SELECT count(*) FROM pragma_table_list WHERE wr AND name = " +
                   QuoteText(table)) == 0;
    all.push_back(table);
    for (const std::string& row :
         view.TypedRows("SELECT " + std::string(has_rowid ? "rowid," : "") + columns + " FROM " +
                        QuoteName(table) + " ORDER BY 1")) {
      all.push_back(ReplaceAll(row, started, "STARTED"));
    }
  }
  return all;
}

void ExpectSame(const std::vector<std::string>& pages, const std::vector<std::string>& sqlite) {
  const auto [a, b] = std::mismatch(pages.begin(), pages.end(), sqlite.begin(), sqlite.end());
  if (a == pages.end() && b == sqlite.end()) return;
  ADD_FAILURE() << "as pages: " << (a == pages.end() ? "(the end)" : a->substr(0, 2000))
                << "\nby SQLite: " << (b == sqlite.end() ? "(the end)" : b->substr(0, 2000));
}

class IngestPaths : public IngestCorpus {
 protected:
  // Whichever way it is written.
  void ExpectBothSame(IngestOptions options) {
    std::vector<std::string> dumps[2];
    IngestSummary summaries[2];
    for (const bool pages : {false, true}) {
      fs::remove(database_);
      options.write_pages = pages;
      const Result<IngestSummary> summary = Ingest(options);
      ASSERT_TRUE(summary) << summary.error().message();
      if (!fs::exists(database_)) {  // no record: no database is made of nothing
        EXPECT_EQ(summary->path, "none");
        EXPECT_EQ(summary->counts.rows, 0u);
        continue;
      }
      EXPECT_EQ(summary->path, pages ? "pages" : "sqlite");
      EXPECT_EQ(DatabaseView(database_).One("SELECT path FROM _sluice_runs"), summary->path);
      summaries[pages] = *summary;
      dumps[pages] = Dump(database_);
    }
    EXPECT_EQ(summaries[0].counts, summaries[1].counts);
    ExpectSame(dumps[1], dumps[0]);
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_.path())) {
      EXPECT_EQ(entry.path(), database_) << "and nothing beside it";
    }
  }

  // Of pages that the builder wrote: the trees of tables and indexes.
  static std::string Trees(const std::string& database) {
    DatabaseView view(database);
    const std::string built =
        " FROM sqlite_schema WHERE rootpage > 1 AND substr(tbl_name, 1, 8) <> '_sluice_' AND "
        "substr(name, 1, 7) <> 'sqlite_'";
    const long long first_of_sqlite = view.Count(
        "SELECT min(rootpage) FROM sqlite_schema WHERE rootpage > 1 AND (substr(tbl_name, 1, 8) = "
        "'_sluice_' OR substr(name, 1, 7) = 'sqlite_')");
    EXPECT_LT(view.Count("SELECT max(rootpage)" + built), first_of_sqlite);
    const auto page_size = static_cast<size_t>(view.Count("PRAGMA page_size"));
    std::string pages = ReadFile(database).substr(
        page_size, (static_cast<size_t>(first_of_sqlite) - 2) * page_size);
    EXPECT_FALSE(pages.empty());
    return pages;
  }
};

TEST_P(IngestPaths, GiveTheSameUnderAuto) {
  for (const std::string& file : files_) {
    SCOPED_TRACE(file);
    IngestOptions options = Options({Path(file)}, "auto");
    options.on_bad_line = OnBadLine::kKeep;  // also what is no JSON Lines
    ExpectBothSame(options);
  }
}

TEST_P(IngestPaths, GiveTheSameUnderTheirPreset) {
  for (const std::string& file : files_) {
    SCOPED_TRACE(file);
    const std::string preset = PresetOf(file);
    if (!preset.empty()) ExpectBothSame(Options({Path(file)}, preset));
  }
}

TEST_P(IngestPaths, GiveTheSameUnderRaw) {
  for (const std::string& file : files_) {
    SCOPED_TRACE(file);
    IngestOptions options = Options({Path(file)}, "raw");
    options.on_bad_line = OnBadLine::kKeep;
    ExpectBothSame(options);
  }
}

// Several tables in one run, companions that stay empty, views over both agents.
TEST_P(IngestPaths, GiveTheSameOfAllTogether) {
  for (const uint32_t page_size : {1024u, 4096u, 65536u}) {
    SCOPED_TRACE(page_size);
    IngestOptions options = Options({corpus_}, "auto");
    options.page_size = page_size;
    options.events = EventDetail::kBatch;
    options.commit_rows = 1'000'000;
    options.commit_interval = std::chrono::hours(1);
    ExpectBothSame(options);
  }
}

// Refused rows, indexes that only SQLite can make, full text, views, affinities that change values.
TEST_P(IngestPaths, GiveTheSameUnderASchemaWithEverything) {
  const std::string schema = own_.Write("everything.toml", R"(table = "every thing"
index_prefix = "every_"
[[column]]
name = "n"
from = "/n"
type = "INTEGER NOT NULL"
[[column]]
name = "text"
from = "/s"
type = "TEXT COLLATE NOCASE"
[[column]]
name = "r"
from = "/r"
type = "REAL"
[[column]]
name = "any"
from = "/big"
type = "NUMERIC"
[[column]]
name = "as_text"
from = "/r"
type = "TEXT"
[[column]]
name = "line"
from = "@line"
[[index]]
name = "every_text"
columns = ["text", "n"]
[[index]]
name = "every_n"
columns = ["n", "any"]
[[index]]
name = "every_r"
columns = ["r"]
[[view]]
name = "every_view"
sql = "SELECT n, r FROM \"every thing\" WHERE n > 0"
[[fulltext]]
name = "every_word"
columns = ["text", "line"]
)");
  IngestOptions options = Options({Path("edge")}, schema);
  options.include = {"*"};
  options.on_bad_line = OnBadLine::kKeep;
  ExpectBothSame(options);
  if (GetParam() != "own") return;
  DatabaseView view(database_);
  EXPECT_GT(view.Count("SELECT count(*) FROM _sluice_rejects WHERE reason LIKE '%NOT NULL%'"), 0);
  EXPECT_GT(view.Count("SELECT count(*) FROM every_word WHERE every_word MATCH 'big'"), 0);
  EXPECT_EQ(view.Count("SELECT count(DISTINCT idx) FROM sqlite_stat1 WHERE tbl = 'every thing'"),
            3);
}

// What the writer decides about a batch, it decides on both paths.
TEST_P(IngestPaths, GiveTheSameWhereTheWriterEncodes) {
  IngestOptions options = Options({Path("claude-code"), Path("edge")}, "auto");
  options.alter = true;
  ExpectBothSame(options);
  options.stop_after_rows = 11;
  ExpectBothSame(options);
}

TEST_P(IngestPaths, TreesAreTheSameBytesWithAnyNumberOfThreads) {
  std::string expected;
  for (const unsigned threads : {1u, 2u, 4u, 3u}) {
    IngestOptions options = Options({corpus_}, "auto");
    options.threads = threads;
    fs::remove(database_);
    const Result<IngestSummary> summary = Ingest(options);
    ASSERT_TRUE(summary) << summary.error().message();
    ASSERT_EQ(summary->path, "pages");
    const std::string trees = Trees(database_);
    if (expected.empty()) expected = trees;
    EXPECT_TRUE(trees == expected) << threads << " threads";
  }
}

INSTANTIATE_TEST_SUITE_P(Corpus, IngestPaths, testing::ValuesIn(kCorpora), NameOfCorpus);

}  // namespace
}  // namespace sluice
