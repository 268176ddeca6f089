// Weights as signed bytes with a scale for each output: weight[o, c] = scale[o] * byte[o, c].
#include "memory.cuh"
#include "reduce.cuh"

// ---- Grid (outputs), 256 threads. Rounds to nearest; a row's largest magnitude becomes 127. Within each group of 16 columns
// the bytes take the order in which a lane of a matrix product reads its own: columns 2t, 2t + 1, 2t + 8, 2t + 9 for
// t = 0, 1, 2, 3.

struct QuantizeArguments {
  int8_t* out;    // [outputs, stride(columns)]
  float* scales;  // [outputs]
  const void* in;  // FROM [outputs, columns], dense
  int columns;
};

template <class From>
__device__ __forceinline__ void quantize(const QuantizeArguments& arguments) {
  __shared__ float maxima[256 / WARP];
  int columns = arguments.columns;
  const From* in = static_cast<const From*>(arguments.in) + static_cast<int64_t>(blockIdx.x) * columns;
  int8_t* out = arguments.out + static_cast<int64_t>(blockIdx.x) * stride(columns);
  float max = 0;
  for (int i = threadIdx.x; i < columns; i += 256) {
    max = fmaxf(max, fabsf(floatOf(in[i])));
  }
  max = warpMax(max);
  if (threadIdx.x % WARP == 0) {
    maxima[threadIdx.x / WARP] = max;
  }
  __syncthreads();
  for (int i = 0; i < 256 / WARP; i++) {
    max = fmaxf(max, maxima[i]);
  }
  float scale = max / 127.f;
  float inverse = max > 0 ? 127.f / max : 0.f;
  for (int i = threadIdx.x; i < stride(columns); i += 256) {
    float x = i < columns ? floatOf(in[i]) * inverse : 0.f;
    int inGroup = i % 16;
    int at = inGroup % 8 / 2 * 4 + inGroup / 8 * 2 + inGroup % 2;
    out[i - inGroup + at] = static_cast<int8_t>(rintf(fmaxf(-127.f, fminf(127.f, x))));
  }
  if (threadIdx.x == 0) {
    arguments.scales[blockIdx.x] = scale;
  }
}

LOWPASS_KERNEL(quantize_bf16, QuantizeArguments, 256, 4) { quantize<bf16>(arguments); }
LOWPASS_KERNEL(quantize_f16, QuantizeArguments, 256, 4) { quantize<f16>(arguments); }
LOWPASS_KERNEL(quantize_f32, QuantizeArguments, 256, 4) { quantize<float>(arguments); }
