// Matrix products on 32 bytes of depth at a time: 16 elements of bf16 or f16, or 8 of float. Both take the same registers, so
// that one kernel serves all storage types. Rows of 16-byte chunks lie in shared memory, permuted against bank conflicts.
#pragma once

#include "portable.cuh"

// Bytes of a row that a step takes.
constexpr int STEP = 32;
constexpr int CHUNK = 16;

// sums += A B^T of A [16, 32 bytes] and B [8, 32 bytes]; registers as in mma_m16n8k16 and mma_m16n8k8_tf32.
template <class T>
__device__ __forceinline__ void mma(float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  mma_m16n8k16(T(), sums, a, b);
}

// A TF32 number keeps 11 of a float's 24 bits. Its rounding error is a float of 13 bits, and taken along as a second TF32
// number; only the product of the two errors is left out, which is about a float's own rounding.
template <>
__device__ __forceinline__ void mma<float>(float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  uint32_t aHigh[4], aLow[4], bHigh[2], bLow[2];
#pragma unroll
  for (int i = 0; i < 4; i++) {
    aHigh[i] = tf32(__uint_as_float(a[i]));
    aLow[i] = tf32(__uint_as_float(a[i]) - __uint_as_float(aHigh[i]));
  }
#pragma unroll
  for (int i = 0; i < 2; i++) {
    bHigh[i] = tf32(__uint_as_float(b[i]));
    bLow[i] = tf32(__uint_as_float(b[i]) - __uint_as_float(bHigh[i]));
  }
  mma_m16n8k8_tf32(sums, aLow, bHigh);
  mma_m16n8k8_tf32(sums, aHigh, bLow);
  mma_m16n8k8_tf32(sums, aHigh, bHigh);
}

// What a row's chunk numbers are permuted by in a tile of rows of BYTES bytes: eight consecutive rows' chunks of the same
// number lie in different banks. The same for a row eight further on.
template <int BYTES>
__device__ __forceinline__ int swizzle(int row) {
  static_assert(BYTES == 32 || BYTES % 64 == 0, "a quarter of the banks' line, or halves of it");
  return BYTES == 32 ? row / 4 % 2 : BYTES % 128 == 64 ? row / 2 % 4 : row % 8;
}

// Where a chunk of a row lies in such a tile.
template <int BYTES>
__device__ __forceinline__ int chunkAt(int row, int chunk) {
  return row * BYTES + (chunk ^ swizzle<BYTES>(row)) * CHUNK;
}

// Where the chunk 2 * step + side of row begin + row lies, side being 0 or 1 and begin a multiple of 8. Of its terms only the
// step's changes in an unrolled loop, by one instruction; the offsets of `begin` go into the loads.
template <int BYTES>
__device__ __forceinline__ int chunkAt(int begin, int row, int step, int side) {
  return begin * BYTES + row * BYTES + (((side ^ swizzle<BYTES>(row)) * CHUNK) ^ (step * STEP));
}

// The A operand of rows [row, row + 16), step `step` of a tile in shared memory. Rows are multiples of 8 here and below.
template <int BYTES>
__device__ __forceinline__ void loadA(uint32_t (&a)[4], const unsigned char* tile, int row, int step) {
  int lane = threadIdx.x % WARP;
  ldmatrix_x4(a, tile + chunkAt<BYTES>(row, lane % 16, step, lane / 16));
}

// The B operands of rows [row, row + 8) and [row + 8, row + 16): words 0 and 1, and words 2 and 3.
template <int BYTES>
__device__ __forceinline__ void loadTwoB(uint32_t (&b)[4], const unsigned char* tile, int row, int step) {
  int lane = threadIdx.x % WARP;
  ldmatrix_x4(b, tile + chunkAt<BYTES>(row, lane % 8 + lane / 16 * 8, step, lane / 8 % 2));
}

// The B operand of rows [row, row + 8).
template <int BYTES>
__device__ __forceinline__ void loadB(uint32_t (&b)[2], const unsigned char* tile, int row, int step) {
  int lane = threadIdx.x % WARP;
  ldmatrix_x2(b, tile + chunkAt<BYTES>(row, lane % 8, step, lane / 8 % 2));
}

// The same from a tile [depth, columns] of 16-bit elements, where a step is 16 rows, for columns [16 * pair, 16 * pair + 8)
// and the eight after them.
template <int BYTES>
__device__ __forceinline__ void loadTwoBTransposed(uint32_t (&b)[4], const unsigned char* tile, int step, int pair) {
  int lane = threadIdx.x % WARP;
  ldmatrix_x4_trans(b, tile + chunkAt<BYTES>(16 * step, lane % 16, pair, lane / 16));
}
