// SPDX-License-Identifier: Apache-2.0
// The program `sluice`: one subcommand is chosen, its options are filled in, it runs, and its
// status is the exit status.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/manual.h"
#include "sluice/version.hpp"

namespace sluice {
namespace {

constexpr const char* kExamples = R"(# coding agents' session logs as a database; then ask it
sluice ingest agents.db ~/.claude/projects ~/.codex/sessions
sluice query agents.db 'SELECT * FROM agent_messages LIMIT 5'
# what is in there, and how far each file was read
sluice status agents.db)";

// The table of contents: every subcommand there is, in the order in which help names them.
std::vector<Command> AddCommands(CLI::App* program) {
  std::vector<Command> commands = {AddIngest(program), AddQuery(program), AddStatus(program),
                                   AddRejects(program)};
  commands.push_back(AddRejectsRetry(commands.back().app));
  CLI::App* schema = AddSchema(program);
  commands.push_back(AddSchemaList(schema));
  commands.push_back(AddSchemaShow(schema));
  commands.push_back(AddSchemaInfer(schema));
  commands.push_back(AddSchemaApply(schema));
  commands.push_back(AddHelp(program));
  commands.push_back(AddVersion(program));
  return commands;
}

// Before the options are known to be right, errors still want to know whether a script reads them.
bool AsksForJson(int argc, char** argv) {
  return std::any_of(argv, argv + argc,
                     [](const char* word) { return std::strcmp(word, "--json") == 0; });
}

// One of the first three that is not open would be given to the next file that is opened, and what
// is meant for a person would go there. The null device stands in for it, opened the other way
// round: to read from it, or to write to it, fails as it would have.
void HoldStandardDescriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) >= 0) continue;
    open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

// Of the exception that is handled at the moment. No room throws (ARCHITECTURE.md): only memory can
// be out, or a library can have surprised us.
Status WhatWasThrown() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return {StatusCode::kFull, "no memory is left for this",
            "lower --memory or --max-line, or let the program have more"};
  } catch (const std::exception& thrown) {
    return Status::Internal(fmt::format("an exception that nobody expected: {}", thrown.what()));
  }
}

// One that cannot come back to main(), as it was thrown on another thread. Nothing more can be done
// in order: what is committed stands, and the next run goes on from there, as after a kill.
[[noreturn]] void EndByException() {
  if (std::current_exception() != nullptr) {
    std::_Exit(static_cast<int>(ReportError(WhatWasThrown(), /*json=*/false)));
  }
  std::abort();
}

int ExitAfter(const Status& written) {
  return static_cast<int>(written.ok() ? ExitStatus::kDone : ReportError(written, /*json=*/false));
}

int Main(int argc, char** argv) {
  HoldStandardDescriptors();
  CLI::App program("JSON Lines into SQLite at disk speed", "sluice");
  program.footer(kExamples);
  program.require_subcommand(1);
  program.set_help_flag("-h,--help", "Explain, with examples");
  bool version = false;
  program.add_flag("-V,--version", version, "Print the version");
  const std::vector<Command> commands = AddCommands(&program);

  const CommandLine line = ParseCommandLine(&program, argc, argv);
  if (version) {
    return ExitAfter(WriteOut(fmt::format("sluice {}\n", SLUICE_VERSION)));
  }
  if (line.help) {
    return ExitAfter(WriteOut(HelpText(Describe(*line.command), Terminal::Of(stdout))));
  }
  if (argc < 2) {
    Tell(stderr, HelpText(Describe(program), Terminal::Of(stderr)));
    return static_cast<int>(ExitStatus::kUsage);
  }
  if (!line.status.ok()) return static_cast<int>(ReportError(line.status, AsksForJson(argc, argv)));

  const auto chosen = std::find_if(commands.begin(), commands.end(), [&](const Command& command) {
    return command.app == line.command;
  });
  const Result<ExitStatus> result = chosen->run();
  if (!result) return static_cast<int>(ReportError(result.error(), chosen->common->json));
  return static_cast<int>(*result);
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  std::set_terminate(sluice::EndByException);
  try {
    return sluice::Main(argc, argv);
  } catch (const std::exception&) {
    return static_cast<int>(
        sluice::ReportError(sluice::WhatWasThrown(), sluice::AsksForJson(argc, argv)));
  }
}
