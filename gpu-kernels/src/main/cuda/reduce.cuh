// Sums and maxima over a warp or a block, always in the same order.
#pragma once

#include "portable.cuh"

__device__ __forceinline__ float warpSum(float x) {
  for (int distance = WARP / 2; distance > 0; distance /= 2) {
    x += __shfl_xor_sync(ALL_LANES, x, distance);
  }
  return x;
}

__device__ __forceinline__ float warpMax(float x) {
  for (int distance = WARP / 2; distance > 0; distance /= 2) {
    x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, distance));
  }
  return x;
}

__device__ __forceinline__ int warpSum(int x) {
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
__device__ __forceinline__ int warpPrefix(int x) {
  int lane = threadIdx.x % WARP;
  for (int distance = 1; distance < WARP; distance *= 2) {
    int other = __shfl_up_sync(ALL_LANES, x, distance);
    x += lane >= distance ? other : 0;
  }
  return x;
}

// The sum of x over the threads before this one, and over all. Blocks of up to 1,024 threads; it may be called again at once.
template <int THREADS>
__device__ __forceinline__ int blockPrefix(int x, int& total) {
  constexpr int WARPS = THREADS / WARP;
  __shared__ int ends[WARPS];
  int warp = threadIdx.x / WARP;
  int end = warpPrefix(x);
  __syncthreads();
  if (threadIdx.x % WARP == WARP - 1) {
    ends[warp] = end;
  }
  __syncthreads();
  if (warp == 0) {
    int sum = warpPrefix(threadIdx.x < WARPS ? ends[threadIdx.x] : 0);
    if (threadIdx.x < WARPS) {
      ends[threadIdx.x] = sum;
    }
  }
  __syncthreads();
  total = ends[WARPS - 1];
  return end - x + (warp > 0 ? ends[warp - 1] : 0);
}
