// SPDX-License-Identifier: Apache-2.0
// The views of the presets claude-code, codex and agents, on small made-up lines and on real files.
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "memory_database.h"
#include "schema/schema.h"
#include "shared_data.h"

namespace sluice {
namespace {

class AgentsTest : public testing::Test {
 protected:
  void Claude(const std::string& source, const std::string& lines) {
    database_.MakeAll(claude_);
    database_.Load(claude_, source, lines);
  }
  void Codex(const std::string& source, const std::string& lines) {
    database_.MakeAll(codex_);
    database_.Load(codex_, source, lines);
  }
  std::string Query(const std::string& sql) { return database_.Query(sql); }

  MemoryDatabase database_;
  const Table claude_ = LoadPreset("claude-code").value();
  const Table codex_ = LoadPreset("codex").value();
};

// An assistant's line: one block of a message, with the use of the message so far.
std::string Assistant(const std::string& session, const std::string& message, int output_tokens,
                      const std::string& blocks) {
  return R"({"type":"assistant","sessionId":")" + session + R"(","uuid":"u","parentUuid":null,)" +
         R"("isSidechain":false,"timestamp":"2026-01-02T03:04:05.678Z","cwd":"/work/app",)" +
         R"("gitBranch":"main","version":"2.0","requestId":"r","message":{"id":")" + message +
         R"(","type":"message","role":"assistant","model":"claude-x-1","stop_reason":null,)" +
         R"("content":[)" + blocks + R"(],"usage":{"input_tokens":10,"output_tokens":)" +
         std::to_string(output_tokens) +
         R"(,"cache_read_input_tokens":100,"cache_creation_input_tokens":1000}}})" + "\n";
}

std::string User(const std::string& session, const std::string& content) {
  return R"({"type":"user","sessionId":")" + session + R"(","uuid":"u","parentUuid":null,)" +
         R"("isSidechain":false,"timestamp":"2026-01-02T03:04:06.000Z","cwd":"/work/app",)" +
         R"("message":{"role":"user","content":)" + content + "}}\n";
}

std::string ToolUse(const std::string& id, const std::string& command) {
  return R"({"type":"tool_use","id":")" + id + R"(","name":"Bash","input":{"command":")" + command +
         R"("}})";
}

std::string ToolResult(const std::string& id, const std::string& content, bool is_error = false) {
  return R"({"type":"tool_result","tool_use_id":")" + id + R"(","content":)" + content +
         (is_error ? R"(,"is_error":true})" : "}");
}

std::string Text(const std::string& text) { return R"({"type":"text","text":")" + text + R"("})"; }

TEST_F(AgentsTest, ViewsWorkWhenOnlyOneOfTheTwoIsThere) {
  Claude("/a.jsonl", User("s", R"("hello")"));
  EXPECT_EQ(Query("SELECT agent, text FROM agent_messages"), "claude-code|hello");
  EXPECT_EQ(Query("SELECT count(*) FROM agent_tool_calls"), "0");
  EXPECT_EQ(Query("SELECT count(*) FROM agent_usage"), "0");
  EXPECT_EQ(Query("SELECT count(*) FROM agent_cost"), "0");
  // The second arrives in a later run.
  Codex("/rollout.jsonl",
        R"({"timestamp":"t","type":"response_item","payload":{"type":"message","role":"user",)"
        R"("content":[{"type":"input_text","text":"hi"}]}})"
        "\n");
  EXPECT_EQ(Query("SELECT agent, text FROM agent_messages ORDER BY 1"),
            "claude-code|hello\ncodex|hi");
}

TEST_F(AgentsTest, AMessageCountsOnceByItsMostCompleteLine) {
  const std::string first = Assistant("s1", "m1", 1, Text("a"));
  const std::string last = Assistant("s1", "m1", 25, ToolUse("t1", "ls"));
  const std::string other = Assistant("s1", "m2", 7, Text("b"));
  Claude("/one.jsonl", first + last + last + other);
  // A resumed session repeats them in a file of its own, under its own id.
  Claude("/two.jsonl", Assistant("s2", "m1", 1, Text("a")) + Assistant("s2", "m1", 25, Text("c")));
  EXPECT_EQ(Query("SELECT sum(output_tokens) FROM claude_code"), "84");
  EXPECT_EQ(
      Query("SELECT session_id, message_id, output_tokens, line_number FROM claude_code_usage "
            "ORDER BY message_id"),
      "s1|m1|25|2\ns1|m2|7|4");
  EXPECT_EQ(Query("SELECT agent, sum(input_tokens), sum(cache_read_tokens), "
                  "sum(cache_creation_tokens) FROM agent_usage"),
            "claude-code|20|200|2000");
}

TEST_F(AgentsTest, CostIsByTheLongestPriceThatFits) {
  Claude("/a.jsonl", Assistant("s", "m1", 20, Text("a")));
  EXPECT_EQ(Query("SELECT cost_usd FROM agent_cost"), "-") << "no price is known";
  const Table prices = LoadPreset("agents").value();
  const std::string lines =
      R"({"model":"claude","input":999,"output":999,"cache_read":999,"cache_write":999})"
      "\n"
      R"({"model":"claude-x","input":1,"output":1,"cache_read":1,"cache_write":1})"
      "\n"
      R"({"model":"claude-x","input":3,"output":15,"cache_read":0.5,"cache_write":4})"
      "\n";
  database_.Load(prices, "/prices.jsonl", lines);
  EXPECT_EQ(Query("SELECT count(*) FROM agent_prices"), "2") << "a later line replaces an earlier";
  // (10 x 3 + 20 x 15 + 100 x 0.5 + 1000 x 4) / 1e6
  EXPECT_EQ(Query("SELECT round(cost_usd * 1e6) FROM agent_cost"), "4380.0");
}

TEST_F(AgentsTest, MessagesOfClaudeCodeHaveTheirTextWhateverTheShape) {
  Claude("/a.jsonl",
         User("s", R"("a prompt with \"quotes\"")") +
             User("s", "[" + Text("x") + "," + Text("y") + "]") +
             Assistant("s", "m", 1, R"({"type":"thinking","thinking":"hm","signature":"s"})") +
             Assistant("s", "m", 1, ToolUse("t1", "ls")) +
             User("s", "[" + ToolResult("t1", R"("out")") + "]") +
             User("s", "[" + ToolResult("t1", "[" + Text("p") + "," + Text("q") + "]") + "]") +
             R"({"type":"summary","summary":"All done","leafUuid":"l"})"
             "\n"
             R"({"type":"system","sessionId":"s","content":"Compacted","uuid":"u"})"
             "\n"
             R"({"type":"file-history-snapshot","messageId":"m","snapshot":{}})"
             "\n");
  EXPECT_EQ(Query("SELECT role, kind, replace(text, char(10), '/') FROM agent_messages "
                  "ORDER BY line_number"),
            "user|text|a prompt with \"quotes\"\n"
            "user|text|x/y\n"
            "assistant|thinking|hm\n"
            "assistant|tool_call|{\"command\":\"ls\"}\n"
            "tool|tool_result|out\n"
            "tool|tool_result|p/q\n"
            "summary|summary|All done\n"
            "system|system|Compacted");
}

TEST_F(AgentsTest, ToolCallsOfClaudeCodeMeetTheirResults) {
  Claude("/a.jsonl",
         Assistant("s", "m1", 1, ToolUse("t1", "one")) +
             // Two calls in one line, and their results in one line, the second of them late.
             Assistant("s", "m2", 1, ToolUse("t2", "two") + "," + ToolUse("t3", "three")) +
             User("s", "[" + ToolResult("t1", R"("1")") + "]") +
             User("s", "[" + ToolResult("t2", R"("2")", true) + "," +
                           ToolResult("t3", "[" + Text("3") + "]") + "]") +
             Assistant("s", "m3", 1, Text("t") + "," + ToolUse("t4", "four")));
  // The same lines again, in a copied file.
  Claude("/b.jsonl",
         Assistant("s", "m1", 1, ToolUse("t1", "one")) +
             Assistant("s", "m2", 1, ToolUse("t2", "two") + "," + ToolUse("t3", "three")) +
             User("s", "[" + ToolResult("t1", R"("1")") + "]"));
  EXPECT_EQ(Query("SELECT tool_use_id, tool_name, input, result, is_error, source "
                  "FROM agent_tool_calls ORDER BY 1"),
            "t1|Bash|{\"command\":\"one\"}|1|0|/a.jsonl\n"
            "t2|Bash|{\"command\":\"two\"}|2|1|/a.jsonl\n"
            "t3|Bash|{\"command\":\"three\"}|3|0|/a.jsonl\n"
            "t4|Bash|{\"command\":\"four\"}|-|0|/a.jsonl");
}

// Lines of another kind must not break a view that unfolds JSON.
TEST_F(AgentsTest, OddLinesOfClaudeCodeAreSurvived) {
  Claude(
      "/a.jsonl",
      R"({"type":"user","message":"no object"})"
      "\n"
      R"({"type":"user","message":{"role":"user","content":["a","b"]}})"
      "\n"
      R"({"type":"assistant","message":{"role":"assistant","content":[{"type":"text"},"b",7]}})"
      "\n"
      R"({"type":"assistant","message":{"role":"assistant","content":[{"type":"x"},{"type":"y"},"z"]}})"
      "\n"
      R"({"type":"user","message":{"role":"user","content":{"type":"text"}}})"
      "\n"
      R"({"type":"user","message":{"role":"user","content":[]}})"
      "\n"
      R"({"type":"user","message":null})"
      "\n{}\n");
  EXPECT_EQ(Query("SELECT count(*), count(length(text)) >= 0 FROM agent_messages"), "7|1");
  EXPECT_EQ(Query("SELECT count(length(input)), count(length(result)) FROM agent_tool_calls"),
            "0|0");
  EXPECT_EQ(Query("SELECT count(*) FROM agent_cost"), "0");
}

std::string RolloutLine(const std::string& type, const std::string& payload) {
  return R"({"timestamp":"2026-01-02T03:04:05Z","type":")" + type + R"(","payload":)" + payload +
         "}\n";
}
std::string SessionMeta(const std::string& id) {
  return RolloutLine("session_meta", R"({"id":")" + id +
                                         R"(","cwd":"/work/app","cli_version":"0.40.0",)" +
                                         R"("git":{"branch":"main"}})");
}
std::string TurnContext(const std::string& model) {
  return RolloutLine("turn_context", R"({"cwd":"/work/app","model":")" + model + R"("})");
}
// A token_count event: the session's sum so far, and the last response's input (80 of it cached)
// and output.
std::string TokenCount(int total, int input, int output) {
  return RolloutLine("event_msg",
                     R"({"type":"token_count","info":{"total_token_usage":{"total_tokens":)" +
                         std::to_string(total) + R"(},"last_token_usage":{"input_tokens":)" +
                         std::to_string(input) + R"(,"cached_input_tokens":80,"output_tokens":)" +
                         std::to_string(output) + R"(,"reasoning_output_tokens":1}}})");
}

TEST_F(AgentsTest, TokenCountsOfCodexAreNotAddedUp) {
  const std::string rollout = SessionMeta("s1") + TurnContext("gpt-a") + TokenCount(110, 100, 10) +
                              TokenCount(110, 100, 10) +  // the same event again
                              RolloutLine("event_msg", R"({"type":"token_count","info":null})") +
                              TurnContext("gpt-b") + TokenCount(330, 200, 20) +
                              TokenCount(130, 120, 10);  // the sum started anew
  Codex("/rollout-1.jsonl", rollout);
  Codex("/backup/rollout-1.jsonl", rollout);
  EXPECT_EQ(Query("SELECT session_id, model, input_tokens, cache_read_tokens, output_tokens "
                  "FROM agent_usage ORDER BY line_number"),
            "s1|gpt-a|20|80|10\ns1|gpt-b|120|80|20\ns1|gpt-b|40|80|10");
}

constexpr char kStream[] = R"({"type":"thread.started","thread_id":"s9"}
{"type":"turn.started"}
{"type":"item.completed","item":{"id":"item_0","type":"reasoning","text":"hm"}}
{"type":"item.started","item":{"id":"item_1","type":"command_execution","command":"ls","status":"in_progress"}}
{"type":"item.completed","item":{"id":"item_1","type":"command_execution","command":"ls","aggregated_output":"x","exit_code":1,"status":"failed"}}
{"type":"item.completed","item":{"id":"item_2","type":"agent_message","text":"done"}}
{"type":"turn.completed","usage":{"input_tokens":100,"cached_input_tokens":30,"output_tokens":5}}
)";

TEST_F(AgentsTest, StreamsOfCodexExecAreReadToo) {
  Codex("/exec.jsonl", kStream);
  EXPECT_EQ(Query("SELECT session_id, role, kind, text, tool_name FROM agent_messages"),
            "s9|assistant|thinking|hm|reasoning\n"
            "s9|assistant|tool_call|ls|command_execution\n"
            "s9|assistant|text|done|-");
  EXPECT_EQ(Query("SELECT tool_name, input, result, is_error FROM agent_tool_calls"),
            "command_execution|ls|x|1");
  EXPECT_EQ(Query("SELECT input_tokens, cache_read_tokens, output_tokens FROM agent_usage"),
            "70|30|5");
  // The thread goes on in another stream, which tells the sum over both.
  Codex("/exec-2.jsonl", R"({"type":"thread.started","thread_id":"s9"}
{"type":"turn.completed","usage":{"input_tokens":300,"cached_input_tokens":200,"output_tokens":9}}
)");
  EXPECT_EQ(Query("SELECT input_tokens, cache_read_tokens, output_tokens FROM agent_usage"),
            "100|200|9");
}

TEST_F(AgentsTest, AStreamWhoseRolloutIsThereTooCountsOnce) {
  Codex("/exec.jsonl", kStream);
  Codex("/rollout.jsonl", SessionMeta("s9") + TurnContext("gpt-a") + TokenCount(110, 100, 10));
  EXPECT_EQ(Query("SELECT session_id, format, is_second_record FROM codex_sources"),
            "s9|exec|1\ns9|rollout|0");
  EXPECT_EQ(Query("SELECT session_id, output_tokens FROM agent_usage"), "s9|10");
  EXPECT_EQ(Query("SELECT count(*) FROM agent_messages"), "0");
  EXPECT_EQ(Query("SELECT count(*) FROM agent_tool_calls"), "0");
}

TEST_F(AgentsTest, RolloutsHaveMessagesAndToolCalls) {
  Codex("/rollout.jsonl",
        SessionMeta("s1") +
            SessionMeta("s0") +  // a session that was forked carries its origin's too
            TurnContext("gpt-a") +
            RolloutLine("response_item",
                        R"({"type":"message","role":"user","content":[)"
                        R"({"type":"input_text","text":"<environment_context>x"}]})") +
            RolloutLine("response_item", R"({"type":"reasoning","summary":[{"type":"summary_text",)"
                                         R"("text":"think"}],"encrypted_content":"zzz"})") +
            RolloutLine("response_item", R"({"type":"function_call","name":"shell","call_id":"c1",)"
                                         R"("arguments":"{\"command\":[\"ls\"]}"})") +
            RolloutLine("response_item",
                        R"({"type":"function_call_output","call_id":"c1","output":)"
                        R"("{\"output\":\"a b\",\"metadata\":{\"exit_code\":2}}"})") +
            RolloutLine("response_item", R"({"type":"custom_tool_call","name":"apply_patch",)"
                                         R"("call_id":"c2","input":"*** Begin"})") +
            RolloutLine("response_item", R"({"type":"custom_tool_call_output","call_id":"c2",)"
                                         R"("output":"plain text"})") +
            RolloutLine("event_msg", R"({"type":"agent_message","message":"again"})") +
            RolloutLine("response_item", R"({"type":"message","role":"assistant","content":[)"
                                         R"({"type":"output_text","text":"bye"}]})"));
  EXPECT_EQ(Query("SELECT session_id, role, kind, text, model FROM agent_messages"),
            "s1|user|context|<environment_context>x|gpt-a\n"
            "s1|assistant|thinking|think|gpt-a\n"
            "s1|assistant|tool_call|{\"command\":[\"ls\"]}|gpt-a\n"
            "s1|tool|tool_result|{\"output\":\"a b\",\"metadata\":{\"exit_code\":2}}|gpt-a\n"
            "s1|assistant|tool_call|*** Begin|gpt-a\n"
            "s1|tool|tool_result|plain text|gpt-a\n"
            "s1|assistant|text|bye|gpt-a");
  EXPECT_EQ(
      Query("SELECT tool_name, input, result, is_error, cwd, git_branch FROM agent_tool_calls"),
      "shell|{\"command\":[\"ls\"]}|a b|1|/work/app|main\n"
      "apply_patch|*** Begin|plain text|0|/work/app|main");
}

TEST_F(AgentsTest, ARolloutWithoutItsFirstLineIsNotLost) {
  Codex("/cut.jsonl", TurnContext("gpt-a") + TokenCount(110, 100, 10));
  EXPECT_EQ(Query("SELECT session_id, model, output_tokens FROM agent_usage"),
            "/cut.jsonl|gpt-a|10");
}

// Every view of an agent's session goes through an index, not over the table.
TEST_F(AgentsTest, OneSessionIsFoundByAnIndex) {
  Claude("/a.jsonl", User("s", R"("hello")"));
  for (const char* view : {"claude_code_messages", "claude_code_usage", "claude_code_tool_calls"}) {
    const std::string plan =
        Query("EXPLAIN QUERY PLAN SELECT * FROM " + std::string(view) + " WHERE session_id = 's'");
    EXPECT_NE(plan.find("idx_claude_code_session_id"), std::string::npos) << plan;
    EXPECT_EQ(plan.find("SCAN claude_code"), std::string::npos) << plan;
  }
  for (const char* view : {"codex_messages", "codex_usage", "codex_tool_calls"}) {
    const std::string plan =
        Query("EXPLAIN QUERY PLAN SELECT * FROM " + std::string(view) + " WHERE session_id = 's'");
    EXPECT_NE(plan.find("idx_codex_source (source=?"), std::string::npos) << plan;
  }
}

TEST_F(AgentsTest, RealSessionsCountEachMessageOnce) {
  const std::string data = SharedData();
  if (data.empty()) GTEST_SKIP() << kNoSharedData;
  for (const auto& file : std::filesystem::directory_iterator(data + "/claude-code")) {
    Claude(file.path().filename(), ReadFile(file.path()));
  }
  for (const auto& file : std::filesystem::directory_iterator(data + "/codex")) {
    Codex(file.path().filename(), ReadFile(file.path()));
  }
  EXPECT_EQ(database_.rejects(), 0u);
  EXPECT_EQ(Query("SELECT count(*), count(DISTINCT message_id) FROM claude_code "
                  "WHERE output_tokens IS NOT NULL"),
            "229|147");
  EXPECT_EQ(Query("SELECT count(*), count(DISTINCT message_id) FROM claude_code_usage"), "147|147");
  // What a plain sum is too high by, in percent.
  const std::string tokens =
      "sum(input_tokens + output_tokens + cache_read_tokens + cache_creation_tokens)";
  EXPECT_EQ(Query("SELECT round(100.0 * (SELECT " + tokens + " FROM claude_code) / " + tokens +
                  " - 100) FROM claude_code_usage"),
            "39.0");
  // One session's sum started anew, after 1,363,408 tokens.
  EXPECT_EQ(Query("SELECT count(*), sum(input_tokens + cache_read_tokens + output_tokens) "
                  "FROM codex_usage WHERE session_id = '0199812e-64f0-7f73-91fc-095dda01c36e'"),
            "58|1400951");
  EXPECT_EQ(Query("SELECT agent, count(*), count(result) FROM agent_tool_calls GROUP BY agent"),
            "claude-code|164|159\ncodex|318|317");
  EXPECT_EQ(
      Query("SELECT agent, count(*) FROM agent_messages WHERE text IS NOT NULL GROUP BY agent"),
      "claude-code|443\ncodex|999");
}

}  // namespace
}  // namespace sluice
