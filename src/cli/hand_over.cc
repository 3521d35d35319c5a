// SPDX-License-Identifier: Apache-2.0
#include "cli/hand_over.h"

#include <string>
#include <vector>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/file.h"

namespace sluice {
namespace {

// A command line is limited to a quarter of the stack, 2 MiB by default.
constexpr uint64_t kLongestCommand = uint64_t{64} << 20;

// The arguments that this process was started with, without a hand-over of before.
Result<std::vector<std::string>> OwnArguments() {
  Result<std::string> command = ReadFile("/proc/self/cmdline", kLongestCommand);
  if (!command) return Error(command.error());
  std::vector<std::string> arguments;
  for (size_t at = 0; at < command->size();) {
    const size_t end = command->find('\0', at);
    arguments.push_back(command->substr(at, end - at));
    at = end == std::string::npos ? command->size() : end + 1;
  }
  for (size_t i = 1; i + 1 < arguments.size(); ++i) {
    if (arguments[i] != kHandedOver) continue;
    arguments.erase(arguments.begin() + static_cast<ptrdiff_t>(i),
                    arguments.begin() + static_cast<ptrdiff_t>(i) + 2);
    break;
  }
  return arguments;
}

}  // namespace

Status ExecFreshImage(const char* value) {
  Result<std::vector<std::string>> arguments = OwnArguments();
  if (!arguments) return arguments.error();
  // Behind the subcommand: behind the inputs there may be a "--".
  for (size_t i = 1; i < arguments->size(); ++i) {
    if ((*arguments)[i] != "ingest") continue;
    arguments->insert(arguments->begin() + static_cast<ptrdiff_t>(i) + 1, {kHandedOver, value});
    break;
  }
  std::vector<char*> argv;
  for (std::string& argument : *arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  // A handler goes with the image, and the default action of SIGHUP would end the new one before it
  // has its own.
  signal(SIGHUP, SIG_IGN);
  execv("/proc/self/exe", argv.data());
  return SystemError(errno, "start a fresh image of sluice");
}

}  // namespace sluice
