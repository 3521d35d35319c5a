// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/manual.h"
#include "sluice/version.hpp"
#include "sqlite/connection.h"

namespace sluice {
namespace {

constexpr const char* kExamples = R"~(# what ingest can do
sluice help ingest
# completion in this shell
eval "$(sluice help --completion bash)"
# the manual page, as `make install` puts it
sluice help --man > sluice.1)~";

struct HelpRequest {
  std::vector<std::string> topic;
  bool man = false;
  std::string completion;
};

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
      return Error(Status::Usage(fmt::format("{} has no subcommand '{}'", FullName(*command), word),
                                 "sluice help " + nearest));
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
  options.Text("--completion", "bash", "Print completion for this shell", &request->completion);

  return {app, std::make_shared<CommonOptions>(), [program, request]() -> Result<ExitStatus> {
            if (!request->completion.empty() && request->completion != "bash") {
              return Error(
                  Status::Usage(fmt::format("there is no completion for {}", request->completion),
                                "--completion bash"));
            }
            Result<std::string> text = std::string();
            if (request->man) {
              text = ManPage(Describe(*program), SLUICE_VERSION);
            } else if (!request->completion.empty()) {
              text = BashCompletion(Describe(*program));
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
