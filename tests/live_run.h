// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "sluice/live.hpp"
#include "sluice/stop.hpp"

namespace sluice {

// A live run in a thread of its own.
class LiveRun {
 public:
  // `prepare` runs first in that thread.
  explicit LiveRun(
      LiveOptions options, std::function<void()> prepare = [] {})
      : options_(std::move(options)) {
    thread_ = std::thread([this, prepare = std::move(prepare)] {
      prepare();
      LiveHooks hooks;
      hooks.ready = [this] { ready_ = true; };
      hooks.note = hooks.warning = [this](const std::string& line) {
        const std::lock_guard lock(mutex_);
        said_ += line + "\n";
      };
      hooks.status = [this](const LiveStatus& status) {
        const std::lock_guard lock(mutex_);
        status_ = status;
      };
      Result<LiveSummary> summary = RunLive(options_, stop_, hooks);
      if (summary) {
        summary_ = *summary;
      } else {
        failure_ = summary.error();
      }
      ended_ = true;
    });
    Until([this] { return ready_ || ended_; });
  }
  ~LiveRun() { Stop(); }

  // Within ten seconds, or the test fails.
  static bool Until(const std::function<bool()>& holds) {
    for (int i = 0; i < 5000; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return false;
  }
  bool UntilSaid(const std::string& text) {
    return Until([&] { return said().find(text) != std::string::npos; });
  }
  bool UntilEnded() {
    return Until([this] { return ended_.load(); });
  }

  void Stop() {
    stop_.RequestStop();
    if (thread_.joinable()) thread_.join();
  }

  std::string said() {
    const std::lock_guard lock(mutex_);
    return said_;
  }
  LiveStatus status() {
    const std::lock_guard lock(mutex_);
    return status_;
  }
  const Status& failure() const { return failure_; }
  const std::optional<LiveSummary>& summary() const { return summary_; }

 private:
  const LiveOptions options_;
  StopToken stop_;
  std::atomic<bool> ready_{false};
  std::atomic<bool> ended_{false};
  std::mutex mutex_;
  std::string said_;
  LiveStatus status_;
  Status failure_;
  std::optional<LiveSummary> summary_;
  std::thread thread_;
};

}  // namespace sluice
