// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/command.h"
#include "cli/completion.h"
#include "cli/manual.h"
#include "sluice/version.hpp"
#include "sqlite/connection.h"

namespace sluice {
namespace {

constexpr const char* kExamples = R"~(# what ingest can do
sluice help ingest
# completion in this shell: bash, or zsh after compinit; in fish pipe it into source
eval "$(sluice help --completion bash)"
sluice help --completion fish | source
# the manual page, as `make install` puts it
sluice help --man > sluice.1)~";

enum class Shell : uint8_t { kNone, kBash, kZsh, kFish };

struct HelpRequest {
  std::vector<std::string> topic;
  bool man = false;
  Shell completion = Shell::kNone;
};

std::string Completion(Shell shell, const CommandPage& page) {
  switch (shell) {
    case Shell::kNone:
      break;
    case Shell::kBash:
      return BashCompletion(page);
    case Shell::kZsh:
      return ZshCompletion(page);
    case Shell::kFish:
      return FishCompletion(page);
  }
  return {};
}

Result<std::string> HelpOn(const CLI::App& program, const std::vector<std::string>& topic) {
  const CLI::App* command = &program;
  for (const std::string& word : topic) {
    const CLI::App* found = nullptr;
    std::vector<std::string> names;
    for (const CLI::App* sub : command->get_subcommands([](const CLI::App*) { return true; })) {
      names.push_back(sub->get_name());
      if (sub->get_name() == word) found = sub;
    }
    if (found == nullptr) {
      const std::string nearest = NearestWord(word, names);
      return Error(Status::Usage(
          fmt::format("there is no subcommand '{}'", fmt::join(topic, " ")),
          nearest.empty()
              ? fmt::format("{} --help, which lists them", FullName(*command))
              : fmt::format("sluice help{} {}",
                            FullName(*command).substr(program.get_name().size()), nearest)));
    }
    command = found;
  }
  return HelpText(Describe(*command), Terminal::Of(stdout));
}

}  // namespace

Command AddHelp(CLI::App* program) {
  CLI::App* app = program->add_subcommand(
      "help", "Explain a subcommand, or print the manual page or shell completion");
  app->footer(kExamples);
  auto request = std::make_shared<HelpRequest>();
  Options options(app);
  options.Positionals("SUBCOMMAND", "What to explain", &request->topic, false);
  options.Flag("--man", "Print the manual page, as roff", &request->man);
  options.Choice("--completion", "Print completion for this shell",
                 {{"bash", Shell::kBash}, {"zsh", Shell::kZsh}, {"fish", Shell::kFish}},
                 &request->completion);

  return {app, std::make_shared<CommonOptions>(), [program, request]() -> Result<ExitStatus> {
            Result<std::string> text = std::string();
            if (request->man) {
              text = ManPage(Describe(*program), SLUICE_VERSION);
            } else if (request->completion != Shell::kNone) {
              text = Completion(request->completion, Describe(*program));
            } else {
              text = HelpOn(*program, request->topic);
            }
            if (!text) return Error(text.error());
            if (Status s = WriteOut(*text); !s.ok()) return Error(s);
            return ExitStatus::kDone;
          }};
}

Command AddVersion(CLI::App* program) {
  CLI::App* app =
      program->add_subcommand("version", "Print the version of sluice, and of the SQLite in it");
  app->footer("sluice version");
  return {app, std::make_shared<CommonOptions>(), []() -> Result<ExitStatus> {
            auto connection = Connection::Open(":memory:", {.mode = OpenOptions::Mode::kCreate});
            if (!connection) return Error(connection.error());
            const auto sqlite = connection->QueryText("SELECT sqlite_version()");
            if (!sqlite) return Error(sqlite.error());
            const std::string text =
                fmt::format("sluice {} (SQLite {})\n", SLUICE_VERSION, sqlite->value_or("?"));
            if (Status s = WriteOut(text); !s.ok()) return Error(s);
            return ExitStatus::kDone;
          }};
}

}  // namespace sluice
