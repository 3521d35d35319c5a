// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cli/options.h"
#include "cli/terminal.h"
#include "sluice/live.hpp"

namespace sluice {

// What `sluice ingest --follow` was asked for beside the ingest itself.
struct FollowRequest {
  bool follow = false;
  bool no_exec = false;
  std::string status_file;
  std::string handed_over;  // set by ExecFreshImage alone: the historical part is done
  PipeHandOver pipe;        // of stdin, from the historical part
  LiveOptions live;         // its `ingest` is filled in when the historical part is done

  std::optional<uint64_t> rss_budget_bytes;
  std::optional<std::chrono::milliseconds> publish_after;

  // One option for both parts, whose defaults differ.
  std::optional<uint64_t> commit_rows;
  std::optional<uint64_t> commit_bytes;
  std::optional<std::chrono::milliseconds> commit_interval;
};

void AddFollowOptions(Options* options, FollowRequest* request);
// The commit rhythm of both parts, and what of the options makes no sense with --follow or without.
Status ApplyFollowOptions(FollowRequest* request, IngestOptions* options);

// SIGHUP asks for a rescan, from now on, instead of ending the process.
void RescanOnHangup();

// The live part, as a person sees it.
struct FollowLog {
  std::function<void(const std::string&)> note;
  std::function<void(const std::string&)> warning;
  // How it is, once a second; empty if nobody looks.
  std::function<void(const LiveStatus&)> status;
  // At its end: the result.
  std::function<void(const IngestSummary&)> summary;
  // Takes off the screen what does not stay there.
  std::function<void()> wipe;
};

// The live part, in a fresh image of the process where that may be: then it does not return.
Result<ExitStatus> FollowInputs(const FollowRequest& request, const IngestOptions& options,
                                const CommonOptions& common, const StopToken& stop,
                                const FollowLog& log);

}  // namespace sluice
