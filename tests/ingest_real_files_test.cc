// SPDX-License-Identifier: Apache-2.0
// Whole files from end to end, cell by cell against SQLite's json_extract: the real files beside
// the repository, and a small corpus of our own, which takes a fresh clone along the same paths.
#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "compress.h"
#include "database_view.h"
#include "extract/recognise.h"
#include "ingest_corpus.h"
#include "ingest_oracle.h"
#include "schema/schema.h"
#include "shared_data.h"
#include "sluice/ingest.hpp"
#include "temporary_directory.h"

namespace sluice {
namespace {

class IngestFiles : public IngestCorpus {
 protected:
  // Ingests into a new database, and judges what is in it.
  void ExpectRight(const IngestOptions& options) {
    std::filesystem::remove(database_);
    const Result<IngestSummary> summary = Ingest(options);
    ASSERT_TRUE(summary) << summary.error().message();
    ExpectRight(*summary);
  }

  void ExpectRight(const IngestSummary& summary) {
    std::map<std::string, std::unique_ptr<IngestOracle>> oracles;
    LineCounts total;
    for (const SourceSummary& source : summary.sources) {
      std::unique_ptr<IngestOracle>& oracle = oracles[source.table];
      if (oracle == nullptr) oracle = std::make_unique<IngestOracle>(StoredTable(source.table));
      const std::string text = ReadFile(source.path);
      const LineCounts counts = oracle->Add(source.path, text, /*may_grow=*/true);
      EXPECT_TRUE(counts == source.counts) << source.path;
      ExpectInLedger(source.path, counts);
      total += counts;
    }
    EXPECT_TRUE(total == summary.counts);
    for (const auto& [table, oracle] : oracles) EXPECT_EQ(oracle->DifferenceFrom(database_), "");
    EXPECT_EQ(DatabaseView(database_).Integrity(), "ok");
  }

  Table StoredTable(const std::string& name) {
    const std::string toml = DatabaseView(database_).One(
        "SELECT schema FROM _sluice_schemas WHERE table_name = '" + name + "'");
    const Result<Table> table = ParseSchema(toml, name);
    EXPECT_TRUE(table) << name;
    if (!table) return {};
    EXPECT_EQ(
        DatabaseView(database_).One("SELECT sql FROM sqlite_schema WHERE name = '" + name + "'"),
        CreateTableSql(*table));
    return *table;
  }

  // I9, as it is stored.
  void ExpectInLedger(const std::string& path, const LineCounts& counts) {
    if (counts == LineCounts()) return;
    const auto text = [](uint64_t number) { return std::to_string(number); };
    EXPECT_EQ(DatabaseView(database_).One(
                  "SELECT lines || ' ' || rows || ' ' || ignored || ' ' || rejects || ' ' || blank "
                  "|| ' ' || unfinished FROM _sluice_sources WHERE path = '" +
                  path + "'"),
              text(counts.lines) + " " + text(counts.rows) + " " + text(counts.ignored) + " " +
                  text(counts.rejects) + " " + text(counts.blank) + " " + text(counts.unfinished))
        << path;
  }
};

TEST_P(IngestFiles, GoInUnderAuto) {
  for (const std::string& file : files_) {
    SCOPED_TRACE(file);
    const Shape shape = ShapeOf(ReadFile(Path(file)));
    IngestOptions options = Options({Path(file)}, "auto");
    std::filesystem::remove(database_);
    if (shape == Shape::kEmpty) {
      const Result<IngestSummary> waits = Ingest(options);
      ASSERT_TRUE(waits) << waits.error().message();
      EXPECT_EQ(waits->waiting.size(), 1u);
      EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
      continue;
    }
    if (shape != Shape::kJsonLines) {
      const Result<IngestSummary> refused = Ingest(options);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code(), StatusCode::kUnsupported);
      EXPECT_NE(refused.error().message().find(file), std::string::npos);
      EXPECT_FALSE(refused.error().remedy().empty());
      EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
      options.on_bad_line = OnBadLine::kKeep;
    }
    ExpectRight(options);
  }
}

TEST_P(IngestFiles, GoInUnderTheirPreset) {
  for (const std::string& file : files_) {
    SCOPED_TRACE(file);
    const std::string preset = PresetOf(file);
    if (!preset.empty()) ExpectRight(Options({Path(file)}, preset));
  }
}

TEST_P(IngestFiles, GoInWholeUnderRaw) {
  for (const std::string& file : files_) {
    SCOPED_TRACE(file);
    IngestOptions options = Options({Path(file)}, "raw");
    options.on_bad_line = OnBadLine::kKeep;
    ExpectRight(options);
  }
}

TEST_P(IngestFiles, GoInTogetherAndOnce) {
  const std::vector<std::vector<std::string>> runs = {{Path("claude-code"), Path("codex")},
                                                      {corpus_}};
  for (const std::vector<std::string>& inputs : runs) {
    SCOPED_TRACE(inputs.back());
    const IngestOptions options = Options(inputs, "auto");
    ExpectRight(options);
    const std::string sources =
        "SELECT path, table_name, byte_offset, lines, rows, rejects, blank FROM _sluice_sources";
    const std::vector<std::string> before = DatabaseView(database_).Rows(sources);
    const Result<IngestSummary> again = Ingest(options);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(again->counts.rows + again->counts.rejects + again->counts.blank, 0u);
    EXPECT_EQ(DatabaseView(database_).Rows(sources), before);
  }
}

// A compressed copy has the rows of the plain file. Its last line is whole, as nothing follows.
TEST_P(IngestFiles, GoInCompressed) {
  for (const std::string& file : files_) {
    SCOPED_TRACE(file);
    const std::string text = ReadFile(Path(file));
    if (ShapeOf(text) != Shape::kJsonLines) continue;
    const std::string gz = folder_.Write("copy.jsonl.gz", Gzip(text));
    const std::string zst = folder_.Write("copy.jsonl.zst", Zstd(text));
    for (const std::string& copy : {gz, zst}) {
      std::filesystem::remove(database_);
      const Result<IngestSummary> summary = Ingest(Options({copy}, "auto"));
      ASSERT_TRUE(summary) << summary.error().message();
      ASSERT_EQ(summary->sources.size(), 1u);
      const std::string& table = summary->sources[0].table;
      IngestOracle oracle(StoredTable(table));
      EXPECT_TRUE(oracle.Add(copy, text, /*may_grow=*/false) == summary->counts);
      EXPECT_EQ(oracle.DifferenceFrom(database_), "");
    }
  }
}

// Each of these changes is noticed: so the tests above can fail.
TEST(IngestOracle, SeesWhatDiffers) {
  const TemporaryDirectory folder;
  const std::string schema = folder.Write(
      "s.toml",
      "table = \"t\"\n[[column]]\nname = \"a\"\ntype = \"INTEGER\"\nkeep_strings_out = true\n"
      "[[column]]\nname = \"b\"\n[[column]]\nname = \"x\"\nfrom = \"@extra\"\n");
  const std::string text = "{\"a\":1,\"b\":2}\n{\"a\":\"03\",\"b\":0.5}\nbad\n";
  IngestOptions options;
  options.inputs = {folder.Write("a.jsonl", text)};
  options.schema = schema;
  for (const char* change :
       {"", "UPDATE t SET b = 2.0 WHERE id = 1", "UPDATE t SET b = '2' WHERE id = 1",
        "UPDATE t SET a = NULL WHERE id = 1", "UPDATE t SET a = 3 WHERE id = 2",
        "UPDATE t SET x = '{\"a\":\"3\"}' WHERE id = 2", "UPDATE t SET x = '{}' WHERE id = 1",
        "DELETE FROM t WHERE id = 2", "UPDATE t SET id = 7 WHERE id = 2",
        "INSERT INTO t(a) VALUES(1)", "DELETE FROM _sluice_rejects",
        "UPDATE _sluice_rejects SET byte_offset = 1"}) {
    options.database = folder / "app.db";
    std::filesystem::remove(options.database);
    const StopToken stop;
    ASSERT_TRUE(RunIngest(options, stop, {}));
    if (*change != '\0') DatabaseView(options.database).Run(change);
    IngestOracle oracle(*LoadSchema(schema));
    oracle.Add(options.inputs[0], text, true);
    EXPECT_EQ(oracle.DifferenceFrom(options.database).empty(), *change == '\0') << change;
  }
}

INSTANTIATE_TEST_SUITE_P(Corpus, IngestFiles, testing::ValuesIn(kCorpora), NameOfCorpus);

}  // namespace
}  // namespace sluice
