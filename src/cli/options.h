// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/status.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace sluice {

// Adds options and positional arguments to a subcommand, so that every option is told of in the
// same way: its help states effect and unit, and the default is taken from `*value`, which
// therefore cannot drift from it.
//
// The metavar is also what shell completion goes by: "light|quick|full" are the values there are,
// FILE and the like are paths, NAME is a preset.
//
// Lifetime: `value` pointers outlive the parsing.
class Options {
 public:
  explicit Options(CLI::App* command) : command_(command) {}

  // The heading under which help shows the options that follow.
  void Group(std::string_view title) { group_ = title; }

  // Shows --help, which every subcommand has, under the present heading.
  void HelpFlagHere();
  void Flag(const std::string& name, std::string_view help, bool* value);
  void Text(const std::string& name, const std::string& metavar, std::string_view help,
            std::string* value);
  // May be given more than once; with a delimiter also several in one.
  void Texts(const std::string& name, const std::string& metavar, std::string_view help,
             std::vector<std::string>* values, char delimiter = '\0');
  // 64MiB, 1.5GB, 4096.
  void Size(const std::string& name, std::string_view help, uint64_t* value);
  void Size(const std::string& name, std::string_view help, uint32_t* value);
  void Size(const std::string& name, std::string_view help, std::optional<uint64_t>* value);
  void Count(const std::string& name, std::string_view help, uint64_t* value);
  void Count(const std::string& name, std::string_view help, unsigned* value);
  void Count(const std::string& name, std::string_view help, std::optional<uint64_t>* value);
  // 50ms, 10s, 5m.
  void Duration(const std::string& name, std::string_view help, std::chrono::milliseconds* value);
  void Duration(const std::string& name, std::string_view help,
                std::optional<std::chrono::milliseconds>* value);

  template <typename Enum>
  void Choice(const std::string& name, std::string_view help,
              const std::vector<std::pair<std::string, Enum>>& choices, Enum* value) {
    std::vector<std::string> words;
    std::string by_default;
    for (const auto& [word, choice] : choices) {
      words.push_back(word);
      if (choice == *value) by_default = word;
    }
    AddChoice(name, help, words, by_default,
              [choices, value](size_t chosen) { *value = choices[chosen].second; });
  }

  void Positional(const std::string& metavar, std::string_view help, std::string* value,
                  bool required = true);
  void Positionals(const std::string& metavar, std::string_view help,
                   std::vector<std::string>* values, bool required = true);

 private:
  using Parser = std::function<Status(const std::string& text)>;
  void AddParsed(const std::string& name, const std::string& metavar, std::string help,
                 Parser parse);
  void AddChoice(const std::string& name, std::string_view help,
                 const std::vector<std::string>& words, const std::string& by_default,
                 std::function<void(size_t)> choose);

  CLI::App* command_;
  std::string group_ = "Options";
};

// What every subcommand takes.
struct CommonOptions {
  std::string config;
  bool json = false;
  bool quiet = false;
};
void AddCommonOptions(Options* options, CommonOptions* common);

// What a command line came to.
struct CommandLine {
  CLI::App* command = nullptr;  // the innermost subcommand that was named, or the program itself
  bool help = false;            // --help was given: nothing else of it is to be judged
  Status status;                // kUsage, with the nearest name or the help to read as remedy
};

// Flags first; what they leave open is taken from SLUICE_<OPTION> in the environment, then from the
// file of --config, then stays at its default. In that file a key at the top is for every
// subcommand that has such an option, a key in a table [ingest], [rejects.retry], ... for that one
// alone and before the former; keys that no subcommand has are errors.
CommandLine ParseCommandLine(CLI::App* program, int argc, const char* const* argv);

// SLUICE_MAX_LINE for --max-line.
std::string EnvironmentName(std::string_view option);

// "sluice rejects retry".
std::string FullName(const CLI::App& command);

// The word of `candidates` that `word` was probably meant to be, or "".
std::string NearestWord(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace sluice
