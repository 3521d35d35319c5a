// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "extract/plan.h"
#include "extract/strict.h"

namespace sluice {

// Reads many texts by one plan.
class Reader {
 public:
  explicit Reader(const Plan& plan) : plan_(plan) {}

  const Plan& plan() const { return plan_; }

  // Calls `take(index, verdict, found)` for each text, in order.
  template <typename Take>
  void Read(std::span<const std::string_view> texts, Take take) {
    for (size_t i = 0; i < texts.size(); ++i) {
      const Verdict verdict = ReadStrictly(texts[i], plan_, &found_);
      take(i, verdict, found_);
    }
  }

 private:
  const Plan& plan_;
  Found found_;
};

}  // namespace sluice
