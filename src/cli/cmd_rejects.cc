// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/units.h"
#include "cli/command.h"
#include "cli/existing_database.h"
#include "cli/formats.h"
#include "cli/json_writer.h"
#include "cli/reject_text.h"
#include "extract/strict.h"
#include "ledger/ledger.h"
#include "sluice/ingest.hpp"

namespace sluice {
namespace {

constexpr const char* kExamples = R"(# what was wrong, and where
sluice rejects app.db
# all lines of one file that were rejected, as they were, to be mended
sluice rejects app.db --source app.jsonl --format raw > bad.jsonl
# which reasons are there?
sluice query app.db 'SELECT reason, count(*) FROM _sluice_rejects GROUP BY 1')";

constexpr uint64_t kShownToAPerson = 20;
constexpr uint64_t kPage = 1000;

// None is for people: place, reason, and the line with the bad spot marked.
using RejectFormat = std::optional<RowFormat>;

struct RejectsRequest {
  std::shared_ptr<CommonOptions> common = std::make_shared<CommonOptions>();
  std::string database;
  std::string source;
  std::optional<uint64_t> limit;
  RejectFormat format;
};

std::vector<std::pair<std::string, RejectFormat>> RejectFormats() {
  std::vector<std::pair<std::string, RejectFormat>> formats = {{"text", std::nullopt}};
  for (const auto& [word, format] : RowFormats()) formats.emplace_back(word, format);
  return formats;
}

// The path of the one source that `wanted` means: as it is stored, as a path from here, or by the
// end of it.
Result<std::string> FindSource(Ledger& ledger, const std::string& wanted) {
  const auto sources = ledger.Sources();
  if (!sources) return Error(sources.error());
  std::error_code ignored;
  const std::string from_here = std::filesystem::weakly_canonical(wanted, ignored);
  std::vector<std::string> found;
  for (const SourceRow& source : *sources) {
    const std::string& path = source.source.key.path;
    if (path == wanted || path == from_here) return path;
    const bool ends = path.size() > wanted.size() && path.ends_with("/" + wanted);
    if (ends && std::find(found.begin(), found.end(), path) == found.end()) found.push_back(path);
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    return Error(Status::NotFound(fmt::format("no source {} is known to this database", wanted),
                                  "sluice status lists them"));
  }
  return Error(Status::Usage(fmt::format("{} sources end in {}", found.size(), wanted),
                             fmt::format("one of: {}", fmt::join(found, ", "))));
}

std::string RejectText(const RejectRow& reject, const Terminal& terminal) {
  std::string text =
      terminal.Bold(fmt::format("{}:{}", Printable(reject.source_path), reject.line_number));
  text += fmt::format("  byte {}, table {}\n", FormatCount(reject.byte_offset), reject.table);
  text += "  " + terminal.Red(Printable(reject.reason));
  if (reject.length > reject.line.size())
    text += fmt::format(" ({} long)", FormatSize(reject.length));
  text += '\n';

  std::optional<size_t> bad_spot;
  // Of a line that was cut to be kept, the cut would be found.
  if (reject.length <= reject.line.size()) {
    const Verdict verdict = Validate(reject.line);
    if (!verdict.valid) bad_spot = verdict.position;
  }
  const size_t columns = terminal.columns > 0 ? terminal.columns : 120;
  std::string excerpt = MarkedExcerpt(reject.line, bad_spot, columns - 2);
  for (size_t at = excerpt.find('\n'); at != std::string::npos; at = excerpt.find('\n', at + 1))
    excerpt.insert(at + 1, "  ");
  return text + "  " + excerpt + "\n";
}

Status PrintRow(const RejectRow& reject, RowFormat format, RowPrinter* printer) {
  // Raw is for mending: the lines, and nothing between them.
  if (format == RowFormat::kRaw) return printer->Row({std::string_view(reject.line)});
  return printer->Row({reject.id, std::string_view(reject.source_path),
                       std::string_view(reject.table), static_cast<int64_t>(reject.line_number),
                       static_cast<int64_t>(reject.byte_offset), std::string_view(reject.reason),
                       static_cast<int64_t>(reject.length), std::string_view(reject.rejected_at),
                       std::string_view(reject.line)});
}

std::vector<std::string> ColumnsOf(RowFormat format) {
  if (format == RowFormat::kRaw) return {"line"};
  return {"id",     "source", "table",       "line_number", "byte_offset",
          "reason", "length", "rejected_at", "line"};
}

// Gives the rejects to `print`, a page at a time, and says how many there were.
template <typename Print>
Result<uint64_t> ForEachReject(Ledger& ledger, RejectFilter filter, uint64_t limit, Print print) {
  uint64_t printed = 0;
  while (printed < limit) {
    filter.limit = std::min(kPage, limit - printed);
    const auto page = ledger.Rejects(filter);
    if (!page) return Error(page.error());
    if (page->empty()) break;
    for (const RejectRow& reject : *page) {
      if (Status s = print(reject); !s.ok()) return Error(s);
    }
    printed += page->size();
    filter.after_id = page->back().id;
  }
  return printed;
}

Result<uint64_t> PrintForPeople(Ledger& ledger, const RejectFilter& filter, uint64_t limit) {
  const Terminal terminal = Terminal::Of(stdout);
  return ForEachReject(ledger, filter, limit, [&](const RejectRow& reject) {
    return WriteOut(RejectText(reject, terminal));
  });
}

Result<uint64_t> PrintRows(Ledger& ledger, const RejectFilter& filter, uint64_t limit,
                           RowFormat format, RowPrinter::Write write) {
  RowPrinter printer(format, ColumnsOf(format), Terminal::Of(stdout), std::move(write));
  auto printed = ForEachReject(ledger, filter, limit, [&](const RejectRow& reject) {
    return PrintRow(reject, format, &printer);
  });
  if (!printed) return printed;
  if (Status s = printer.Finish(); !s.ok()) return Error(s);
  return printed;
}

// {"total": 2, "rejects": [...]}: whole, or not there at all.
Result<uint64_t> PrintJson(Ledger& ledger, const RejectFilter& filter, uint64_t limit,
                           uint64_t total) {
  std::string object = fmt::format("{{\"total\":{},\"rejects\":", total);
  auto printed = PrintRows(ledger, filter, limit, RowFormat::kJson, [&](std::string_view bytes) {
    object += bytes;
    return Status();
  });
  if (!printed) return printed;
  if (Status s = WriteOut(object + "}\n"); !s.ok()) return Error(s);
  return printed;
}

Result<ExitStatus> Rejects(const RejectsRequest& request) {
  if (request.database.empty()) {
    return Error(Status::Usage("sluice rejects: DB is missing", "sluice rejects --help"));
  }
  auto connection = OpenExisting(request.database);
  if (!connection) return Error(connection.error());
  if (Status s = HasLedger(*connection); !s.ok()) return Error(s);
  auto ledger = Ledger::Open(*connection);
  if (!ledger) return Error(ledger.error());
  RejectFilter filter;
  if (!request.source.empty()) {
    auto source = FindSource(*ledger, request.source);
    if (!source) return Error(source.error());
    filter.source_path = std::move(*source);
  }
  const auto total = ledger->CountRejects();
  if (!total) return Error(total.error());

  const bool for_people = !request.format && !request.common->json;
  const uint64_t limit = request.limit.value_or(for_people ? kShownToAPerson : UINT64_MAX);
  const auto printed = request.common->json ? PrintJson(*ledger, filter, limit, *total)
                       : for_people         ? PrintForPeople(*ledger, filter, limit)
                                    : PrintRows(*ledger, filter, limit, *request.format, WriteOut);
  if (!printed) return Error(printed.error());
  if (Status s = connection->CheckUnchanged(); !s.ok()) return Error(s);
  if (for_people && !request.common->quiet) {
    if (*total == 0) Tell(stderr, "no rejects\n");
    if (*printed == limit && *printed < *total && filter.source_path.empty()) {
      Tell(stderr, fmt::format("{} of {}: --limit {} shows all\n", FormatCount(*printed),
                               FormatCount(*total), *total));
    }
  }
  return ExitStatus::kDone;
}

struct RetryRequest {
  std::shared_ptr<CommonOptions> common = std::make_shared<CommonOptions>();
  RetryOptions options;
};

std::string RetryJson(const RetrySummary& summary) {
  JsonWriter out;
  out.BeginObject();
  out.Key("tried").Unsigned(summary.tried);
  out.Key("rows").Unsigned(summary.rows);
  out.Key("rejects").Unsigned(summary.tried - summary.rows);
  out.Key("cut_off").Unsigned(summary.cut_off);
  out.EndObject();
  return out.Take() + "\n";
}

std::string RetryText(const RetrySummary& summary) {
  if (summary.tried == 0 && summary.cut_off == 0) return "no rejects\n";
  std::string text = fmt::format("tried {}: {}\n", Counted(summary.tried, "reject", "rejects"),
                                 Counted(summary.rows, "became a row", "became rows"));
  if (summary.cut_off > 0) {
    text += fmt::format("{} cannot be tried: only the start of the line was kept\n",
                        Counted(summary.cut_off, "reject", "rejects"));
  }
  return text;
}

Result<ExitStatus> Retry(const RetryRequest& request) {
  // Its messages for a path that is no database are those of the other subcommands.
  if (auto connection = OpenExisting(request.options.database); !connection) {
    return Error(connection.error());
  } else if (Status s = HasLedger(*connection); !s.ok()) {
    return Error(s);
  }
  const auto summary = RetryRejects(request.options);
  if (!summary) return Error(summary.error());
  if (request.common->json) {
    if (Status s = WriteOut(RetryJson(*summary)); !s.ok()) return Error(s);
  } else if (!request.common->quiet) {
    Tell(stderr, RetryText(*summary));
  }
  return ExitStatus::kDone;
}

}  // namespace

Command AddRejects(CLI::App* program) {
  CLI::App* app = program->add_subcommand(
      "rejects", "Show the lines that could not become rows: where, why, and what stands there");
  app->footer(kExamples);
  app->require_subcommand(0, 1);
  auto request = std::make_shared<RejectsRequest>();
  Options options(app);
  // Not required as far as parsing goes: `rejects retry DB` has its own.
  options.Positional("DB", "A database that sluice ingested into", &request->database, false);
  options.Group("Which, and how");
  options.Text("--source", "FILE", "Only those of this source: its path, or the end of it",
               &request->source);
  options.Count("--limit", "At most N of them (default 20 as text, else all)", &request->limit);
  options.Choice("--format", "text marks the bad spot of each line; raw prints just the lines",
                 RejectFormats(), &request->format);
  AddCommonOptions(&options, request->common.get());
  return {app, request->common, [request] { return Rejects(*request); }};
}

Command AddRejectsRetry(CLI::App* rejects) {
  CLI::App* app = rejects->add_subcommand(
      "retry", "Try the rejected lines again, after the schema or the table was mended");
  app->footer(R"(# a reject that is a row now is no reject any more
sluice rejects retry app.db)");
  auto request = std::make_shared<RetryRequest>();
  Options options(app);
  options.Positional("DB", "A database that sluice ingested into", &request->options.database);
  options.Group("Which, and how");
  options.Text("--table", "NAME", "Only rejects of this table", &request->options.table);
  options.Duration("--wait", "How long to wait for another writer", &request->options.wait);
  AddCommonOptions(&options, request->common.get());
  return {app, request->common, [request] { return Retry(*request); }};
}

}  // namespace sluice
