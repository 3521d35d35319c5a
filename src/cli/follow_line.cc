// SPDX-License-Identifier: Apache-2.0
#include "cli/follow_line.h"

#include <vector>

#include <fmt/format.h>

#include "base/units.h"
#include "cli/terminal.h"

namespace sluice {
namespace {

constexpr std::chrono::minutes kLogLine{1};

std::string Age(double seconds) {
  // Whole seconds: digits that change each time cannot be read.
  const std::chrono::seconds whole(static_cast<int64_t>(seconds));
  return whole.count() < 60 ? fmt::format("{}s", whole.count()) : FormatDuration(whole);
}

std::string LagText(const LiveStatus& status) {
  if (status.lag_bytes == 0) return "no lag";
  std::string text = "lag " + FormatSize(status.lag_bytes);
  if (status.lag_seconds >= 1) text += " for " + Age(status.lag_seconds);
  return text;
}

}  // namespace

std::string FollowText(const LiveStatus& status, size_t columns) {
  std::vector<std::string> parts = {
      "following " + Counted(status.files, "file", "files"),
      Counted(status.counts.rows, "row", "rows"),
      Counted(static_cast<uint64_t>(status.rows_per_second + 0.5), "row/s", "rows/s"),
      LagText(status)};
  if (status.counts.rejects > 0)
    parts.push_back(Counted(status.counts.rejects, "reject", "rejects"));
  const uint64_t gaps = status.gaps + status.possible_gaps;
  if (gaps > 0) parts.push_back(Counted(gaps, "gap", "gaps"));
  parts.push_back(Age(status.seconds));
  if (!status.waits_for.empty()) parts.insert(parts.begin(), "waiting");

  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "  ") + part;
  return columns == 0 ? text : CutToWidth(text, columns);
}

FollowLine::FollowLine(ProgressWhen when, bool quiet, FILE* stream)
    : stream_(stream),
      is_in_place_(Terminal::Of(stream).interactive),
      is_shown_(!quiet &&
                (when == ProgressWhen::kAlways || (when == ProgressWhen::kAuto && is_in_place_))),
      line_(stream) {}

void FollowLine::Draw(const LiveStatus& status) {
  if (!is_shown_) return;
  if (is_in_place_) {
    line_.Draw(FollowText(status, line_.room()));
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + kLogLine;
  Tell(stream_, FollowText(status, 0) + "\n");
}

}  // namespace sluice
