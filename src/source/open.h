// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "sluice/pipe.hpp"
#include "sluice/status.hpp"
#include "sluice/stop.hpp"
#include "source/source.h"

namespace sluice {

// Opens a file, a named pipe or a device. gzip and zstd are known by their first bytes, whatever
// the name is. `stop`, which may be nullptr, ends the wait for a pipe: its Read then says
// kCancelled. It outlives the source.
Result<std::unique_ptr<Source>> OpenSource(const std::string& path,
                                           const StopToken* stop = nullptr);

// `sluice ... - < file` reads the file, and it is the same source as if it had been named. From a
// pipe, or when another program has read a part of the file already, the key's path is "-".
Result<std::unique_ptr<Source>> OpenStdin(const StopToken* stop = nullptr);

// The same, but a pipe is read only until it rests. Compressed data cannot be handed over within a
// stream: it is read to its end.
Result<std::unique_ptr<Source>> OpenStdinUntilItRests(const StopToken* stop,
                                                      PipeHandOver* hand_over);

}  // namespace sluice
