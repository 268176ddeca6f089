// Kernels that do what kernels must not do, for EmulatorTest; and matrix instructions on known numbers.
#include "portable.cuh"

struct FaultArguments {
  float* data;
  int at;
};

LOWPASS_KERNEL(faultRead, FaultArguments, 64, 1) {
  if (threadIdx.x == 33 && blockIdx.x == 1) {
    arguments.data[0] = arguments.data[arguments.at];
  }
}

LOWPASS_KERNEL(faultWrite, FaultArguments, 64, 1) {
  if (threadIdx.x == 0) {
    reinterpret_cast<unsigned char*>(arguments.data)[arguments.at] = 1;
  }
}

LOWPASS_KERNEL(faultShared, FaultArguments, 64, 1) {
  LOWPASS_DYNAMIC_SHARED(shared);
  reinterpret_cast<float*>(shared)[threadIdx.x + arguments.at] = 1.f;
}

// The last thread's number, or NaN where nobody has written it yet.
LOWPASS_KERNEL(faultNoBarrier, FaultArguments, 64, 1) {
  LOWPASS_DYNAMIC_SHARED(shared);
  float* numbers = reinterpret_cast<float*>(shared);
  numbers[threadIdx.x] = static_cast<float>(threadIdx.x);
  arguments.data[threadIdx.x] = numbers[63];
}

LOWPASS_KERNEL(faultBarriers, FaultArguments, 64, 1) {
  if (threadIdx.x < 40) {
    __syncthreads();
  } else {
    __syncwarp();
  }
}

LOWPASS_KERNEL(faultLane, FaultArguments, 64, 1) {
  if (threadIdx.x % WARP != 5) {
    arguments.data[0] = __shfl_xor_sync(ALL_LANES, 1.f, 1);
  }
}

LOWPASS_KERNEL(faultNoWait, FaultArguments, 64, 1) {
  LOWPASS_DYNAMIC_SHARED(shared);
  cp_async_16(shared + 16 * threadIdx.x, arguments.data + 4 * threadIdx.x, 16);
  cp_async_commit();
  __syncthreads();
  arguments.data[threadIdx.x] = reinterpret_cast<float*>(shared)[threadIdx.x];
}

LOWPASS_KERNEL(faultStack, FaultArguments, 64, 1) {
  volatile float numbers[100000];
  numbers[arguments.at] = 1.f;
  arguments.data[0] = numbers[arguments.at];
}

// sums [16, 8] = A [16, 16] times B [8, 16] transposed, A and B integers below 256 of 16 bits, by ldmatrix and mma.
struct ProductArguments {
  float* sums;
  const f16* a;
  const f16* b;
};

LOWPASS_KERNEL(product, ProductArguments, 32, 1) {
  LOWPASS_DYNAMIC_SHARED(shared);
  f16* a = reinterpret_cast<f16*>(shared);
  f16* b = a + 256;
  for (int i = threadIdx.x; i < 256; i += WARP) {
    a[i] = arguments.a[i];
  }
  for (int i = threadIdx.x; i < 128; i += WARP) {
    b[i] = arguments.b[i];
  }
  __syncthreads();
  int lane = threadIdx.x;
  uint32_t left[4];
  uint32_t right[2];
  float sums[4] = {};
  ldmatrix_x4(left, a + lane % 16 * 16 + lane / 16 * 8);
  ldmatrix_x2(right, b + lane % 8 * 16 + lane / 8 % 2 * 8);
  mma_m16n8k16(f16(), sums, left, right);
  for (int i = 0; i < 4; i++) {
    arguments.sums[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = sums[i];
  }
}
