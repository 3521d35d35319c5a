// SPDX-License-Identifier: Apache-2.0
#include "extract/recognise.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include <simdjson.h>

#include "extract/extractor.h"

namespace sluice {
namespace {

using Shape = Recognised::Shape;
namespace dom = simdjson::dom;

constexpr size_t kMaxSampleBytes = size_t{1} << 20;
constexpr std::string_view kBlank = " \t\r\n";

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

struct Sample {
  std::vector<std::string_view> lines;  // whole ones that are not blank, trimmed
  std::string_view cut;                 // the last line, where the sample ends within it
};

Sample Cut(std::string_view text, bool whole) {
  Sample sample;
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    const bool ended = newline != std::string_view::npos;
    const std::string_view line = Trimmed(text.substr(0, newline));
    if (!ended && !whole) {
      sample.cut = line;
    } else if (!line.empty()) {
      sample.lines.push_back(line);
    }
    text.remove_prefix(ended ? newline + 1 : text.size());
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
  if (type == "turn.started") return true;  // has no other key; never enough alone, see PresetOf
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

struct KnownPreset {
  const char* name;
  bool (*is_it)(dom::object);
};
constexpr std::array<KnownPreset, 3> kKnownPresets = {{
    {"claude-code", IsClaudeCode},
    {"codex", IsCodex},
    {"sse-lines", IsSseLines},
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
  bool old_codex = false;  // the header of a rollout before the envelope was seen
};

bool IsServerSent(std::string_view line) {
  for (std::string_view field : {"data:", "event:", "id:", "retry:", ":"}) {
    if (line.starts_with(field)) return true;
  }
  return false;
}

void CountObject(dom::object object, Census* census) {
  ++census->objects;
  for (size_t i = 0; i < kKnownPresets.size(); ++i) {
    if (kKnownPresets[i].is_it(object)) ++census->presets[i];
  }
  const bool header = IsOldCodexHeader(object);
  census->old_codex = census->old_codex || header;
  if (header || (census->old_codex && IsOldCodexItem(object))) ++census->presets[kCodex];
}

void CountLine(std::string_view line, dom::parser* parser, Census* census) {
  ++census->lines;
  if (IsServerSent(line)) {
    ++census->server_sent;
    return;
  }
  dom::element element;
  const simdjson::error_code error = parser->parse(line.data(), line.size()).get(element);
  if (error != simdjson::SUCCESS) {
    // It refuses unpaired surrogates and numbers beyond its range, which are JSON all the same.
    if (!IsCompleteJson(line, /*any_json=*/true)) return;
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

// Whether brackets and strings open and close as in JSON: the text goes on from line to line inside
// a bracket (a document), or has several texts on one line. False for words, and for a line that
// was cut within a string.
bool LooksLikeJson(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '\n') return false;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (--depth < 0) return false;
    } else if (depth == 0 && kBlank.find(c) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

// What JSON is that is no lines: the first bracket says it.
Shape ShapeOfDocument(std::string_view text) {
  return text.front() == '[' ? Shape::kJsonArray : Shape::kJsonDocument;
}

// Whether something stands behind the bracket that closes the first one: then it is no line of JSON
// Lines, whatever is still to come of it.
bool GoesOnBehindItsEnd(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return !Trimmed(text.substr(i + 1)).empty();
    }
  }
  return false;
}

// The first line alone fills the sample, or is still being written.
Shape ShapeOfCutLine(std::string_view cut) {
  if (cut.front() == '{') return GoesOnBehindItsEnd(cut) ? Shape::kJsonDocument : Shape::kJsonLines;
  if (cut.front() == '[') {
    const std::string_view inside = Trimmed(cut.substr(1));
    return inside.starts_with('{') ? Shape::kJsonArray : Shape::kJsonLines;
  }
  if (IsServerSent(cut)) return Shape::kSse;
  return cut.find('\0') == std::string_view::npos ? Shape::kText : Shape::kBinary;
}

Shape ShapeOf(std::string_view text, const Sample& sample, const Census& census) {
  if (sample.lines.empty()) return sample.cut.empty() ? Shape::kEmpty : ShapeOfCutLine(sample.cut);
  const bool opens = text.front() == '{' || text.front() == '[';
  // In a document, or an array with an element a line, few lines are objects by themselves: the
  // last element, which no comma follows. In JSON Lines whose first line is bad, most are.
  const bool mostly_objects = census.objects * 2 >= census.lines;
  if (opens && !mostly_objects && census.other_json + census.objects < census.lines &&
      LooksLikeJson(text)) {
    const bool each_line_alone =
        census.objects + census.arrays_of_objects + census.other_json == census.lines;
    if (!each_line_alone || (census.lines == 1 && census.arrays_of_objects == 1))
      return ShapeOfDocument(text);
  }
  if (census.objects + census.arrays_of_objects + census.other_json > 0) return Shape::kJsonLines;
  if (census.server_sent * 2 >= census.lines) return Shape::kSse;
  return text.find('\0') == std::string_view::npos ? Shape::kText : Shape::kBinary;
}

std::string PresetOf(const Census& census) {
  for (size_t i = 0; i < kKnownPresets.size(); ++i) {
    if (census.presets[i] > 0 && census.presets[i] * 2 >= census.objects)
      return kKnownPresets[i].name;
  }
  return "";
}

// Its mark alone may be a bad first line; ASCII in UTF-16 has a NUL in each letter.
bool IsUtf16(std::string_view text) {
  return (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) &&
         text.substr(0, 4).find('\0') != std::string_view::npos;
}

// For a shell: 'it'\''s'.
std::string ShellQuoted(std::string_view text) {
  std::string quoted = "'";
  for (char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

// x.json → x.jsonl; what has another ending gets one more.
std::string LinesPath(std::string_view path) {
  for (std::string_view ending : {".jsonl", ".ndjson"}) {
    if (path.ends_with(ending))
      return std::string(path.substr(0, path.size() - ending.size())) + ".lines" +
             std::string(ending);
  }
  if (path.ends_with(".json")) return std::string(path) + "l";
  return std::string(path) + ".jsonl";
}

}  // namespace

Recognised Recognise(std::string_view sample, bool whole) {
  if (sample.size() > kMaxSampleBytes) {
    sample = sample.substr(0, kMaxSampleBytes);
    whole = false;
  }
  if (IsUtf16(sample)) return {Shape::kBinary, ""};
  if (sample.starts_with("\xEF\xBB\xBF")) sample.remove_prefix(3);
  const std::string_view text = Trimmed(sample);
  if (text.empty()) return {Shape::kEmpty, ""};

  const Sample lines = Cut(sample, whole);
  const Census census = Count(lines.lines);
  const Shape shape = ShapeOf(text, lines, census);
  return {shape, shape == Shape::kJsonLines ? PresetOf(census) : ""};
}

Status NotJsonLines(Shape shape, std::string_view path) {
  const std::string name(path);
  const auto jq = [&](const std::string& filter) {
    return "jq -c " + filter + " " + ShellQuoted(path) + " > " + ShellQuoted(LinesPath(path));
  };
  switch (shape) {
    case Shape::kEmpty:
    case Shape::kJsonLines:
      return {};
    case Shape::kJsonDocument:
      return Status::Usage(name + ": this is JSON, but not one text a line (JSON Lines)",
                           "make lines of it: " + jq("."));
    case Shape::kJsonArray:
      return Status::Usage(name + ": this is one JSON array, not JSON Lines",
                           "make a line of each element: " + jq("'.[]'"));
    case Shape::kSse:
      return Status::Usage(name + ": this is a raw event stream (SSE), not JSON Lines",
                           "take the JSON out of its data lines: sed -n 's/^data: *//p' " +
                               ShellQuoted(path) + " | grep '^{' > " +
                               ShellQuoted(LinesPath(path)));
    case Shape::kText:
      return Status::Usage(name + ": no line of the first ones is JSON",
                           "is this the right file? one JSON text a line is read");
    case Shape::kBinary:
      return Status::Usage(
          name + ": this is no text in UTF-8",
          "is this the right file? UTF-16 becomes UTF-8 with: iconv -f UTF-16 -t UTF-8");
  }
  return {};
}

}  // namespace sluice
