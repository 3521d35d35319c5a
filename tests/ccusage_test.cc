// SPDX-License-Identifier: Apache-2.0
// ccusage, the tool that most people count with, is the oracle for tokens and costs. Where a relay
// gives all responses one message_id it counts one a session, and a fork's repetition not at all if
// its origin is missing; those cases stand in agents_usage_test.cc.
#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "memory_database.h"
#include "run_program.h"
#include "schema/schema.h"
#include "shared_data.h"

namespace sluice {
namespace {

// $SLUICE_CCUSAGE, else where scripts/setup --developer puts it. Empty where there is none.
std::string Ccusage() {
  const char* named = std::getenv("SLUICE_CCUSAGE");
  const std::string path =
      named != nullptr ? named
                       : std::string(SLUICE_SOURCE_DIR) + "/.deps/npm/node_modules/.bin/ccusage";
  return std::filesystem::exists(path) ? path : "";
}

constexpr char kNoCcusage[] = "no ccusage here: scripts/setup --developer installs it";

// What ccusage's offline prices are for the models below.
constexpr char kPrices[] =
    R"({"model":"claude-sonnet-4","input":3,"output":15,"cache_read":0.3,"cache_write":3.75}
{"model":"gpt-5-codex","input":1.25,"output":10,"cache_read":0.125}
)";

// A home with sessions of both agents, for ccusage, and a database of the same for the views.
class CcusageTest : public testing::Test {
 protected:
  CcusageTest() { database_.MakeAll(prices_); }

  void Claude(const std::string& name, const std::string& lines) {
    home_.Write("claude/projects/p/" + name, lines);
    database_.Load(claude_, "/" + name, lines);
  }
  void Codex(const std::string& name, const std::string& lines) {
    home_.Write("codex/sessions/" + name, lines);
    database_.Load(codex_, "/" + name, lines);
  }

  // input|output|cache writes|cache reads|cost in cents of a cent, by ccusage and by the views.
  std::string ByCcusage(const std::string& agent) {
    const Outcome outcome = RunIn(home_, {Ccusage(), agent, "session", "--json", "--offline"},
                                  {.environment = {{"CLAUDE_CONFIG_DIR", home_ / "claude"},
                                                   {"CODEX_HOME", home_ / "codex"}}});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    std::string quoted;
    for (char c : outcome.out) quoted += c == '\'' ? std::string("''") : std::string(1, c);
    return database_.Query(
        "SELECT t ->> 'inputTokens', t ->> 'outputTokens', t ->> 'cacheCreationTokens', "
        "t ->> 'cacheReadTokens', round(1e4 * coalesce(t ->> 'totalCost', t ->> 'costUSD')) FROM "
        "(SELECT '" +
        quoted + "' -> '$.totals' AS t)");
  }
  std::string ByViews(const std::string& agent) {
    database_.Load(prices_, "/prices.jsonl", kPrices);
    return database_.Query(
        "SELECT sum(input_tokens), sum(output_tokens), sum(cache_creation_tokens), "
        "sum(cache_read_tokens), round(1e4 * sum(cost_usd)) FROM agent_cost WHERE agent = '" +
        agent + "'");
  }

  TemporaryDirectory home_;
  MemoryDatabase database_;
  const Table claude_ = LoadPreset("claude-code").value();
  const Table codex_ = LoadPreset("codex").value();
  const Table prices_ = LoadPreset("agents").value();
};

TEST_F(CcusageTest, RealSessionsAgree) {
  if (Ccusage().empty()) GTEST_SKIP() << kNoCcusage;
  const std::string data = SharedData();
  if (data.empty()) GTEST_SKIP() << kNoSharedData;
  for (const auto& file : std::filesystem::directory_iterator(data + "/claude-code")) {
    Claude(file.path().filename(), ReadFile(file.path()));
  }
  for (const auto& file : std::filesystem::directory_iterator(data + "/codex")) {
    // It reads rollouts alone; a stream is no session of ~/.codex.
    if (file.path().filename().string().find("rollout") == std::string::npos) continue;
    Codex(file.path().filename(), ReadFile(file.path()));
  }
  EXPECT_EQ(ByViews("claude-code"), ByCcusage("claude"));
  EXPECT_EQ(ByViews("codex"), ByCcusage("codex"));
}

std::string ClaudeLine(const std::string& uuid, const std::string& message_id,
                       const std::string& more, int output_tokens, const std::string& usage) {
  return R"({"type":"assistant","sessionId":"s","version":"2.1.2","cwd":"/p","uuid":")" + uuid +
         R"(","parentUuid":"u","timestamp":"2026-06-01T10:00:00.000Z",)" + more +
         R"("message":{"role":"assistant","id":")" + message_id +
         R"(","model":"claude-sonnet-4-20250514","content":[],"usage":{"input_tokens":10,)" +
         R"("output_tokens":)" + std::to_string(output_tokens) +
         R"(,"cache_read_input_tokens":100,"cache_creation_input_tokens":100000)" + usage + "}}}\n";
}

TEST_F(CcusageTest, PlantedCasesOfClaudeCodeAgree) {
  if (Ccusage().empty()) GTEST_SKIP() << kNoCcusage;
  const std::string request = R"("requestId":"r1",)";
  const std::string copied =
      ClaudeLine("a1", "m1", request, 1, "") + ClaudeLine("a2", "m1", request, 500, "");
  Claude("a.jsonl",
         copied + ClaudeLine("b1", "m2", "", 1, "") + ClaudeLine("b2", "m2", "", 70, "") +
             ClaudeLine("c1", "m3", R"("requestId":"r3",)", 9,
                        R"(,"cache_creation":{"ephemeral_5m_input_tokens":30000,)"
                        R"("ephemeral_1h_input_tokens":70000})") +
             ClaudeLine("d1", "m4", R"("requestId":"r4",)", 9,
                        R"(,"iterations":[{"type":"message","input_tokens":10,"output_tokens":9},)"
                        R"({"type":"advisor_message","input_tokens":5000,)"
                        R"("model":"claude-sonnet-4-20250514","output_tokens":300,)"
                        R"("cache_read_input_tokens":0,)"
                        R"("cache_creation_input_tokens":0}])"));
  Claude("copy.jsonl", copied);
  EXPECT_EQ(ByViews("claude-code"), ByCcusage("claude"));
}

std::string CodexLine(const std::string& at, const std::string& type, const std::string& payload) {
  return R"({"timestamp":"2026-06-01T)" + at + R"(.000Z","type":")" + type + R"(","payload":)" +
         payload + "}\n";
}
std::string TokenCount(const std::string& at, int total, int input, int output) {
  const std::string last = R"("input_tokens":)" + std::to_string(input) +
                           R"(,"cached_input_tokens":40,"output_tokens":)" +
                           std::to_string(output) + R"(,"reasoning_output_tokens":0)";
  return CodexLine(at, "event_msg",
                   R"({"type":"token_count","info":{"total_token_usage":{"input_tokens":)" +
                       std::to_string(total - output) +
                       R"(,"cached_input_tokens":40,"output_tokens":)" + std::to_string(output) +
                       R"(,"total_tokens":)" + std::to_string(total) + R"(},"last_token_usage":{)" +
                       last + R"(,"total_tokens":)" + std::to_string(input + output) + "}}}");
}

TEST_F(CcusageTest, PlantedForksOfCodexAgree) {
  if (Ccusage().empty()) GTEST_SKIP() << kNoCcusage;
  const std::string turn = R"({"model":"gpt-5-codex","cwd":"/p"})";
  const std::string p = R"({"id":"aaaaaaaa-0000-7000-8000-000000000001","cwd":"/p")";
  Codex("parent.jsonl",
        CodexLine("10:00:00", "session_meta", p + "}") +
            CodexLine("10:00:01", "turn_context", turn) + TokenCount("10:00:05", 1000, 900, 100) +
            TokenCount("10:00:06", 1000, 900, 100) + TokenCount("10:00:09", 2500, 1300, 200));
  Codex("child.jsonl",
        CodexLine("11:00:00", "session_meta",
                  R"({"id":"aaaaaaaa-0000-7000-8000-000000000002","cwd":"/p",)"
                  R"("forked_from_id":"aaaaaaaa-0000-7000-8000-000000000001"})") +
            CodexLine("11:00:00", "session_meta", p + "}") +
            CodexLine("11:00:00", "turn_context", turn) + TokenCount("11:00:00", 1000, 900, 100) +
            TokenCount("11:00:00", 2500, 1300, 200) + CodexLine("11:00:05", "turn_context", turn) +
            TokenCount("11:00:09", 3300, 700, 100));
  EXPECT_EQ(ByViews("codex"), ByCcusage("codex"));
}

}  // namespace
}  // namespace sluice
