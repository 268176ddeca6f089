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

// The sum of x over the threads before this one. Blocks of up to 1,024 threads; it may be called again at once.
template <int THREADS>
__device__ __forceinline__ int blockPrefix(int x, int& total) {
  __shared__ int sums[THREADS / WARP];
  int lane = threadIdx.x % WARP;
  int inclusive = x;
  for (int distance = 1; distance < WARP; distance *= 2) {
    int other = __shfl_up_sync(ALL_LANES, inclusive, distance);
    inclusive += lane >= distance ? other : 0;
  }
  __syncthreads();
  if (lane == WARP - 1) {
    sums[threadIdx.x / WARP] = inclusive;
  }
  __syncthreads();
  int before = 0;
  total = 0;
  for (int i = 0; i < THREADS / WARP; i++) {
    before += i < static_cast<int>(threadIdx.x) / WARP ? sums[i] : 0;
    total += sums[i];
  }
  return before + inclusive - x;
}
