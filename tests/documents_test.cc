// SPDX-License-Identifier: Apache-2.0
// What the documents show as TOML and SQL is right: it is read and run here; what they show as C++
// stands in a program that is built and run (tests/package).
#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "memory_database.h"
#include "schema/schema.h"
#include "shared_data.h"

namespace sluice {
namespace {

// The blocks ```language ... ``` of a document.
std::vector<std::string> Blocks(const std::string& document, const std::string& language) {
  const std::string text = ReadFile(std::string(SLUICE_SOURCE_DIR) + "/" + document);
  const std::string fence = "\n```" + language + "\n";
  std::vector<std::string> blocks;
  for (size_t at = text.find(fence); at != std::string::npos; at = text.find(fence, at)) {
    at += fence.size();
    const size_t end = text.find("\n```", at);
    blocks.push_back(text.substr(at, end - at));
  }
  EXPECT_FALSE(blocks.empty()) << document << " shows no " << language;
  return blocks;
}

TEST(Documents, TheSchemaOfSchemasIsSoundAndItsQueryRuns) {
  MemoryDatabase database;
  for (const std::string& toml : Blocks("docs/schemas.md", "toml")) {
    const Result<Table> table = ParseSchema(toml, "schemas.md");
    ASSERT_TRUE(table.has_value()) << table.error().message();
    EXPECT_EQ(SchemaWarnings(*table), std::vector<std::string>());
    database.Make(*table);
  }
  for (const std::string& sql : Blocks("docs/schemas.md", "sql")) database.Query(sql);
}

TEST(Documents, TheQuestionsOfAgentsHaveAnswers) {
  MemoryDatabase database;
  database.MakeAll(*LoadPreset("claude-code"));
  const std::vector<std::string> questions = Blocks("docs/agents.md", "sql");
  EXPECT_GE(questions.size(), 10u);
  for (const std::string& sql : questions) database.Query(sql);
}

// Its lines, without what they are indented by.
std::string Unindented(const std::string& code) {
  std::istringstream lines(code);
  std::string unindented;
  for (std::string line; std::getline(lines, line);) {
    unindented += line.substr(std::min(line.find_first_not_of(' '), line.size())) + "\n";
  }
  return unindented;
}

TEST(Documents, TheirCodeIsBuiltAndRun) {
  std::string programs;
  for (const char* program : {"ingest_file.cc", "import_scope.cc", "follow_files.cc"}) {
    programs += Unindented(ReadFile(std::string(SLUICE_SOURCE_DIR) + "/tests/package/" + program));
  }
  for (const char* document : {"README.md", "docs/library.md"}) {
    const std::vector<std::string> blocks = Blocks(document, "cpp");
    EXPECT_GE(blocks.size(), 2u) << document;
    for (const std::string& code : blocks) {
      EXPECT_NE(programs.find(Unindented(code)), std::string::npos) << document << ":\n" << code;
    }
  }
}

}  // namespace
}  // namespace sluice
