// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/terminal.h"

namespace CLI {
class App;
}

namespace sluice {

// What the options of a command line say about themselves, as values: help, manual page and
// completion are three ways to print it, so that none of them can say anything else than the
// program does.
struct CommandPage {
  struct Argument {
    std::string name;     // "--schema", "DB"
    std::string metavar;  // "NAME|FILE.toml"; "" for a flag and for a positional
    std::string group;
    std::string text;
    bool positional = false;
    bool repeated = false;
    bool required = false;
  };

  std::string name;      // "sluice rejects retry"
  std::string summary;   // one line
  std::string examples;  // lines: "# what it does", then the command
  std::vector<Argument> arguments;
  std::vector<CommandPage> subcommands;
};

CommandPage Describe(const CLI::App& command);

// `sluice ingest --help`.
std::string HelpText(const CommandPage& page, const Terminal& terminal);
// sluice(1), in the man macros; `page` is the program's.
std::string ManPage(const CommandPage& page, const std::string& version);

}  // namespace sluice
