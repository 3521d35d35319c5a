// SPDX-License-Identifier: Apache-2.0
#include "cli/ingest_report.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/units.h"
#include "cli/json_writer.h"

namespace sluice {
namespace {

// Sources that a person is shown one by one; more of them are counted.
constexpr size_t kSourcesShown = 20;
constexpr uint64_t kBytesWorthARate = uint64_t{1} << 20;

struct TableTotals {
  LineCounts counts;
  uint64_t sources = 0;
  uint64_t sources_with_news = 0;
};

std::map<std::string, TableTotals> ByTable(const IngestSummary& summary) {
  std::map<std::string, TableTotals> tables;
  for (const SourceSummary& source : summary.sources) {
    TableTotals& totals = tables[source.table];
    totals.counts += source.counts;
    ++totals.sources;
    if (source.counts.lines > 0) ++totals.sources_with_news;
  }
  return tables;
}

double PerSecond(uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

double WriteAmplification(const IngestSummary& summary) {
  if (summary.bytes_decoded == 0) return 0;
  return static_cast<double>(summary.bytes_written) / static_cast<double>(summary.bytes_decoded);
}

std::string Duration(double seconds) {
  return FormatDuration(std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000 + 0.5)));
}

// "120 rows, 3 replaced, 2 ignored, 1 reject": what is nought is not said, but for rows.
std::string CountsText(const LineCounts& counts) {
  std::string text = Counted(counts.rows, "row", "rows");
  if (counts.replaced > 0) text += fmt::format(" ({} replaced)", FormatCount(counts.replaced));
  if (counts.ignored > 0) text += fmt::format(", {} ignored", FormatCount(counts.ignored));
  if (counts.rejects > 0) text += ", " + Counted(counts.rejects, "reject", "rejects");
  return text;
}

std::string TableName(const std::string& name) {
  const bool plain = !name.empty() && name.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789_") == std::string::npos;
  if (plain && (name[0] < '0' || name[0] > '9')) return name;
  std::string quoted = "\"";
  for (const char c : name) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

void AppendCounts(const LineCounts& counts, JsonWriter* out) {
  out->Key("rows").Unsigned(counts.rows);
  out->Key("ignored").Unsigned(counts.ignored);
  out->Key("replaced").Unsigned(counts.replaced);
  out->Key("rejects").Unsigned(counts.rejects);
  out->Key("blank_lines").Unsigned(counts.blank);
  out->Key("unfinished_lines").Unsigned(counts.unfinished);
  out->Key("lines").Unsigned(counts.lines);
}

// "  2 inputs wait, unread:" and one line for each.
std::string WaitingText(const std::vector<WaitingInput>& waiting) {
  std::string text;
  const size_t shown = std::min(waiting.size(), kSourcesShown);
  for (size_t i = 0; i < shown; ++i) {
    const std::string path = Printable(waiting[i].path);
    text += waiting[i].is_over ? fmt::format("  nothing came: {}\n", path)
                               : fmt::format("  waiting: {}, for {}\n", path, waiting[i].awaits);
  }
  if (shown < waiting.size()) {
    text +=
        fmt::format("  and {} more wait: --json lists all\n", FormatCount(waiting.size() - shown));
  }
  return text;
}

// "    2 keys in 310 lines have no column (host, cpu): they are in _extra; --alter adds them". Only
// of inferred tables: who wrote a schema with such a column left keys out on purpose.
std::string ExtraKeysText(const ExtraKeys& extra, std::string_view indent, bool alter) {
  if (!extra.table_is_inferred) return {};
  std::string names;
  for (const std::string& key : extra.first_keys)
    names += (names.empty() ? "" : ", ") + Printable(key);
  if (extra.keys > extra.first_keys.size()) names += ", …";
  const bool one = extra.keys == 1;
  const std::string remedy = one ? "; --alter adds it" : "; --alter adds them";
  return fmt::format("{}{}{} in {} {} no column ({}): {} in {}{}\n", indent,
                     extra.keys >= ExtraKeys::kMostCounted ? "at least " : "",
                     Counted(extra.keys, "key", "keys"), Counted(extra.lines, "line", "lines"),
                     one ? "has" : "have", names, one ? "it is" : "they are", extra.column,
                     alter ? "" : remedy);
}

std::string WhereRejectsAre(const IngestOptions& options, const LineCounts& counts,
                            const Terminal& terminal) {
  if (counts.rejects == 0) return {};
  if (options.on_bad_line == OnBadLine::kSkip) return "rejects: skipped, and not kept\n";
  const std::string command = "sluice rejects " + ShellWord(options.database);
  return fmt::format("rejects: {}\n", terminal.Bold(command));
}

// The command that a person would type next.
std::string NextSteps(const IngestOptions& options, const LineCounts& counts,
                      const std::map<std::string, TableTotals>& tables, const Terminal& terminal) {
  std::string text = WhereRejectsAre(options, counts, terminal);
  const auto fullest = std::max_element(
      tables.begin(), tables.end(),
      [](const auto& a, const auto& b) { return a.second.counts.rows < b.second.counts.rows; });
  if (fullest != tables.end() && fullest->second.counts.rows > 0) {
    const std::string query = fmt::format("SELECT * FROM {} LIMIT 5", TableName(fullest->first));
    const std::string command =
        fmt::format("sluice query {} {}", ShellWord(options.database), ShellWord(query));
    text += fmt::format("look:    {}\n", terminal.Bold(command));
  }
  return text;
}

void AppendWaiting(const std::vector<WaitingInput>& waiting, JsonWriter* out) {
  out->Key("waiting").BeginArray();
  for (const WaitingInput& input : waiting) {
    if (input.is_over) continue;
    out->BeginObject();
    out->Key("path").String(input.path);
    out->Key("stored_size").Unsigned(input.stored_size);
    out->Key("awaits").String(input.awaits);
    out->EndObject();
  }
  out->EndArray();
}

void AppendFailures(const std::vector<Status>& failures, JsonWriter* out) {
  out->Key("failures").BeginArray();
  for (const Status& failure : failures) {
    out->BeginObject();
    out->Key("message").String(failure.message());
    out->Key("remedy").String(failure.remedy());
    out->EndObject();
  }
  out->EndArray();
}

void AppendExtraKeys(const std::vector<ExtraKeys>& tables, JsonWriter* out) {
  uint64_t keys = 0;
  uint64_t lines = 0;
  for (const ExtraKeys& extra : tables) {
    keys += extra.keys;
    lines += extra.lines;
  }
  out->Key("extra_keys").Unsigned(keys);
  out->Key("lines_with_extra_keys").Unsigned(lines);
  out->Key("tables_with_extra_keys").BeginArray();
  for (const ExtraKeys& extra : tables) {
    out->BeginObject();
    out->Key("table").String(extra.table);
    out->Key("extra_keys").Unsigned(extra.keys);
    out->Key("lines_with_extra_keys").Unsigned(extra.lines);
    out->Key("first_keys").BeginArray();
    for (const std::string& key : extra.first_keys) out->String(key);
    out->EndArray().EndObject();
  }
  out->EndArray();
}

void AppendTexts(const char* key, const std::vector<std::string>& texts, JsonWriter* out) {
  out->Key(key).BeginArray();
  for (const std::string& text : texts) out->String(text);
  out->EndArray();
}

}  // namespace

std::string ShellWord(const std::string& word) {
  const bool plain = !word.empty() && word.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789_-./~+,:@%") == std::string::npos;
  if (plain) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

std::string SummaryText(const IngestOptions& options, const IngestSummary& summary,
                        const Terminal& terminal) {
  const std::string& database = options.database;
  const auto tables = ByTable(summary);
  if (summary.path == "none") {
    return fmt::format("{}: not made yet, as there is no record to begin with\n{}", database,
                       WaitingText(summary.waiting));
  }
  if (summary.counts.lines == 0) {
    return fmt::format("{}: nothing new in {}\n{}", database,
                       Counted(summary.sources.size(), "source", "sources"),
                       WaitingText(summary.waiting));
  }

  std::string text =
      fmt::format("{} {} from {} in {}", terminal.Bold(database + ":"), CountsText(summary.counts),
                  FormatSize(summary.bytes_decoded), Duration(summary.seconds));
  // Of a moment's work a rate says nothing.
  if (summary.bytes_decoded >= kBytesWorthARate) {
    text += fmt::format(
        ": {}/s, {} rows/s",
        FormatSize(static_cast<uint64_t>(PerSecond(summary.bytes_decoded, summary.seconds))),
        FormatCount(static_cast<uint64_t>(PerSecond(summary.counts.rows, summary.seconds))));
  }
  text += '\n';
  for (const auto& [name, totals] : tables) {
    text += fmt::format("  {}: {} from {}\n", terminal.Bold(name), CountsText(totals.counts),
                        Counted(totals.sources_with_news, "source", "sources"));
    const uint64_t unchanged = totals.sources - totals.sources_with_news;
    if (unchanged > 0) text += fmt::format("    nothing new in {} more\n", FormatCount(unchanged));
    for (const ExtraKeys& extra : summary.extra_keys) {
      if (extra.table == name) text += ExtraKeysText(extra, "    ", options.alter);
    }
  }
  if (summary.counts.blank > 0)
    text += fmt::format("  {}\n", Counted(summary.counts.blank, "blank line", "blank lines"));
  if (summary.counts.unfinished > 0) {
    text += fmt::format("  {} left for the next run: still being written\n",
                        Counted(summary.counts.unfinished, "unfinished line", "unfinished lines"));
  }
  text += WaitingText(summary.waiting);
  if (summary.stopped) text += "  stopped early: run it again to go on\n";
  text += terminal.Dim(fmt::format(
              "  database {}, {} written, peak memory {}", FormatSize(summary.database_bytes),
              FormatSize(summary.bytes_written), FormatSize(summary.peak_rss_bytes))) +
          "\n";
  return text + NextSteps(options, summary.counts, tables, terminal);
}

std::string FollowSummaryText(const IngestOptions& options, const IngestSummary& summary,
                              const Terminal& terminal) {
  const std::string name = terminal.Bold(options.database + ":");
  const std::string duration = Duration(summary.seconds);
  if (summary.counts.lines == 0)
    return fmt::format("{} nothing new while following for {}\n", name, duration);
  std::string text =
      fmt::format("{} {} from {} while following for {}\n", name, CountsText(summary.counts),
                  FormatSize(summary.bytes_decoded), duration);
  for (const ExtraKeys& extra : summary.extra_keys)
    text += ExtraKeysText(extra, "  " + extra.table + ": ", options.alter);
  return text + WhereRejectsAre(options, summary.counts, terminal);
}

std::string SummaryJson(const std::string& database, const IngestSummary& summary) {
  JsonWriter out;
  out.BeginObject();
  AppendCounts(summary.counts, &out);
  out.Key("bytes_read").Unsigned(summary.bytes_read);
  out.Key("bytes_decoded").Unsigned(summary.bytes_decoded);
  out.Key("bytes_written").Unsigned(summary.bytes_written);
  out.Key("write_amplification").Real(WriteAmplification(summary));
  out.Key("database").String(database);
  out.Key("database_bytes").Unsigned(summary.database_bytes);
  out.Key("seconds").Real(summary.seconds);
  out.Key("insert_seconds").Real(summary.insert_seconds);
  out.Key("index_seconds").Real(summary.index_seconds);
  out.Key("rows_per_second").Real(PerSecond(summary.counts.rows, summary.seconds));
  out.Key("peak_rss_bytes").Unsigned(summary.peak_rss_bytes);
  out.Key("path").String(summary.path);
  out.Key("stopped").Bool(summary.stopped);
  out.Key("sources").BeginArray();
  for (const SourceSummary& source : summary.sources) {
    out.BeginObject();
    out.Key("path").String(source.path);
    out.Key("table").String(source.table);
    out.Key("offset").Unsigned(source.offset.bytes);
    AppendCounts(source.counts, &out);
    out.EndObject();
  }
  out.EndArray();
  AppendWaiting(summary.waiting, &out);
  AppendExtraKeys(summary.extra_keys, &out);
  AppendTexts("notes", summary.notes, &out);
  AppendTexts("warnings", summary.warnings, &out);
  AppendFailures(summary.failures, &out);
  out.EndObject();
  return out.Take() + "\n";
}

std::string PlanText(const IngestPlan& plan) {
  const bool is_nothing = plan.sources.empty() && plan.ddl.empty() && !plan.creates_database;
  std::string text = fmt::format("{}: would {}\n", plan.database,
                                 plan.creates_database ? "be made"
                                 : is_nothing          ? "be left as it is"
                                                       : "be added to");
  const size_t shown = std::min(plan.sources.size(), kSourcesShown);
  for (size_t i = 0; i < shown; ++i) {
    const IngestPlan::PlannedSource& source = plan.sources[i];
    text +=
        fmt::format("  {} ({}): {}, table {} ({})", Printable(source.path),
                    FormatSize(source.stored_size), source.decision, source.table, source.preset);
    if (source.from_offset > 0)
      text += fmt::format(", from byte {}", FormatCount(source.from_offset));
    text += '\n';
  }
  if (shown < plan.sources.size()) {
    text +=
        fmt::format("  and {} more: --json lists all\n", FormatCount(plan.sources.size() - shown));
  }
  text += WaitingText(plan.waiting);
  for (const Status& failure : plan.failures)
    text += "  cannot be read: " + failure.message() + "\n";
  for (const std::string& statement : plan.ddl) text += statement + ";\n";
  return text;
}

std::string PlanJson(const IngestPlan& plan) {
  JsonWriter out;
  out.BeginObject();
  out.Key("dry_run").Bool(true);
  out.Key("database").String(plan.database);
  out.Key("creates_database").Bool(plan.creates_database);
  out.Key("sources").BeginArray();
  for (const IngestPlan::PlannedSource& source : plan.sources) {
    out.BeginObject();
    out.Key("path").String(source.path);
    out.Key("table").String(source.table);
    out.Key("preset").String(source.preset);
    out.Key("from_offset").Unsigned(source.from_offset);
    out.Key("stored_size").Unsigned(source.stored_size);
    out.Key("decision").String(source.decision);
    out.EndObject();
  }
  out.EndArray();
  AppendWaiting(plan.waiting, &out);
  AppendFailures(plan.failures, &out);
  AppendTexts("ddl", plan.ddl, &out);
  out.EndObject();
  return out.Take() + "\n";
}

}  // namespace sluice
