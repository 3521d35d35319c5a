// SPDX-License-Identifier: Apache-2.0
#include "ledger/ledger.h"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "ledger/unfolded.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

class LedgerTest : public testing::Test {
 protected:
  LedgerTest() {
    connection_ =
        std::move(*Connection::Open(folder_ / "a.db", {.mode = OpenOptions::Mode::kCreate}));
  }
  Ledger Make() {
    Result<Ledger> ledger = Ledger::Create(connection_);
    EXPECT_TRUE(ledger) << ledger.error().message();
    return std::move(*ledger);
  }

  TemporaryDirectory folder_;
  Connection connection_;
};

constexpr std::string_view kNow = "2026-01-31T23:59:59.123Z";

TEST_F(LedgerTest, IsThereOnceMade) {
  EXPECT_FALSE(*Ledger::Exists(connection_));
  EXPECT_EQ(Ledger::Open(connection_).error().code(), StatusCode::kNotFound);
  Make();
  EXPECT_TRUE(*Ledger::Exists(connection_));
  EXPECT_TRUE(Ledger::Open(connection_));
  EXPECT_TRUE(Ledger::Create(connection_)) << "a second time";
}

TEST_F(LedgerTest, KnowsASourceAgain) {
  Ledger ledger = Make();
  // Inodes and hashes use all their bits.
  const SourceKey key{
      .path = "/logs/app.jsonl", .device = ~uint64_t{0}, .inode = uint64_t{1} << 63};
  const Result<int64_t> id = ledger.AddSource(key, "t");
  ASSERT_TRUE(id);
  const Offset offset{.bytes = 1 << 20,
                      .lines = 99,
                      .tail_taken = true,
                      .head = {.low = ~uint64_t{0}, .high = 2, .length = 1024},
                      .tail = {.low = 3, .high = uint64_t{1} << 63, .length = 7}};
  const LineCounts counts{.lines = 10,
                          .rows = 5,
                          .replaced = 2,
                          .ignored = 1,
                          .rejects = 2,
                          .blank = 1,
                          .unfinished = 1};
  ASSERT_TRUE(ledger.Advance(*id, key, offset, counts, kNow).ok());

  const Result<std::vector<KnownSource>> known = ledger.SourcesOf("t");
  ASSERT_EQ(known->size(), 1u);
  EXPECT_EQ(known->front().id, *id);
  EXPECT_EQ(known->front().key, key);
  EXPECT_EQ(known->front().offset, offset);
  EXPECT_TRUE(ledger.SourcesOf("other")->empty());
  EXPECT_EQ(ledger.Sources()->front().counts, counts);
  EXPECT_EQ(ledger.Sources()->front().updated_at, kNow);
}

TEST_F(LedgerTest, TellsSourcesOneByOne) {
  Ledger ledger = Make();
  std::vector<int64_t> ids;
  for (const char* path : {"/a", "/b", "/c"}) {
    ids.push_back(*ledger.AddSource({.path = path, .device = 0, .inode = 0}, "t"));
  }
  EXPECT_EQ(ledger.CountSources().value_or(0), 3u);
  EXPECT_EQ(ledger.SourceOf(ids[1])->source.key.path, "/b");
  EXPECT_EQ(ledger.SourceOf(ids[2])->source.key.path, "/c");
  EXPECT_EQ(ledger.SourceOf(99).error().code(), StatusCode::kInternal);
  std::string seen;
  const Status stopped = ledger.EachSource([&](const SourceRow& row) {
    seen += row.source.key.path;
    return row.source.id == ids[1] ? Status::Internal("enough") : Status();
  });
  EXPECT_EQ(stopped.message(), "enough");
  EXPECT_EQ(seen, "/a/b");
}

// A hash of more bytes than a window is none: who compares it has room for a window.
TEST_F(LedgerTest, AHashThatCannotBeIsNone) {
  Ledger ledger = Make();
  const SourceKey key{.path = "/logs/app.jsonl"};
  const Offset offset{.bytes = 1 << 20,
                      .lines = 99,
                      .head = {.low = 1, .high = 2, .length = kIdentityWindow + 1},
                      .tail = {.low = 3, .high = 4, .length = kIdentityWindow}};
  const int64_t id = *ledger.AddSource(key, "t");
  ASSERT_TRUE(ledger.Advance(id, key, offset, {}, kNow).ok());
  const Offset known = ledger.SourcesOf("t")->front().offset;
  EXPECT_EQ(known.head, ContentHash());
  EXPECT_EQ(known.tail, offset.tail);
}

TEST_F(LedgerTest, AnUnfinishedLineIsCountedOnceHoweverOftenItIsMet) {
  Ledger ledger = Make();
  const SourceKey key{.path = "a"};
  const int64_t id = *ledger.AddSource(key, "t");
  const LineCounts first{.lines = 3, .rows = 2, .unfinished = 1};
  ASSERT_TRUE(ledger.Advance(id, key, {}, first, kNow).ok());
  const LineCounts still{.lines = 1, .unfinished = 1};
  ASSERT_TRUE(ledger.Advance(id, key, {}, still, kNow).ok());
  LineCounts counts = ledger.Sources()->front().counts;
  EXPECT_TRUE(counts.Balanced()) << "I9";
  EXPECT_EQ(counts.lines, 3u);
  const LineCounts finished{.lines = 1, .rows = 1};
  ASSERT_TRUE(ledger.Advance(id, key, {}, finished, kNow).ok());
  counts = ledger.Sources()->front().counts;
  EXPECT_EQ(counts, (LineCounts{.lines = 3, .rows = 3}));
}

TEST_F(LedgerTest, AnOffsetOfNoSourceIsAMistake) {
  Ledger ledger = Make();
  EXPECT_EQ(ledger.Advance(7, {}, {}, {}, kNow).code(), StatusCode::kInternal);
}

TEST_F(LedgerTest, SchemasAreReplaced) {
  Ledger ledger = Make();
  EXPECT_FALSE(ledger.SchemaOf("t")->has_value());
  ASSERT_TRUE(ledger.PutSchema("t", "table = \"t\"", kNow).ok());
  ASSERT_TRUE(ledger.PutSchema("t", "table = \"t\" # 2", kNow).ok());
  ASSERT_TRUE(ledger.PutSchema("s", "table = \"s\"", kNow).ok());
  EXPECT_EQ(**ledger.SchemaOf("t"), "table = \"t\" # 2");
  EXPECT_EQ(*ledger.Tables(), (std::vector<std::string>{"s", "t"}));
}

TEST_F(LedgerTest, RejectsComeInOrderByPageAndAreTurnedIntoRows) {
  Ledger ledger = Make();
  const int64_t a = *ledger.AddSource({.path = "a"}, "t");
  const int64_t b = *ledger.AddSource({.path = "b"}, "u");
  using namespace std::string_view_literals;
  const std::string_view bytes = "{\0\xff"sv;
  for (uint64_t i = 1; i <= 5; ++i) {
    const Line line{.text = bytes, .number = i, .byte_offset = i * 10};
    ASSERT_TRUE(ledger.AddReject(i % 2 ? a : b, line, 3, "invalid JSON", kNow).ok());
  }
  ASSERT_TRUE(ledger.Advance(a, {.path = "a"}, {}, {.lines = 3, .rejects = 3}, kNow).ok());
  EXPECT_EQ(*ledger.CountRejects(), 5u);
  EXPECT_EQ(ledger.Rejects("", 4)->size(), 4u);
  EXPECT_EQ(ledger.Rejects("", UINT64_MAX)->size(), 5u);
  const std::vector<RejectRow> of_t = *ledger.Rejects({.table = "t", .after_id = 1});
  ASSERT_EQ(of_t.size(), 2u);
  EXPECT_EQ(of_t[0].line, bytes);
  EXPECT_EQ(of_t[0].line_number, 3u);
  EXPECT_EQ(of_t[0].byte_offset, 30u);
  EXPECT_EQ(of_t[0].source_path, "a");
  EXPECT_EQ(of_t[1].line_number, 5u);

  ASSERT_TRUE(ledger.TurnRejectIntoRow(of_t[0]).ok());
  EXPECT_EQ(*ledger.CountRejects(), 4u);
  EXPECT_EQ(ledger.Sources()->front().counts, (LineCounts{.lines = 3, .rows = 1, .rejects = 2}));
}

TEST_F(LedgerTest, ARunIsKeptFromItsBeginning) {
  Ledger ledger = Make();
  RunRow run;
  run.started_at = kNow;
  run.outcome = "running";
  run.path = "sqlite";
  run.command = "ingest a.db x";
  run.id = *ledger.BeginRun(run);
  RunRow kept = ledger.Runs(10)->front();
  EXPECT_EQ(kept.outcome, "running");
  EXPECT_EQ(kept.ended_at, "");
  run.ended_at = kNow;
  run.outcome = "done";
  run.counts = {.lines = 2, .rows = 1, .rejects = 1};
  run.bytes_read = 1;
  run.bytes_decoded = 2;
  run.bytes_written = 3;
  ASSERT_TRUE(ledger.UpdateRun(run).ok());
  kept = ledger.Runs(10)->front();
  EXPECT_EQ(kept.ended_at, kNow);
  EXPECT_EQ(kept.counts, run.counts);
  EXPECT_EQ(kept.bytes_written, 3u);

  EventRow event{.run_id = run.id,
                 .at = std::string(kNow),
                 .event = "batch_committed",
                 .source_path = "a",
                 .offset = 5,
                 .rows = 1};
  EXPECT_TRUE(ledger.AddEvent(event).ok());
  EXPECT_TRUE(ledger.AddEvent(event).ok());
  EXPECT_EQ(**connection_.QueryInteger("SELECT count(*) FROM _sluice_events"), 2);
}

TEST_F(LedgerTest, TheBeginningOfRunsDoneIsBeforeThoseThatFailedOrWereLive) {
  Ledger ledger = Make();
  EXPECT_EQ(*ledger.BeginOfRunsDone(1), "");
  const auto add = [&](const char* started_at, const char* outcome, const char* path) {
    RunRow run;
    run.started_at = started_at;
    run.outcome = outcome;
    run.path = path;
    EXPECT_TRUE(ledger.BeginRun(run));
  };
  add("1", "done", "live");
  add("2", "running", "sqlite");
  add("3", "done", "pages");
  add("4", "failed: no room", "sqlite");
  add("5", "done", "sqlite");
  add("6", "done", "live");
  add("7", "running", "sqlite");
  EXPECT_EQ(*ledger.BeginOfRunsDone(1), "5");
  EXPECT_EQ(*ledger.BeginOfRunsDone(2), "3");
  EXPECT_EQ(*ledger.BeginOfRunsDone(3), "2");
}

TEST_F(LedgerTest, GapsAreKeptAndCounted) {
  Ledger ledger = Make();
  // A database of a run that lost nothing has no table of them.
  EXPECT_EQ(
      **connection_.QueryInteger("SELECT count(*) FROM sqlite_schema WHERE name LIKE '%gap%'"), 0);
  EXPECT_TRUE(ledger.Gaps(10)->empty());
  EXPECT_EQ(ledger.CountGaps()->possible_gaps, 0u);

  const int64_t id = *ledger.AddSource({.path = "/logs/a", .device = 1, .inode = 2}, "lines");
  EXPECT_FALSE(*ledger.HasGap(id));
  ASSERT_TRUE(
      ledger.AddGap({.source_id = id, .path = "/logs/a", .byte_offset = 100, .bytes = 7}).ok());
  ASSERT_TRUE(
      ledger.AddGap({.path = "/logs/b", .byte_offset = 200, .found_at = std::string(kNow)}).ok());
  EXPECT_TRUE(*ledger.HasGap(id));
  EXPECT_FALSE(*ledger.HasGap(id + 1));
  const GapCounts counts = *ledger.CountGaps();
  EXPECT_EQ(counts.gaps, 1u);
  EXPECT_EQ(counts.gap_bytes, 7u);
  EXPECT_EQ(counts.possible_gaps, 1u);
  const std::vector<GapRow> newest = *ledger.Gaps(1);
  ASSERT_EQ(newest.size(), 1u);
  EXPECT_EQ(newest[0].byte_offset, 200u);
  EXPECT_EQ(newest[0].path, "/logs/b");
  EXPECT_EQ(newest[0].source_id, 0);
  EXPECT_EQ(newest[0].found_at, kNow);
  ASSERT_TRUE(ledger.DeleteGaps(id).ok());
  EXPECT_EQ(ledger.Gaps(10)->size(), 1u);
}

TEST_F(LedgerTest, InputsThatWaitAreKeptByPath) {
  Ledger ledger = Make();
  EXPECT_TRUE(ledger.Waiting()->empty());
  EXPECT_TRUE(ledger.DeleteWaiting("/logs/a").ok());
  ASSERT_TRUE(ledger.PutWaiting({.path = "/logs/b", .awaits = "x", .since = "1"}).ok());
  ASSERT_TRUE(ledger.PutWaiting({.path = "/logs/a", .awaits = "x", .since = "1"}).ok());
  ASSERT_TRUE(ledger.PutWaiting({.path = "/logs/a", .awaits = "y", .since = "2"}).ok());
  std::vector<WaitingRow> waiting = *ledger.Waiting();
  ASSERT_EQ(waiting.size(), 2u);
  EXPECT_EQ(waiting[0].path, "/logs/a");
  EXPECT_EQ(waiting[0].awaits, "y");
  EXPECT_EQ(waiting[0].since, "1") << "since it was first found";
  ASSERT_TRUE(ledger.DeleteWaiting("/logs/a").ok());
  EXPECT_EQ(ledger.Waiting()->size(), 1u);
}

TEST_F(LedgerTest, TheNewestRunsAreKeptWithTheirEvents) {
  Ledger ledger = Make();
  for (int64_t run = 1; run <= Ledger::kMostRuns + 5; ++run) {
    ASSERT_EQ(*ledger.BeginRun({}), run);
    ASSERT_TRUE(ledger.AddEvent({.run_id = run}).ok());
  }
  EXPECT_EQ(
      connection_.QueryText("SELECT count(*) || ' from ' || min(id) FROM _sluice_runs")->value(),
      "1000 from 6");
  EXPECT_EQ(connection_.QueryText("SELECT count(*) || ' from ' || min(run_id) FROM _sluice_events")
                ->value(),
            "1000 from 6");
}

TEST_F(LedgerTest, ATableIsUnfoldedUntilThatIsForgotten) {
  Make();
  EXPECT_FALSE(*IsUnfolded(connection_, "t"));
  EXPECT_TRUE(ForgetUnfolded(connection_, "t").ok()) << "also if there is no list yet";
  ASSERT_TRUE(SetUnfolded(connection_, "t", kNow).ok());
  EXPECT_TRUE(*IsUnfolded(connection_, "t"));
  EXPECT_FALSE(*IsUnfolded(connection_, "other"));
  ASSERT_TRUE(ForgetUnfolded(connection_, "t").ok());
  EXPECT_FALSE(*IsUnfolded(connection_, "t"));
}

TEST_F(LedgerTest, ANewerLayoutIsRefusedAndNothingWritten) {
  Make();
  ASSERT_TRUE(connection_
                  .Execute("INSERT INTO _sluice_runs(started_at, outcome, path, command, layout)"
                           " VALUES ('', '', '', '', 2)")
                  .ok());
  EXPECT_EQ(Ledger::Open(connection_).error().code(), StatusCode::kUnsupported);
  EXPECT_EQ(Ledger::Create(connection_).error().code(), StatusCode::kUnsupported);
}

std::string Document() {
  std::ifstream file(std::string(SLUICE_SOURCE_DIR) + "/docs/tables.md");
  return {std::istreambuf_iterator<char>(file), {}};
}

// docs/tables.md is true: its queries run, and it names every column.
TEST_F(LedgerTest, TheQueriesOfTheDocumentRun) {
  Make();
  const std::string document = Document();
  constexpr std::string_view kBegin = "```sql\n";
  int queries = 0;
  for (size_t at = document.find(kBegin); at != std::string::npos; at = document.find(kBegin, at)) {
    at += kBegin.size();
    const std::string sql = document.substr(at, document.find("```", at) - at);
    const Result<std::optional<std::string>> answer = connection_.QueryText(sql);
    EXPECT_TRUE(answer) << sql << answer.error().message();
    ++queries;
  }
  EXPECT_GE(queries, 7);
}

TEST_F(LedgerTest, TheDocumentNamesEveryColumn) {
  Ledger ledger = Make();
  ASSERT_TRUE(ledger.AddEvent({}).ok());
  ASSERT_TRUE(ledger.AddGap({}).ok());
  ASSERT_TRUE(SetUnfolded(connection_, "t", kNow).ok());
  ASSERT_TRUE(ledger.PutWaiting({}).ok());
  const std::string document = Document();
  Result<Statement> columns = connection_.Prepare(
      "SELECT t.name, c.name FROM pragma_table_list AS t, pragma_table_info(t.name) AS c"
      " WHERE t.name GLOB '_sluice_*'");
  ASSERT_TRUE(columns);
  int named = 0;
  for (; columns->Step().value_or(false); ++named) {
    const std::string table(columns->Text(0));
    const size_t section = document.find("## `" + table + "`");
    ASSERT_NE(section, std::string::npos) << table;
    const std::string text = document.substr(section, document.find("\n## ", section) - section);
    const std::string column = "`" + std::string(columns->Text(1)) + "`";
    // The counts of a run are those of a source.
    const bool counts = table == "_sluice_runs" &&
                        text.find("`lines` … `unfinished`") != std::string::npos &&
                        document.find("| " + column + " |") != std::string::npos;
    EXPECT_TRUE(text.find(column) != std::string::npos || counts) << table << " " << column;
  }
  EXPECT_GT(named, 40);
}

}  // namespace
}  // namespace sluice
