// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

// A source is known again by hashes of this many bytes at its start and before its offset.
inline constexpr size_t kIdentityWindow = 1024;

// XXH3-128 of a stretch of decoded bytes, and how many there were. Two stretches are the same when
// all three agree.
struct ContentHash {
  uint64_t low = 0;
  uint64_t high = 0;
  uint32_t length = 0;

  friend bool operator==(const ContentHash&, const ContentHash&) = default;
};

// How far a source has been ingested, and by which content it is known again. A value: it is stored
// in the transaction that commits the rows before it.
struct Offset {
  // Decoded bytes before it: always at the start of a line, or at the end of a taken tail.
  uint64_t bytes = 0;
  // Newlines before it, plus 1 if `tail_taken`: the number of the last line read.
  uint64_t lines = 0;
  // The line before it had no newline yet when it was taken as a row: a newline that comes now ends
  // that line and is no blank line; other bytes before it are a reject.
  bool tail_taken = false;
  ContentHash head;  // of the first min(bytes, kIdentityWindow) bytes
  ContentHash tail;  // of the last min(bytes, kIdentityWindow) bytes before it

  friend bool operator==(const Offset&, const Offset&) = default;
};

// The lines of a source. Always: lines == rows + ignored + rejects + blank + unfinished.
struct LineCounts {
  uint64_t lines = 0;
  uint64_t rows = 0;      // lines that became rows
  uint64_t replaced = 0;  // of these, how many replaced a row; not a term of the sum
  uint64_t ignored = 0;   // passed over because their key was there (OnConflict::kIgnore)
  uint64_t rejects = 0;   // bad lines, kept or not
  uint64_t blank = 0;
  uint64_t unfinished = 0;  // 0 or 1: the last line, still being written

  bool Balanced() const { return lines == rows + ignored + rejects + blank + unfinished; }
  LineCounts& operator+=(const LineCounts& other);
  friend bool operator==(const LineCounts&, const LineCounts&) = default;
};

}  // namespace sluice
