// SPDX-License-Identifier: Apache-2.0
#pragma once

// What clang's -Wthread-safety checks at compile time; nothing for other compilers.
#if defined(__clang__)
#define SLUICE_ATTRIBUTE(x) __attribute__((x))
#else
#define SLUICE_ATTRIBUTE(x)
#endif

#define SLUICE_CAPABILITY(name) SLUICE_ATTRIBUTE(capability(name))
#define SLUICE_SCOPED_CAPABILITY SLUICE_ATTRIBUTE(scoped_lockable)
#define SLUICE_GUARDED_BY(mutex) SLUICE_ATTRIBUTE(guarded_by(mutex))
#define SLUICE_REQUIRES(...) SLUICE_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define SLUICE_EXCLUDES(...) SLUICE_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define SLUICE_ACQUIRE(...) SLUICE_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define SLUICE_RELEASE(...) SLUICE_ATTRIBUTE(release_capability(__VA_ARGS__))
