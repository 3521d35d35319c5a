// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "sluice/status.hpp"

int main() {
  const sluice::Status status = sluice::Status::NotFound("no such thing");
  std::puts(status.message().c_str());
  return status.ok() ? 1 : 0;
}
