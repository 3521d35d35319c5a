// SPDX-License-Identifier: Apache-2.0
// sse_generate: a log of agents' server-sent events, as the sse-lines preset reads it, made up from
// a seed.
//
//   sse_generate LINES [--seed N] [--first N] [--unique-keys] > lines.jsonl
//
// What makes it like the real thing: 24 sessions interleaved; lines of 440 B on average, of which
// one in 200 has 5-20 KB (a tool's result among deltas of a few words); timestamps of which 2 % are
// out of order by up to 5 s; JSON text inside a string (`metadata`); escapes and UTF-8 in the text.
// The same seed gives the same bytes, and
// `--first N` goes on where a run of N lines ended.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "generated_lines.h"

namespace {

struct Options {
  uint64_t lines = 0;
  uint64_t seed = 1;
  uint64_t first = 0;
  bool unique_keys =
      false;  // flow_id and turn_id differ on every line: for --pk, and the worst case for an index
};

constexpr uint64_t kSessions = 24;
constexpr uint64_t kLinesPerRound = 96;  // of one session
constexpr uint64_t kLongLineOneIn = 200;
constexpr uint64_t kOutOfOrderPercent = 2;
constexpr uint64_t kMillisecondsPerLine = 7;
constexpr uint64_t kFirstMillisecond = 1767225600000;  // 2026-01-01T00:00:00Z

// Text as it stands in JSON, cut at words: slices of it are memcpy'd into lines.
class WordPool {
 public:
  explicit WordPool(uint64_t seed) {
    static constexpr std::string_view kWords[] = {
        "the",          "index",       "of",     "a",        "table",   "is",       "read",
        "before",       "rows",        "commit", "returns",  "null",    "function", "\\n",
        "\\\"line\\\"", "src/main.cc", "error:", "café",     "naïve",   "build",    "passes",
        "with",         "2 warnings",  "and",    "tests",    "in",      "0.42 s",   "\\t",
        "C:\\\\logs",   "→",           "日本語", "retry",    "because", "socket",   "closed",
        "request",      "then",        "writes", "\\u00b5s", "again"};
    for (uint64_t i = 0; text_.size() < kBytes; ++i) {
      begins_.push_back(text_.size());
      text_ += kWords[Draw(seed, i, 99) % std::size(kWords)];
      text_ += ' ';
    }
    begins_.push_back(text_.size());
  }

  // Some words of about `size` bytes, at most kBytes / 2.
  std::string_view Slice(uint64_t draw, size_t size) const {
    const size_t words = size / kBytesPerWord + 1;
    const size_t first = draw % (begins_.size() - 1 - words);
    return std::string_view(text_).substr(begins_[first], begins_[first + words] - begins_[first]);
  }

 private:
  static constexpr size_t kBytes = 256 * 1024;
  static constexpr size_t kBytesPerWord = 7;
  std::string text_;
  std::vector<size_t> begins_;
};

// 2026-01-31T23:59:59.123Z. The generator stays within January 2026 and starts it again when it
// ends.
void WriteTime(uint64_t milliseconds, Output* out) {
  const uint64_t in_month = (milliseconds - kFirstMillisecond) % (31ull * 86'400'000);
  out->Text("2026-01-");
  out->Digits(in_month / 86'400'000 + 1, 2);
  out->Text("T");
  out->Digits(in_month / 3'600'000 % 24, 2);
  out->Text(":");
  out->Digits(in_month / 60'000 % 60, 2);
  out->Text(":");
  out->Digits(in_month / 1000 % 60, 2);
  out->Text(".");
  out->Digits(in_month % 1000, 3);
  out->Text("Z");
}

void WriteLine(const Options& options, const WordPool& pool, uint64_t line, Output* out) {
  static constexpr std::string_view kEvents[] = {
      "response.output_text.delta", "response.output_text.delta",
      "response.output_text.delta", "response.function_call_arguments.delta",
      "response.reasoning.delta",   "response.output_item.done"};
  const auto draw = [&](uint64_t purpose) { return Draw(options.seed, line, purpose); };

  // Bursts of a session's lines, as a stream of tokens comes.
  const uint64_t session = Draw(options.seed, line / 3, 1) % kSessions;
  const uint64_t round = line / (kLinesPerRound * kSessions);
  const uint64_t turn = Draw(options.seed, session, 1000 + round);
  const bool is_long = draw(2) % kLongLineOneIn == 0;

  uint64_t time = kFirstMillisecond + 5000 + line * kMillisecondsPerLine;
  if (draw(3) % 100 < kOutOfOrderPercent) time -= draw(4) % 5000;

  out->Text(R"({"t":")");
  WriteTime(time, out);
  out->Text(R"(","event":")");
  out->Text(is_long ? "response.tool_result" : kEvents[draw(5) % std::size(kEvents)]);
  out->Text(R"(","sid":"ses_)");
  out->Hex(Draw(options.seed, session, 6), 12);
  out->Text(R"(","flow_id":"flow_)");
  out->Hex(options.unique_keys ? draw(7) : Draw(options.seed, session, 2000 + round), 16);
  out->Text(R"(","round":)");
  out->Number(round % 50);
  out->Text(R"(,"metadata":"{\"pid\":)");
  out->Number(1000 + Draw(options.seed, session, 8) % 60'000);
  out->Text(R"(,\"cwd\":\"/home/ada/projects/app-)");
  out->Digits(session % 9, 2);
  out->Text(R"(\",\"turn_id\":\"turn_)");
  out->Hex(options.unique_keys ? draw(9) : turn, 16);
  out->Text(R"(\"}","data":{"item_id":"msg_)");
  out->Hex(turn >> 8, 14);
  out->Text(R"(","output_index":0,"sequence_number":)");
  out->Number(line);
  out->Text(R"(,"delta":")");
  out->Text(pool.Slice(draw(10), is_long ? 5'000 + draw(11) % 15'000 : 4 + draw(11) % 96));
  out->Text(R"("}})");
  out->EndLine();
}

[[noreturn]] void Usage() {
  std::fputs("usage: sse_generate LINES [--seed N] [--first N] [--unique-keys] > lines.jsonl\n",
             stderr);
  std::exit(2);
}

Options Parse(int argc, char** argv) {
  Options options;
  if (argc < 2) Usage();
  options.lines = std::strtoull(argv[1], nullptr, 10);
  for (int i = 2; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const bool has_value = i + 1 < argc;
    if (argument == "--unique-keys") {
      options.unique_keys = true;
    } else if (argument == "--seed" && has_value) {
      options.seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (argument == "--first" && has_value) {
      options.first = std::strtoull(argv[++i], nullptr, 10);
    } else {
      Usage();
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = Parse(argc, argv);
  const WordPool pool(options.seed);
  Output out;
  for (uint64_t line = options.first; line < options.first + options.lines; ++line) {
    WriteLine(options, pool, line, &out);
  }
  out.Flush();
}
