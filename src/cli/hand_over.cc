// SPDX-License-Identifier: Apache-2.0
#include "cli/hand_over.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
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

// A memfd: the length of the window in eight bytes, the window, the tail. It has no flag that
// closes it, and so is there in the next image.
Result<std::string> Pack(const PipeHandOver& pipe) {
  const int descriptor = memfd_create("sluice hand-over", 0);
  if (descriptor < 0) return Error(SystemError(errno, "hand over what was read from stdin"));
  const uint64_t length = pipe.window.size();
  std::string bytes(reinterpret_cast<const char*>(&length), sizeof(length));
  bytes += pipe.window + pipe.tail;
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t written = write(descriptor, bytes.data() + done, bytes.size() - done);
    if (written < 0) return Error(SystemError(errno, "hand over what was read from stdin"));
    done += static_cast<size_t>(written);
  }
  return std::to_string(descriptor);
}

// The token and its handler go with this image; a blocked signal stays pending, and StopOnSignals
// of the next one lets it in. Without this a SIGTERM between the last look at the token and the
// next image's handler was lost, or ended a process that had its rows to report.
void CarryStopOver(const StopToken& stop) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  if (stop.signal() != 0) raise(stop.signal());
}

}  // namespace

Result<std::optional<PipeHandOver>> ReadHandOver(const std::string& value) {
  if (value == "files") return std::optional<PipeHandOver>();
  const int descriptor = std::atoi(value.c_str());
  File file = File::Adopt(descriptor, "the hand-over");
  const Result<FileInfo> info = file.Info();
  if (!info) return Error(info.error());
  std::string bytes(info->size, '\0');
  const Result<size_t> read = file.PRead(bytes.data(), bytes.size(), 0);
  if (!read) return Error(read.error());
  uint64_t length = 0;
  if (*read < sizeof(length)) return Error(Status::Internal("a hand-over without a length"));
  std::memcpy(&length, bytes.data(), sizeof(length));
  PipeHandOver pipe;
  pipe.rests = true;
  pipe.window = bytes.substr(sizeof(length), length);
  pipe.tail = bytes.substr(sizeof(length) + pipe.window.size());
  return std::optional<PipeHandOver>(std::move(pipe));
}

Status ExecFreshImage(const std::optional<PipeHandOver>& pipe, const StopToken& stop) {
  std::string value = "files";
  if (pipe) {
    Result<std::string> packed = Pack(*pipe);
    if (!packed) return packed.error();
    value = *packed;
  }
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
  CarryStopOver(stop);
  execv("/proc/self/exe", argv.data());
  return SystemError(errno, "start a fresh image of sluice");
}

}  // namespace sluice
