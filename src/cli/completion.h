// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/manual.h"

namespace sluice {

// Shell completion, from what the options say about themselves; `page` is the program's.

// For bash, without need of the bash-completion package.
std::string BashCompletion(const CommandPage& page);
// For zsh: a file _sluice on its $fpath, or to be evaluated after compinit.
std::string ZshCompletion(const CommandPage& page);
std::string FishCompletion(const CommandPage& page);

}  // namespace sluice
