// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/formats.h"
#include "cli/json_writer.h"
#include "ingest/plan.h"
#include "schema/schema.h"
#include "sink/target_database.h"

namespace sluice {
namespace {

struct SchemaRequest {
  std::shared_ptr<CommonOptions> common = std::make_shared<CommonOptions>();
  std::string name;
  std::string table;
  std::vector<std::string> inputs;
  std::vector<std::string> include;
  std::vector<std::string> exclude;
};

std::string ListJson() {
  JsonWriter out;
  out.BeginObject().Key("schemas").BeginArray();
  for (const Preset& preset : Presets()) {
    out.BeginObject();
    out.Key("name").String(preset.name);
    out.Key("summary").String(preset.summary);
    out.EndObject();
  }
  out.EndArray().EndObject();
  return out.Take() + "\n";
}

std::string ListText() {
  size_t widest = 0;
  for (const Preset& preset : Presets()) widest = std::max(widest, preset.name.size());
  const Terminal terminal = Terminal::Of(stdout);
  std::string text;
  for (const Preset& preset : Presets()) {
    text += terminal.Bold(preset.name) + std::string(widest - preset.name.size(), ' ');
    text += fmt::format("  {}\n", preset.summary);
  }
  return text;
}

Result<std::string> Show(const std::string& name) {
  for (const Preset& preset : Presets()) {
    if (preset.name == name) return std::string(preset.toml);
  }
  // For its message, which names what there is.
  const auto table = LoadPreset(name);
  if (!table) return Error(table.error());
  return ToToml(*table);
}

// The tables that `ingest` would make of these inputs, in a database that is not there yet: what is
// printed and what is done cannot differ.
Result<RunPlan> PlanFor(const IngestOptions& options) {
  TargetDatabase::Options look;
  look.look_only = true;
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::temp_directory_path(error);
  if (error) {
    return Error(Status::Usage("the folder for temporary files is not there: " + error.message(),
                               "let TMPDIR name a folder that is there"));
  }
  const auto nowhere = folder / fmt::format("sluice-schema-infer-{}.db", getpid());
  auto target = TargetDatabase::Open(nowhere, look);
  if (!target) return Error(target.error());
  const StopToken never;
  return MakePlan(options, never, target->get());
}

// One schema file is one table: inputs of several kinds would need several.
Result<std::string> Infer(const SchemaRequest& request) {
  IngestOptions options;
  options.inputs = request.inputs;
  options.table = request.table;
  options.include = request.include;
  options.exclude = request.exclude;
  options.undecided_for = std::chrono::milliseconds(0);  // who asks now wants an answer now
  const auto plan = PlanFor(options);
  if (!plan) return Error(plan.error());
  if (!plan->failures.empty()) return Error(plan->failures.front());
  std::set<uint32_t> used;
  for (const PlannedSource& source : plan->sources) used.insert(source.table);
  if (used.empty()) {
    return Error(
        Status::NotFound("there are no lines in these inputs", "give a file that has some"));
  }
  if (used.size() > 1) {
    std::vector<std::string> names;
    for (const uint32_t table : used) names.push_back(plan->tables[table].name);
    return Error(Status::Usage(
        fmt::format("these inputs are of {} kinds: {}", names.size(), fmt::join(names, ", ")),
        "give inputs of one kind; `sluice ingest --dry-run` says which is which"));
  }
  const Table& table = plan->tables[*used.begin()];
  if (!request.common->quiet) {
    for (const std::string& note : plan->notes) Tell(stderr, fmt::format("{}\n", note));
  }
  return ToToml(table);
}

Result<ExitStatus> Print(const Result<std::string>& text) {
  if (!text) return Error(text.error());
  if (Status s = WriteOut(*text); !s.ok()) return Error(s);
  return ExitStatus::kDone;
}

}  // namespace

CLI::App* AddSchema(CLI::App* program) {
  CLI::App* app = program->add_subcommand(
      "schema",
      "List and show the schemas there are, infer one from data, or apply one to a table");
  app->require_subcommand(1);
  app->footer(R"(sluice schema list
sluice schema show sse-lines > mine.toml
sluice schema apply app.db mine.toml)");
  return app;
}

Command AddSchemaList(CLI::App* schema) {
  CLI::App* app =
      schema->add_subcommand("list", "List the presets that `ingest --schema` knows by name");
  app->footer("sluice schema list");
  auto request = std::make_shared<SchemaRequest>();
  Options options(app);
  AddCommonOptions(&options, request->common.get());
  return {app, request->common,
          [request] { return Print(request->common->json ? ListJson() : ListText()); }};
}

Command AddSchemaShow(CLI::App* schema) {
  CLI::App* app = schema->add_subcommand(
      "show", "Print a preset as a schema file, to be edited and given to `ingest --schema`");
  app->footer(R"(# a preset with columns of your own
sluice schema show claude-code > mine.toml
sluice ingest agents.db --schema mine.toml ~/.claude/projects)");
  auto request = std::make_shared<SchemaRequest>();
  Options options(app);
  options.Positional("PRESET", "One of those that `sluice schema list` names", &request->name);
  return {app, request->common, [request] { return Print(Show(request->name)); }};
}

Command AddSchemaInfer(CLI::App* schema) {
  CLI::App* app = schema->add_subcommand(
      "infer", "Print the schema that `ingest` would choose for these inputs, as a file to edit");
  app->footer(R"(# look, edit, use
sluice schema infer app.jsonl > app.toml
sluice ingest app.db --schema app.toml app.jsonl)");
  auto request = std::make_shared<SchemaRequest>();
  Options options(app);
  options.Positionals("INPUT", "Files, directories, or - for stdin, as for ingest",
                      &request->inputs);
  options.Group("What is read");
  options.Text("--table", "NAME", "Name of the table", &request->table);
  options.Texts("--include", "GLOB", "Take only files below a directory whose path there matches",
                &request->include);
  options.Texts("--exclude", "GLOB", "Leave out files below a directory whose path there matches",
                &request->exclude);
  options.Group("Output and configuration");
  options.HelpFlagHere();
  options.Flag("--quiet", "Print nothing but the schema and errors", &request->common->quiet);
  return {app, request->common, [request] { return Print(Infer(*request)); }};
}

}  // namespace sluice
