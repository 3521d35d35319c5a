// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/existing_database.h"
#include "cli/formats.h"
#include "cli/ingest_report.h"
#include "cli/json_writer.h"
#include "ledger/ledger.h"

namespace sluice {
namespace {

constexpr const char* kExamples =
    R"(# how far each file was read, what was rejected, how the last runs ended
sluice status agents.db
# sources that have grown since they were last read
sluice status agents.db --json | jq '.sources[] | select(.lag_bytes > 0) | .path')";

// A person is shown the sources that changed last; --json has all.
constexpr size_t kSourcesShown = 20;
constexpr uint64_t kRunsShown = 5;
// From this width on there is room for tables and dates beside a path.
constexpr size_t kWideColumns = 120;
constexpr uint64_t kGapsShown = 20;  // the newest, by --json too; all are counted

struct StatusRequest {
  std::shared_ptr<CommonOptions> common = std::make_shared<CommonOptions>();
  std::string database;
};

// What became of the file of a source since it was read.
struct SourceNow {
  enum class State {
    kStdin,
    kGone,
    kUnreadable,
    kShorter,
    kCompressed,
    kRead,
    kGrown
  } state = State::kGone;
  std::optional<uint64_t>
      lag_bytes;  // not read yet; only where it can be told without decompressing
};

struct Overview {
  std::string database;
  uint64_t database_bytes = 0;
  uint64_t wal_bytes = 0;
  uint64_t rejects = 0;
  std::vector<SourceRow> sources;
  std::vector<SourceNow> now;  // of each source
  std::vector<WaitingRow> waiting;
  GapCounts gap_counts;
  std::vector<GapRow> gaps;
  std::vector<RunRow> runs;
  std::map<std::string, LineCounts> tables;
  std::set<std::string> gone_tables;  // of `tables`: dropped or renamed by hand
};

uint64_t SizeOf(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : size;
}

bool IsCompressed(const std::string& path) {
  std::array<char, 4> magic{};
  std::ifstream(path, std::ios::binary).read(magic.data(), magic.size());
  const std::string_view bytes(magic.data(), magic.size());
  return bytes.substr(0, 2) == "\x1f\x8b" || bytes == "\x28\xb5\x2f\xfd";
}

SourceNow Look(const KnownSource& source) {
  using State = SourceNow::State;
  if (source.key.path == "-") return {State::kStdin, {}};
  const Result<FileInfo> info = Stat(source.key.path);
  if (!info && !IsGone(info)) return {State::kUnreadable, {}};
  if (!info || info->kind != FileKind::kRegular) return {State::kGone, {}};
  if (IsCompressed(source.key.path)) return {State::kCompressed, {}};
  const uint64_t size = SizeOf(source.key.path);
  if (size < source.offset.bytes) return {State::kShorter, {}};
  return {size == source.offset.bytes ? State::kRead : State::kGrown, size - source.offset.bytes};
}

std::string_view Word(SourceNow::State state) {
  switch (state) {
    case SourceNow::State::kStdin:
      return "stdin";
    case SourceNow::State::kGone:
      return "gone";
    case SourceNow::State::kUnreadable:
      return "unreadable";
    case SourceNow::State::kShorter:
      return "shorter";
    case SourceNow::State::kCompressed:
      return "compressed";
    case SourceNow::State::kRead:
      return "read";
    case SourceNow::State::kGrown:
      return "grown";
  }
  return "gone";
}

Result<Overview> Gather(const std::string& path) {
  auto connection = OpenExisting(path);
  if (!connection) return Error(connection.error());
  if (Status s = HasLedger(*connection); !s.ok()) return Error(s);
  auto ledger = Ledger::Open(*connection);
  if (!ledger) return Error(ledger.error());
  auto sources = ledger->Sources();
  if (!sources) return Error(sources.error());
  auto runs = ledger->Runs(kRunsShown);
  if (!runs) return Error(runs.error());
  const auto rejects = ledger->CountRejects();
  if (!rejects) return Error(rejects.error());
  const auto gap_counts = ledger->CountGaps();
  if (!gap_counts) return Error(gap_counts.error());
  auto gaps = ledger->Gaps(kGapsShown);
  if (!gaps) return Error(gaps.error());
  auto waiting = ledger->Waiting();
  if (!waiting) return Error(waiting.error());
  const auto tables = ledger->Tables();
  if (!tables) return Error(tables.error());

  Overview overview;
  for (const std::string& table : *tables) {
    const auto stands = connection->QueryInteger(
        "SELECT 1 FROM sqlite_schema WHERE name = " + QuoteText(table) + " COLLATE NOCASE");
    if (!stands) return Error(stands.error());
    if (!*stands) overview.gone_tables.insert(table);
  }
  if (Status s = connection->CheckUnchanged(); !s.ok()) return Error(s);
  overview.database = path;
  overview.database_bytes = SizeOf(path);
  overview.wal_bytes = SizeOf(path + "-wal");
  overview.rejects = *rejects;
  overview.sources = std::move(*sources);
  overview.waiting = std::move(*waiting);
  std::erase_if(overview.waiting, [](const WaitingRow& row) {
    std::error_code ignored;
    return row.path != "-" && !std::filesystem::exists(row.path, ignored);
  });
  overview.gap_counts = *gap_counts;
  overview.gaps = std::move(*gaps);
  overview.runs = std::move(*runs);
  for (const std::string& table : *tables) overview.tables[table];
  std::sort(overview.sources.begin(), overview.sources.end(),
            [](const SourceRow& a, const SourceRow& b) { return a.updated_at > b.updated_at; });
  for (const SourceRow& source : overview.sources) {
    overview.now.push_back(Look(source.source));
    overview.tables[source.table] += source.counts;
  }
  return overview;
}

// "2026-11-28T04:15:02Z".
std::string ToSeconds(std::string_view utc) { return std::string(utc.substr(0, 19)) + "Z"; }

// "12s ago", "3m ago", "5h ago", "40d ago".
std::string Ago(const std::string& utc) {
  const int64_t seconds =
      std::max<int64_t>(0, (ParseUtc(UtcNow()) - ParseUtc(utc)) / 1'000'000'000);
  if (seconds < 60) return fmt::format("{}s ago", seconds);
  if (seconds < 60 * 60) return fmt::format("{}m ago", seconds / 60);
  if (seconds < 48 * 60 * 60) return fmt::format("{}h ago", seconds / (60 * 60));
  return fmt::format("{}d ago", seconds / (24 * 60 * 60));
}

using Cut = RowPrinter::Cut;

// A table for people whose columns are left out where they would take the room of a path.
class StatusTable {
 public:
  explicit StatusTable(const Terminal& terminal) : terminal_(terminal) {}

  // `is_shown`: false leaves the column out, with its values.
  void Column(const char* name, Cut cut, bool is_shown = true) {
    is_shown_.push_back(is_shown);
    if (!is_shown) return;
    names_.emplace_back(name);
    cuts_.push_back(cut);
  }

  void Row(const std::vector<Value>& values) {
    if (!printer_) {
      printer_.emplace(RowFormat::kTable, names_, terminal_,
                       [this](std::string_view bytes) { return text_ += bytes, Status(); });
      printer_->CutColumns(cuts_);
    }
    std::vector<Value> shown;
    for (size_t i = 0; i < values.size(); ++i) {
      if (is_shown_[i]) shown.push_back(values[i]);
    }
    static_cast<void>(printer_->Row(shown));  // into memory
  }

  std::string Text() {
    if (printer_) static_cast<void>(printer_->Finish());
    return std::move(text_);
  }

 private:
  const Terminal terminal_;
  std::vector<bool> is_shown_;
  std::vector<std::string> names_;
  std::vector<Cut> cuts_;
  std::optional<RowPrinter> printer_;
  std::string text_;
};

std::string SourcesText(const Overview& overview, const Terminal& terminal) {
  const bool is_wide = terminal.columns == 0 || terminal.columns >= kWideColumns;
  const size_t shown = std::min(overview.sources.size(), kSourcesShown);
  const bool has_rejects = std::any_of(
      overview.sources.begin(), overview.sources.begin() + static_cast<ptrdiff_t>(shown),
      [](const SourceRow& source) { return source.counts.rejects > 0; });
  StatusTable table(terminal);
  table.Column("source", Cut::kStart);
  table.Column("table", Cut::kEnd, is_wide);
  table.Column("rows", Cut::kNowhere);
  table.Column("rejects", Cut::kNowhere, is_wide || has_rejects);
  table.Column(is_wide ? "read up to" : "read", Cut::kNowhere);
  table.Column("waiting", Cut::kNowhere);
  table.Column("last read", Cut::kNowhere);
  for (size_t i = 0; i < shown; ++i) {
    const SourceRow& source = overview.sources[i];
    const SourceNow& now = overview.now[i];
    const std::string offset = FormatSize(source.source.offset.bytes);
    const std::string waiting = now.lag_bytes
                                    ? (*now.lag_bytes == 0 ? "nothing" : FormatSize(*now.lag_bytes))
                                    : std::string(Word(now.state));
    const std::string last_read = is_wide ? ToSeconds(source.updated_at) : Ago(source.updated_at);
    table.Row({std::string_view(source.source.key.path), std::string_view(source.table),
               static_cast<int64_t>(source.counts.rows),
               static_cast<int64_t>(source.counts.rejects), std::string_view(offset),
               std::string_view(waiting), std::string_view(last_read)});
  }
  std::string text = table.Text();
  if (shown < overview.sources.size()) {
    text += fmt::format("and {} more: --json lists all\n",
                        FormatCount(overview.sources.size() - shown));
  }
  return text;
}

// Inputs of which nothing was read yet.
std::string WaitingText(const Overview& overview, const Terminal& terminal) {
  std::string text = fmt::format("{} {}, unread\n", terminal.Bold("waiting:"),
                                 Counted(overview.waiting.size(), "input", "inputs"));
  RowPrinter table(RowFormat::kTable, {"input", "waits for", "size", "since"}, terminal,
                   [&](std::string_view bytes) { return text += bytes, Status(); });
  const size_t shown = std::min(overview.waiting.size(), kSourcesShown);
  for (size_t i = 0; i < shown; ++i) {
    const WaitingRow& input = overview.waiting[i];
    const std::string size = FormatSize(SizeOf(input.path));
    const std::string since = ToSeconds(input.since);
    const Status row = table.Row({std::string_view(input.path), std::string_view(input.awaits),
                                  std::string_view(size), std::string_view(since)});
    if (!row.ok()) break;
  }
  if (!table.Finish().ok()) text.clear();
  if (shown < overview.waiting.size()) {
    text += fmt::format("and {} more: --json lists all\n",
                        FormatCount(overview.waiting.size() - shown));
  }
  return text;
}

// Lines that were gone before they could be read: never in silence.
std::string GapsText(const Overview& overview, const Terminal& terminal) {
  const GapCounts& counts = overview.gap_counts;
  std::string text = fmt::format("{} {} with {} known to be gone, {}\n", terminal.Red("lost:"),
                                 Counted(counts.gaps, "gap", "gaps"), FormatSize(counts.gap_bytes),
                                 Counted(counts.possible_gaps, "possible gap", "possible gaps"));
  StatusTable table(terminal);
  table.Column("source", Cut::kStart);
  for (const char* name : {"after byte", "bytes gone", "found"}) table.Column(name, Cut::kNowhere);
  for (const GapRow& gap : overview.gaps) {
    const std::string bytes = gap.bytes > 0 ? FormatCount(gap.bytes) : "not known";
    const std::string found = ToSeconds(gap.found_at);
    table.Row({std::string_view(gap.path), static_cast<int64_t>(gap.byte_offset),
               std::string_view(bytes), std::string_view(found)});
  }
  return text + table.Text();
}

std::string RunsText(const Overview& overview, const Terminal& terminal) {
  StatusTable table(terminal);
  table.Column("run began", Cut::kNowhere);
  table.Column("outcome", Cut::kEnd);
  for (const char* name : {"rows", "rejects", "read"}) table.Column(name, Cut::kNowhere);
  for (const RunRow& run : overview.runs) {
    const std::string began = ToSeconds(run.started_at);
    const std::string read = FormatSize(run.bytes_decoded);
    table.Row({std::string_view(began), std::string_view(run.outcome),
               static_cast<int64_t>(run.counts.rows), static_cast<int64_t>(run.counts.rejects),
               std::string_view(read)});
  }
  return table.Text();
}

std::string StatusText(const Overview& overview, const Terminal& terminal) {
  std::string text =
      fmt::format("{} {}, WAL {}, {} from {}, {}\n", terminal.Bold(overview.database + ":"),
                  FormatSize(overview.database_bytes), FormatSize(overview.wal_bytes),
                  Counted(overview.tables.size(), "table", "tables"),
                  Counted(overview.sources.size(), "source", "sources"),
                  Counted(overview.rejects, "reject", "rejects"));
  for (const auto& [name, counts] : overview.tables) {
    text += fmt::format("  {}: {}", terminal.Bold(name), Counted(counts.rows, "row", "rows"));
    if (counts.replaced > 0)
      text += fmt::format(" ({} replaced others)", FormatCount(counts.replaced));
    if (counts.ignored > 0) text += fmt::format(", {} ignored", FormatCount(counts.ignored));
    if (counts.blank > 0)
      text += fmt::format(", {}", Counted(counts.blank, "blank line", "blank lines"));
    text += fmt::format(" of {}{}\n", Counted(counts.lines, "line", "lines"),
                        overview.gone_tables.contains(name) ? ", but the table is gone" : "");
  }
  if (!overview.sources.empty()) text += "\n" + SourcesText(overview, terminal);
  if (!overview.waiting.empty()) text += "\n" + WaitingText(overview, terminal);
  if (!overview.gaps.empty()) text += "\n" + GapsText(overview, terminal);
  if (!overview.runs.empty()) text += "\n" + RunsText(overview, terminal);
  if (overview.rejects > 0)
    text += fmt::format("\nrejects: sluice rejects {}\n", ShellWord(overview.database));
  return text;
}

void AppendCounts(const LineCounts& counts, JsonWriter* out) {
  out->Key("lines").Unsigned(counts.lines);
  out->Key("rows").Unsigned(counts.rows);
  out->Key("replaced").Unsigned(counts.replaced);
  out->Key("ignored").Unsigned(counts.ignored);
  out->Key("rejects").Unsigned(counts.rejects);
  out->Key("blank_lines").Unsigned(counts.blank);
  out->Key("unfinished_lines").Unsigned(counts.unfinished);
}

void AppendSources(const Overview& overview, JsonWriter* out) {
  out->Key("sources").BeginArray();
  for (size_t i = 0; i < overview.sources.size(); ++i) {
    const SourceRow& source = overview.sources[i];
    const SourceNow& now = overview.now[i];
    out->BeginObject();
    out->Key("path").String(source.source.key.path);
    out->Key("table").String(source.table);
    out->Key("offset").Unsigned(source.source.offset.bytes);
    out->Key("line_number").Unsigned(source.source.offset.lines);
    AppendCounts(source.counts, out);
    out->Key("state").String(Word(now.state));
    out->Key("lag_bytes");
    now.lag_bytes ? out->Unsigned(*now.lag_bytes) : out->Null();
    out->Key("updated_at").String(source.updated_at);
    out->EndObject();
  }
  out->EndArray();
}

void AppendWaiting(const Overview& overview, JsonWriter* out) {
  out->Key("waiting").BeginArray();
  for (const WaitingRow& input : overview.waiting) {
    out->BeginObject();
    out->Key("path").String(input.path);
    out->Key("awaits").String(input.awaits);
    out->Key("bytes").Unsigned(SizeOf(input.path));
    out->Key("since").String(input.since);
    out->EndObject();
  }
  out->EndArray();
}

void AppendGaps(const Overview& overview, JsonWriter* out) {
  out->Key("gaps").Unsigned(overview.gap_counts.gaps);
  out->Key("gap_bytes").Unsigned(overview.gap_counts.gap_bytes);
  out->Key("possible_gaps").Unsigned(overview.gap_counts.possible_gaps);
  out->Key("latest_gaps").BeginArray();
  for (const GapRow& gap : overview.gaps) {
    out->BeginObject();
    out->Key("path").String(gap.path);
    out->Key("offset").Unsigned(gap.byte_offset);
    out->Key("bytes");
    gap.bytes > 0 ? out->Unsigned(gap.bytes) : out->Null();
    out->Key("found_at").String(gap.found_at);
    out->EndObject();
  }
  out->EndArray();
}

std::string StatusJson(const Overview& overview) {
  JsonWriter out;
  out.BeginObject();
  out.Key("database").String(overview.database);
  out.Key("database_bytes").Unsigned(overview.database_bytes);
  out.Key("wal_bytes").Unsigned(overview.wal_bytes);
  out.Key("rejects_kept").Unsigned(overview.rejects);
  out.Key("tables").BeginArray();
  for (const auto& [name, counts] : overview.tables) {
    out.BeginObject().Key("name").String(name);
    AppendCounts(counts, &out);
    out.Key("is_gone").Bool(overview.gone_tables.contains(name));
    out.EndObject();
  }
  out.EndArray();
  AppendSources(overview, &out);
  AppendWaiting(overview, &out);
  AppendGaps(overview, &out);
  out.Key("runs").BeginArray();
  for (const RunRow& run : overview.runs) {
    out.BeginObject();
    out.Key("started_at").String(run.started_at);
    out.Key("ended_at");
    run.ended_at.empty() ? out.Null() : out.String(run.ended_at);
    out.Key("outcome").String(run.outcome);
    out.Key("path").String(run.path);
    out.Key("command").String(run.command);
    AppendCounts(run.counts, &out);
    out.Key("bytes_read").Unsigned(run.bytes_read);
    out.Key("bytes_decoded").Unsigned(run.bytes_decoded);
    out.Key("bytes_written").Unsigned(run.bytes_written);
    out.EndObject();
  }
  out.EndArray().EndObject();
  return out.Take() + "\n";
}

}  // namespace

Command AddStatus(CLI::App* program) {
  CLI::App* app = program->add_subcommand(
      "status", "Show sources and how far they were read, rows, rejects, runs, sizes");
  app->footer(kExamples);
  auto request = std::make_shared<StatusRequest>();
  Options options(app);
  options.Positional("DB", "A database that sluice ingested into", &request->database);
  AddCommonOptions(&options, request->common.get());

  return {app, request->common, [request]() -> Result<ExitStatus> {
            const auto overview = Gather(request->database);
            if (!overview) return Error(overview.error());
            const std::string text = request->common->json
                                         ? StatusJson(*overview)
                                         : StatusText(*overview, Terminal::Of(stdout));
            if (Status s = WriteOut(text); !s.ok()) return Error(s);
            return ExitStatus::kDone;
          }};
}

}  // namespace sluice
