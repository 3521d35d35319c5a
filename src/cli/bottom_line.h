// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace sluice {

// The line at the bottom of a terminal that is drawn again and again in place.
//
// Nothing is drawn while the process is in the background of its terminal: the shell writes there.
// Threads: one. Lifetime: the line is wiped when this ends.
class BottomLine {
 public:
  // `stream` is stderr, but for tests.
  explicit BottomLine(FILE* stream) : stream_(stream) {}
  ~BottomLine() { Clear(); }
  BottomLine(const BottomLine&) = delete;
  BottomLine& operator=(const BottomLine&) = delete;

  // How wide the text may be. Asked anew each time, because windows are resized.
  size_t room() const;
  void Draw(std::string text);
  // A line above it that stays.
  void Say(std::string_view line);
  void Clear();

 private:
  void Wipe();

  FILE* const stream_;
  std::string text_;       // "": nothing is to be seen
  bool is_drawn_ = false;  // it stands on the terminal now
};

}  // namespace sluice
