// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/existing_database.h"
#include "cli/json_writer.h"
#include "cli/progress.h"
#include "sluice/apply_schema.hpp"

namespace sluice {
namespace {

struct ApplyRequest {
  std::shared_ptr<CommonOptions> common = std::make_shared<CommonOptions>();
  ApplyOptions options;
};

std::string SummaryJson(const ApplySummary& summary) {
  JsonWriter out;
  out.BeginObject();
  out.Key("table").String(summary.table);
  out.Key("changes").BeginArray();
  for (const std::string& change : summary.changes) out.String(change);
  out.EndArray();
  out.Key("rebuilt").Bool(summary.rebuilt);
  out.Key("rows").Unsigned(summary.rows);
  out.Key("retried").BeginObject();
  out.Key("tried").Unsigned(summary.retried.tried);
  out.Key("rows").Unsigned(summary.retried.rows);
  out.Key("rejects").Unsigned(summary.retried.tried - summary.retried.rows);
  out.Key("cut_off").Unsigned(summary.retried.cut_off);
  out.EndObject();
  out.Key("notes").BeginArray();
  for (const std::string& note : summary.notes) out.String(note);
  out.EndArray();
  out.EndObject();
  return out.Take() + "\n";
}

std::string NotesText(const ApplySummary& summary) {
  std::string text;
  for (const std::string& note : summary.notes) text += Printable(note) + "\n";
  return text;
}

std::string SummaryText(const ApplySummary& summary, bool dry_run) {
  if (summary.changes.empty())
    return NotesText(summary) + summary.table + " is what the schema says\n";
  std::string text =
      NotesText(summary) + summary.table + (dry_run ? " would change:\n" : " changed:\n");
  for (const std::string& change : summary.changes) text += "  " + Printable(change) + "\n";
  if (summary.rebuilt)
    text += fmt::format("{} written anew\n", Counted(summary.rows, "row", "rows"));
  if (summary.retried.tried > 0) {
    text += fmt::format("tried {} again: {}\n", Counted(summary.retried.tried, "reject", "rejects"),
                        Counted(summary.retried.rows, "became a row", "became rows"));
  }
  return text;
}

Result<ApplySummary> ApplyWithProgress(const ApplyRequest& request, const StopToken& stop) {
  ProgressLine line(ProgressWhen::kAuto, request.common->quiet, stderr);
  IngestHooks hooks;
  hooks.progress = [&](const IngestProgress& progress) { line.Draw(progress); };
  return ApplySchema(request.options, stop, hooks);
}

Result<ExitStatus> Apply(const ApplyRequest& request) {
  // Its messages for a path that is no database are those of the other subcommands.
  if (auto connection = OpenExisting(request.options.database); !connection) {
    return Error(connection.error());
  } else if (Status s = HasLedger(*connection); !s.ok()) {
    return Error(s);
  }
  static StopToken stop;
  StopOnSignals(&stop);
  const auto summary = ApplyWithProgress(request, stop);
  if (!summary) {
    if (stop.signal() == 0 || summary.error().code() != StatusCode::kCancelled)
      return Error(summary.error());
    Tell(stderr, "stopped: the table is as it was\n");
    return static_cast<ExitStatus>(128 + stop.signal());
  }
  if (request.common->json) {
    if (Status s = WriteOut(SummaryJson(*summary)); !s.ok()) return Error(s);
  } else if (request.options.dry_run) {
    if (Status s = WriteOut(SummaryText(*summary, true)); !s.ok()) return Error(s);
  } else if (!request.common->quiet) {
    Tell(stderr, SummaryText(*summary, false));
  }
  return ExitStatus::kDone;
}

}  // namespace

Command AddSchemaApply(CLI::App* schema) {
  CLI::App* app = schema->add_subcommand(
      "apply", "Change a table into what a schema says, and try its rejects again");
  app->footer(R"(# a column is no longer NOT NULL: what would change, then the change
sluice schema apply app.db app.toml --dry-run
sluice schema apply app.db app.toml
# a table that an older version of a preset made
sluice schema apply agents.db claude-code)");
  auto request = std::make_shared<ApplyRequest>();
  Options options(app);
  options.Positional("DB", "A database that sluice ingested into", &request->options.database);
  options.Positional("FILE", "A schema file, or the name of a preset", &request->options.schema);
  options.Group("What is changed");
  options.Text("--table", "NAME", "The table, if it has another name than the schema's",
               &request->options.table);
  options.Flag("--drop", "Drop the columns that the schema does not have, with what is in them",
               &request->options.drop);
  options.Flag("--new-lines-only",
               "Columns whose `from` changed keep their values in the rows that are there",
               &request->options.new_lines_only);
  options.Flag("--dry-run", "Say what would change, and change nothing", &request->options.dry_run);
  options.Duration("--wait", "How long to wait for another writer", &request->options.wait);
  AddCommonOptions(&options, request->common.get());
  return {app, request->common, [request] { return Apply(*request); }};
}

}  // namespace sluice
