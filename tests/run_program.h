// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "temporary_directory.h"

namespace sluice {

// What a program left behind.
struct Outcome {
  int status = -1;  // of exit; 128 and the signal where one ended it
  std::string out;
  std::string err;
};

struct RunSetting {
  std::string stdin_text = "";
  std::map<std::string, std::string> environment = {};  // beside what the test has
  // In the child, before the program begins; false ends it with status 127.
  std::function<bool()> prepare = nullptr;
};

// Runs a program in `folder` and waits until it ends.
Outcome RunIn(const TemporaryDirectory& folder, const std::vector<std::string>& command,
              const RunSetting& setting);

}  // namespace sluice
