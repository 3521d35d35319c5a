// SPDX-License-Identifier: Apache-2.0
#pragma once

// All of libsluice. Each header can be included by itself.
#include "sluice/apply_schema.hpp"
#include "sluice/import_scope.hpp"
#include "sluice/ingest.hpp"
#include "sluice/live.hpp"
#include "sluice/offset.hpp"
#include "sluice/pipe.hpp"
#include "sluice/schema.hpp"
#include "sluice/status.hpp"
#include "sluice/stop.hpp"
#include "sluice/version.hpp"
