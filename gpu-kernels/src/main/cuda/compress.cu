// Rearranges and compresses a layer of a cache, from one memory to another: entries that are kept go to their new places,
// and stretches lose their higher frequencies along the tokens (FreqKV).
#include "memory.cuh"
#include "reduce.cuh"
#include "rope.cuh"

// A layer's keys and values T [kvHeads, capacity, headDim] and, if an entry's position is not its place, positions.
struct Layer {
  void* keys;
  void* values;
  float* positions;  // [kvHeads, capacity], or null
};

// ---- Entry to + i of each kv head = entry from + chosen[i] (or i) of the other layer. Keys are turned to their new place
// where that is their position; everything else keeps its bits. Grid (ceil(count / 8), kvHeads), 256 threads: a warp an entry.

struct KeepArguments {
  Layer out;
  Layer in;
  const int* chosen;                 // [kvHeads, count], or null for all
  const double* inverseFrequencies;  // [headDim / 2], radians a position; null if keys are not turned
  int outCapacity;
  int inCapacity;
  int headDim;
  int to;
  int from;
  int count;
};

template <class T>
__device__ __forceinline__ void keep(const KeepArguments& arguments) {
  int i = blockIdx.x * 8 + threadIdx.x / WARP;
  int lane = threadIdx.x % WARP;
  if (i >= arguments.count) {
    return;
  }
  int kvHead = blockIdx.y;
  int headDim = arguments.headDim;
  int source = arguments.from + (arguments.chosen == nullptr ? i : arguments.chosen[static_cast<int64_t>(kvHead) * arguments.count + i]);
  int target = arguments.to + i;
  int64_t in = static_cast<int64_t>(kvHead) * arguments.inCapacity + source;
  int64_t out = static_cast<int64_t>(kvHead) * arguments.outCapacity + target;
  const T* keys = static_cast<const T*>(arguments.in.keys) + in * headDim;
  const T* values = static_cast<const T*>(arguments.in.values) + in * headDim;
  T* newKeys = static_cast<T*>(arguments.out.keys) + out * headDim;
  T* newValues = static_cast<T*>(arguments.out.values) + out * headDim;
  for (int c = lane; c < headDim; c += WARP) {
    newValues[c] = values[c];
  }
  if (arguments.inverseFrequencies == nullptr || source == target) {
    for (int c = lane; c < headDim; c += WARP) {
      newKeys[c] = keys[c];
    }
  } else {
    int half = headDim / 2;
    for (int c = lane; c < half; c += WARP) {
      float sine;
      float cosine;
      sineAndCosine(target - source, arguments.inverseFrequencies[c], &sine, &cosine);
      float x = floatOf(keys[c]);
      float y = floatOf(keys[c + half]);
      newKeys[c] = toType(T(), x * cosine - y * sine);
      newKeys[c + half] = toType(T(), y * cosine + x * sine);
    }
  }
  if (arguments.in.positions != nullptr && lane == 0) {
    arguments.out.positions[out] = arguments.in.positions[in];
  }
}

LOWPASS_KERNEL(keep_bf16, KeepArguments, 256, 4) { keep<bf16>(arguments); }
LOWPASS_KERNEL(keep_f16, KeepArguments, 256, 4) { keep<f16>(arguments); }
LOWPASS_KERNEL(keep_f32, KeepArguments, 256, 4) { keep<float>(arguments); }

// ---- A stretch's channels as rows of float32, the keys as they were before their rotation: the input of the product with
// lowPassMap. Rows 0 to kvHeads * headDim - 1 are keys, as many values follow. Grid (ceil(count / 32), kvHeads), 256 threads.

struct ChannelsArguments {
  float* out;  // [2 * kvHeads * headDim, stride(count)]
  Layer in;
  const double* inverseFrequencies;
  int kvHeads;
  int capacity;
  int headDim;
  int from;
  int count;
};

template <class T>
__device__ __forceinline__ void channels(const ChannelsArguments& arguments) {
  int lane = threadIdx.x % WARP;
  int i = blockIdx.x * WARP + lane;
  if (i >= arguments.count) {
    return;
  }
  int kvHead = blockIdx.y;
  int headDim = arguments.headDim;
  int half = headDim / 2;
  int64_t pitch = stride(arguments.count);
  int64_t entry = static_cast<int64_t>(kvHead) * arguments.capacity + arguments.from + i;
  float position = arguments.in.positions == nullptr ? arguments.from + i : arguments.in.positions[entry];
  const T* keys = static_cast<const T*>(arguments.in.keys) + entry * headDim;
  const T* values = static_cast<const T*>(arguments.in.values) + entry * headDim;
  // A lane is an entry, so that rows are written as a whole.
  float* outKeys = arguments.out + kvHead * headDim * pitch + i;
  float* outValues = outKeys + arguments.kvHeads * headDim * pitch;
  for (int c = threadIdx.x / WARP; c < half; c += 8) {
    float sine;
    float cosine;
    sineAndCosine(position, arguments.inverseFrequencies[c], &sine, &cosine);
    float x = floatOf(keys[c]);
    float y = floatOf(keys[c + half]);
    outKeys[c * pitch] = x * cosine + y * sine;
    outKeys[(c + half) * pitch] = y * cosine - x * sine;
  }
  for (int c = threadIdx.x / WARP; c < headDim; c += 8) {
    outValues[c * pitch] = floatOf(values[c]);
  }
}

LOWPASS_KERNEL(channels_bf16, ChannelsArguments, 256, 4) { channels<bf16>(arguments); }
LOWPASS_KERNEL(channels_f16, ChannelsArguments, 256, 4) { channels<f16>(arguments); }
LOWPASS_KERNEL(channels_f32, ChannelsArguments, 256, 4) { channels<float>(arguments); }

// ---- The matrix that takes M = `count` entries to L = `length`: an orthonormal DCT-II of size M, its first L coefficients,
// the inverse of size L, times sqrt(L / M). Grid (ceil(count / 256), length), 256 threads.
//
//   map[i, j] = 1/M (1 + 2 sum over k in [1, L) of cos(k a) cos(k b)),  a = pi (2i + 1) / 2L,  b = pi (2j + 1) / 2M
//             = 1/M (1 + D(a - b) + D(a + b)),  D(x) = sum over k in [1, L) of cos(k x) = sin((L - 1/2) x) / (2 sin(x / 2)) - 1/2

struct LowPassMapArguments {
  float* map;  // matrix [length, stride(count)]
  int length;
  int count;
};

// D at x = pi * turns, |turns| < 2.
__device__ __forceinline__ double cosines(double turns, int length) {
  constexpr double PI = 3.141592653589793;
  double half = sin(PI / 2 * turns);
  // Near 0 both sines vanish.
  return fabs(half) < 1e-9 ? length - 1 : sin(PI * fmod((length - 0.5) * turns, 2.)) / (2 * half) - 0.5;
}

LOWPASS_KERNEL(lowPassMap, LowPassMapArguments, 256, 4) {
  int i = blockIdx.y;
  int j = blockIdx.x * 256 + threadIdx.x;
  int length = arguments.length;
  int count = arguments.count;
  if (j < count) {
    double a = (2 * i + 1) / (2. * length);
    double b = (2 * j + 1) / (2. * count);
    double sum = 1 + cosines(a - b, length) + cosines(a + b, length);
    arguments.map[static_cast<int64_t>(i) * stride(count) + j] = static_cast<float>(sum / count);
  }
}

// ---- Stores filtered channels as entries to, to + 1, ...: the keys rotated to their new positions. With positions, entry i of
// the L gets the linear interpolation of the M at (i + 1/2) M / L - 1/2, no further than the ends. Grid (ceil(length / 32),
// kvHeads), 256 threads.

struct EntriesArguments {
  Layer out;
  const float* in;                   // [2 * kvHeads * headDim, length]
  const float* positions;            // [kvHeads, capacity], the source's; null if a position is a place
  const double* inverseFrequencies;
  int kvHeads;
  int capacity;  // of both layers
  int headDim;
  int to;
  int length;
  int from;
  int count;
};

template <class T>
__device__ __forceinline__ void entries(const EntriesArguments& arguments) {
  int i = blockIdx.x * WARP + threadIdx.x % WARP;
  if (i >= arguments.length) {
    return;
  }
  int kvHead = blockIdx.y;
  int headDim = arguments.headDim;
  int half = headDim / 2;
  int64_t entry = static_cast<int64_t>(kvHead) * arguments.capacity + arguments.to + i;
  float position = arguments.to + i;
  if (arguments.positions != nullptr) {
    const float* positions = arguments.positions + static_cast<int64_t>(kvHead) * arguments.capacity + arguments.from;
    double place = (i + 0.5) * arguments.count / arguments.length - 0.5;
    place = fmax(0., fmin(place, arguments.count - 1.));
    int before = static_cast<int>(place);
    int after = smaller(before + 1, arguments.count - 1);
    double part = place - before;
    position = static_cast<float>(positions[before] * (1 - part) + positions[after] * part);
    if (threadIdx.x / WARP == 0) {
      arguments.out.positions[entry] = position;
    }
  }
  T* keys = static_cast<T*>(arguments.out.keys) + entry * headDim;
  T* values = static_cast<T*>(arguments.out.values) + entry * headDim;
  int64_t pitch = arguments.length;
  const float* inKeys = arguments.in + kvHead * headDim * pitch + i;
  const float* inValues = inKeys + arguments.kvHeads * headDim * pitch;
  for (int c = threadIdx.x / WARP; c < half; c += 8) {
    float sine;
    float cosine;
    sineAndCosine(position, arguments.inverseFrequencies[c], &sine, &cosine);
    float x = inKeys[c * pitch];
    float y = inKeys[(c + half) * pitch];
    keys[c] = toType(T(), x * cosine - y * sine);
    keys[c + half] = toType(T(), y * cosine + x * sine);
  }
  for (int c = threadIdx.x / WARP; c < headDim; c += 8) {
    values[c] = toType(T(), inValues[c * pitch]);
  }
}

LOWPASS_KERNEL(entries_bf16, EntriesArguments, 256, 4) { entries<bf16>(arguments); }
LOWPASS_KERNEL(entries_f16, EntriesArguments, 256, 4) { entries<f16>(arguments); }
LOWPASS_KERNEL(entries_f32, EntriesArguments, 256, 4) { entries<float>(arguments); }

// ---- What a low-pass keeps of a channel, by Parseval's theorem: the squares of the coefficients but the constant one are
// the squares of what differs from the mean. The L kept ones are those of what came out, but for the factor sqrt(L / M).
// Grid (ceil(channels / 8)), 256 threads: a warp a channel.

struct ChannelEnergyArguments {
  double* out;          // [channels, 2]: kept, all
  const float* before;  // [channels, stride(count)]
  const float* after;   // [channels, length]
  int channels;
  int count;
  int length;
};

// The sum of the squares of what differs from the mean.
__device__ __forceinline__ double deviations(const float* row, int count) {
  int lane = threadIdx.x % WARP;
  double sum = 0;
  for (int i = lane; i < count; i += WARP) {
    sum += row[i];
  }
  double mean = warpSum(sum) / count;
  double squares = 0;
  for (int i = lane; i < count; i += WARP) {
    squares += (row[i] - mean) * (row[i] - mean);
  }
  return warpSum(squares);
}

LOWPASS_KERNEL(channelEnergy, ChannelEnergyArguments, 256, 4) {
  int64_t channel = blockIdx.x * 8 + threadIdx.x / WARP;
  if (channel >= arguments.channels) {
    return;
  }
  double all = deviations(arguments.before + channel * stride(arguments.count), arguments.count);
  double kept = deviations(arguments.after + channel * arguments.length, arguments.length);
  if (threadIdx.x % WARP == 0) {
    arguments.out[2 * channel] = kept * arguments.count / arguments.length;
    arguments.out[2 * channel + 1] = all;
  }
}

// ---- energy[0..3] += kept keys, all keys, kept values, all values. Grid (1), 32 threads.

struct AddEnergyArguments {
  double* energy;
  const double* channels;  // [2 * half, 2]: keys, then values
  int half;
};

LOWPASS_KERNEL(addEnergy, AddEnergyArguments, 32, 1) {
  if (threadIdx.x < 4) {
    const double* from = arguments.channels + threadIdx.x / 2 * 2 * static_cast<int64_t>(arguments.half) + threadIdx.x % 2;
    double sum = 0;
    for (int i = 0; i < arguments.half; i++) {
      sum += from[2 * i];
    }
    arguments.energy[threadIdx.x] += sum;
  }
}
