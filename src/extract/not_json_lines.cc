// SPDX-License-Identifier: Apache-2.0
// What a person is told about a source that is no JSON Lines: what it is, and what makes lines of
// it.
#include <string>
#include <string_view>

#include "extract/recognise.h"

namespace sluice {
namespace {

using Shape = Recognised::Shape;

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

std::string_view Without(std::string_view text, std::string_view ending) {
  return text.ends_with(ending) ? text.substr(0, text.size() - ending.size()) : text;
}

// x.json and x.json.gz → x.jsonl; what has another ending gets one more.
std::string LinesPath(std::string_view path) {
  path = Without(Without(path, ".gz"), ".zst");
  for (std::string_view ending : {".jsonl", ".ndjson"}) {
    if (path.ends_with(ending))
      return std::string(Without(path, ending)) + ".lines" + std::string(ending);
  }
  return std::string(path) + (path.ends_with(".json") ? "l" : ".jsonl");
}

// A command that reads its stdin, on the file.
std::string On(std::string_view path, const std::string& command) {
  const std::string quoted = ShellQuoted(path);
  const std::string to = " > " + ShellQuoted(LinesPath(path));
  if (path.ends_with(".gz")) return "gzip -dc " + quoted + " | " + command + to;
  if (path.ends_with(".zst")) return "zstd -dc " + quoted + " | " + command + to;
  return command + " < " + quoted + to;
}

std::string Jq(const std::string& filter, std::string_view path) {
  return On(path, "jq -c " + filter);
}

std::string Python(const std::string& rows, std::string_view path) {
  return On(path,
            "python3 -c 'import csv,ast,json,sys; [print(json.dumps(r)) for r in " + rows + "]'");
}

Status Csv(char delimiter, std::string_view path) {
  const char* between = delimiter == ',' ? "commas" : delimiter == ';' ? "semicolons" : "tabs";
  const char* argument = delimiter == ','   ? ""
                         : delimiter == ';' ? ", delimiter=\";\""
                                            : ", delimiter=\"\\t\"";
  return Status::Unsupported(
      std::string(path) + ": this is no JSON: it looks like CSV, with " + between +
          " between its fields",
      "make JSON of each line, by the names in the first one: " +
          Python(std::string("csv.DictReader(sys.stdin") + argument + ")", path));
}

}  // namespace

std::string ElementsCommand(const Recognised& recognised, std::string_view path) {
  return Jq(ShellQuoted(recognised.array), path);
}

Status NotJsonLines(const Recognised& recognised, std::string_view path) {
  const std::string name(path);
  switch (recognised.shape) {
    case Shape::kEmpty:
    case Shape::kJsonLines:
      return {};
    case Shape::kJsonDocument:
      return Status::Unsupported(name + ": this is JSON, but not one text a line (JSON Lines)",
                                 recognised.array.empty() ? "make lines of it: " + Jq(".", path)
                                                          : "make a line of each element: " +
                                                                ElementsCommand(recognised, path));
    case Shape::kJsonArray:
      return Status::Unsupported(name + ": this is one JSON array, not JSON Lines",
                                 "make a line of each element: " + Jq("'.[]'", path));
    case Shape::kSse:
      return Status::Unsupported(
          name + ": this is a raw event stream (SSE), not JSON Lines",
          "take the JSON out of its data lines: " + On(path, "sed -n 's/^data: *\\({.*\\)/\\1/p'"));
    case Shape::kSingleQuotes:
      return Status::Unsupported(
          name + ": this is no JSON: its keys are in single quotes, as Python prints them",
          "if it is Python's, make JSON of it: " +
              Python("map(ast.literal_eval, sys.stdin)", path));
    case Shape::kCsv:
      return Csv(recognised.delimiter, path);
    case Shape::kText:
      return Status::Unsupported(name + ": this is no JSON: none of its first lines is",
                                 "is this the right file? one JSON text a line is read");
    case Shape::kBinary:
      return Status::Unsupported(
          name + ": this is no text in UTF-8",
          "is this the right file? UTF-16 becomes UTF-8 with: iconv -f UTF-16 -t UTF-8");
  }
  return {};
}

}  // namespace sluice
