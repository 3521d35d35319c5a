// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace sluice {

// The program that was built, running beside the test: for live mode, which ends only when it is
// told to.
//
// Lifetime: killed when it goes.
class LiveProgram {
 public:
  // `arguments` behind "sluice", that behind `wrapper`, which becomes it; stdout and stderr are
  // appended to `log`. `stdin_descriptor` is its stdin, -1 for none.
  LiveProgram(const std::vector<std::string>& arguments, const std::string& log,
              int stdin_descriptor = -1, const std::vector<std::string>& wrapper = {});
  ~LiveProgram() { Kill(); }
  LiveProgram(const LiveProgram&) = delete;
  LiveProgram& operator=(const LiveProgram&) = delete;

  pid_t pid() const { return pid_; }
  // Sends SIGTERM and waits: the exit status, -1 where it did not end in `seconds`.
  int Stop(double seconds = 5);
  // Waits for its end without a signal.
  int Wait(double seconds);
  void Kill();  // with -9

  // Resident now, in bytes; 0 where it has ended.
  uint64_t ResidentBytes() const;
  // Whether it is the image that follows: the historical part is over.
  bool Follows() const;
  // Its status, as Wait() says it, where it has ended by itself.
  std::optional<int> Ended() const;
  // As Eventually(), but only as long as it runs: that it ended by itself fails the test.
  bool Reaches(const std::function<bool()>& holds) const;

 private:
  pid_t pid_ = -1;
};

// Within ten seconds.
bool Eventually(const std::function<bool()>& holds);

}  // namespace sluice
