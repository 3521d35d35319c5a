// SPDX-License-Identifier: Apache-2.0
#include "cli/config_file.h"

#include <filesystem>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace sluice {
namespace {

std::string Where(const std::string& path, const toml::node& node) {
  return fmt::format("{}:{}", path, node.source().begin.line);
}

// A value as it would be typed on the command line; false for those that could not be.
bool AsTyped(const toml::node& node, std::string* typed) {
  if (const auto* text = node.as_string()) {
    *typed = text->get();
  } else if (const auto* integer = node.as_integer()) {
    *typed = std::to_string(integer->get());
  } else if (const auto* boolean = node.as_boolean()) {
    *typed = boolean->get() ? "true" : "false";
  } else {
    return false;
  }
  return true;
}

Status ReadTable(const toml::table& table, const std::string& path,
                 const std::vector<std::string>& command, std::vector<ConfigEntry>* entries) {
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    if (const auto* inner = node.as_table()) {
      std::vector<std::string> inner_command = command;
      inner_command.push_back(name);
      if (Status s = ReadTable(*inner, path, inner_command, entries); !s.ok()) return s;
      continue;
    }
    ConfigEntry entry{command, name, {}, Where(path, node)};
    bool typed = true;
    if (const auto* array = node.as_array()) {
      for (const toml::node& element : *array) {
        typed = typed && AsTyped(element, &entry.values.emplace_back());
      }
    } else {
      typed = AsTyped(node, &entry.values.emplace_back());
    }
    if (!typed) {
      return Status::Usage(
          fmt::format("{}: '{}' has a value that no option takes", entry.where, name),
          "write a text (\"64MiB\", \"10s\"), a whole number, true or false, or an "
          "array of these");
    }
    entries->push_back(std::move(entry));
  }
  return {};
}

}  // namespace

Result<std::vector<ConfigEntry>> ReadConfigFile(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) {
    return Error(Status::Usage(fmt::format("{}: there is no such config file", path),
                               "give the path of a TOML file with --config or SLUICE_CONFIG"));
  }
  try {
    std::vector<ConfigEntry> entries;
    const toml::table table = toml::parse_file(path);
    if (Status s = ReadTable(table, path, {}, &entries); !s.ok()) return Error(s);
    return entries;
  } catch (const toml::parse_error& e) {
    return Error(Status::Usage(
        fmt::format("{}:{}: {}", path, e.source().begin.line, e.description()),
        "the config file is TOML: one `option = \"value\"` a line, as in `max-line = \"8MiB\"`"));
  }
}

}  // namespace sluice
