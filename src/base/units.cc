// SPDX-License-Identifier: Apache-2.0
#include "base/units.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>

namespace sluice {
namespace {

struct Unit {
  std::string_view name;  // lower case
  uint64_t factor;
};

constexpr std::array<Unit, 14> kSizeUnits = {{
    {"", 1},
    {"b", 1},
    {"k", 1ull << 10},
    {"kib", 1ull << 10},
    {"kb", 1'000},
    {"m", 1ull << 20},
    {"mib", 1ull << 20},
    {"mb", 1'000'000},
    {"g", 1ull << 30},
    {"gib", 1ull << 30},
    {"gb", 1'000'000'000},
    {"t", 1ull << 40},
    {"tib", 1ull << 40},
    {"tb", 1'000'000'000'000},
}};

// Largest first: a duration is written in this order, each unit once.
constexpr std::array<Unit, 5> kDurationUnits = {{
    {"d", 86'400'000},
    {"h", 3'600'000},
    {"m", 60'000},
    {"s", 1'000},
    {"ms", 1},
}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// A decimal number times a factor, exact for whole numbers. Nothing where it is none, or too large.
std::optional<uint64_t> Scale(std::string_view number, uint64_t factor) {
  const size_t point = number.find('.');
  const std::string_view whole_digits = number.substr(0, point);
  uint64_t whole = 0;
  const auto parsed =
      std::from_chars(whole_digits.data(), whole_digits.data() + whole_digits.size(), whole);
  if (parsed.ec != std::errc() || parsed.ptr != whole_digits.data() + whole_digits.size()) {
    return std::nullopt;
  }
  uint64_t scaled = 0;
  if (__builtin_mul_overflow(whole, factor, &scaled)) return std::nullopt;
  if (point == std::string_view::npos) return scaled;

  const std::string_view fraction_digits = number.substr(point + 1);
  if (fraction_digits.empty() ||
      !std::all_of(fraction_digits.begin(), fraction_digits.end(), IsDigit)) {
    return std::nullopt;
  }
  double fraction = 0;
  double weight = 0.1;
  for (char digit : fraction_digits) {
    fraction += weight * (digit - '0');
    weight /= 10;
  }
  const auto part = static_cast<uint64_t>(std::llround(fraction * static_cast<double>(factor)));
  if (__builtin_add_overflow(scaled, part, &scaled)) return std::nullopt;
  return scaled;
}

// Takes digits and points off the front of `text`.
std::string_view TakeNumber(std::string_view* text) {
  const auto end =
      std::find_if_not(text->begin(), text->end(), [](char c) { return IsDigit(c) || c == '.'; });
  const auto length = static_cast<size_t>(end - text->begin());
  const std::string_view number = text->substr(0, length);
  text->remove_prefix(length);
  return number;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

Status NoSize(std::string_view text) {
  return Status::Usage(fmt::format("'{}' is not a size", text),
                       "write a number and a unit, such as 64MiB, 512KiB, 1.5GiB or 4096");
}

Status NoDuration(std::string_view text) {
  return Status::Usage(fmt::format("'{}' is not a duration", text),
                       "write numbers with their units, such as 50ms, 1.5s, 2m or 1h30m");
}

}  // namespace

Result<uint64_t> ParseSize(std::string_view text) {
  std::string_view rest = text;
  const std::string_view number = TakeNumber(&rest);
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  const std::string name = Lower(rest);
  for (const Unit& unit : kSizeUnits) {
    if (unit.name != name) continue;
    const std::optional<uint64_t> bytes = Scale(number, unit.factor);
    return bytes ? Result<uint64_t>(*bytes) : Error(NoSize(text));
  }
  return Error(NoSize(text));
}

std::string FormatSize(uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kNames = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  double value = static_cast<double>(bytes);
  while (value >= 1023.5 && unit + 1 < kNames.size()) {
    value /= 1024;
    ++unit;
  }
  if (value == std::floor(value))
    return fmt::format("{}{}", static_cast<uint64_t>(value), kNames[unit]);
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f}{}", value, decimals, kNames[unit]);
}

Result<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds(0);
  std::string_view rest = text;
  uint64_t total = 0;
  size_t next_unit = 0;
  do {
    const std::string_view number = TakeNumber(&rest);
    const auto name_end =
        std::find_if(rest.begin(), rest.end(), [](char c) { return IsDigit(c) || c == '.'; });
    const std::string name = Lower(rest.substr(0, static_cast<size_t>(name_end - rest.begin())));
    rest.remove_prefix(name.size());

    while (next_unit < kDurationUnits.size() && kDurationUnits[next_unit].name != name) ++next_unit;
    if (next_unit == kDurationUnits.size()) return Error(NoDuration(text));
    const std::optional<uint64_t> part = Scale(number, kDurationUnits[next_unit++].factor);
    if (!part || __builtin_add_overflow(total, *part, &total) || total > INT64_MAX) {
      return Error(NoDuration(text));
    }
  } while (!rest.empty());
  return std::chrono::milliseconds(static_cast<int64_t>(total));
}

std::string FormatDuration(std::chrono::milliseconds duration) {
  const int64_t milliseconds = duration.count();
  if (milliseconds < 0) return "-" + FormatDuration(-duration);
  if (milliseconds < 1'000) return fmt::format("{}ms", milliseconds);
  // 59,995 ms would round to "60.0s".
  if (milliseconds < 59'950) {
    const double seconds = static_cast<double>(milliseconds) / 1000;
    return fmt::format("{:.{}f}s", seconds, milliseconds < 9'995 ? 2 : 1);
  }
  const int64_t seconds = (milliseconds + 500) / 1000;
  if (seconds < 3'600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  const int64_t minutes = (seconds + 30) / 60;
  if (minutes < 24 * 60) return fmt::format("{}h{:02}m", minutes / 60, minutes % 60);
  const int64_t hours = (minutes + 30) / 60;
  return fmt::format("{}d{:02}h", hours / 24, hours % 24);
}

std::string FormatCount(uint64_t count) {
  std::string text = std::to_string(count);
  for (size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

}  // namespace sluice
