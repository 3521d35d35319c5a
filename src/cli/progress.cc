// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/units.h"
#include "cli/terminal.h"

namespace sluice {
namespace {

// On a terminal ten times a second is as smooth as it gets; in a log a line a second is enough.
constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::chrono::milliseconds kLogLine{1000};
constexpr size_t kBarColumns = 24;
// Less of a path says nothing.
constexpr size_t kLeastPathColumns = 8;

std::string Bar(double part) {
  const auto full = static_cast<size_t>(part * static_cast<double>(kBarColumns));
  std::string bar;
  for (size_t i = 0; i < kBarColumns; ++i) bar += i < full ? "━" : "╌";
  return bar;
}

std::string Rate(double count, double seconds) {
  const double rate = seconds > 0 ? count / seconds : 0;
  if (rate >= 1e6) return fmt::format("{:.2f}M rows/s", rate / 1e6);
  if (rate >= 1e4) return fmt::format("{:.0f}k rows/s", rate / 1e3);
  return Counted(static_cast<uint64_t>(rate + 0.5), "row/s", "rows/s");
}

std::string TimeLeft(const IngestProgress& progress) {
  // The first moments say nothing about the rest.
  if (progress.seconds < 0.5 || progress.stored_bytes == 0) return {};
  const double left = progress.seconds *
                      static_cast<double>(progress.stored_bytes_total - progress.stored_bytes) /
                      static_cast<double>(progress.stored_bytes);
  const std::chrono::seconds rounded(static_cast<int64_t>(left + 0.5));
  if (rounded < std::chrono::minutes(1)) return fmt::format("{}s left", rounded.count());
  return FormatDuration(rounded) + " left";
}

std::vector<std::string> ReadingParts(const IngestProgress& progress) {
  std::vector<std::string> parts;
  const uint64_t total = progress.stored_bytes_total;
  if (total > 0) {
    const double part =
        std::min(1.0, static_cast<double>(progress.stored_bytes) / static_cast<double>(total));
    parts.push_back(fmt::format("{} {:3.0f} %", Bar(part), part * 100));
    parts.push_back(fmt::format("{} of {}", FormatSize(progress.stored_bytes), FormatSize(total)));
  } else {
    parts.push_back(FormatSize(progress.stored_bytes));
  }
  parts.push_back(Rate(static_cast<double>(progress.rows), progress.seconds));
  if (progress.seconds > 0) {
    const double per_second = static_cast<double>(progress.decoded_bytes) / progress.seconds;
    parts.push_back(FormatSize(static_cast<uint64_t>(per_second)) + "/s");
  }
  if (total > progress.stored_bytes) {
    if (std::string left = TimeLeft(progress); !left.empty()) parts.push_back(std::move(left));
  }
  if (progress.rejects > 0) parts.push_back(Counted(progress.rejects, "reject", "rejects"));
  return parts;
}

}  // namespace

std::string ProgressText(const IngestProgress& progress, size_t columns) {
  std::vector<std::string> parts;
  switch (progress.phase) {
    case IngestProgress::Phase::kPlanning:
      parts = {progress.doing.empty() ? std::string("looking at the inputs")
                                      : Printable(progress.doing)};
      break;
    case IngestProgress::Phase::kReading:
      parts = ReadingParts(progress);
      break;
    case IngestProgress::Phase::kIndexing:
    case IngestProgress::Phase::kFinishing:
      parts = {
          Counted(progress.rows, "row", "rows"),
          progress.doing.empty() ? std::string("finishing") : Printable(progress.doing),
          FormatDuration(std::chrono::milliseconds(static_cast<int64_t>(progress.seconds * 1e3)))};
      break;
  }
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "  ") + part;
  if (progress.phase == IngestProgress::Phase::kReading && !progress.source.empty()) {
    const std::string source = Printable(progress.source);
    const size_t taken = DisplayWidth(text) + 2;
    if (columns == 0) {
      text += "  " + source;
    } else if (taken + kLeastPathColumns <= columns) {
      text += "  " + CutStartToWidth(source, columns - taken);
    }
  }
  return columns == 0 ? text : CutToWidth(text, columns);
}

ProgressLine::ProgressLine(ProgressWhen when, bool quiet, FILE* stream)
    : stream_(stream), in_place_(Terminal::Of(stream).interactive), line_(stream) {
  shown_ = !quiet && (when == ProgressWhen::kAlways || (when == ProgressWhen::kAuto && in_place_));
}

void ProgressLine::Draw(const IngestProgress& progress) {
  if (!shown_) return;
  const auto now = Clock::now();
  const bool same = progress.phase == phase_ && progress.doing == doing_;
  if (now < next_ && same) return;
  phase_ = progress.phase;
  doing_ = progress.doing;
  next_ = now + (in_place_ ? kRedraw : kLogLine);
  if (!in_place_) {
    Tell(stream_, fmt::format("{}\n", ProgressText(progress, 0)));
    return;
  }
  line_.Draw(ProgressText(progress, line_.room()));
}

}  // namespace sluice
