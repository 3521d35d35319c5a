// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <utility>

#include "schema/names.h"
#include "schema/nearest.h"
#include "schema/preset_texts.h"
#include "schema/schema.h"

namespace sluice {
namespace {

std::string PrefixOf(std::string_view table) { return "idx_" + std::string(table) + "_"; }

// Exchanges `old_prefix` at the front of `name`; a name without it gets the new one put before it.
std::string Rebased(const std::string& name, const std::string& old_prefix,
                    const std::string& new_prefix) {
  const bool has_it = SameName(std::string_view(name).substr(0, old_prefix.size()), old_prefix);
  return new_prefix + (has_it ? name.substr(old_prefix.size()) : name);
}

}  // namespace

const std::vector<Preset>& Presets() {
  static const std::vector<Preset> presets = {
      {"claude-code", "Claude Code's session logs (~/.claude/projects)", kClaudeCodeToml},
      {"codex", "Codex's rollouts (~/.codex/sessions) and `codex exec --json` streams", kCodexToml},
      {"agents", "prices of models, and views over claude-code and codex together", kAgentsToml},
      {"sse-lines", "captured server-sent events, one JSON object a line", kSseLinesToml},
      {"raw", "any JSON Lines, each line whole", kRawToml},
  };
  return presets;
}

Result<Table> LoadPreset(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Preset& preset : Presets()) {
    names.push_back(preset.name);
    if (preset.name == name) {
      return ParseSchema(preset.toml, "preset " + std::string(name));
    }
  }
  return Error(
      Status::Usage("there is no preset '" + std::string(name) + "'", NearestOf(name, names)));
}

Result<std::vector<Table>> WithCompanions(const Table& table) {
  std::vector<Table> tables = {table};
  for (size_t i = 0; i < tables.size(); ++i) {
    // A copy: the vector grows below.
    for (const std::string& companion : std::vector<std::string>(tables[i].companions)) {
      Result<Table> loaded = LoadPreset(companion);
      if (!loaded) return Error(loaded.error());
      const auto same = [&](const Table& known) { return SameName(known.name, loaded->name); };
      if (std::none_of(tables.begin(), tables.end(), same)) tables.push_back(std::move(*loaded));
    }
  }
  return tables;
}

void RenameTable(Table* table, std::string_view name) {
  if (table->name == name) return;
  const std::string prefix = PrefixOf(name);
  for (Index& index : table->indexes) index.name = Rebased(index.name, table->index_prefix, prefix);
  table->index_prefix = prefix;
  for (FullText& full_text : table->full_texts) {
    full_text.name = Rebased(full_text.name, table->name + "_", std::string(name) + "_");
  }
  table->views.clear();
  table->companions.clear();
  table->name = name;
}

}  // namespace sluice
