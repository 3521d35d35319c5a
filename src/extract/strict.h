// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "batch/row_batch.h"
#include "extract/plan.h"

namespace sluice {

// SQLite's JSON_MAX_DEPTH: what is nested deeper, json_extract cannot read either.
inline constexpr int kMaxDepth = 1000;

// What is wrong with a text, if anything is.
struct Verdict {
  bool valid = true;
  RejectReason reason = RejectReason::kInvalidJson;
  uint32_t position = 0;    // byte where it was noticed
  const char* detail = "";  // a literal
};

// The strict path: reads byte by byte, knows every rule of RFC 8259 and UTF-8, says what is wrong
// and where. It alone decides what is a reject. It shares no code with the fast path, so that each
// can judge the other (fuzz/fuzz_extract.cc).
//
// The text may be any JSON value; whether it has to be an object is the caller's question. `found`
// is of use only where the text is valid.
Verdict ReadStrictly(std::string_view text, const Plan& plan, Found* found);

// The same without looking for anything.
Verdict Validate(std::string_view text);

}  // namespace sluice
