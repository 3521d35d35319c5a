// SPDX-License-Identifier: Apache-2.0
// What the documents show as TOML and SQL is right: it is read and run here.
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
  const std::string text = ReadFile(std::string(SLUICE_SOURCE_DIR) + "/docs/" + document);
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
  for (const std::string& toml : Blocks("schemas.md", "toml")) {
    const Result<Table> table = ParseSchema(toml, "schemas.md");
    ASSERT_TRUE(table.has_value()) << table.error().message();
    EXPECT_EQ(SchemaWarnings(*table), std::vector<std::string>());
    database.Make(*table);
  }
  for (const std::string& sql : Blocks("schemas.md", "sql")) database.Query(sql);
}

TEST(Documents, TheQuestionsOfAgentsHaveAnswers) {
  MemoryDatabase database;
  database.MakeAll(*LoadPreset("claude-code"));
  const std::vector<std::string> questions = Blocks("agents.md", "sql");
  EXPECT_GE(questions.size(), 10u);
  for (const std::string& sql : questions) database.Query(sql);
}

}  // namespace
}  // namespace sluice
