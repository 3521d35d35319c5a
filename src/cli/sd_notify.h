// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace sluice {

// Tells systemd, or whoever set NOTIFY_SOCKET, how the service is: "READY=1", "WATCHDOG=1",
// "STOPPING=1", "STATUS=…", by the protocol of sd_notify(3). Nothing where nobody asked.
// Errors: none; a service manager that does not listen changes nothing of what is done.
void SdNotify(std::string_view state);

}  // namespace sluice
