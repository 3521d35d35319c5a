// SPDX-License-Identifier: Apache-2.0
#include "extract/recognise.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include <simdjson.h>

#include "extract/extractor.h"
#include "extract/other_forms.h"

namespace sluice {
namespace {

using Shape = Recognised::Shape;
namespace dom = simdjson::dom;

constexpr std::string_view kBlank = " \t\r\n";

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

struct Sample {
  std::vector<std::string_view> lines;  // whole ones that are not blank, trimmed
  std::string_view cut;                 // the last line, if it is not known to be whole
  size_t whole_bytes = 0;               // up to the end of the last whole line
};

// Whether a last line without a newline is taken as it stands: by the rule by which a run makes a
// row of it.
bool IsWhole(std::string_view last_line, SampleEnd end) {
  return end == SampleEnd::kNothingMore ||
         (end == SampleEnd::kMayGrow && IsCompleteJson(last_line, /*any_json=*/false));
}

Sample Cut(std::string_view text, SampleEnd end) {
  Sample sample;
  size_t position = 0;
  while (position < text.size()) {
    const size_t newline = text.find('\n', position);
    const bool has_newline = newline != std::string_view::npos;
    const std::string_view line = Trimmed(text.substr(position, newline - position));
    position = has_newline ? newline + 1 : text.size();
    if (!has_newline && !IsWhole(line, end)) {
      sample.cut = line;
      break;
    }
    if (!line.empty()) sample.lines.push_back(line);
    sample.whole_bytes = position;
  }
  return sample;
}

bool HasString(dom::object object, std::string_view key) {
  std::string_view text;
  return object[key].get(text) == simdjson::SUCCESS;
}

bool Has(dom::object object, std::string_view key) {
  return object[key].error() == simdjson::SUCCESS;
}

std::optional<dom::object> ObjectAt(dom::object object, std::string_view key) {
  dom::object found;
  if (object[key].get(found) != simdjson::SUCCESS) return std::nullopt;
  return found;
}

std::string_view StringAt(dom::object object, std::string_view key) {
  std::string_view text;
  return object[key].get(text) == simdjson::SUCCESS ? text : std::string_view();
}

bool IsClaudeCode(dom::object object) {
  const std::string_view type = StringAt(object, "type");
  if (type.empty()) return false;
  if (type == "summary") return HasString(object, "summary") && HasString(object, "leafUuid");
  if (type == "file-history-snapshot")
    return HasString(object, "messageId") && ObjectAt(object, "snapshot");
  if (type == "queue-operation")
    return HasString(object, "operation") && HasString(object, "sessionId");
  return HasString(object, "sessionId") && HasString(object, "uuid") && Has(object, "parentUuid") &&
         Has(object, "isSidechain");
}

bool IsCodex(dom::object object) {
  const std::string_view type = StringAt(object, "type");
  if (const std::optional<dom::object> payload = ObjectAt(object, "payload")) {
    if (!HasString(object, "timestamp")) return false;
    if (type == "session_meta") return HasString(*payload, "id");
    if (type == "turn_context") return HasString(*payload, "cwd");
    if (type == "compacted") return HasString(*payload, "message");
    return (type == "response_item" || type == "event_msg") && HasString(*payload, "type");
  }
  if (type == "thread.started") return HasString(object, "thread_id");
  if (type == "turn.completed") return ObjectAt(object, "usage").has_value();
  if (type == "item.started" || type == "item.updated" || type == "item.completed") {
    const std::optional<dom::object> item = ObjectAt(object, "item");
    return item && HasString(*item, "id") && HasString(*item, "type");
  }
  return false;
}

// Rollouts before the envelope (Codex of early 2025): a first line without a type, then the items
// themselves. Those are plain items of OpenAI's API, so they count only after such a first line.
bool IsOldCodexHeader(dom::object object) {
  return HasString(object, "id") && HasString(object, "timestamp") && Has(object, "instructions") &&
         !Has(object, "type");
}

bool IsOldCodexItem(dom::object object) {
  if (StringAt(object, "record_type") == "state") return true;
  const std::string_view type = StringAt(object, "type");
  if (type == "message") return HasString(object, "role") && Has(object, "content");
  if (type == "reasoning") return Has(object, "summary");
  return HasString(object, "call_id") && (type.ends_with("_call") || type.ends_with("_output"));
}

bool IsSseLines(dom::object object) {
  return HasString(object, "event") && HasString(object, "t") && HasString(object, "sid") &&
         HasString(object, "flow_id");
}

// Records that Claude Code puts before the first message of a session, and others that have but the
// session in common: "permission-mode", "ai-title", "last-prompt". Their types change from month to
// month, so none is asked for. Another program's records may look so too.
bool NamesClaudeCode(dom::object object) {
  return HasString(object, "type") && HasString(object, "sessionId") && !Has(object, "message") &&
         !Has(object, "uuid");
}

// It has no other key.
bool NamesCodex(dom::object object) {
  return StringAt(object, "type") == "turn.started" && object.size() == 1;
}

bool NamesNobody(dom::object) { return false; }

struct KnownPreset {
  const char* name;
  bool (*is_it)(dom::object);
  bool (*may_be_it)(dom::object);  // asked where no preset `is_it`
};
constexpr std::array<KnownPreset, 3> kKnownPresets = {{
    {"claude-code", IsClaudeCode, NamesClaudeCode},
    {"codex", IsCodex, NamesCodex},
    {"sse-lines", IsSseLines, NamesNobody},
}};
constexpr size_t kCodex = 1;
static_assert(kKnownPresets[kCodex].is_it == IsCodex);

// What the lines of a sample are, counted.
struct Census {
  size_t lines = 0;
  size_t objects = 0;
  size_t arrays_of_objects = 0;
  size_t other_json = 0;
  size_t server_sent = 0;  // "event:", "data:", ...
  std::array<size_t, kKnownPresets.size()> presets = {};
  std::array<size_t, kKnownPresets.size()> undecided = {};  // may be of this preset
  bool old_codex = false;  // the header of a rollout before the envelope was seen

  size_t json() const { return objects + arrays_of_objects + other_json; }
};

void CountObject(dom::object object, Census* census) {
  ++census->objects;
  bool is_known = false;
  for (size_t i = 0; i < kKnownPresets.size(); ++i) {
    if (!kKnownPresets[i].is_it(object)) continue;
    ++census->presets[i];
    is_known = true;
  }
  const bool header = IsOldCodexHeader(object);
  census->old_codex = census->old_codex || header;
  if (header || (census->old_codex && IsOldCodexItem(object))) {
    ++census->presets[kCodex];
    is_known = true;
  }
  for (size_t i = 0; i < kKnownPresets.size() && !is_known; ++i) {
    if (kKnownPresets[i].may_be_it(object)) ++census->undecided[i];
  }
}

// A JSON text with the same keys that simdjson takes: it refuses unpaired surrogates, which are
// common in sessions, and numbers beyond its range. Which number stood there decides nothing.
std::string Softened(std::string_view json) {
  constexpr std::string_view kOfNumbers = "+-.0123456789eE";
  std::string soft(json);
  bool in_string = false;
  for (size_t i = 0; i < soft.size(); ++i) {
    if (soft[i] == '"') {
      in_string = !in_string;
    } else if (in_string && soft[i] == '\\') {
      if (soft[i + 1] == 'u' && (soft[i + 2] | 0x20) == 'd') soft[i + 2] = '0';
      ++i;
    } else if (!in_string && (soft[i] == '-' || (soft[i] >= '0' && soft[i] <= '9'))) {
      const size_t end = std::min(soft.find_first_not_of(kOfNumbers, i), soft.size());
      soft[i] = '0';
      std::fill(soft.begin() + static_cast<ptrdiff_t>(i) + 1,
                soft.begin() + static_cast<ptrdiff_t>(end), ' ');
      i = end - 1;
    }
  }
  return soft;
}

void CountLine(std::string_view line, dom::parser* parser, Census* census) {
  ++census->lines;
  if (IsServerSent(line)) {
    ++census->server_sent;
    return;
  }
  dom::element element;
  simdjson::error_code error = parser->parse(line.data(), line.size()).get(element);
  if (error != simdjson::SUCCESS) {
    if (!IsCompleteJson(line, /*any_json=*/true)) return;
    error = parser->parse(Softened(line)).get(element);
  }
  if (error != simdjson::SUCCESS) {
    ++(line.front() == '{' ? census->objects : census->other_json);
  } else if (dom::object object; element.get(object) == simdjson::SUCCESS) {
    CountObject(object, census);
  } else if (dom::array array; element.get(array) == simdjson::SUCCESS && array.size() > 0 &&
                               (*array.begin()).is_object()) {
    ++census->arrays_of_objects;
  } else {
    ++census->other_json;
  }
}

Census Count(const std::vector<std::string_view>& lines) {
  dom::parser parser;
  Census census;
  for (std::string_view line : lines) CountLine(line, &parser, &census);
  return census;
}

// What JSON is that is no lines: the first bracket says it.
Shape ShapeOfDocument(std::string_view text) {
  return text.front() == '[' ? Shape::kJsonArray : Shape::kJsonDocument;
}

// Whether a line that begins so may become a JSON text.
bool MayBecomeJson(std::string_view begin) {
  if (std::string_view("{[\"-0123456789").find(begin.front()) != std::string_view::npos)
    return !GoesOnAfterItsEnd(begin);
  for (const std::string_view literal : {"true", "false", "null"}) {
    if (literal.starts_with(begin)) return true;
  }
  return false;
}

// The first line alone fills the sample, or is still being written.
Shape ShapeOfCutLine(std::string_view cut, SampleEnd end) {
  if (end == SampleEnd::kMayGrow && MayBecomeJson(cut)) return Shape::kJsonLines;
  if (cut.front() == '{') return GoesOnAfterItsEnd(cut) ? Shape::kJsonDocument : Shape::kJsonLines;
  if (cut.front() == '[') {
    const std::string_view inside = Trimmed(cut.substr(1));
    return inside.starts_with('{') ? Shape::kJsonArray : Shape::kJsonLines;
  }
  if (IsServerSent(cut)) return Shape::kSse;
  return cut.find('\0') == std::string_view::npos ? Shape::kText : Shape::kBinary;
}

// No line is JSON.
Shape ShapeOfText(std::string_view text, const Sample& sample, const Census& census) {
  if (census.server_sent * 2 >= census.lines) return Shape::kSse;
  if (text.find('\0') != std::string_view::npos) return Shape::kBinary;
  if (HasSingleQuotes(sample.lines)) return Shape::kSingleQuotes;
  return DelimiterOf(sample.lines) == 0 ? Shape::kText : Shape::kCsv;
}

Shape ShapeOf(std::string_view text, const Sample& sample, const Census& census, SampleEnd end) {
  if (sample.lines.empty())
    return sample.cut.empty() ? Shape::kEmpty : ShapeOfCutLine(sample.cut, end);
  const bool opens = text.front() == '{' || text.front() == '[';
  // In a document, or an array with an element a line, few lines are objects by themselves: the
  // last element, which no comma follows. In JSON Lines whose first line is bad, most are.
  const bool mostly_objects = census.objects * 2 >= census.lines;
  if (opens && !mostly_objects && census.other_json + census.objects < census.lines &&
      LooksLikeJson(text)) {
    const bool each_line_alone = census.json() == census.lines;
    if (!each_line_alone || (census.lines == 1 && census.arrays_of_objects == 1))
      return ShapeOfDocument(text);
  }
  return census.json() > 0 ? Shape::kJsonLines : ShapeOfText(text, sample, census);
}

// Records that decide nothing say nothing against a preset either: a session may begin with many.
std::string PresetOf(const Census& census) {
  for (size_t i = 0; i < kKnownPresets.size(); ++i) {
    const size_t others = census.objects - census.undecided[i];
    if (census.presets[i] > 0 && census.presets[i] * 2 >= others) return kKnownPresets[i].name;
  }
  return "";
}

// Nothing but such records.
std::string MayBePresetOf(const Census& census) {
  for (size_t i = 0; i < kKnownPresets.size(); ++i) {
    if (census.objects > 0 && census.undecided[i] == census.objects) return kKnownPresets[i].name;
  }
  return "";
}

// How much of the mark of UTF-8 the text begins with, if nothing else follows a part of it.
size_t BeginOfMark(std::string_view text) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (text.starts_with(kMark)) return kMark.size();
  return kMark.starts_with(text) ? text.size() : 0;
}

// Its mark alone may be a bad first line; ASCII in UTF-16 has a NUL in each letter.
bool IsUtf16(std::string_view text) {
  return (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) &&
         text.substr(0, 4).find('\0') != std::string_view::npos;
}

// Whether a line is but a wrapping for the elements of an array: {"Records": [{...}, {...}]}.
bool WrapsAnArray(std::string_view line) {
  dom::parser parser;
  dom::object object;
  dom::array array;
  if (parser.parse(line.data(), line.size()).get(object) != simdjson::SUCCESS) return false;
  return object.size() == 1 && (*object.begin()).value.get(array) == simdjson::SUCCESS &&
         array.size() > 1 && (*array.begin()).is_object();
}

}  // namespace

Recognised Recognise(std::string_view sample, SampleEnd end) {
  Recognised recognised;
  if (IsUtf16(sample)) {
    recognised.shape = Shape::kBinary;
    return recognised;
  }
  // Of the mark itself, only a part may be there.
  sample.remove_prefix(BeginOfMark(sample));
  const std::string_view text = Trimmed(sample);
  if (text.empty()) return recognised;

  const Sample lines = Cut(sample, end);
  const Census census = Count(lines.lines);
  recognised.shape = ShapeOf(text, lines, census, end);
  recognised.objects = census.objects;
  recognised.values = census.json() - census.objects;
  recognised.whole_bytes = lines.whole_bytes;
  if (recognised.shape == Shape::kCsv) recognised.delimiter = DelimiterOf(lines.lines);
  if (recognised.shape == Shape::kJsonDocument) recognised.array = OnlyArrayIn(text);
  if (recognised.shape != Shape::kJsonLines) return recognised;
  const bool is_one_line = lines.lines.size() == 1 && lines.cut.empty() && end != SampleEnd::kMore;
  if (is_one_line && WrapsAnArray(lines.lines.front())) recognised.array = OnlyArrayIn(text);
  recognised.preset = PresetOf(census);
  if (recognised.preset.empty()) recognised.may_be = MayBePresetOf(census);
  return recognised;
}

}  // namespace sluice
