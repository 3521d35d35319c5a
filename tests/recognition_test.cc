// SPDX-License-Identifier: Apache-2.0
// Which table the lines of a file go to must not depend on when it was looked at first.
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compress.h"
#include "database_view.h"
#include "live_run.h"
#include "sluice/ingest.hpp"
#include "sluice/live.hpp"
#include "temporary_directory.h"
#include "torture.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr milliseconds kForEver{3'600'000};
constexpr milliseconds kAtOnce{0};

const std::string kUndecided =
    R"({"type":"permission-mode","permissionMode":"default","sessionId":"s1"})"
    "\n"
    R"({"type":"ai-title","aiTitle":"Mend it","sessionId":"s1"})"
    "\n";
const std::string kSession =
    R"({"parentUuid":null,"isSidechain":false,"type":"user","message":{"role":"user",)"
    R"("content":"hello"},"uuid":"u1","timestamp":"2026-01-01T00:00:00Z","sessionId":"s1"})"
    "\n"
    R"({"parentUuid":"u1","isSidechain":false,"type":"assistant","message":{"id":"m1","role":)"
    R"("assistant","model":"opus","content":[{"type":"text","text":"hi"}],"usage":)"
    R"({"input_tokens":1,"output_tokens":2}},"uuid":"u2","timestamp":"2026-01-01T00:00:01Z",)"
    R"("sessionId":"s1","requestId":"r1"})"
    "\n";

class RecognitionTest : public testing::Test {
 protected:
  IngestOptions Options(std::vector<std::string> inputs) const {
    IngestOptions options;
    options.database = database_;
    options.inputs = std::move(inputs);
    options.memory_bytes = uint64_t{32} << 20;
    options.undecided_for = kForEver;
    return options;
  }
  IngestSummary Ingest(const IngestOptions& options) {
    const Result<IngestSummary> summary = RunIngest(options);
    if (!summary) {
      ADD_FAILURE() << summary.error().message();
      return {};
    }
    EXPECT_TRUE(summary->counts.Balanced());
    return *summary;
  }

  // Every row and reject that is there, with its table and place, and how far sources were read.
  std::vector<std::string> Everything() const {
    std::vector<std::string> all;
    if (!fs::exists(database_)) return all;
    DatabaseView view(database_);
    for (const std::string& table :
         view.Rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB "
                   "'_sluice_*' AND name NOT GLOB 'sqlite_*' ORDER BY name")) {
      for (const std::string& row : view.Rows("SELECT * FROM " + table + " ORDER BY rowid")) {
        all.push_back(table + ": " + row);
      }
    }
    for (const char* sql :
         {"SELECT line_number, byte_offset, reason FROM _sluice_rejects ORDER BY 1",
          "SELECT table_name, path, byte_offset, line_number, lines, rows, rejects, blank, "
          "unfinished FROM _sluice_sources ORDER BY id"}) {
      for (std::string& row : view.Rows(sql)) all.push_back(std::move(row));
    }
    return all;
  }
  std::vector<std::string> Tables() const {
    return DatabaseView(database_).Rows(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB '_sluice_*' AND "
        "name NOT GLOB 'sqlite_*' ORDER BY name");
  }
  std::vector<std::string> Waiting() const {
    DatabaseView view(database_);
    if (view.Count("SELECT count(*) FROM sqlite_schema WHERE name = '_sluice_waiting'") == 0)
      return {};
    return view.Rows("SELECT replace(path, '" + folder_.path() +
                     "/', '') || ' for ' || awaits FROM _sluice_waiting");
  }
  void RemoveDatabase() const {
    for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(database_ + suffix);
  }

  // The text in two runs, of which the first sees `cut` bytes; what is there then.
  void ExpectOneRunsResult(const std::string& text, const std::function<bool(size_t)>& tries) {
    const IngestOptions options = Options({folder_.Write("p/s.jsonl", text)});
    RemoveDatabase();
    Ingest(options);
    const std::vector<std::string> expected = Everything();
    for (size_t cut = 0; cut < text.size(); ++cut) {
      if (!tries(cut)) continue;
      SCOPED_TRACE(cut);
      RemoveDatabase();
      folder_.Write("p/s.jsonl", text.substr(0, cut));
      Ingest(options);
      folder_.Append("p/s.jsonl", text.substr(cut));
      Ingest(options);
      ASSERT_EQ(Everything(), expected);
    }
  }

  TemporaryDirectory folder_;
  const std::string database_ = folder_ / "a.db";
};

// Where a record begins or ends, and some places within.
std::function<bool(size_t)> NearNewlines(const std::string& text) {
  return [&text](size_t cut) {
    for (size_t near = cut < 2 ? 0 : cut - 2; near < cut + 2 && near < text.size(); ++near) {
      if (text[near] == '\n') return true;
    }
    return cut < 3 || cut % 97 == 0;
  };
}

TEST_F(RecognitionTest, ASessionIsTheSameInTwoRunsAsInOne) {
  const std::string text = kUndecided + kSession + kUndecided;
  ExpectOneRunsResult(text, NearNewlines(text));
  EXPECT_THAT(DatabaseView(database_).Rows("SELECT count(*) FROM claude_code"), ElementsAre("6"));
}

TEST_F(RecognitionTest, ASessionWithoutItsLastNewlineToo) {
  const std::string text = kSession.substr(0, kSession.size() - 1);
  ExpectOneRunsResult(text, NearNewlines(text));
}

TEST_F(RecognitionTest, LinesAfterBlankOnesAreTheSameInTwoRunsAsInOne) {
  const std::string text = "\xEF\xBB\xBF\n \r\n\n{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n";
  ExpectOneRunsResult(text, [](size_t) { return true; });
}

class TortureRecognition : public RecognitionTest {};

TEST_F(TortureRecognition, ASessionCutAtEveryByte) {
  const std::string text = kUndecided + kSession;
  const size_t step = ShortTorture() ? 7 : 1;
  ExpectOneRunsResult(text, [step](size_t cut) { return cut % step == 0; });
}

// One whole line and no newline, then 48 more.
TEST_F(RecognitionTest, AWholeLineIsRecognisedBeforeItsNewlineComes) {
  const size_t first_line = kSession.find('\n');
  const std::string log = folder_.Write("s.jsonl", kSession.substr(0, first_line));
  Ingest(Options({log}));
  EXPECT_EQ(DatabaseView(database_).Count("SELECT count(*) FROM claude_code"), 1);
  folder_.Append("s.jsonl", kSession.substr(first_line));
  Ingest(Options({log}));
  EXPECT_EQ(DatabaseView(database_).Count("SELECT count(*) FROM claude_code"), 2);
  EXPECT_EQ(DatabaseView(database_).Count("SELECT count(*) FROM _sluice_sources"), 1);
}

TEST_F(RecognitionTest, NoTableAndNoDatabaseIsMadeFromNothing) {
  for (const char* nothing : {"", "\n \r\n", "{\"a\":", "[", "\"x"}) {
    SCOPED_TRACE(nothing);
    RemoveDatabase();
    const std::string log = folder_.Write("app.jsonl", nothing);
    const IngestSummary first = Ingest(Options({log}));
    EXPECT_EQ(first.path, "none");
    ASSERT_EQ(first.waiting.size(), 1u);
    EXPECT_EQ(first.waiting[0].path, log);
    EXPECT_FALSE(fs::exists(database_));
    EXPECT_FALSE(fs::exists(database_ + ".sluice-lock"));
    folder_.Write("app.jsonl", "\n{\"a\":1,\"b\":\"x\"}\n");
    Ingest(Options({log}));
    EXPECT_THAT(DatabaseView(database_).Rows("SELECT a, b, _extra, _line FROM lines"),
                ElementsAre("1|x|NULL|2"));
  }
}

// Plain text is refused, and looked at again when it has grown.
TEST_F(RecognitionTest, ABannerIsNoSchema) {
  const std::string log = folder_.Write("app.jsonl", "Starting app 1.2\n");
  const Result<IngestSummary> first = RunIngest(Options({log}));
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code(), StatusCode::kUnsupported);
  EXPECT_FALSE(fs::exists(database_));
  folder_.Append("app.jsonl", "{\"a\":1}\n");
  const IngestSummary second = Ingest(Options({log}));
  EXPECT_EQ(second.counts.rejects, 1u);
  EXPECT_THAT(DatabaseView(database_).Rows("SELECT a, _line FROM lines"), ElementsAre("1|2"));
}

TEST_F(RecognitionTest, InADatabaseThatStandsWhatWaitsIsKnown) {
  const std::string good = folder_.Write("d/good.jsonl", "{\"a\":1}\n");
  folder_.Write("d/empty.jsonl", "");
  folder_.Write("d/half.jsonl", "{\"a\":2");
  folder_.Write("d/session.jsonl", kUndecided);
  const IngestSummary first = Ingest(Options({folder_ / "d"}));
  EXPECT_EQ(first.waiting.size(), 3u);
  EXPECT_EQ(first.counts.lines, 1u);
  EXPECT_THAT(
      Waiting(),
      ElementsAre("d/empty.jsonl for its first record", "d/half.jsonl for its first whole record",
                  "d/session.jsonl for a record that says which program wrote it"));
  EXPECT_THAT(DatabaseView(database_).Rows("SELECT count(*) FROM _sluice_sources"),
              ElementsAre("1"));
  folder_.Append("d/half.jsonl", "}\n");
  folder_.Append("d/session.jsonl", kSession);
  const IngestSummary second = Ingest(Options({folder_ / "d"}));
  EXPECT_EQ(second.counts.rows, 5u);
  EXPECT_THAT(Waiting(), ElementsAre("d/empty.jsonl for its first record"));
  EXPECT_THAT(DatabaseView(database_).Rows("SELECT a FROM lines"), ElementsAre("1", "2"));
}

TEST_F(RecognitionTest, WhatStaysUndecidedIsInferredInTheEnd) {
  IngestOptions options = Options({folder_.Write("s.jsonl", kUndecided)});
  EXPECT_EQ(Ingest(options).waiting.size(), 1u);
  options.undecided_for = kAtOnce;
  EXPECT_EQ(Ingest(options).counts.rows, 2u);
  EXPECT_THAT(Tables(), ElementsAre("lines"));
  // It stays there.
  folder_.Append("s.jsonl", kSession);
  options.undecided_for = kForEver;
  Ingest(options);
  EXPECT_THAT(Tables(), ElementsAre("lines"));
}

TEST_F(RecognitionTest, AnHourOldFileIsNotWaitedFor) {
  IngestOptions options = Options({folder_.Write("s.jsonl", kUndecided)});
  fs::last_write_time(folder_ / "s.jsonl",
                      fs::file_time_type::clock::now() - std::chrono::hours(2));
  EXPECT_THAT(Ingest(options).waiting, IsEmpty());
}

TEST_F(RecognitionTest, SoMuchIsNotWaitedFor) {
  std::string much;
  while (much.size() < size_t{64} << 10) much += kUndecided;
  const IngestSummary summary = Ingest(Options({folder_.Write("s.jsonl", much)}));
  EXPECT_THAT(summary.waiting, IsEmpty());
  EXPECT_THAT(Tables(), ElementsAre("lines"));
}

// Beside sessions that are recognised there is no doubt what it is.
TEST_F(RecognitionTest, WhatStaysUndecidedGoesToItsAgentsTableWhereThereIsOne) {
  folder_.Write("p/one.jsonl", kSession);
  folder_.Write("p/two.jsonl", kUndecided);
  IngestOptions options = Options({folder_ / "p"});
  Ingest(options);
  options.undecided_for = kAtOnce;
  Ingest(options);
  EXPECT_THAT(DatabaseView(database_).Rows("SELECT count(*) FROM claude_code"), ElementsAre("4"));
  EXPECT_EQ(
      DatabaseView(database_).Count("SELECT count(*) FROM sqlite_schema WHERE name = 'lines'"), 0);
}

// The first line that decides may be longer than any sample.
TEST_F(RecognitionTest, ALongFirstLineIsLookedAt) {
  const std::string image(size_t{3} << 20, 'x');
  std::string text = kSession;
  text.replace(text.find("hello"), 5, image);
  Ingest(Options({folder_.Write("s.jsonl", kUndecided + text)}));
  EXPECT_THAT(DatabaseView(database_).Rows("SELECT count(*) FROM claude_code"), ElementsAre("4"));
}

// A line beyond --max-line is a reject, and no sign of anything.
TEST_F(RecognitionTest, ALineThatIsTooLongIsPassedOver) {
  IngestOptions options = Options(
      {folder_.Write("s.jsonl", "{\"a\":\"" + std::string(400'000, 'x') + "\"}\n" + kSession)});
  options.max_line_bytes = 300'000;
  const IngestSummary summary = Ingest(options);
  EXPECT_EQ(summary.counts.rejects, 1u);
  EXPECT_THAT(DatabaseView(database_).Rows("SELECT count(*) FROM claude_code"), ElementsAre("2"));
}

// What an older version did stays as it is.
TEST_F(RecognitionTest, AFileThatWentToLinesStaysThere) {
  IngestOptions options = Options({folder_.Write("s.jsonl", kUndecided)});
  options.undecided_for = kAtOnce;
  Ingest(options);
  folder_.Append("s.jsonl", kUndecided);
  options.undecided_for = kForEver;
  EXPECT_EQ(Ingest(options).counts.rows, 2u);
}

TEST_F(RecognitionTest, StartAtEndTakesAllThatComesToAFileThatWaited) {
  IngestOptions options = Options({folder_.Write("s.jsonl", "")});
  options.start_at_end = true;
  Ingest(options);
  folder_.Append("s.jsonl", "{\"a\":1}\n");
  Ingest(options);
  EXPECT_THAT(DatabaseView(database_).Rows("SELECT a FROM lines"), ElementsAre("1"));
}

// An empty file that took the name of a known one: the rest of that one is read all the same.
TEST_F(RecognitionTest, TheRestOfARotatedFileIsReadThoughTheNewOneWaits) {
  const std::string log = folder_.Write("app.jsonl", "{\"a\":1}\n");
  Ingest(Options({log}));
  folder_.Append("app.jsonl", "{\"a\":2}\n");
  fs::rename(log, log + ".1");
  folder_.Write("app.jsonl", "");
  const IngestSummary summary = Ingest(Options({log}));
  EXPECT_EQ(summary.waiting.size(), 1u);
  EXPECT_THAT(DatabaseView(database_).Rows("SELECT a FROM lines"), ElementsAre("1", "2"));
}

// --- One file of another form among several

TEST_F(RecognitionTest, AFileOfAnotherFormStopsNoOther) {
  const std::vector<std::string> inputs = {
      folder_.Write("a.jsonl", "{\"a\":1}\n"),
      folder_.Write("b.csv", "a,b\n1,2\n"),
      folder_.Write("c.json", "{\n\"Records\": [\n{\"a\":1}\n]\n}\n"),
      folder_.Write("d.txt", "some\nwords\n"),
      folder_.Write("e.jsonl", "{\"a\":2}\n"),
      folder_.Write("f.gz", Gzip("x").substr(0, 11))};
  const IngestSummary summary = Ingest(Options(inputs));
  EXPECT_THAT(DatabaseView(database_).Rows("SELECT a FROM lines"), ElementsAre("1", "2"));
  ASSERT_EQ(summary.failures.size(), 4u);
  EXPECT_THAT(summary.failures[0].message(),
              HasSubstr("b.csv: this is no JSON: it looks like CSV"));
  EXPECT_THAT(summary.failures[1].remedy(), HasSubstr("jq -c '.Records[]'"));
  EXPECT_THAT(summary.failures[2].message(), HasSubstr("d.txt: this is no JSON"));
  EXPECT_THAT(summary.failures[3].message(), HasSubstr("f.gz"));
}

TEST_F(RecognitionTest, WhereNothingCanBeReadThereIsNoDatabase) {
  for (const char* text : {"a,b\n1,2\n", "words\n", "{'a': 1}\n", "1\n2\n", "<a>\n</a>\n"}) {
    const Result<IngestSummary> summary =
        RunIngest(Options({folder_.Write("x.txt", text), folder_.Write("y.txt", text)}));
    ASSERT_FALSE(summary) << text;
    EXPECT_EQ(summary.error().code(), StatusCode::kUnsupported);
    EXPECT_THAT(summary.error().message(), HasSubstr("nor can 1 other input be read"));
    EXPECT_FALSE(summary.error().remedy().empty());
    EXPECT_FALSE(fs::exists(database_)) << text;
  }
}

// --- Live

class LiveRecognitionTest : public RecognitionTest {
 protected:
  LiveOptions Follow(const std::string& input) {
    LiveOptions options;
    options.ingest = Options({input});
    options.ingest.inputs_may_come = true;
    options.commit_interval = milliseconds(5);
    options.rss_budget_bytes = uint64_t{4} << 30;
    return options;
  }
  bool UntilRows(const std::string& table, int count) {
    return LiveRun::Until([&] {
      DatabaseView view(database_);
      return view.Count("SELECT count(*) FROM sqlite_schema WHERE name = '" + table + "'") == 1 &&
             view.Count("SELECT count(*) FROM " + table) == count;
    });
  }
};

TEST_F(LiveRecognitionTest, ColumnsComeWithTheFirstRecordWhateverStoodThereBefore) {
  for (const char* nothing : {"", "\n", "Starting app\nand more, of it\n", "{\"a\":", "42\n"}) {
    SCOPED_TRACE(nothing);
    RemoveDatabase();
    const LiveOptions options = Follow(folder_.Write("app.jsonl", nothing));
    Ingest(options.ingest);
    LiveRun live(options);
    folder_.Append("app.jsonl", std::string(nothing).ends_with(':') ? "1}\n" : "{\"a\":1}\n");
    EXPECT_TRUE(UntilRows("lines", 1)) << live.said();
    folder_.Append("app.jsonl", "{\"a\":2}\n");
    EXPECT_TRUE(UntilRows("lines", 2)) << live.said();
    live.Stop();
    EXPECT_THAT(DatabaseView(database_).Rows("SELECT a, _extra FROM lines"),
                ElementsAre("1|NULL", "2|NULL"));
    EXPECT_EQ(live.said().find("gap"), std::string::npos) << live.said();
    EXPECT_THAT(Waiting(), IsEmpty());
  }
}

// As an older sluice made it from an empty file.
TEST_F(LiveRecognitionTest, ATableWithoutColumnsGetsThem) {
  IngestOptions keep = Options({folder_.Write("p/app.jsonl", "words\n")});
  keep.on_bad_line = OnBadLine::kKeep;
  Ingest(keep);
  EXPECT_THAT(Tables(), ElementsAre("lines"));
  const LiveOptions options = Follow(folder_ / "p");
  Ingest(options.ingest);
  LiveRun live(options);
  folder_.Write("p/more.jsonl", "{\"a\":1}\n");
  EXPECT_TRUE(UntilRows("lines", 1)) << live.said();
  live.Stop();
  EXPECT_THAT(DatabaseView(database_).Rows("SELECT a, _extra FROM lines"), ElementsAre("1|NULL"));
}

TEST_F(LiveRecognitionTest, ANewSessionIsTakenUpWhenARecordDecides) {
  folder_.Write("p/old.jsonl", "{\"a\":1}\n");
  const LiveOptions options = Follow(folder_ / "p");
  Ingest(options.ingest);
  LiveRun live(options);
  folder_.Write("p/new.jsonl", kUndecided);
  EXPECT_TRUE(live.UntilSaid("new.jsonl waits for a record that says which program wrote it"));
  EXPECT_TRUE(LiveRun::Until([&] { return !Waiting().empty(); }));
  for (const char c : kSession) {
    folder_.Append("p/new.jsonl", std::string(1, c));
    if (c == ',') std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_TRUE(UntilRows("claude_code", 4)) << live.said();
  live.Stop();
  EXPECT_THAT(DatabaseView(database_).Rows("SELECT count(*) FROM lines"), ElementsAre("1"));
  EXPECT_THAT(Waiting(), IsEmpty());
  EXPECT_EQ(live.said().find("gap"), std::string::npos) << live.said();
}

TEST_F(LiveRecognitionTest, WhatStaysUndecidedIsInferredInTheEnd) {
  folder_.Write("p/old.jsonl", "{\"a\":1}\n");
  LiveOptions options = Follow(folder_ / "p");
  options.ingest.undecided_for = milliseconds(300);
  Ingest(options.ingest);
  LiveRun live(options);
  folder_.Write("p/new.jsonl", kUndecided);
  EXPECT_TRUE(UntilRows("lines", 3)) << live.said();
}

TEST_F(LiveRecognitionTest, WhatWaitsAtTheEndIsTakenUpByTheNextRun) {
  const LiveOptions options = Follow(folder_.Write("s.jsonl", kUndecided));
  Ingest(options.ingest);
  EXPECT_THAT(Tables(), IsEmpty());
  {
    LiveRun live(options);
    EXPECT_TRUE(live.UntilSaid("waits for"));
  }
  folder_.Append("s.jsonl", kSession);
  Ingest(options.ingest);
  EXPECT_THAT(DatabaseView(database_).Rows("SELECT count(*) FROM claude_code"), ElementsAre("4"));
}

TEST_F(LiveRecognitionTest, AFileOfAnotherFormIsLeftOut) {
  folder_.Write("p/old.jsonl", "{\"a\":1}\n");
  const LiveOptions options = Follow(folder_ / "p");
  Ingest(options.ingest);
  LiveRun live(options);
  folder_.Write("p/new.jsonl", "{\n\"a\": 1\n}\n");
  EXPECT_TRUE(live.UntilSaid("left out")) << live.said();
  folder_.Append("p/old.jsonl", "{\"a\":2}\n");
  EXPECT_TRUE(UntilRows("lines", 2)) << live.said();
}

// As a run that begins later would see it.
TEST_F(LiveRecognitionTest, AFileThatBeginsLikeAnotherFormIsLookedAtAgain) {
  folder_.Write("p/old.jsonl", "{\"a\":1}\n");
  const LiveOptions options = Follow(folder_ / "p");
  Ingest(options.ingest);
  LiveRun live(options);
  int rows = 1;
  for (const std::string begin : {"{\"id\":1", "[1,2,", "data: hello", "["}) {
    const std::string name = "p/new" + std::to_string(rows) + ".jsonl";
    folder_.Write(name, begin + "\n");
    EXPECT_TRUE(live.UntilSaid(folder_ / name)) << begin << "\n" << live.said();
    for (int i = 0; i < 9; ++i) folder_.Append(name, "{\"a\":2}\n");
    EXPECT_TRUE(UntilRows("lines", rows += 9)) << begin << "\n" << live.said();
  }
}

}  // namespace
}  // namespace sluice
