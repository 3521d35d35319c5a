// SPDX-License-Identifier: Apache-2.0
#include "extract/recognise.h"

#include <string>

#include <gtest/gtest.h>

namespace sluice {
namespace {

using Shape = Recognised::Shape;

Shape ShapeOf(std::string_view text) { return Recognise(text, true).shape; }
std::string PresetOf(std::string_view text) { return Recognise(text, true).preset; }

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
  EXPECT_EQ(Recognise("{\n  \"a\": 1,\n  \"b\": {\n    \"c", false).shape, Shape::kJsonDocument);
  EXPECT_EQ(Recognise("[\n{\"a\":1},\n{\"a\":2},\n{\"a\"", false).shape, Shape::kJsonArray);
  // Several texts on a line that has no end yet, as where lines end with CR alone.
  EXPECT_EQ(Recognise("{\"a\":\"}\"}\r{\"a\":2}", false).shape, Shape::kJsonDocument);
  EXPECT_EQ(Recognise("{\"a\":\"}\"} ", false).shape, Shape::kJsonLines);
}

TEST(Recognise, ALineLongerThanTheSample) {
  EXPECT_EQ(Recognise("{\"a\":\"" + std::string(1000, 'x'), false).shape, Shape::kJsonLines);
  EXPECT_EQ(Recognise("[{\"a\":\"" + std::string(1000, 'x'), false).shape, Shape::kJsonArray);
  EXPECT_EQ(Recognise("[\n{\"a\":\"" + std::string(1000, 'x'), false).shape, Shape::kJsonArray);
  EXPECT_EQ(Recognise(std::string(1000, 'x'), false).shape, Shape::kText);
}

TEST(Recognise, OtherThings) {
  EXPECT_EQ(ShapeOf(""), Shape::kEmpty);
  EXPECT_EQ(ShapeOf(" \r\n\n"), Shape::kEmpty);
  EXPECT_EQ(ShapeOf("event: a\ndata: {\"x\":1}\n\ndata: [DONE]\n"), Shape::kSse);
  EXPECT_EQ(ShapeOf(": comment\n\nretry: 5\n"), Shape::kSse);
  EXPECT_EQ(ShapeOf("a,b\nx,y\n"), Shape::kText);
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

TEST(Recognise, ARemedyForEachShapeThatIsNoLines) {
  EXPECT_TRUE(NotJsonLines(Shape::kJsonLines, "x").ok());
  EXPECT_TRUE(NotJsonLines(Shape::kEmpty, "x").ok());
  EXPECT_EQ(NotJsonLines(Shape::kJsonDocument, "x.json").remedy(),
            "make lines of it: jq -c . 'x.json' > 'x.jsonl'");
  EXPECT_EQ(NotJsonLines(Shape::kJsonArray, "it's.jsonl").remedy(),
            "make a line of each element: jq -c '.[]' 'it'\\''s.jsonl' > 'it'\\''s.lines.jsonl'");
  for (Shape shape : {Shape::kSse, Shape::kText, Shape::kBinary}) {
    const Status status = NotJsonLines(shape, "x.log");
    EXPECT_EQ(status.code(), StatusCode::kUsage);
    EXPECT_TRUE(status.message().starts_with("x.log: ")) << status.message();
    EXPECT_FALSE(status.remedy().empty());
  }
}

}  // namespace
}  // namespace sluice
