// SPDX-License-Identifier: Apache-2.0
#include "run_program.h"

#include <array>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice {
namespace {

// Reads both streams until the program has closed them: neither pipe may fill up.
void ReadBoth(int out, int err, Outcome* outcome) {
  std::array<pollfd, 2> fds = {pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}};
  std::array<std::string*, 2> to = {&outcome->out, &outcome->err};
  for (int open = 2; open > 0;) {
    poll(fds.data(), fds.size(), -1);
    for (size_t i = 0; i < fds.size(); ++i) {
      if (fds[i].fd < 0 || fds[i].revents == 0) continue;
      char buffer[4096];
      const ssize_t got = read(fds[i].fd, buffer, sizeof buffer);
      if (got > 0) {
        to[i]->append(buffer, static_cast<size_t>(got));
      } else {
        fds[i].fd = -1;
        --open;
      }
    }
  }
}

[[noreturn]] void Become(const std::vector<std::string>& command, const TemporaryDirectory& folder,
                         const RunSetting& setting) {
  for (const auto& [name, value] : setting.environment) setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  if (chdir(folder.path().c_str()) == 0 && (!setting.prepare || setting.prepare()))
    execvp(argv[0], argv.data());
  _exit(127);
}

}  // namespace

Outcome RunIn(const TemporaryDirectory& folder, const std::vector<std::string>& command,
              const RunSetting& setting) {
  const std::string input = folder.Write(".stdin", setting.stdin_text);
  int out[2];
  int err[2];
  EXPECT_EQ(pipe(out), 0);
  EXPECT_EQ(pipe(err), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(open(input.c_str(), O_RDONLY), STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    for (const int fd : {out[0], out[1], err[0], err[1]}) close(fd);
    Become(command, folder, setting);
  }
  close(out[1]);
  close(err[1]);
  Outcome outcome;
  ReadBoth(out[0], err[0], &outcome);
  close(out[0]);
  close(err[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

}  // namespace sluice
