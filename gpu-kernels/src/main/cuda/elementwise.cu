// Everything between the matrix products: embedding, norms, SwiGLU, rotation, rows moved about, argmax.
// All bound by memory: a thread takes four elements where the row's length allows, and reads each once or, for norms,
// again from the cache.
#include "memory.cuh"
#include "reduce.cuh"
#include "rope.cuh"

// ---- out[i] = table[tokens[i]]. Grid (rows), 128 threads.

struct EmbedArguments {
  float* out;         // [rows, columns]
  const void* table;  // T matrix
  const int* tokens;  // [rows]
  int columns;
};

template <class T>
__device__ __forceinline__ void embed(const EmbedArguments& arguments) {
  int columns = arguments.columns;
  const T* in = static_cast<const T*>(arguments.table) + static_cast<int64_t>(arguments.tokens[blockIdx.x]) * stride(columns);
  float* out = arguments.out + static_cast<int64_t>(blockIdx.x) * columns;
  for (int i = threadIdx.x; i < columns; i += blockDim.x) {
    out[i] = floatOf(in[i]);
  }
}

LOWPASS_KERNEL(embed_bf16, EmbedArguments, 128, 8) { embed<bf16>(arguments); }
LOWPASS_KERNEL(embed_f16, EmbedArguments, 128, 8) { embed<f16>(arguments); }
LOWPASS_KERNEL(embed_f32, EmbedArguments, 128, 8) { embed<float>(arguments); }

// ---- Rounds activations to an operand. Grid (rows), 256 threads.

struct OperandArguments {
  void* operand;    // T [rows, stride(columns)]
  const float* in;  // [rows, columns]
  int columns;
};

template <class T>
__device__ __forceinline__ void makeOperand(const OperandArguments& arguments) {
  int columns = arguments.columns;
  const float* in = arguments.in + static_cast<int64_t>(blockIdx.x) * columns;
  T* out = static_cast<T*>(arguments.operand) + static_cast<int64_t>(blockIdx.x) * stride(columns);
  if (columns % 4 == 0) {
    for (int i = 4 * threadIdx.x; i < columns; i += 4 * blockDim.x) {
      store4(out + i, load4(in + i));
    }
  } else {
    for (int i = threadIdx.x; i < columns; i += blockDim.x) {
      out[i] = toType(T(), in[i]);
    }
  }
}

LOWPASS_KERNEL(operand_bf16, OperandArguments, 256, 8) { makeOperand<bf16>(arguments); }
LOWPASS_KERNEL(operand_f16, OperandArguments, 256, 8) { makeOperand<f16>(arguments); }
LOWPASS_KERNEL(operand_f32, OperandArguments, 256, 8) { makeOperand<float>(arguments); }

// ---- A checkpoint's matrix, dense, as a device's: convert_FROM_TO. Grid (outputs), 256 threads.

struct ConvertArguments {
  void* out;       // TO [outputs, stride(columns)]
  const void* in;  // FROM [outputs, columns]
  int columns;
};

template <class From, class To>
__device__ __forceinline__ void convert(const ConvertArguments& arguments) {
  int columns = arguments.columns;
  const From* in = static_cast<const From*>(arguments.in) + static_cast<int64_t>(blockIdx.x) * columns;
  To* out = static_cast<To*>(arguments.out) + static_cast<int64_t>(blockIdx.x) * stride(columns);
  for (int i = threadIdx.x; i < stride(columns); i += blockDim.x) {
    out[i] = toType(To(), i < columns ? floatOf(in[i]) : 0.f);
  }
}

LOWPASS_KERNEL(convert_bf16_bf16, ConvertArguments, 256, 8) { convert<bf16, bf16>(arguments); }
LOWPASS_KERNEL(convert_bf16_f16, ConvertArguments, 256, 8) { convert<bf16, f16>(arguments); }
LOWPASS_KERNEL(convert_bf16_f32, ConvertArguments, 256, 8) { convert<bf16, float>(arguments); }
LOWPASS_KERNEL(convert_f16_bf16, ConvertArguments, 256, 8) { convert<f16, bf16>(arguments); }
LOWPASS_KERNEL(convert_f16_f16, ConvertArguments, 256, 8) { convert<f16, f16>(arguments); }
LOWPASS_KERNEL(convert_f16_f32, ConvertArguments, 256, 8) { convert<f16, float>(arguments); }
LOWPASS_KERNEL(convert_f32_bf16, ConvertArguments, 256, 8) { convert<float, bf16>(arguments); }
LOWPASS_KERNEL(convert_f32_f16, ConvertArguments, 256, 8) { convert<float, f16>(arguments); }
LOWPASS_KERNEL(convert_f32_f32, ConvertArguments, 256, 8) { convert<float, float>(arguments); }

// ---- Root-mean-square norm of whole rows. Grid (rows), 256 threads. out may be in.

struct RmsNormArguments {
  float* out;         // [rows, columns], or null
  void* operand;      // the same as T [rows, stride(columns)], or null
  const float* in;    // [rows, columns]
  const float* gain;  // [columns]
  int columns;
  float epsilon;
};

template <class T>
__device__ __forceinline__ void rmsNorm(const RmsNormArguments& arguments) {
  int columns = arguments.columns;
  const float* in = arguments.in + static_cast<int64_t>(blockIdx.x) * columns;
  float* out = arguments.out == nullptr ? nullptr : arguments.out + static_cast<int64_t>(blockIdx.x) * columns;
  T* operand = arguments.operand == nullptr
                   ? nullptr
                   : static_cast<T*>(arguments.operand) + static_cast<int64_t>(blockIdx.x) * stride(columns);
  bool fours = columns % 4 == 0;
  float squares = 0;
  if (fours) {
    for (int i = 4 * threadIdx.x; i < columns; i += 4 * 256) {
      float4 x = load4(in + i);
      squares += x.x * x.x + x.y * x.y + x.z * x.z + x.w * x.w;
    }
  } else {
    for (int i = threadIdx.x; i < columns; i += 256) {
      squares += in[i] * in[i];
    }
  }
  float factor = 1.f / sqrtf(blockSum<256>(squares) / columns + arguments.epsilon);
  if (fours) {
    for (int i = 4 * threadIdx.x; i < columns; i += 4 * 256) {
      float4 x = load4(in + i);
      float4 gain = load4(arguments.gain + i);
      x = make_float4(x.x * factor * gain.x, x.y * factor * gain.y, x.z * factor * gain.z, x.w * factor * gain.w);
      if (out != nullptr) {
        store4(out + i, x);
      }
      if (operand != nullptr) {
        store4(operand + i, x);
      }
    }
  } else {
    for (int i = threadIdx.x; i < columns; i += 256) {
      float x = in[i] * factor * arguments.gain[i];
      if (out != nullptr) {
        out[i] = x;
      }
      if (operand != nullptr) {
        operand[i] = toType(T(), x);
      }
    }
  }
}

LOWPASS_KERNEL(rmsNorm_bf16, RmsNormArguments, 256, 4) { rmsNorm<bf16>(arguments); }
LOWPASS_KERNEL(rmsNorm_f16, RmsNormArguments, 256, 4) { rmsNorm<f16>(arguments); }
LOWPASS_KERNEL(rmsNorm_f32, RmsNormArguments, 256, 4) { rmsNorm<float>(arguments); }

// ---- Root-mean-square norm of short groups (heads), a warp each. Grid (ceil(groups / 8)), 256 threads. out may be in.

struct RmsNormHeadsArguments {
  float* out;         // [groups, size]
  const float* in;    // [groups, size]
  const float* gain;  // [size]
  int groups;
  int size;
  float epsilon;
};

LOWPASS_KERNEL(rmsNormHeads, RmsNormHeadsArguments, 256, 8) {
  int group = blockIdx.x * 8 + threadIdx.x / WARP;
  int lane = threadIdx.x % WARP;
  int size = arguments.size;
  if (group >= arguments.groups) {
    return;
  }
  const float* in = arguments.in + static_cast<int64_t>(group) * size;
  float* out = arguments.out + static_cast<int64_t>(group) * size;
  float squares = 0;
  for (int i = lane; i < size; i += WARP) {
    squares += in[i] * in[i];
  }
  float factor = 1.f / sqrtf(warpSum(squares) / size + arguments.epsilon);
  for (int i = lane; i < size; i += WARP) {
    out[i] = in[i] * factor * arguments.gain[i];
  }
}

// ---- accumulator += addend. Grid (ceil(count / 1024)), 256 threads.

struct AddArguments {
  float* accumulator;
  const float* addend;
  int count;  // elements
};

LOWPASS_KERNEL(add, AddArguments, 256, 8) {
  int i = 4 * (blockIdx.x * 256 + threadIdx.x);
  if (i + 4 <= arguments.count) {
    float4 x = load4(arguments.accumulator + i);
    float4 y = load4(arguments.addend + i);
    store4(arguments.accumulator + i, make_float4(x.x + y.x, x.y + y.y, x.z + y.z, x.w + y.w));
  } else {
    for (; i < arguments.count; i++) {
      arguments.accumulator[i] += arguments.addend[i];
    }
  }
}

// ---- gate = silu(gate) * up. Grid (rows), 256 threads.

struct SwigluArguments {
  float* gate;      // [rows, columns]; written unless there is an operand
  void* operand;    // the result as T [rows, stride(columns)], or null
  const float* up;  // [rows, columns]
  int columns;
};

__device__ __forceinline__ float swigluOf(float gate, float up) { return gate / (1.f + expf(-gate)) * up; }

template <class T>
__device__ __forceinline__ void swiglu(const SwigluArguments& arguments) {
  int columns = arguments.columns;
  int64_t row = static_cast<int64_t>(blockIdx.x) * columns;
  float* gate = arguments.gate + row;
  const float* up = arguments.up + row;
  T* operand = arguments.operand == nullptr
                   ? nullptr
                   : static_cast<T*>(arguments.operand) + static_cast<int64_t>(blockIdx.x) * stride(columns);
  if (columns % 4 == 0) {
    for (int i = 4 * threadIdx.x; i < columns; i += 4 * 256) {
      float4 x = load4(gate + i);
      float4 y = load4(up + i);
      x = make_float4(swigluOf(x.x, y.x), swigluOf(x.y, y.y), swigluOf(x.z, y.z), swigluOf(x.w, y.w));
      if (operand != nullptr) {
        store4(operand + i, x);
      } else {
        store4(gate + i, x);
      }
    }
  } else {
    for (int i = threadIdx.x; i < columns; i += 256) {
      float x = swigluOf(gate[i], up[i]);
      if (operand != nullptr) {
        operand[i] = toType(T(), x);
      } else {
        gate[i] = x;
      }
    }
  }
}

LOWPASS_KERNEL(swiglu_bf16, SwigluArguments, 256, 8) { swiglu<bf16>(arguments); }
LOWPASS_KERNEL(swiglu_f16, SwigluArguments, 256, 8) { swiglu<f16>(arguments); }
LOWPASS_KERNEL(swiglu_f32, SwigluArguments, 256, 8) { swiglu<float>(arguments); }

// ---- Rotates all heads of a row by its position, in place. Grid (rows), 128 threads.

struct RotateArguments {
  float* heads;                      // [rows, heads * headDim]
  const float* positions;            // [rows]
  const double* inverseFrequencies;  // [headDim / 2], radians a position
  int headCount;                    // heads a row
  int headDim;
  float attentionFactor;  // cosine and sine are multiplied by it
};

LOWPASS_KERNEL(rotate, RotateArguments, 128, 8) {
  int half = arguments.headDim / 2;
  float* row = arguments.heads + static_cast<int64_t>(blockIdx.x) * arguments.headCount * arguments.headDim;
  float position = arguments.positions[blockIdx.x];
  // A thread keeps one pair's angle for the heads it turns; as many heads at a time as the block has room for.
  int together = larger(1, 128 / half);
  int pair = threadIdx.x % half;
  int first = threadIdx.x / half;
  if (first >= together) {
    return;
  }
  for (; pair < half; pair += 128) {
    float sine;
    float cosine;
    sineAndCosine(position, arguments.inverseFrequencies[pair], &sine, &cosine);
    sine *= arguments.attentionFactor;
    cosine *= arguments.attentionFactor;
    for (int head = first; head < arguments.headCount; head += together) {
      float* x = row + head * arguments.headDim + pair;
      float a = x[0];
      float b = x[half];
      x[0] = a * cosine - b * sine;
      x[half] = b * cosine + a * sine;
    }
  }
}

// ---- out[i] = in[rows[i]], or in[i] without a list. Grid (count), 256 threads. out and in are different tensors.

struct GatherRowsArguments {
  float* out;       // from the first row written on
  const float* in;  // from the row that index 0 means on
  const int* rows;  // [count], or null
  int columns;
};

LOWPASS_KERNEL(gatherRows, GatherRowsArguments, 256, 8) {
  int columns = arguments.columns;
  int from = arguments.rows == nullptr ? blockIdx.x : arguments.rows[blockIdx.x];
  const float* in = arguments.in + static_cast<int64_t>(from) * columns;
  float* out = arguments.out + static_cast<int64_t>(blockIdx.x) * columns;
  if (columns % 4 == 0) {
    for (int i = 4 * threadIdx.x; i < columns; i += 4 * 256) {
      store4(out + i, load4(in + i));
    }
  } else {
    for (int i = threadIdx.x; i < columns; i += 256) {
      out[i] = in[i];
    }
  }
}

// ---- The lowest index of a row's largest element; -1 if one is not a number. Grid (rows), 1,024 threads.

struct ArgmaxArguments {
  int* out;         // [rows]
  const float* in;  // [rows, columns]
  int columns;
};

LOWPASS_KERNEL(argmax, ArgmaxArguments, 1024, 1) {
  __shared__ float maxima[32];
  __shared__ int indices[32];
  const float* in = arguments.in + static_cast<int64_t>(blockIdx.x) * arguments.columns;
  float max = -INFINITY;
  int index = arguments.columns;
  int unordered = 0;
  for (int i = threadIdx.x; i < arguments.columns; i += 1024) {
    float x = in[i];
    unordered |= isnan(x) ? 1 : 0;
    if (x > max || (index == arguments.columns && x == max)) {
      max = x;
      index = i;
    }
  }
  unordered = blockSum<1024>(unordered);
  for (int distance = WARP / 2; distance > 0; distance /= 2) {
    float otherMax = __shfl_xor_sync(ALL_LANES, max, distance);
    int other = __shfl_xor_sync(ALL_LANES, index, distance);
    if (otherMax > max || (otherMax == max && other < index)) {
      max = otherMax;
      index = other;
    }
  }
  if (threadIdx.x % WARP == 0) {
    maxima[threadIdx.x / WARP] = max;
    indices[threadIdx.x / WARP] = index;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int i = 1; i < 32; i++) {
      if (maxima[i] > max || (maxima[i] == max && indices[i] < index)) {
        max = maxima[i];
        index = indices[i];
      }
    }
    arguments.out[blockIdx.x] = unordered > 0 ? -1 : index;
  }
}
