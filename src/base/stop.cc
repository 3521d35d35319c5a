// SPDX-License-Identifier: Apache-2.0
#include "sluice/stop.hpp"

#include <signal.h>

namespace sluice {
namespace {

constexpr int kStopSignals[] = {SIGINT, SIGTERM};

std::atomic<StopToken*> signalled_token{nullptr};
static_assert(std::atomic<StopToken*>::is_always_lock_free);

void SetDisposition(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  // Both are held back while one is handled: the second must find the default action in place.
  for (int other : kStopSignals) sigaddset(&action.sa_mask, other);
  action.sa_flags = SA_RESTART;
  sigaction(signal, &action, nullptr);
}

// Only what is safe in a signal handler: atomics and sigaction.
void OnStopSignal(int signal) {
  for (int stop_signal : kStopSignals) SetDisposition(stop_signal, SIG_DFL);
  signalled_token.load(std::memory_order_acquire)->RequestStop(signal);
}

}  // namespace

void StopOnSignals(StopToken* token) {
  signalled_token.store(token, std::memory_order_release);
  for (int signal : kStopSignals) SetDisposition(signal, OnStopSignal);
  SetDisposition(SIGPIPE, SIG_IGN);
  SetDisposition(SIGXFSZ, SIG_IGN);  // a file at its limit (ulimit -f) is an error of write()
  // An image of this program that replaced itself by this one may have held a stop back for it.
  sigset_t held_back;
  sigemptyset(&held_back);
  for (int signal : kStopSignals) sigaddset(&held_back, signal);
  sigprocmask(SIG_UNBLOCK, &held_back, nullptr);
}

}  // namespace sluice
