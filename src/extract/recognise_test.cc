// SPDX-License-Identifier: Apache-2.0
#include "extract/recognise.h"

#include <string>

#include <gtest/gtest.h>

namespace sluice {
namespace {

using Shape = Recognised::Shape;

Shape ShapeOf(std::string_view text) { return Recognise(text, SampleEnd::kNothingMore).shape; }
std::string PresetOf(std::string_view text) {
  return Recognise(text, SampleEnd::kNothingMore).preset;
}

TEST(Recognise, JsonLines) {
  EXPECT_EQ(ShapeOf("{\"a\":1}\n{\"a\":2}\n"), Shape::kJsonLines);
  EXPECT_EQ(ShapeOf("{\"a\":1}"), Shape::kJsonLines);
  EXPECT_EQ(ShapeOf("\xEF\xBB\xBF{\"a\":1}\r\n\r\n"), Shape::kJsonLines);
  EXPECT_EQ(ShapeOf("[1,2]\n[3,4]\n"), Shape::kJsonLines);
  EXPECT_EQ(ShapeOf("1\n\"x\"\nnull\n"), Shape::kJsonLines);
}

TEST(Recognise, BadLinesAmongThemAreNoReasonToRefuseAll) {
  const std::string good = "{\"a\":1}\n{\"a\":{\"b\":[2]}}\n{\"a\":3}\n";
  for (const char* bad :
       {"{\"a\":", "{\"a\":\"cut", "[", "}", "data: x", "Exception in thread main",
        "{\"a\":1} {\"a\":2}", "\xFF\xFE\xFD", "{\"a\":[1,2"}) {
    EXPECT_EQ(ShapeOf(bad + ("\n" + good)), Shape::kJsonLines) << bad << " first";
    EXPECT_EQ(ShapeOf(good + bad + "\n" + good), Shape::kJsonLines) << bad << " amid";
    EXPECT_EQ(ShapeOf(good + bad), Shape::kJsonLines) << bad << " last";
  }
  EXPECT_EQ(ShapeOf(good + std::string(512, '\0') + "\n" + good), Shape::kJsonLines);
  EXPECT_EQ(ShapeOf("a log\nof words\nand more\n{\"a\":1}\n"), Shape::kJsonLines);
}

TEST(Recognise, WhatSimdjsonRefusesIsJsonAllTheSame) {
  EXPECT_EQ(ShapeOf("{\"a\":\"\\ud83d\"}\n"), Shape::kJsonLines);
  EXPECT_EQ(ShapeOf("{\"a\":123456789012345678901234567890}\n{\"a\":1e999}\n"), Shape::kJsonLines);
}

TEST(Recognise, Documents) {
  EXPECT_EQ(ShapeOf("{\n  \"a\": 1,\n  \"b\": {\n    \"c\": []\n  }\n}\n"), Shape::kJsonDocument);
  EXPECT_EQ(ShapeOf("{\n  \"a\": [\n    {}\n  ]\n}\n{\n  \"a\": 2\n}\n"), Shape::kJsonDocument);
  EXPECT_EQ(ShapeOf("{\"a\":1} {\"a\":2}"), Shape::kJsonDocument);
  EXPECT_EQ(ShapeOf("[\n  1,\n  2\n]\n"), Shape::kJsonArray);
  EXPECT_EQ(ShapeOf("[\n{\"a\":1},\n{\"a\":2},\n{\"a\":3}\n]\n"), Shape::kJsonArray);
  EXPECT_EQ(ShapeOf("[{\"a\":1},{\"a\":2}]\n"), Shape::kJsonArray);
  // Cut off, as the first bytes of a large file are.
  EXPECT_EQ(Recognise("{\n  \"a\": 1,\n  \"b\": {\n    \"c", SampleEnd::kMore).shape,
            Shape::kJsonDocument);
  EXPECT_EQ(Recognise("[\n{\"a\":1},\n{\"a\":2},\n{\"a\"", SampleEnd::kMore).shape,
            Shape::kJsonArray);
  // Several texts on a line that has no end yet, as where lines end with CR alone.
  EXPECT_EQ(Recognise("{\"a\":\"}\"}\r{\"a\":2}", SampleEnd::kMore).shape, Shape::kJsonDocument);
  EXPECT_EQ(Recognise("{\"a\":\"}\"} ", SampleEnd::kMore).shape, Shape::kJsonLines);
}

TEST(Recognise, ALineLongerThanTheSample) {
  EXPECT_EQ(Recognise("{\"a\":\"" + std::string(1000, 'x'), SampleEnd::kMore).shape,
            Shape::kJsonLines);
  EXPECT_EQ(Recognise("[{\"a\":\"" + std::string(1000, 'x'), SampleEnd::kMore).shape,
            Shape::kJsonArray);
  EXPECT_EQ(Recognise("[\n{\"a\":\"" + std::string(1000, 'x'), SampleEnd::kMore).shape,
            Shape::kJsonArray);
  EXPECT_EQ(Recognise(std::string(1000, 'x'), SampleEnd::kMore).shape, Shape::kText);
}

TEST(Recognise, OtherThings) {
  EXPECT_EQ(ShapeOf(""), Shape::kEmpty);
  EXPECT_EQ(ShapeOf(" \r\n\n"), Shape::kEmpty);
  EXPECT_EQ(ShapeOf("event: a\ndata: {\"x\":1}\n\ndata: [DONE]\n"), Shape::kSse);
  EXPECT_EQ(ShapeOf(": comment\n\nretry: 5\n"), Shape::kSse);
  EXPECT_EQ(ShapeOf("a log\nof words\n"), Shape::kText);
  EXPECT_EQ(ShapeOf("latin\xE9\n"), Shape::kText);
  EXPECT_EQ(ShapeOf(std::string_view("SQLite format 3\0\x10", 17)), Shape::kBinary);
  EXPECT_EQ(ShapeOf(std::string_view("\xFF\xFE{\0", 4)), Shape::kBinary);
}

TEST(Recognise, PresetsByKeysOfTheirOwn) {
  const std::string claude =
      R"({"type":"user","sessionId":"s","uuid":"u","parentUuid":null,"isSidechain":false,"message":{}})"
      "\n";
  EXPECT_EQ(PresetOf(claude), "claude-code");
  EXPECT_EQ(PresetOf("{\"type\":\"summary\",\"summary\":\"x\",\"leafUuid\":\"y\"}\n"),
            "claude-code");
  EXPECT_EQ(PresetOf("{\"type\":\"last-prompt\",\"sessionId\":\"s\"}\n" + claude), "claude-code");
  EXPECT_EQ(PresetOf("not JSON\n{\"type\":\n" + claude), "claude-code");
  EXPECT_EQ(PresetOf(R"({"timestamp":"t","type":"session_meta","payload":{"id":"x"}})"), "codex");
  EXPECT_EQ(PresetOf(R"({"timestamp":"t","type":"event_msg","payload":{"type":"token_count"}})"),
            "codex");
  EXPECT_EQ(PresetOf(R"({"type":"thread.started","thread_id":"x"})"), "codex");
  EXPECT_EQ(PresetOf(R"({"event":"e","t":"t","sid":"s","flow_id":"f","round":1,"metadata":"{}"})"),
            "sse-lines");
}

TEST(Recognise, RolloutsBeforeTheEnvelopeAreCodex) {
  const std::string header =
      R"({"id":"s","timestamp":"t","instructions":null,"git":{"branch":"main"}})"
      "\n";
  const std::string items =
      R"({"record_type":"state"})"
      "\n"
      R"({"type":"message","role":"user","content":[{"type":"input_text","text":"x"}]})"
      "\n"
      R"({"type":"function_call","name":"shell","arguments":"{}","call_id":"c"})"
      "\n"
      R"({"type":"function_call_output","call_id":"c","output":"{}"})"
      "\n"
      R"({"type":"reasoning","summary":[]})"
      "\n";
  EXPECT_EQ(PresetOf(header), "codex");
  EXPECT_EQ(PresetOf(header + items), "codex");
  // The items alone are what OpenAI's API calls so, whoever logs them.
  EXPECT_EQ(PresetOf(items), "");
  EXPECT_EQ(PresetOf(R"({"id":"s","timestamp":"t","level":"info"})"), "");
}

TEST(Recognise, ForeignLinesAreNoPreset) {
  for (const char* line :
       {R"({"type":"user","message":{"role":"user","content":"x"}})",
        R"({"type":"assistant","message":{"id":"m"},"sessionId":"s"})",
        R"({"type":"summary","summary":"x"})", R"({"type":"PushEvent","payload":{"type":"x"}})",
        R"({"type":"event_msg","payload":"x","timestamp":"t"})",
        R"({"type":"response_item","payload":{"type":"x"}})", R"({"type":"turn.completed"})",
        R"({"type":"item.completed","item":{"id":1}})",
        R"({"type":"response.output_item.done","item":{"id":"i","type":"message"}})",
        R"({"event":"e","t":"t","sid":"s"})", R"({"type":5,"sessionId":5})"}) {
    EXPECT_EQ(PresetOf(line), "") << line;
  }
  // One line of a preset among many others does not make it one.
  EXPECT_EQ(PresetOf("{\"type\":\"summary\",\"summary\":\"x\",\"leafUuid\":\"y\"}\n"
                     "{\"a\":1}\n{\"a\":2}\n"),
            "");
}

// Keys are read whatever stands in other values, and however it is written.
TEST(Recognise, APresetWhoseLinesSimdjsonRefuses) {
  for (const char* message : {R"({"a":"\ud83d"})", R"({"a":"\"\uDE00 \\"})", "1e999",
                              "[-123456789012345678901234567890,true]"}) {
    EXPECT_EQ(PresetOf(R"({"type":"user","sessionId":"s","uuid":"u","parentUuid":null,)"
                       R"("isSidechain":false,"message":)" +
                       std::string(message) + "}\n"),
              "claude-code")
        << message;
  }
}

TEST(Recognise, RecordsThatDecideNothing) {
  const std::string claude =
      R"({"type":"user","sessionId":"s","uuid":"u","parentUuid":null,"isSidechain":false,"message":{}})"
      "\n";
  std::string undecided;
  for (const char* record :
       {R"({"type":"permission-mode","permissionMode":"default","sessionId":"s"})",
        R"({"type":"ai-title","aiTitle":"x","sessionId":"s"})",
        R"({"type":"mode","sessionId":"s"})",
        R"({"type":"last-prompt","lastPrompt":"\ud83d","sessionId":"s"})",
        R"({"type":"agent-name","agentName":"x","sessionId":"s"})",
        R"({"type":"pr-link","prNumber":1e999,"sessionId":"s"})"}) {
    undecided += record + std::string("\n");
    const Recognised recognised = Recognise(undecided, SampleEnd::kMayGrow);
    EXPECT_EQ(recognised.preset, "") << undecided;
    EXPECT_EQ(recognised.may_be, "claude-code") << undecided;
    EXPECT_EQ(recognised.whole_bytes, undecided.size());
    EXPECT_EQ(PresetOf(undecided + claude), "claude-code") << undecided;
  }
  // Another program's record decides that it is none of them.
  EXPECT_EQ(Recognise(undecided + "{\"a\":1}\n", SampleEnd::kMayGrow).may_be, "");
  EXPECT_EQ(Recognise("{\"a\":1}\n", SampleEnd::kMayGrow).may_be, "");
  EXPECT_EQ(PresetOf(claude + "{\"a\":1}\n{\"a\":2}\n"), "");
  EXPECT_EQ(Recognise(R"({"type":"a","sessionId":"s","message":{}})", SampleEnd::kMayGrow).may_be,
            "");
}

TEST(Recognise, ALastLineWithoutItsNewline) {
  const std::string claude =
      R"({"type":"user","sessionId":"s","uuid":"u","parentUuid":null,"isSidechain":false,"message":{}})";
  const Recognised whole = Recognise(claude, SampleEnd::kMayGrow);
  EXPECT_EQ(whole.preset, "claude-code");
  EXPECT_EQ(whole.objects, 1u);
  // At each byte it is either whole, or says nothing.
  for (size_t size = 1; size < claude.size(); ++size) {
    const Recognised cut = Recognise(claude.substr(0, size), SampleEnd::kMayGrow);
    EXPECT_EQ(cut.shape, Shape::kJsonLines) << size;
    EXPECT_EQ(cut.objects, 0u) << size;
    EXPECT_EQ(cut.preset + cut.may_be, "") << size;
  }
  EXPECT_EQ(Recognise("1", SampleEnd::kMayGrow).objects, 0u) << "it may become 12";
  EXPECT_EQ(Recognise(claude, SampleEnd::kMore).objects, 0u);
}

TEST(Recognise, HalfALineSaysNothing) {
  for (const char* half : {"\xEF", "\xEF\xBB\xBF", "{", "[{\"a\"", "\"wor", "tru", "-", "12"}) {
    const Recognised recognised = Recognise(half, SampleEnd::kMayGrow);
    EXPECT_TRUE(recognised.shape == Shape::kEmpty || recognised.shape == Shape::kJsonLines) << half;
    EXPECT_EQ(recognised.objects + recognised.values, 0u) << half;
    EXPECT_EQ(recognised.whole_bytes, 0u) << half;
  }
  EXPECT_EQ(Recognise("Starting", SampleEnd::kMayGrow).shape, Shape::kText);
}

// After each byte of a session it is undecided, or what it is in the end.
TEST(Recognise, NoCutOfASessionIsTakenForAnythingElse) {
  const std::string session =
      R"({"type":"permission-mode","permissionMode":"default","sessionId":"s"})"
      "\n"
      R"({"parentUuid":null,"isSidechain":false,"type":"user","message":{"role":"user","content":"{"},)"
      R"("uuid":"u","timestamp":"2026-01-01T00:00:00Z","sessionId":"s"})"
      "\n"
      R"({"parentUuid":"u","isSidechain":false,"type":"assistant","message":{"id":"m","content":[]},)"
      R"("uuid":"v","sessionId":"s"})"
      "\n";
  const size_t decided_at = session.find("\"s\"}\n", session.find('\n') + 1) + 4;
  for (size_t size = 0; size <= session.size(); ++size) {
    const Recognised cut = Recognise(session.substr(0, size), SampleEnd::kMayGrow);
    const bool is_undecided = cut.preset.empty() && (cut.objects == 0 || !cut.may_be.empty());
    EXPECT_TRUE(cut.preset == "claude-code" || is_undecided) << size;
    EXPECT_EQ(cut.preset == "claude-code", size >= decided_at) << size;
  }
}

TEST(Recognise, ALineOfAnyLength) {
  const std::string claude =
      R"({"type":"user","sessionId":"s","uuid":"u","parentUuid":null,"isSidechain":false,"message":")" +
      std::string(size_t{3} << 20, 'x') + "\"}\n";
  EXPECT_EQ(Recognise(claude, SampleEnd::kMore).preset, "claude-code");
}

TEST(Recognise, ALineThatIsButTheWrappingOfAnArray) {
  const auto array_of = [](std::string_view text) {
    return Recognise(text, SampleEnd::kMayGrow).array;
  };
  EXPECT_EQ(array_of(R"({"Records":[{"a":1},{"a":2}]})"), ".Records[]");
  EXPECT_EQ(array_of(R"({"Records":[{"a":1}]})"), "");
  EXPECT_EQ(array_of(R"({"Records":[1,2]})"), "");
  EXPECT_EQ(array_of(R"({"n":1,"Records":[{"a":1},{"a":2}]})"), "");
  EXPECT_EQ(array_of("{\"R\":[{\"a\":1},{\"a\":2}]}\n{\"R\":[{\"a\":1},{\"a\":2}]}\n"), "");
}

TEST(Recognise, ARemedyForEachShapeThatIsNoLines) {
  const auto of = [](std::string_view text, std::string_view path) {
    return NotJsonLines(Recognise(text, SampleEnd::kNothingMore), path);
  };
  EXPECT_TRUE(of("{\"a\":1}\n", "x").ok());
  EXPECT_TRUE(of("", "x").ok());
  EXPECT_EQ(of("{\n\"a\":1\n}\n", "x.json").remedy(),
            "make lines of it: jq -c . < 'x.json' > 'x.jsonl'");
  EXPECT_EQ(
      of("{\n\"v\":1,\"Records\": [\n{\"a\":[{\"b\":1}]},\n{\"a\":2}\n]\n}\n", "x.json").remedy(),
      "make a line of each element: jq -c '.Records[]' < 'x.json' > 'x.jsonl'");
  EXPECT_EQ(of("[\n1,\n2\n]\n", "it's.jsonl").remedy(),
            "make a line of each element: jq -c '.[]' < 'it'\\''s.jsonl' > 'it'\\''s.lines.jsonl'");
  for (const char* text : {"data: {}\n", "words\n", "a\tb\nc\td\n", "a,b\n", "{'a': 1}\n",
                           "{'a': None, 'b': \"it's\"}\n{'a': True}\n"}) {
    const Status status = of(text, "x.log");
    EXPECT_EQ(status.code(), StatusCode::kUnsupported) << text;
    EXPECT_TRUE(status.message().starts_with("x.log: ")) << status.message();
    EXPECT_FALSE(status.remedy().empty());
    EXPECT_EQ(status.remedy().find("jq"), std::string::npos) << status.remedy();
  }
}

}  // namespace
}  // namespace sluice
