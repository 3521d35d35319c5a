// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/record.h"

#include <charconv>
#include <optional>

#include "base/number.h"

namespace sluice {
namespace {

constexpr size_t kMostDigits = 20;

Cell TextOfInteger(int64_t value, Arena* arena) {
  char* const text = arena->Allocate(kMostDigits);
  const std::to_chars_result end = std::to_chars(text, text + kMostDigits, value);
  const auto size = static_cast<size_t>(end.ptr - text);
  arena->GiveBack(kMostDigits - size);
  return Cell::Text({text, size});
}

Cell TextOfReal(double value, RealFormatter format_real, Arena* arena) {
  char* const text = arena->Allocate(kRealTextSize);
  const size_t size = format_real(value, text);
  arena->GiveBack(kRealTextSize - size);
  return Cell::Text({text, size});
}

Cell NumericOf(const Cell& cell) {
  if (cell.type == CellType::kReal) return IntegralIfExact(cell.real);
  if (cell.type != CellType::kText) return cell;
  return NumberInText(cell.text()).value_or(cell);
}

// A real column stores integral values as integers, where these take at most 6 bytes.
Cell RealOf(const Cell& cell) {
  const Cell number = NumericOf(cell);
  if (number.type != CellType::kInteger || SerialTypeOfInteger(number.integer) != 6) return number;
  return Cell::Real(static_cast<double>(number.integer));
}

}  // namespace

Cell ApplyAffinity(const Cell& cell, Affinity affinity, RealFormatter format_real, Arena* arena) {
  switch (affinity) {
    case Affinity::kBlob:
      return cell;
    case Affinity::kText:
      if (cell.type == CellType::kInteger) return TextOfInteger(cell.integer, arena);
      if (cell.type == CellType::kReal) return TextOfReal(cell.real, format_real, arena);
      return cell;
    case Affinity::kNumeric:
    case Affinity::kInteger:
      return NumericOf(cell);
    case Affinity::kReal:
      break;
  }
  return RealOf(cell);
}

}  // namespace sluice
