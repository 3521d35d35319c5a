// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "sluice/status.hpp"

namespace sluice {

enum class ExitStatus : int { kDone = 0, kFailed = 1, kUsage = 2, kRejected = 3 };

// What a stream leads to, and what may be written there.
struct Terminal {
  bool interactive = false;  // a person looks at it
  bool colour = false;       // never with NO_COLOR set (no-color.org) or TERM=dumb
  size_t columns = 0;        // 0: as wide as it likes

  static Terminal Of(FILE* stream);

  std::string Bold(std::string_view text) const { return Styled("1", text); }
  std::string Dim(std::string_view text) const { return Styled("2", text); }
  std::string Red(std::string_view text) const { return Styled("31", text); }
  std::string Green(std::string_view text) const { return Styled("32", text); }

 private:
  std::string Styled(std::string_view code, std::string_view text) const;
};

// "sluice: what went wrong" and "  try: remedy" on stderr; with `json` also {"error": ...} on
// stdout, so that a script finds one object there whatever happens. Says with which status to exit.
ExitStatus ReportError(const Status& status, bool json);

// To stderr, or where else a person reads along. What cannot be written there (nobody reads any
// more, a full disk) is left out: what the program is for goes on.
void Tell(FILE* stream, std::string_view text);

// To stdout. kIo where it cannot be written (a full disk): data that is half there must not look
// whole.
Status WriteOut(std::string_view text);

// Columns that UTF-8 text takes on a terminal: two for wide characters, none for combining ones.
size_t DisplayWidth(std::string_view text);
// `text` cut to `columns`, the last of them "…" where something was cut off.
std::string CutToWidth(std::string_view text, size_t columns);
// The same, cut at its beginning: the end of a path says which file it is.
std::string CutStartToWidth(std::string_view text, size_t columns);
// Text as it may be shown: control characters, which could steer the terminal, as \n, \t, \x1b;
// those that turn the direction of writing, which could make a row read as another one, as \u202e;
// bytes that are no UTF-8 as U+FFFD.
std::string Printable(std::string_view text);
// The same, but newlines and tabs stay: for text that is read as it was written.
std::string PrintableLines(std::string_view text);

// "3 rows", "1 row".
std::string Counted(uint64_t number, std::string_view one, std::string_view many);

}  // namespace sluice
