// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <locale.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/units.h"
#include "cli/json_writer.h"
#include "cli/utf8.h"

namespace sluice {
namespace {

std::string_view CodeWord(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "ok";
    case StatusCode::kUsage:
      return "usage";
    case StatusCode::kNotFound:
      return "not_found";
    case StatusCode::kIo:
      return "io";
    case StatusCode::kFull:
      return "full";
    case StatusCode::kBusy:
      return "busy";
    case StatusCode::kCorruption:
      return "corruption";
    case StatusCode::kConstraint:
      return "constraint";
    case StatusCode::kUnsupported:
      return "unsupported";
    case StatusCode::kCancelled:
      return "cancelled";
    case StatusCode::kInternal:
      return "internal";
    case StatusCode::kExhausted:
      return "exhausted";
  }
  return "internal";
}

// The C library knows the widths, but only in a UTF-8 locale, which the environment may not have
// set.
size_t WidthOf(char32_t code) {
  if (code < 0x7F) return code < 0x20 ? 0 : 1;
  static const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (utf8 == nullptr) return 1;
  const locale_t before = uselocale(utf8);
  const int width = wcwidth(static_cast<wchar_t>(code));
  uselocale(before);
  return width < 0 ? 1 : static_cast<size_t>(width);
}

// Marks, embeddings, overrides and isolates of Unicode's bidirectional algorithm.
bool TurnsDirection(char32_t code) {
  return code == 0x061C || code == 0x200E || code == 0x200F || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

std::string Shown(std::string_view text, bool keep_layout) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const Utf8Character character = FirstCharacter(text);
    const char32_t code = character.code;
    // C0, DEL and C1: all that a terminal may act upon.
    const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    const bool turns = TurnsDirection(code);
    const bool layout = code == '\n' || code == '\t';
    if (!character.valid) {
      shown += kReplacementCharacter;
    } else if (turns) {
      shown += fmt::format("\\u{:04x}", static_cast<unsigned>(code));
    } else if (!control || (layout && keep_layout)) {
      shown += text.substr(0, character.bytes);
    } else if (code == '\n') {
      shown += "\\n";
    } else if (code == '\t') {
      shown += "\\t";
    } else if (code == '\r') {
      shown += "\\r";
    } else {
      shown += fmt::format("\\x{:02x}", static_cast<unsigned>(code));
    }
    text.remove_prefix(character.bytes);
  }
  return shown;
}

}  // namespace

Terminal Terminal::Of(FILE* stream) {
  Terminal terminal;
  terminal.interactive = isatty(fileno(stream)) == 1;
  if (!terminal.interactive) return terminal;

  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  terminal.colour = (no_color == nullptr || *no_color == '\0') &&
                    (term == nullptr || std::strcmp(term, "dumb") != 0);
  winsize size{};
  const bool known = ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  terminal.columns = known ? size.ws_col : 80;
  return terminal;
}

std::string Terminal::Styled(std::string_view code, std::string_view text) const {
  return colour ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

ExitStatus ReportError(const Status& status, bool json) {
  const ExitStatus exit_status =
      status.code() == StatusCode::kUsage ? ExitStatus::kUsage : ExitStatus::kFailed;
  const Terminal terminal = Terminal::Of(stderr);
  Tell(stderr, fmt::format("{} {}\n", terminal.Red("sluice:"), status.message()));
  if (!status.remedy().empty())
    Tell(stderr, fmt::format("  {} {}\n", terminal.Bold("try:"), status.remedy()));
  if (json) {
    JsonWriter out;
    out.BeginObject().Key("error").BeginObject();
    out.Key("code").String(CodeWord(status.code()));
    out.Key("message").String(status.message());
    out.Key("remedy").String(status.remedy());
    out.EndObject().Key("exit_status").Integer(static_cast<int>(exit_status)).EndObject();
    std::fputs((out.text() + "\n").c_str(), stdout);
  }
  return exit_status;
}

void Tell(FILE* stream, std::string_view text) {
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stream));
}

Status WriteOut(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    return Status::Io(fmt::format("stdout: {}", std::strerror(errno)),
                      "what was printed is not whole: make room there and run it again");
  }
  return {};
}

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const Utf8Character character = FirstCharacter(text);
    width += WidthOf(character.code);
    text.remove_prefix(character.bytes);
  }
  return width;
}

std::string CutToWidth(std::string_view text, size_t columns) {
  size_t width = 0;
  size_t fits = 0;  // bytes that leave a column for the "…"
  for (size_t at = 0; at < text.size();) {
    const Utf8Character character = FirstCharacter(text.substr(at));
    width += WidthOf(character.code);
    if (width > columns) return std::string(text.substr(0, fits)) + (columns > 0 ? "…" : "");
    at += character.bytes;
    if (width < columns) fits = at;
  }
  return std::string(text);
}

std::string CutStartToWidth(std::string_view text, size_t columns) {
  size_t width = DisplayWidth(text);
  if (width <= columns) return std::string(text);
  if (columns == 0) return {};
  while (!text.empty() && width >= columns) {
    const Utf8Character character = FirstCharacter(text);
    width -= WidthOf(character.code);
    text.remove_prefix(character.bytes);
  }
  // A combining mark goes with the character that was cut off.
  while (!text.empty() && WidthOf(FirstCharacter(text).code) == 0)
    text.remove_prefix(FirstCharacter(text).bytes);
  return "…" + std::string(text);
}

std::string Printable(std::string_view text) { return Shown(text, false); }

std::string PrintableLines(std::string_view text) { return Shown(text, true); }

std::string Counted(uint64_t number, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", FormatCount(number), number == 1 ? one : many);
}

}  // namespace sluice
