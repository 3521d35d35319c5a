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
#include "ingest_oracle.h"
#include "schema/schema.h"
#include "shared_data.h"
#include "sluice/ingest.hpp"
#include "temporary_directory.h"

namespace sluice {
namespace {

using Shape = Recognised::Shape;

std::string ClaudeLine(int i) {
  const std::string number = std::to_string(i);
  return R"({"parentUuid":null,"isSidechain":false,"userType":"external","cwd":"/w","sessionId":"s1",)"
         R"("version":"1.0","gitBranch":"main","type":"assistant","uuid":"u)" +
         number + R"(","timestamp":"2026-01-01T00:00:00.00)" + number +
         R"(Z","message":{"id":"m1","role":"assistant","model":"x","content":[{"type":"text","text":)" +
         R"("say \"h\u00e9\" )" + number +
         R"("}, {"type":"tool_use","id":"t1","name":"Bash","input":{"command":"ls"}}],)"
         R"("usage":{"input_tokens":1,"output_tokens":)" +
         number +
         R"(,"cache_read_input_tokens":7}},"toolUseResult":{"stdout": "a\nb"},"odd":[1, 2]})" +
         "\n";
}

std::string CodexLine(int i) {
  return R"({"timestamp":"2026-01-01T00:00:00Z","type":"response_item","payload":{"type":)"
         R"("function_call_output","call_id":"c)" +
         std::to_string(i) + R"(","output":"{\"output\":\"ok\",\"metadata\":{\"exit_code\":)" +
         std::to_string(i % 2) + R"(}}"}})" + "\n";
}

std::string SseLine(int i) {
  const std::string number = std::to_string(i);
  return R"({"event":"delta","t":"2026-01-01T00:00:0)" + number + R"(Z","sid":"s","flow_id":"f)" +
         number + R"(","round":)" + number + R"(,"metadata":"{\"pid\":)" + number +
         R"(,\"cwd\":\"/w\",\"turn_id\":\"t\"}"})" + "\n";
}

template <typename Line>
std::string Repeat(Line line, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += line(i);
  return text;
}

// What odd lines there are, in as few files as possible.
void WriteOwnCorpus(const TemporaryDirectory& folder) {
  const std::string claude = Repeat(ClaudeLine, 9);
  folder.Write("claude-code/a.jsonl", claude);
  folder.Write("claude-code/cut.jsonl", claude + ClaudeLine(1).substr(0, 99));
  folder.Write("claude-code/one-line-no-newline.jsonl",
               ClaudeLine(3).substr(0, ClaudeLine(3).size() - 1));
  folder.Write("claude-code/garbage-behind.jsonl", claude + "{\"type\":\"user\"} and more\n\n  \n");
  folder.Write("codex/rollout.jsonl", Repeat(CodexLine, 9));
  folder.Write("sse/lines.jsonl", Repeat(SseLine, 9));
  folder.Write("sse/raw.sse", Repeat([](int) { return "event: ping\ndata: {\"a\":1}\n\n"; }, 9));
  folder.Write("edge/empty.jsonl", "");
  folder.Write("edge/blank.jsonl", "\n \r\n\t\n");
  folder.Write("edge/bom_crlf.jsonl",
               "\xEF\xBB\xBF{\"a\":1}\r\n{\"a\":2.5}\r\n\r\n{\"b\":null}\r\n");
  folder.Write("edge/document.json", "{\n  \"a\": 1,\n  \"b\": [\n    2\n  ]\n}\n");
  folder.Write("edge/array.json", "[{\"a\":1},{\"a\":2}]\n");
  folder.Write("edge/array_lines.json", "[\n{\"a\":1},\n{\"a\":2}\n]\n");
  folder.Write("edge/text.jsonl", "Jan 01 kernel: up\nJan 02 kernel: down\n");
  folder.Write(
      "edge/values.jsonl",
      R"({"n":1,"r":1.5,"big":9223372036854775807,"s":"x","o":{ "k" : [ 1, 2.50 ] },"t":true}
{"n":-0,"r":-0.0,"big":9223372036854775808,"s":"\u0000z","o":[],"t":false}
{"n":"02139","r":" 1e3 ","s":5,"o":null,"t":null,"later":{"é":"\ud83d"}}
{"n":1e400,"r":123456789012345678901234567890,"s":"\ud83d and \ud83d\ude00","t":"1"}
{"n":1,"n":2,"r":1E-7,"":"empty key","a.b":1,"c/d":2,"e~f":3,"q\"uote":4,"N":5}
{"\u006e":7,"_id":1,"_line":"x","_extra":"y","_source":"z"}
{"n":01}
{"n":1}}
[1,2]
7
"text"
not JSON
{"n":"bad utf-8 )"
      "\xC3\x28"
      R"("}
{"n":"control )"
      "\x01"
      R"("}
)" + std::string(1200, '[') +
          std::string(1200, ']') + "\n{\"n\":8}");
}

// A corpus: the folder that it lies in, or nothing where it is not here.
class IngestFiles : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "own") {
      WriteOwnCorpus(own_);
      corpus_ = own_.path();
    } else {
      corpus_ = SharedData();
    }
    if (corpus_.empty()) GTEST_SKIP() << kNoSharedData;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(corpus_)) {
      const std::string path = std::filesystem::relative(entry.path(), corpus_);
      const bool is_data = path.find('/') != std::string::npos && !path.starts_with("licenses/");
      if (entry.is_regular_file() && is_data) files_.push_back(path);
    }
    std::sort(files_.begin(), files_.end());
  }

  std::string Path(const std::string& file) const { return corpus_ + "/" + file; }

  IngestOptions Options(std::vector<std::string> inputs, const std::string& schema) const {
    IngestOptions options;
    options.database = database_;
    options.inputs = std::move(inputs);
    options.schema = schema;
    options.memory_bytes = uint64_t{32} << 20;
    options.threads = 2;
    return options;
  }

  static Result<IngestSummary> Ingest(const IngestOptions& options) {
    const StopToken stop;
    return RunIngest(options, stop, {});
  }

  static Shape ShapeOf(const std::string& text) { return Recognise(text, true).shape; }

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

  TemporaryDirectory own_;
  TemporaryDirectory folder_;
  const std::string database_ = folder_ / "app.db";
  std::string corpus_;
  std::vector<std::string> files_;
};

TEST_P(IngestFiles, GoInUnderAuto) {
  for (const std::string& file : files_) {
    SCOPED_TRACE(file);
    const Shape shape = ShapeOf(ReadFile(Path(file)));
    IngestOptions options = Options({Path(file)}, "auto");
    const bool is_lines =
        shape == Shape::kJsonLines || shape == Shape::kEmpty || shape == Shape::kText;
    if (!is_lines) {
      std::filesystem::remove(database_);
      const Result<IngestSummary> refused = Ingest(options);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code(), StatusCode::kUsage);
      EXPECT_NE(refused.error().message().find(file), std::string::npos);
      EXPECT_FALSE(refused.error().remedy().empty());
      EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
      options.on_bad_line = OnBadLine::kKeep;
    }
    ExpectRight(options);
  }
}

TEST_P(IngestFiles, GoInUnderTheirPreset) {
  const std::map<std::string, std::string> presets = {
      {"claude-code/", "claude-code"}, {"codex/", "codex"}, {"sse/", "sse-lines"}};
  for (const std::string& file : files_) {
    SCOPED_TRACE(file);
    const auto preset = presets.find(file.substr(0, file.find('/') + 1));
    if (preset == presets.end() || ShapeOf(ReadFile(Path(file))) != Shape::kJsonLines) continue;
    ExpectRight(Options({Path(file)}, preset->second));
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

INSTANTIATE_TEST_SUITE_P(Corpus, IngestFiles, testing::Values("own", "real"),
                         [](const auto& corpus) { return corpus.param; });

}  // namespace
}  // namespace sluice
