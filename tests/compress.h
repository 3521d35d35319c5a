// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

namespace sluice {

// One gzip member.
inline std::string Gzip(std::string_view text) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string stored(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(stored.data());
  stream.avail_out = static_cast<uInt>(stored.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  stored.resize(stream.total_out);
  deflateEnd(&stream);
  return stored;
}

// One zstd frame, with a checksum as the zstd program writes it.
inline std::string Zstd(std::string_view text) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  std::string stored(ZSTD_compressBound(text.size()), '\0');
  const size_t size =
      ZSTD_compress2(context, stored.data(), stored.size(), text.data(), text.size());
  EXPECT_FALSE(ZSTD_isError(size));
  stored.resize(size);
  ZSTD_freeCCtx(context);
  return stored;
}

// A zstd frame that decoders pass over.
inline std::string ZstdSkippable(std::string_view content) {
  std::string stored = "\x53\x2a\x4d\x18";
  for (size_t shift = 0; shift < 32; shift += 8) {
    stored += static_cast<char>(content.size() >> shift & 0xff);
  }
  return stored.append(content);
}

}  // namespace sluice
