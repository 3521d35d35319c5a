// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/formats.h"
#include "cli/json_writer.h"
#include "schema/schema.h"

namespace sluice {
namespace {

struct SchemaRequest {
  std::shared_ptr<CommonOptions> common = std::make_shared<CommonOptions>();
  std::string name;
  std::string table;
  std::vector<std::string> inputs;
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

Result<ExitStatus> Print(const Result<std::string>& text) {
  if (!text) return Error(text.error());
  if (Status s = WriteOut(*text); !s.ok()) return Error(s);
  return ExitStatus::kDone;
}

}  // namespace

CLI::App* AddSchema(CLI::App* program) {
  CLI::App* app = program->add_subcommand(
      "schema", "List and show the schemas there are, or infer one from data");
  app->require_subcommand(1);
  app->footer(R"(sluice schema list
sluice schema show sse-lines > mine.toml)");
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

}  // namespace sluice
