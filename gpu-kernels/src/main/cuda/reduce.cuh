// Sums and maxima over a warp or a block, always in the same order.
#pragma once

#include "portable.cuh"

__device__ __forceinline__ float warpMax(float x) {
  for (int distance = WARP / 2; distance > 0; distance /= 2) {
    x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, distance));
  }
  return x;
}

template <class N>
__device__ __forceinline__ N warpSum(N x) {
  for (int distance = WARP / 2; distance > 0; distance /= 2) {
    x += __shfl_xor_sync(ALL_LANES, x, distance);
  }
  return x;
}

// The sum of every thread's x, for every thread. All of the block's THREADS threads call it; it may be called again at once.
template <int THREADS, class N>
__device__ __forceinline__ N blockSum(N x) {
  __shared__ N sums[THREADS / WARP];
  x = warpSum(x);
  __syncthreads();
  if (threadIdx.x % WARP == 0) {
    sums[threadIdx.x / WARP] = x;
  }
  __syncthreads();
  N sum = sums[0];
  for (int i = 1; i < THREADS / WARP; i++) {
    sum += sums[i];
  }
  return sum;
}

// The sum of x over the lanes up to this one.
template <class N>
__device__ __forceinline__ N warpPrefix(N x) {
  int lane = threadIdx.x % WARP;
  for (int distance = 1; distance < WARP; distance *= 2) {
    N other = __shfl_up_sync(ALL_LANES, x, distance);
    x += lane >= distance ? other : 0;
  }
  return x;
}

// The sum of x over the threads before this one, and over all; integers. Blocks of up to 1,024 threads; it may be called
// again at once.
template <int THREADS, class N>
__device__ __forceinline__ N blockPrefix(N x, N& total) {
  constexpr int WARPS = THREADS / WARP;
  __shared__ N ends[WARPS];
  int warp = threadIdx.x / WARP;
  N end = warpPrefix(x);
  __syncthreads();
  if (threadIdx.x % WARP == WARP - 1) {
    ends[warp] = end;
  }
  __syncthreads();
  if (warp == 0) {
    N sum = warpPrefix(threadIdx.x < WARPS ? ends[threadIdx.x] : N(0));
    if (threadIdx.x < WARPS) {
      ends[threadIdx.x] = sum;
    }
  }
  __syncthreads();
  total = ends[WARPS - 1];
  return end - x + (warp > 0 ? ends[warp - 1] : 0);
}

// Floats in the order of unsigned numbers, and back. Both zeros are one.
__device__ __forceinline__ uint32_t orderOf(float x) {
  uint32_t bits = __float_as_uint(x + 0.f);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
__device__ __forceinline__ float floatOfOrder(uint32_t order) {
  return __uint_as_float(order & 0x80000000u ? order & 0x7fffffffu : ~order);
}
