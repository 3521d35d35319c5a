// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sluice {

// Signs by which text that is no JSON Lines is told apart, so that its remedy can be named. They
// look at the first bytes of a source, which may end anywhere.

// Whether brackets and strings open and close as in JSON, with nothing but JSON's own words and
// numbers between them. True of a document over several lines, and of several texts on one line;
// false of words, of Python's literals, and of a line that was cut within a string.
bool LooksLikeJson(std::string_view text);

// Whether something follows the bracket that closes the first one: then it is no line of JSON
// Lines, whatever is still to come of it.
bool GoesOnAfterItsEnd(std::string_view text);

// The jq path of the only array of objects that a document holds outside of other arrays
// (".Records[]"); "" if there is none, or if there are several.
std::string OnlyArrayIn(std::string_view text);

// A line of a raw event stream: "event:", "data:", ...
bool IsServerSent(std::string_view line);

// Whether most lines begin as Python or JavaScript prints an object: {'a': 1}.
bool HasSingleQuotes(std::span<const std::string_view> lines);

// ',', ';' or a tab if each line has it equally often, and at least once; 0 otherwise.
char DelimiterOf(std::span<const std::string_view> lines);

}  // namespace sluice
