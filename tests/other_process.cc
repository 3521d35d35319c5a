// SPDX-License-Identifier: Apache-2.0
#include "other_process.h"

#include <csignal>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice {

OtherProcess::OtherProcess(const std::function<bool()>& body) {
  int channel[2];
  if (pipe(channel) != 0) {
    ADD_FAILURE() << "no pipe";
    return;
  }
  pid_ = fork();
  if (pid_ == 0) {
    close(channel[0]);
    const char answer = body() ? 1 : 0;
    if (write(channel[1], &answer, 1) != 1) _exit(1);
    while (true) pause();
  }
  close(channel[1]);
  char answer = 0;
  ready_ = read(channel[0], &answer, 1) == 1 && answer == 1;
  close(channel[0]);
}

void OtherProcess::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace sluice
