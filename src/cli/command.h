// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "cli/options.h"
#include "cli/terminal.h"
#include "sluice/status.hpp"

namespace sluice {

// A subcommand: its options, of which help, completion and manual are made, and what it does once
// they are filled in.
struct Command {
  CLI::App* app = nullptr;
  std::shared_ptr<CommonOptions> common;
  std::function<Result<ExitStatus>()> run;
};

// Each in a file of its own, cmd_*.cc; they add the subcommand to `program`.
Command AddIngest(CLI::App* program);
Command AddQuery(CLI::App* program);
Command AddStatus(CLI::App* program);
CLI::App* AddSchema(CLI::App* program);
Command AddSchemaList(CLI::App* schema);
Command AddSchemaShow(CLI::App* schema);
Command AddSchemaInfer(CLI::App* schema);
Command AddSchemaApply(CLI::App* schema);
Command AddRejects(CLI::App* program);
Command AddRejectsRetry(CLI::App* rejects);
Command AddHelp(CLI::App* program);
Command AddVersion(CLI::App* program);

}  // namespace sluice
