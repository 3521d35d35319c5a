// SPDX-License-Identifier: Apache-2.0
// What the first look at a file says, on real ones.
#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "extract/inference.h"
#include "extract/recognise.h"
#include "memory_database.h"
#include "schema/schema.h"
#include "shared_data.h"

namespace sluice {
namespace {

using Shape = Recognised::Shape;

struct Expected {
  Shape shape = Shape::kJsonLines;
  std::string preset;
};

// All that is not plain JSON Lines of no preset.
Expected ExpectedOf(const std::string& path) {
  static const std::map<std::string, Shape> shapes = {
      {"derived/openai_responses_web-search.sse", Shape::kSse},
      {"edge/duckdb_empty.ndjson", Shape::kEmpty},
      {"edge/duckdb_example_r.ndjson", Shape::kJsonDocument},
      {"edge/duckdb_map_50_50.jsonl", Shape::kJsonDocument},
      {"edge/duckdb_map_incompatible.jsonl", Shape::kJsonDocument},
      {"edge/duckdb_map_of_dates.jsonl", Shape::kJsonDocument},
      {"edge/duckdb_map_of_map.jsonl", Shape::kJsonDocument},
      {"edge/duckdb_map_of_mixed_date_timestamps.jsonl", Shape::kJsonDocument},
      {"edge/duckdb_map_of_struct_with_nulls.jsonl", Shape::kJsonDocument},
      {"edge/duckdb_multiple_objects_per_line.ndjson", Shape::kJsonDocument},
      {"edge/duckdb_sample_utf8_bom.json", Shape::kJsonDocument},
      {"logs/falco_cloudtrail_bigevent.jsonl", Shape::kJsonDocument},
      {"logs/lnav_caddy_plain_text.jsonl", Shape::kText},
      {"wikidata/wikibase_entities.json-array-lines", Shape::kJsonArray},
  };
  if (const auto found = shapes.find(path); found != shapes.end()) return {found->second, ""};
  if (path.starts_with("sse/") && path.ends_with(".sse")) return {Shape::kSse, ""};
  if (path.starts_with("codex/")) return {Shape::kJsonLines, "codex"};
  // The files of derived/ that were made of a session of Claude Code.
  for (const char* from :
       {"claude-code/", "derived/blank_", "derived/trailing_", "derived/truncated_"}) {
    if (path.starts_with(from)) return {Shape::kJsonLines, "claude-code"};
  }
  return {};
}

std::vector<std::string> RealFiles(const std::string& data) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data)) {
    const std::string path = std::filesystem::relative(entry.path(), data);
    const bool is_data = path.find('/') != std::string::npos && !path.starts_with("licenses/");
    if (entry.is_regular_file() && is_data) files.push_back(path);
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(RealFiles, AreRecognised) {
  const std::string data = SharedData();
  if (data.empty()) GTEST_SKIP() << kNoSharedData;
  for (const std::string& path : RealFiles(data)) {
    const std::string text = ReadFile(data + "/" + path);
    const Expected expected = ExpectedOf(path);
    // Whole, and by their first bytes.
    for (size_t size : {text.size(), size_t{65536}, size_t{4096}}) {
      const std::string_view sample = std::string_view(text).substr(0, size);
      const Recognised found =
          Recognise(sample, size >= text.size() ? SampleEnd::kNothingMore : SampleEnd::kMore);
      EXPECT_EQ(found.shape, expected.shape) << path << ", " << size;
      EXPECT_EQ(found.preset, expected.preset) << path << ", " << size;
      EXPECT_EQ(NotJsonLines(found, path).ok(),
                expected.shape == Shape::kJsonLines || expected.shape == Shape::kEmpty);
    }
  }
}

// A table inferred from all of a file stores every value unchanged.
TEST(RealFiles, InferredTablesChangeNoValue) {
  const std::string data = SharedData();
  if (data.empty()) GTEST_SKIP() << kNoSharedData;
  for (const std::string& path : RealFiles(data)) {
    if (ExpectedOf(path).shape != Shape::kJsonLines) continue;
    const std::string text = ReadFile(data + "/" + path);
    Inference inference;
    inference.Add(text);
    const Table typed = inference.Finish("typed");
    ASSERT_TRUE(CheckTable(typed).ok()) << path << ": " << CheckTable(typed).message();
    EXPECT_EQ(ToToml(*ParseSchema(ToToml(typed), path)), ToToml(typed)) << path;

    Table untyped = typed;
    untyped.name = "untyped";
    std::string differs;
    for (Column& column : untyped.columns) {
      column.declared_type.clear();
      column.affinity = Affinity::kBlob;
      column.keep_strings_out = false;
      std::string name = "\"";
      for (char c : column.name) name += c == '"' ? "\"\"" : std::string(1, c);
      name += '"';
      differs += " OR a." + name + " IS NOT b." + name + " OR typeof(a." + name + ") <> typeof(b." +
                 name + ")";
    }
    MemoryDatabase database;
    database.Make(typed);
    database.Make(untyped);
    database.Load(typed, path, text);
    database.Load(untyped, path, text);
    EXPECT_EQ(
        database.Query("SELECT count(*) FROM typed a JOIN untyped b USING (_id) WHERE 0" + differs),
        "0")
        << path;
  }
}

}  // namespace
}  // namespace sluice
