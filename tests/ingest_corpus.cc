// SPDX-License-Identifier: Apache-2.0
#include "ingest_corpus.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "shared_data.h"

namespace sluice {
namespace {

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

}  // namespace

void IngestCorpus::SetUp() {
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

std::string IngestCorpus::PresetOf(const std::string& file) const {
  static const std::map<std::string, std::string> presets = {
      {"claude-code/", "claude-code"}, {"codex/", "codex"}, {"sse/", "sse-lines"}};
  const auto preset = presets.find(file.substr(0, file.find('/') + 1));
  if (preset == presets.end() || ShapeOf(ReadFile(Path(file))) != Shape::kJsonLines) return "";
  return preset->second;
}

IngestOptions IngestCorpus::Options(std::vector<std::string> inputs,
                                    const std::string& schema) const {
  IngestOptions options;
  options.database = database_;
  options.inputs = std::move(inputs);
  options.schema = schema;
  options.memory_bytes = uint64_t{32} << 20;
  options.threads = 2;
  return options;
}

Result<IngestSummary> IngestCorpus::Ingest(const IngestOptions& options) {
  const StopToken stop;
  return RunIngest(options, stop, {});
}

std::string NameOfCorpus(const testing::TestParamInfo<std::string>& corpus) { return corpus.param; }

}  // namespace sluice
