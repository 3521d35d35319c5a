// SPDX-License-Identifier: Apache-2.0
#include "extract/recognise.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using Shape = Recognised::Shape;

TEST(Recognise, LinesOfObjects) {
  EXPECT_EQ(Recognise("{\"a\":1}\n{\"a\":2}\n", true).shape, Shape::kJsonLines);
}

}  // namespace
}  // namespace sluice
