// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sluice/status.hpp"

namespace sluice {

// Globs on the path of a file below the directory that was named.
struct InputFilter {
  // Empty: all that have one of the extensions. Else only what a glob matches, and a glob whose
  // last name has a dot of its own ('*.log') takes what it matches whatever the extension.
  std::vector<std::string> include;
  // A directory that matches is not entered.
  std::vector<std::string> exclude;
};

// The files that the INPUT arguments stand for, each once, in the order of the arguments and within
// a directory in byte order of the path below it. "-" stays "-".
//
//   a file       of any name; the globs do not bind it
//   a directory  walked for regular files that end in .jsonl or .ndjson, or in these and .gz or
//   .zst. Symbolic links are
//                followed, each directory is entered once. Names that begin with '.' are passed
//                over.
//
// `database` is the file that is written to, "" for none: naming it, its -wal, -shm or -journal is
// an error, by whatever path. None of these files is opened (I10). Errors: kNotFound for a missing
// file or a link to nothing; kIo for a directory that cannot be read; kUsage for a bad glob, two
// "-", or the database.
//
// With `awaited`, what is missing goes there instead, as long as the directory of an argument is
// there.
Result<std::vector<std::string>> ExpandInputs(const std::vector<std::string>& arguments,
                                              const InputFilter& filter,
                                              const std::string& database,
                                              std::vector<std::string>* awaited = nullptr);

// Whether a file at this path below the directory that was named is read, and whether a file or
// directory there is left out: a directory that is left out is not entered.
bool IsTaken(const InputFilter& filter, std::string_view path);
bool IsExcluded(const InputFilter& filter, std::string_view path);

// Whether a path matches a glob. `*`, `?` and `[a-z]` stand for bytes of one name, `**` as a whole
// name for any number of directories. A glob without '/' is matched with the last name of the path,
// at any depth.
bool GlobMatches(std::string_view glob, std::string_view path);

}  // namespace sluice
