// SPDX-License-Identifier: Apache-2.0
#include "cli/reject_text.h"

#include <algorithm>

#include "cli/terminal.h"

namespace sluice {
namespace {

// The start of the UTF-8 character that the byte `at` is part of.
size_t CharacterStart(std::string_view line, size_t at) {
  for (int back = 0; back < 3 && at > 0 && (static_cast<unsigned char>(line[at]) & 0xC0) == 0x80;
       ++back)
    --at;
  return at;
}

}  // namespace

std::string MarkedExcerpt(std::string_view line, std::optional<size_t> position, size_t columns) {
  const size_t room = std::max<size_t>(columns, 20);
  const size_t bad = std::min(position.value_or(0), line.size());
  const size_t begin = bad > room * 2 / 3 ? CharacterStart(line, bad - room / 3) : 0;
  const std::string before = begin > 0 ? "…" : "";
  // What comes after this cannot be on the screen, however narrow its characters are.
  const std::string_view looked_at = line.substr(begin, room * 4);
  const std::string excerpt = CutToWidth(before + Printable(looked_at), room);
  if (!position) return excerpt;

  const size_t column = DisplayWidth(before + Printable(line.substr(begin, bad - begin)));
  return excerpt + "\n" + std::string(column, ' ') + "^";
}

}  // namespace sluice
