// SPDX-License-Identifier: Apache-2.0
// What the views of the agents count: tokens, costs, failures and sessions, on lines as Claude
// Code, Codex and what stands between them and the API write them.
#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "memory_database.h"
#include "schema/schema.h"

namespace sluice {
namespace {

class AgentsUsage : public testing::Test {
 protected:
  void Claude(const std::string& source, const std::string& lines) { Load(claude_, source, lines); }
  void Codex(const std::string& source, const std::string& lines) { Load(codex_, source, lines); }
  void Prices(const std::string& lines) { Load(prices_, "/prices.jsonl", lines); }
  std::string Query(const std::string& sql) { return database_.Query(sql); }

  MemoryDatabase database_;

 private:
  void Load(const Table& table, const std::string& source, const std::string& lines) {
    database_.MakeAll(table);
    database_.Load(table, source, lines);
  }

  const Table claude_ = LoadPreset("claude-code").value();
  const Table codex_ = LoadPreset("codex").value();
  const Table prices_ = LoadPreset("agents").value();
};

// A line of a response: `ids` are the keys that tell whose it is.
std::string Response(const std::string& ids, const std::string& message_id, int output_tokens,
                     const std::string& more_usage = "", const std::string& model = "claude-x") {
  return R"({"type":"assistant",)" + ids +
         R"(,"isSidechain":false,"message":{"role":"assistant","id":")" + message_id +
         R"(","model":")" + model + R"(","content":[{"type":"text","text":"t"}],)" +
         R"("usage":{"input_tokens":10,"output_tokens":)" + std::to_string(output_tokens) +
         R"(,"cache_read_input_tokens":0,"cache_creation_input_tokens":1000)" + more_usage +
         "}}}\n";
}

std::string Ids(const std::string& session, const std::string& uuid, const std::string& parent,
                int second) {
  return R"("sessionId":")" + session + R"(","uuid":")" + uuid + R"(","parentUuid":")" + parent +
         R"(","timestamp":"2026-01-02T03:04:)" + std::to_string(10 + second) + R"(.000Z")";
}

constexpr char kCounted[] = "SELECT count(*), sum(output_tokens) FROM agent_usage";

TEST_F(AgentsUsage, EachResponseOfARelayThatGivesAllOneMessageIdCounts) {
  for (const std::string session : {"s1", "s2"}) {
    std::string lines;
    for (int i = 0; i < 3; ++i) {
      lines += Response(Ids(session, session + "-" + std::to_string(i), "u" + std::to_string(i), i),
                        "relay", (session == "s1" ? 101 : 201) + i);
    }
    Claude("/" + session + ".jsonl", lines);
    Claude("/copy/" + session + ".jsonl", lines);
  }
  EXPECT_EQ(Query(kCounted), "6|912");
}

TEST_F(AgentsUsage, LinesOfOneResponseWithoutARequestIdCountByTheLast) {
  const std::string progress = R"({"type":"progress","sessionId":"s","uuid":"p","parentUuid":"a2"})"
                               "\n";
  const std::string lines = Response(Ids("s", "a1", "u", 1), "m", 1) +
                            Response(Ids("s", "a2", "a1", 2), "m", 20) + progress +
                            Response(Ids("s", "a3", "p", 3), "m", 300) +
                            Response(Ids("s", "a4", "a3", 4), "m", 300);
  Claude("/a.jsonl", lines);
  EXPECT_EQ(Query(kCounted), "1|300");
  Claude("/copy.jsonl", lines);
  EXPECT_EQ(Query(kCounted), "1|300");
  // Lines that have one parent, and lines that have none.
  Claude("/b.jsonl",
         Response(Ids("s5", "b1", "u5", 1), "n", 1) + Response(Ids("s5", "b2", "u5", 2), "n", 2));
  Claude("/c.jsonl", Response(R"("sessionId":"s6","uuid":"c1","parentUuid":null)", "o", 3) +
                         Response(R"("sessionId":"s6","uuid":"c2","parentUuid":null)", "o", 4));
  EXPECT_EQ(Query(kCounted), "3|306");
}

TEST_F(AgentsUsage, AMessageIdWithTwoRequestIdsIsTwoResponses) {
  const std::string lines =
      Response(Ids("s", "a1", "u1", 1) + R"(,"requestId":"r1")", "relay", 5) +
      Response(Ids("s", "a2", "a1", 2) + R"(,"requestId":"r1")", "relay", 50) +
      Response(Ids("s", "a3", "u2", 3) + R"(,"requestId":"r2")", "relay", 7);
  Claude("/a.jsonl", lines);
  Claude("/copy.jsonl", lines);
  EXPECT_EQ(Query(kCounted), "2|57");
}

TEST_F(AgentsUsage, WhatClaudeCodeMakesUpIsNoResponse) {
  Claude("/a.jsonl", Response(Ids("s", "a", "u", 1), "m", 0, "", "<synthetic>"));
  EXPECT_EQ(Query("SELECT count(*) FROM agent_usage"), "0");
  EXPECT_EQ(Query("SELECT count(*) FROM agent_messages"), "1");
}

TEST_F(AgentsUsage, WhatIsCachedForAnHourCostsTwiceTheInputUnlessThePriceSaysOtherwise) {
  Claude("/a.jsonl", Response(Ids("s", "a", "u", 1) + R"(,"requestId":"r")", "m", 0,
                              R"(,"cache_creation":{"ephemeral_5m_input_tokens":400,)"
                              R"("ephemeral_1h_input_tokens":600})"));
  EXPECT_EQ(Query("SELECT cache_creation_tokens, cache_creation_1h_tokens FROM agent_usage"),
            "1000|600");
  const std::string cost = "SELECT round(cost_usd * 1e6), priced_by FROM agent_cost";
  EXPECT_EQ(Query(cost), "-|-");
  Prices(R"({"model":"claude","input":3,"output":15,"cache_read":0.3,"cache_write":4})"
         "\n");
  EXPECT_EQ(Query(cost), "5230.0|claude");  // 10 x 3 + 400 x 4 + 600 x 6
  Prices(R"({"model":"claude","input":3,"output":15,"cache_write":{"5m":4,"1h":7}})"
         "\n");
  EXPECT_EQ(Query(cost), "5830.0|claude");  // 10 x 3 + 400 x 4 + 600 x 7
  Prices(R"({"model":"claude","input":3,"output":15})"
         "\n");
  EXPECT_EQ(Query(cost), "4830.0|claude");  // 10 x 3 + 400 x 3 + 600 x 6
}

// Such a line becomes a reject: ingest_schema_test.cc.
TEST_F(AgentsUsage, APriceWithoutInputOrOutputIsRefusedByTheTable) {
  Prices("");
  EXPECT_TRUE(database_.Runs("INSERT INTO agent_prices (model, input, output) VALUES ('a', 1, 2)"));
  EXPECT_FALSE(database_.Runs("INSERT INTO agent_prices (model, input) VALUES ('b', 1)"));
  EXPECT_FALSE(database_.Runs("INSERT INTO agent_prices (model, output) VALUES ('c', 1)"));
}

TEST_F(AgentsUsage, TokensOfAnAdvisorCountForItsModel) {
  Claude("/a.jsonl",
         Response(Ids("s", "a", "u", 1) + R"(,"requestId":"r")", "m", 491,
                  R"(,"iterations":[{"type":"message","input_tokens":1,"output_tokens":45},)"
                  R"({"type":"advisor_message","model":"claude-y","input_tokens":159,)"
                  R"("output_tokens":78,"cache_creation_input_tokens":5,"cache_creation":)"
                  R"({"ephemeral_1h_input_tokens":5}},{"type":"message","input_tokens":9}])"));
  EXPECT_EQ(Query("SELECT model, message_id, input_tokens, output_tokens, cache_creation_tokens, "
                  "cache_creation_1h_tokens FROM agent_usage ORDER BY model"),
            "claude-x|m|10|491|1000|0\nclaude-y|m:advisor:1|159|78|5|5");
}

TEST_F(AgentsUsage, PromptsThatWereQueuedAreMessagesOnce) {
  const std::string at = R"("sessionId":"s","timestamp":"2026-01-02T03:04:05.000Z")";
  Claude("/a.jsonl",
         R"({"type":"queue-operation","operation":"enqueue","content":"write tests",)" + at +
             "}\n" + R"({"type":"queue-operation","operation":"remove","content":"write tests",)" +
             at + "}\n" +
             R"({"type":"attachment","uuid":"x","attachment":{"type":"queued_command",)"
             R"("prompt":"write tests","commandMode":"prompt"},)" +
             at + "}\n" +
             R"({"type":"attachment","uuid":"y","attachment":{"type":"queued_command","prompt":)"
             R"([{"type":"text","text":"a"},{"type":"text","text":"b"}]},)" +
             at + "}\n" + R"({"type":"attachment","uuid":"z","attachment":{"type":"other"},)" + at +
             "}\n" +
             // An older version tells it so alone, and so what was sent after all.
             R"({"type":"queue-operation","operation":"remove","content":"and docs",)" + at +
             "}\n" + R"({"type":"queue-operation","operation":"remove","content":"sent",)" + at +
             "}\n" + R"({"type":"user","message":{"role":"user","content":"sent"},)" + at + "}\n");
  EXPECT_EQ(Query("SELECT role, kind, replace(text, char(10), '/') FROM agent_messages "
                  "ORDER BY line_number"),
            "user|text|write tests\nuser|text|a/b\nuser|text|and docs\nuser|text|sent");
}

// A rollout's line; `at` is a time of one day.
std::string Line(const std::string& at, const std::string& type, const std::string& payload) {
  return R"({"timestamp":"2026-06-01T)" + at + R"(Z","type":")" + type + R"(","payload":)" +
         payload + "}\n";
}
std::string Meta(const std::string& at, const std::string& id, const std::string& more = "") {
  return Line(at, "session_meta", R"({"id":")" + id + R"(","cwd":"/work")" + more + "}");
}
std::string Tokens(const std::string& at, int total, int output) {
  return Line(at, "event_msg",
              R"({"type":"token_count","info":{"total_token_usage":{"total_tokens":)" +
                  std::to_string(total) +
                  R"(},"last_token_usage":{"input_tokens":90,"cached_input_tokens":0,)" +
                  R"("output_tokens":)" + std::to_string(output) + "}}}");
}

TEST_F(AgentsUsage, AForkThatRepeatsItsOriginCountsWhatIsItsOwn) {
  const std::string forked = R"(,"forked_from_id":"p")";
  const std::string parent =
      Meta("10:00:00", "p") + Tokens("10:00:02", 1000, 100) + Tokens("10:00:09", 2500, 200);
  const auto replay = [&](const std::string& at) {
    return Tokens(at, 1000, 100) + Tokens(at, 2500, 200);
  };
  Codex("/c1.jsonl", Meta("11:00:00", "c1", forked) + Meta("11:00:00", "p") + replay("11:00:00") +
                         Tokens("11:00:07", 3300, 10));
  EXPECT_EQ(Query(kCounted), "3|310") << "the origin is not here";
  // Its sibling's own response is of the same size.
  Codex("/c2.jsonl",
        Meta("12:00:00", "c2", forked) + replay("12:00:01") + Tokens("12:00:08", 3300, 10));
  EXPECT_EQ(Query(kCounted), "4|320");
  Codex("/p.jsonl", parent);
  EXPECT_EQ(Query("SELECT session_id, count(*) FROM agent_usage GROUP BY 1"), "c1|1\nc2|1\np|2");
  // A fork of the fork.
  Codex("/g.jsonl", Meta("13:00:00", "g", R"(,"forked_from_id":"c1")") + replay("13:00:00") +
                        Tokens("13:00:00", 3300, 10) + Tokens("13:00:08", 4000, 1));
  EXPECT_EQ(Query(kCounted), "5|321");
}

TEST_F(AgentsUsage, SubagentsWithCountersOfTheirOwnAllCount) {
  Codex("/p.jsonl", Meta("10:00:00", "p") + Tokens("10:00:05", 1000, 10));
  for (const std::string id : {"a", "b"}) {
    Codex("/" + id + ".jsonl",
          Meta("10:01:00", id, R"(,"parent_thread_id":"p")") + Tokens("10:01:04", 1000, 10));
  }
  EXPECT_EQ(Query(kCounted), "3|30");
}

TEST_F(AgentsUsage, WhatCodexWritesToTheCacheIsNoPlainInput) {
  Codex("/a.jsonl",
        Meta("10:00:00", "s") +
            Line("10:00:05", "event_msg",
                 R"({"type":"token_count","info":{"total_token_usage":{"total_tokens":110},)"
                 R"("last_token_usage":{"input_tokens":100,"cached_input_tokens":40,)"
                 R"("output_tokens":10,"cache_write_input_tokens":30}}})"));
  EXPECT_EQ(Query("SELECT input_tokens, cache_read_tokens, cache_creation_tokens FROM agent_usage"),
            "30|40|30");
}

std::string Call(const std::string& id) {
  return Line("10:00:01", "response_item",
              R"({"type":"function_call","name":"f","arguments":"{}","call_id":")" + id + R"("})");
}
std::string Output(const std::string& id, const std::string& output) {
  return Line(
      "10:00:02", "response_item",
      R"({"type":"function_call_output","call_id":")" + id + R"(","output":)" + output + "}");
}

TEST_F(AgentsUsage, FailuresOfCodexAreSeenWhereverTheyAreSaid) {
  const std::array<std::pair<const char*, int>, 10> outputs = {{
      {R"("Wall time: 1 s\nProcess exited with code 2\nOutput:\nboom")", 1},
      {R"("Wall time: 1 s\nProcess exited with code 0\nOutput:\nProcess exited with code 9")", 0},
      {R"("Exit code: 1\nWall time: 1 s\nOutput:\n")", 1},
      {R"("Exit code: 0\nWall time: 1 s\nOutput:\n")", 0},
      {R"("{\"output\":\"x\",\"metadata\":{\"exit_code\":1}}")", 1},
      {R"({"content":"x","success":false})", 1},
      {R"({"content":"x","success":true})", 0},
      {R"([{"type":"input_text","text":"Script failed\nOutput:\n"}])", 1},
      {R"([{"type":"input_text","text":"Process exited with code -1\nOutput:\n"}])", 1},
      {R"("plain")", 0},
  }};
  std::string lines = Meta("10:00:00", "s");
  std::string right;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const std::string id = "c" + std::to_string(i);
    lines += Call(id) + Output(id, outputs[i].first);
    right += (i == 0 ? "" : "\n") + id + "|" + std::to_string(outputs[i].second);
  }
  Codex("/a.jsonl", lines);
  EXPECT_EQ(Query("SELECT tool_use_id, is_error FROM agent_tool_calls ORDER BY 1"), right);
}

TEST_F(AgentsUsage, CommandsThatOnlyEventsTellAreCallsToo) {
  const auto item = [](const std::string& id, int exit_code) {
    return Line("10:00:02", "event_msg",
                R"({"type":"item_completed","item":{"type":"CommandExecution","id":")" + id +
                    R"(","command":["false"],"exit_code":)" + std::to_string(exit_code) +
                    R"(,"stdout":"","stderr":"x"}})");
  };
  Codex("/a.jsonl", Meta("10:00:00", "s") + Call("c1") + item("c1", 1) + Output("c1", R"("out")") +
                        Call("c2") + item("c2", 0) + item("c2-1", 1) + Output("c2", R"("out")") +
                        Call("c3") +
                        Line("10:00:02", "event_msg",
                             R"({"type":"exec_command_end","call_id":"c3","exit_code":1})"));
  EXPECT_EQ(Query("SELECT tool_use_id, tool_name, result, is_error FROM agent_tool_calls "
                  "ORDER BY 1"),
            "c1|f|out|1\nc2|f|out|0\nc2-1|command_execution|x|1\nc3|f|-|1");
}

TEST_F(AgentsUsage, ARolloutWithoutSessionMetaBesideWholeOnesIsShown) {
  Codex("/whole.jsonl", Meta("10:00:00", "s"));
  Codex("/cut.jsonl", Call("c9") + Output("c9", R"("x")"));
  EXPECT_EQ(Query("SELECT session_id, count(*) FROM agent_messages GROUP BY 1"), "/cut.jsonl|2");
  EXPECT_EQ(Query("SELECT count(*) FROM agent_tool_calls"), "1");
}

TEST_F(AgentsUsage, TheRestOfARolloutThatMovedIsTheSameSession) {
  const std::string turn = Line("10:00:00", "turn_context", R"({"model":"gpt","cwd":"/work"})");
  Codex("/sessions/r.jsonl", Meta("10:00:00", "s1") + turn + Call("c1"));
  // As a run reads it when the file has moved: the lines go on in another source.
  const std::string rest = "\n\n\n" + Output("c1", R"("x")") + Tokens("12:00:00", 100, 10);
  Codex("/archived/r.jsonl.zst", rest);
  Codex("/other/r.jsonl", Meta("10:00:00", "s2"));
  const std::string uuid = "aaaaaaaa-0000-7000-8000-000000000001";
  Codex("/x/rollout-2026-06-01T10-00-00-" + uuid + ".jsonl", rest);
  EXPECT_EQ(Query("SELECT session_id, cwd, model, text FROM agent_messages "
                  "WHERE session_id = 's1' ORDER BY line_number"),
            "s1|/work|gpt|{}\ns1|/work|gpt|x");
  EXPECT_EQ(Query("SELECT session_id, model FROM agent_usage ORDER BY 1"), uuid + "|-\ns1|gpt");
  EXPECT_EQ(Query("SELECT session_id, result FROM agent_tool_calls"), "s1|x");
}

TEST_F(AgentsUsage, RolloutsBeforeTheEnvelopeHaveMessagesAndCalls) {
  Codex("/old.jsonl", R"({"id":"S4","timestamp":"t0","instructions":null,"git":{"branch":"main"}}
{"record_type":"state"}
{"type":"message","role":"user","content":[{"type":"input_text","text":"hello"}]}
{"type":"function_call","name":"shell","arguments":"{}","call_id":"l1"}
{"type":"function_call_output","call_id":"l1","output":"{\"output\":\"x\",\"metadata\":{\"exit_code\":1}}"}
{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]}
)");
  EXPECT_EQ(Query("SELECT session_id, time, role, kind, text, git_branch FROM agent_messages "
                  "WHERE kind <> 'tool_result' ORDER BY line_number"),
            "S4|t0|user|text|hello|main\nS4|t0|assistant|tool_call|{}|main\n"
            "S4|t0|assistant|thinking|hm|main");
  EXPECT_EQ(Query("SELECT session_id, tool_name, tool_use_id, result, is_error "
                  "FROM agent_tool_calls"),
            "S4|shell|l1|x|1");
}

// Every value of a line in turn becomes each of these.
constexpr std::array<const char*, 12> kOddValues = {
    R"("str")", R"("{bad")",      R"("")", "7",  "-1.5",
    "true",     "null",           "[]",    "{}", R"(["a",{"type":"text"}])",
    R"("[1")",  R"({"type":"x"})"};

// The line with each of its values replaced by each odd value; SQLite itself finds and replaces.
std::string WithOddValues(const std::string& line) {
  MemoryDatabase json;
  std::string lines;
  for (const char* value : kOddValues) {
    std::string quoted;
    for (char c : line) quoted += c == '\'' ? std::string("''") : std::string(1, c);
    lines += json.Query("SELECT json_set('" + quoted + "', fullkey, json('" + value +
                        "')) FROM json_tree('" + quoted + "') WHERE fullkey <> '$'") +
             "\n";
  }
  return lines;
}

// A line of each form that a view looks into.
std::string FormsOfClaudeCode() {
  return Response(
             Ids("s", "a1", "u", 1) + R"(,"requestId":"r")", "m", 5,
             R"(,"cache_creation":{"ephemeral_1h_input_tokens":1},"iterations":)"
             R"([{"type":"advisor_message","model":"y","input_tokens":1,"output_tokens":1}])") +
         R"({"type":"attachment","sessionId":"s","attachment":{"type":"queued_command","prompt":"p"}})"
         "\n"
         R"({"type":"queue-operation","operation":"remove","content":"p","timestamp":"t",)"
         R"("sessionId":"s"})"
         "\n"
         R"({"type":"assistant","message":{"role":"assistant","content":[{"type":"tool_use","id":"t",)"
         R"("name":"n","input":{}},{"type":"tool_use","id":"t2"}]}})"
         "\n"
         R"({"type":"user","message":{"role":"user","content":[{"type":"tool_result",)"
         R"("tool_use_id":"t","content":[{"text":"x"}]},{"type":"tool_result","tool_use_id":"t2"}]}})"
         "\n";
}

std::string FormsOfCodex() {
  return Meta("10:00:00", "s", R"(,"forked_from_id":"p","git":{"branch":"b"})") +
         Line("10:00:00", "turn_context", R"({"model":"g"})") + Call("c") + Output("c", R"("x")") +
         Output("c", R"([{"type":"t","text":"x"}])") + Tokens("10:00:01", 100, 1) +
         Line("10:00:01", "event_msg",
              R"({"type":"item_completed","item":{"type":"CommandExecution","id":"i"}})") +
         Line("10:00:01", "response_item",
              R"({"type":"message","role":"user","content":[{"type":"t","text":"x"}]})") +
         R"({"type":"thread.started","thread_id":"s9"}
{"type":"item.completed","item":{"id":"i","type":"command_execution","command":"ls","exit_code":1}}
{"type":"turn.completed","usage":{"input_tokens":100,"cached_input_tokens":30,"output_tokens":5}}
{"id":"S4","timestamp":"t","instructions":null,"git":{"branch":"main"}}
{"type":"message","role":"user","content":[{"type":"input_text","text":"hello"}]}
{"type":"function_call","name":"shell","arguments":"{}","call_id":"l1"}
{"type":"function_call_output","call_id":"l1",)"
         R"("output":"{\"output\":\"x\",\"metadata\":{\"exit_code\":1}}"}
)";
}

TEST_F(AgentsUsage, OddLinesTakeNoViewAway) {
  const auto each = [](const std::string& lines, auto&& load) {
    size_t begin = 0;
    for (int i = 0; begin < lines.size(); ++i) {
      const size_t end = lines.find('\n', begin);
      const std::string line = lines.substr(begin, end - begin);
      load("/" + std::to_string(i) + ".jsonl", lines + WithOddValues(line));
      begin = end + 1;
    }
  };
  each(FormsOfClaudeCode(),
       [&](const std::string& source, const std::string& text) { Claude(source, text); });
  each(FormsOfCodex(),
       [&](const std::string& source, const std::string& text) { Codex(source, text); });
  Prices(R"({"model":"claude","input":3,"output":15,"cache_write":{"1h":[]}})"
         "\n"
         R"({"model":"claude-x","input":"3 USD","output":15,"cache_write":"{bad"})"
         "\n");
  for (const char* view :
       {"codex_sources", "codex_messages", "codex_usage", "codex_tool_results", "codex_tool_calls",
        "claude_code_messages", "claude_code_usage", "claude_code_tool_calls", "agent_messages",
        "agent_tool_calls", "agent_usage", "agent_cost"}) {
    EXPECT_NE(Query(std::string("SELECT * FROM ") + view), "") << view;
  }
}

}  // namespace
}  // namespace sluice
