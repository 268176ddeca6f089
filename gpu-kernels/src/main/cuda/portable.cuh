// What the kernels are written in: CUDA C++, and the few instructions below that C++ has no words for. nvcc compiles both
// as they stand; the emulator (LOWPASS_EMULATOR, tests only) brings its own emulator.h, which runs blocks, warps and
// these instructions on a CPU, with the same fragment layouts.
//
// Besides the declarations of this file a kernel uses only
//   threadIdx, blockIdx, blockDim, gridDim;
//   __shared__ variables of plain types, LOWPASS_DYNAMIC_SHARED;
//   __syncthreads, __syncwarp;
//   __shfl_sync, __shfl_xor_sync, __shfl_up_sync, __shfl_down_sync (int, unsigned, unsigned long long, float, double),
//   __ballot_sync, __any_sync,
//   all with the full mask ALL_LANES; blocks are one-dimensional and whole warps;
//   atomicAdd on int, in shared or global memory;
//   __popc, __ffs, __clz, __float_as_uint, __uint_as_float;
//   sqrtf, rsqrtf, expf, logf, log2f, fmaf, fmaxf, fminf, sincosf, fabsf, rintf, rint, isnan, INFINITY; sin, fmod, fabs,
//   fmax, fmin of doubles;
//   float2, float4, uint2, uint4, int4, double2 and their make_ functions.
#pragma once

#include <math.h>
#include <stdint.h>

// A weight's, an activation's or a cache entry's storage. Arithmetic is in float.
struct bf16 {
  uint16_t bits;
};
struct f16 {
  uint16_t bits;
};

constexpr unsigned ALL_LANES = 0xffffffffu;
constexpr int WARP = 32;

#ifdef LOWPASS_EMULATOR

// Defines everything that the #else branch does.
#include "emulator.h"

#else

// A kernel with one parameter, `const TYPE& arguments` to its body: a plain struct whose 8-byte pointers come first and
// its 4-byte numbers after them, so that a caller packs it without padding. THREADS is the block it is launched with, at
// the most; BLOCKS how many of them an SM should hold at a time.
#define LOWPASS_KERNEL(NAME, TYPE, THREADS, BLOCKS) \
  extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) NAME(const __grid_constant__ TYPE arguments)

// Declares `unsigned char* NAME`: the block's dynamic shared memory, 128-byte aligned, as large as the launch says.
#define LOWPASS_DYNAMIC_SHARED(NAME)                          \
  extern __shared__ __align__(128) unsigned char NAME##Memory[]; \
  unsigned char* NAME = NAME##Memory

// ---- Numbers. All conversions round to nearest, ties to even, and keep infinities and NaN.

__device__ __forceinline__ float floatOf(bf16 x) { return __uint_as_float(static_cast<uint32_t>(x.bits) << 16); }

__device__ __forceinline__ float floatOf(f16 x) {
  float y;
  asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
  return y;
}

// Two floats as bf16, the first in the lower half.
__device__ __forceinline__ uint32_t bf16Pair(float low, float high) {
  uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}

// Two floats as f16, the first in the lower half.
__device__ __forceinline__ uint32_t f16Pair(float low, float high) {
  uint32_t pair;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}

// The nearest TF32 number: 10 bits of fraction, the lower 13 bits zero. Ties may go either way.
__device__ __forceinline__ uint32_t tf32(float x) {
  uint32_t y;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(y) : "f"(x));
  return y;
}

// 2^x to within 2 units in the last place; 0 for minus infinity, and where the result would be subnormal.
__device__ __forceinline__ float exp2Fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// ---- Matrix instructions. All 32 lanes of a warp call them together. Lane = 4 * g + t, g in [0, 8), t in [0, 4).

// sums += A B^T of A [16, 16] and B [8, 16] (both with consecutive k in a row), in float.
//   a[0] = A[g][2t, 2t + 1]   a[1] = A[g + 8][2t, 2t + 1]   a[2] = A[g][2t + 8, 2t + 9]   a[3] = A[g + 8][2t + 8, 2t + 9]
//   b[0] = B[g][2t, 2t + 1]   b[1] = B[g][2t + 8, 2t + 9]        (the lower k in the lower half)
//   sums = D[g][2t], D[g][2t + 1], D[g + 8][2t], D[g + 8][2t + 1]
// An element's value depends on its row of A, its row of B and its sum alone, not on where in the tile it lies.
__device__ __forceinline__ void mma_m16n8k16(bf16, float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

__device__ __forceinline__ void mma_m16n8k16(f16, float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// The same for A [16, 8] and B [8, 8] of TF32 numbers, each a float whose lower 13 bits are ignored.
//   a[0] = A[g][t]   a[1] = A[g + 8][t]   a[2] = A[g][t + 4]   a[3] = A[g + 8][t + 4]   b[0] = B[g][t]   b[1] = B[g][t + 4]
__device__ __forceinline__ void mma_m16n8k8_tf32(float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// Loads four matrices of 8 rows of 16 bytes from shared memory. Lane i names row i % 8 of matrix i / 8 (16-byte aligned).
// Lane (g, t) gets the t-th 32-bit word of row g of matrix m in words[m].
__device__ __forceinline__ void ldmatrix_x4(uint32_t (&words)[4], const void* row) {
  uint32_t address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(address)
               : "memory");
}

// The same for matrices [8, 8] of 16-bit elements, transposed: lane (g, t) gets the elements [2t][g] (lower half) and
// [2t + 1][g] (upper half) of matrix m in words[m].
__device__ __forceinline__ void ldmatrix_x4_trans(uint32_t (&words)[4], const void* row) {
  uint32_t address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(address)
               : "memory");
}

// Like ldmatrix_x4 for two matrices: lanes 0 to 15 name their rows, the addresses of the others are valid but not used.
__device__ __forceinline__ void ldmatrix_x2(uint32_t (&words)[2], const void* row) {
  uint32_t address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
               : "=r"(words[0]), "=r"(words[1])
               : "r"(address)
               : "memory");
}

// ---- Asynchronous copies, each thread its own.

// Starts a copy of `bytes` (0 to 16) bytes from global to shared memory and fills the rest of the 16 with zeros. Both
// addresses are 16-byte aligned; with 0 bytes the source is not read. The copy may be done at any time until the wait.
__device__ __forceinline__ void cp_async_16(void* shared, const void* global, int bytes) {
  uint32_t address = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(address), "l"(global), "r"(bytes) : "memory");
}

// Makes a group of the thread's copies started since the last one (none is a group, too).
__device__ __forceinline__ void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most PENDING of the thread's groups are under way. Others' copies are seen after a barrier only.
template <int PENDING>
__device__ __forceinline__ void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
}

#endif

// ---- On top of these, for both.

__device__ __forceinline__ float floatOf(float x) { return x; }

// Rounds a float to a storage type: toType(T(), x).
__device__ __forceinline__ float toType(float, float x) { return x; }
__device__ __forceinline__ bf16 toType(bf16, float x) { return bf16{static_cast<uint16_t>(bf16Pair(x, 0.f))}; }
__device__ __forceinline__ f16 toType(f16, float x) { return f16{static_cast<uint16_t>(f16Pair(x, 0.f))}; }

// Two floats rounded and packed as an operand of a matrix instruction, the first in the lower half.
__device__ __forceinline__ uint32_t pairOf(bf16, float low, float high) { return bf16Pair(low, high); }
__device__ __forceinline__ uint32_t pairOf(f16, float low, float high) { return f16Pair(low, high); }

__device__ __forceinline__ int smaller(int a, int b) { return a < b ? a : b; }
__device__ __forceinline__ int larger(int a, int b) { return a > b ? a : b; }
__host__ __device__ constexpr int ceilDiv(int a, int b) { return (a + b - 1) / b; }
__host__ __device__ constexpr int roundUp(int a, int b) { return ceilDiv(a, b) * b; }
