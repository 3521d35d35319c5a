// SPDX-License-Identifier: Apache-2.0
#include "cli/bottom_line.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/terminal.h"

namespace sluice {
namespace {

// The terminal itself echoes "^C" after the line, also a second one. If that wrapped, the line
// could not be wiped any more.
constexpr size_t kEchoColumns = 4;

bool IsInBackground(FILE* stream) {
  const pid_t foreground = tcgetpgrp(fileno(stream));
  return foreground > 0 && foreground != getpgrp();
}

}  // namespace

size_t BottomLine::room() const {
  return std::max(Terminal::Of(stream_).columns, kEchoColumns + 1) - kEchoColumns;
}

void BottomLine::Draw(std::string text) {
  text_ = std::move(text);
  if (text_.empty() || IsInBackground(stream_)) return;
  Tell(stream_, fmt::format("\r{}\x1b[K", CutToWidth(text_, room())));
  std::fflush(stream_);
  is_drawn_ = true;
}

void BottomLine::Say(std::string_view line) {
  Wipe();
  Tell(stream_, fmt::format("{}\n", line));
  Draw(std::move(text_));
}

void BottomLine::Clear() {
  text_.clear();
  Wipe();
}

void BottomLine::Wipe() {
  if (!std::exchange(is_drawn_, false)) return;
  Tell(stream_, "\r\x1b[K");
  std::fflush(stream_);
}

}  // namespace sluice
