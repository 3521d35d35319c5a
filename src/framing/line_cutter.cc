// SPDX-License-Identifier: Apache-2.0
#include "framing/line_cutter.h"

#include <algorithm>
#include <cstring>

namespace sluice {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view WithoutByteOrderMark(std::string_view text) {
  return text.starts_with(kByteOrderMark) ? text.substr(kByteOrderMark.size()) : text;
}

std::string_view WithoutCarriageReturn(std::string_view text) {
  return text.ends_with('\r') ? text.substr(0, text.size() - 1) : text;
}

// Walks over the lines of a frame. memchr is the fastest search there is for one byte (AVX2 in
// glibc), and lines are long enough for it to pay.
class Cutter {
 public:
  explicit Cutter(const Frame& frame)
      : frame_(frame),
        at_(frame.data.data()),
        end_(at_ + frame.data.size()),
        number_(frame.first_line) {}

  // The next piece up to a newline, without it. False when there is no further newline.
  bool Next(Line* line) {
    const auto left = static_cast<size_t>(end_ - at_);
    const auto* newline =
        static_cast<const char*>(left == 0 ? nullptr : std::memchr(at_, '\n', left));
    if (newline == nullptr) return false;
    *line = LineUpTo(newline);
    line->text = WithoutCarriageReturn(line->text);
    at_ = newline + 1;
    ++number_;
    return true;
  }

  // What stands after the last newline.
  Line Rest() const { return LineUpTo(end_); }

 private:
  Line LineUpTo(const char* end) const {
    Line line{.text = {at_, static_cast<size_t>(end - at_)},
              .number = number_,
              .byte_offset = frame_.offset + static_cast<uint64_t>(at_ - frame_.data.data())};
    if (line.byte_offset == 0) line.text = WithoutByteOrderMark(line.text);
    return line;
  }

  const Frame& frame_;
  const char* at_;
  const char* const end_;
  uint64_t number_;
};

}  // namespace

bool IsBlank(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == ' ' || c == '\t' || c == '\r'; });
}

CutResult CutLines(const Frame& frame, std::vector<Line>* lines) {
  CutResult result;
  Cutter cutter(frame);
  Line line;
  if (frame.after_tail && !cutter.Next(&result.rest_of_tail)) {
    result.rest_of_tail = cutter.Rest();
    result.unterminated = {
        .text = {}, .number = frame.first_line, .byte_offset = frame.offset + frame.data.size()};
    return result;
  }
  while (cutter.Next(&line)) {
    ++result.lines;
    if (IsBlank(line.text)) {
      ++result.blank;
    } else if (line.text.size() > frame.max_line) {
      result.too_long.push_back(line);
    } else {
      lines->push_back(line);
    }
  }
  result.unterminated = cutter.Rest();
  return result;
}

}  // namespace sluice
