// SPDX-License-Identifier: Apache-2.0
#include "live_program.h"

#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice {
namespace {

using std::chrono::milliseconds;

std::string ProcFile(pid_t pid, const char* name) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

LiveProgram::LiveProgram(const std::vector<std::string>& arguments, const std::string& log,
                         int stdin_descriptor, const std::vector<std::string>& wrapper) {
  std::vector<std::string> command = wrapper;
  command.push_back(SLUICE_PROGRAM);
  command.insert(command.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);

  pid_ = fork();
  if (pid_ != 0) return;
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  const int in = stdin_descriptor >= 0 ? stdin_descriptor : open("/dev/null", O_RDONLY);
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  closefrom(3);
  execv(argv[0], argv.data());
  _exit(127);
}

int LiveProgram::Stop(double seconds) {
  if (pid_ > 0) kill(pid_, SIGTERM);
  return Wait(seconds);
}

int LiveProgram::Wait(double seconds) {
  for (int i = 0; i < static_cast<int>(seconds * 200) && pid_ > 0; ++i) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    std::this_thread::sleep_for(milliseconds(5));
  }
  return -1;
}

void LiveProgram::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

uint64_t LiveProgram::ResidentBytes() const {
  std::istringstream statm(ProcFile(pid_, "statm"));
  uint64_t all = 0;
  uint64_t resident = 0;
  statm >> all >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

bool LiveProgram::Follows() const {
  return ProcFile(pid_, "cmdline").find("--handed-over") != std::string::npos;
}

std::optional<int> LiveProgram::Ended() const {
  // It stays to be waited for.
  siginfo_t end = {};
  const bool asked =
      pid_ > 0 && waitid(P_PID, static_cast<id_t>(pid_), &end, WEXITED | WNOHANG | WNOWAIT) == 0;
  if (!asked || end.si_pid == 0) return std::nullopt;
  return end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
}

bool LiveProgram::Reaches(const std::function<bool()>& holds) const {
  std::optional<int> status;
  const bool reached = Eventually([&] {
    if (holds()) return true;
    status = Ended();
    return status.has_value();
  });
  if (status) ADD_FAILURE() << "the program ended by itself with status " << *status;
  return reached && !status;
}

bool Eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 2000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return false;
}

}  // namespace sluice
