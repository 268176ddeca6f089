// Draws the next token from its logits, on the device: temperature, then the topK most likely, then the smallest set of those
// whose probability reaches topP (nucleus sampling).
//
// Probabilities are whole numbers, 2^32 times the most likely token's being 1: their sums are exact, so the same in any order.
#include "memory.cuh"
#include "reduce.cuh"

// ---- out[row] = the token at the row's uniform of the way through the probability that is left, tokens in the vocabulary's
// order; -1 if a logit is not a number, or the largest is infinite. Grid (rows), 1,024 threads.

struct SampleDraw {
  double uniform;     // in [0, 1)
  float temperature;  // above 0
  float topP;         // probability to choose from, in (0, 1]
  int topK;           // tokens to choose from; 0 for all
  int unused;
};

struct SampleArguments {
  int* out;                 // [rows]
  const float* in;          // [rows, columns]
  const SampleDraw* draws;  // [rows]
  int columns;
};

using Mass = unsigned long long;

struct Sampling {
  const float* in;
  int columns;
  float max;
  float sharpness;  // log2(e) / temperature

  __device__ __forceinline__ Mass massOf(float x) const {
    return static_cast<Mass>(exp2Fast((x - max) * sharpness) * 4294967296.f);
  }
};

// The largest rank so that count or mass (whichever is asked for) of the tokens of this rank and above reaches `wanted`, two
// bits of it at a time; `above` becomes what those of higher ranks have.
template <class Amount>
__device__ __forceinline__ uint32_t leastRank(const Sampling& sampling, Mass wanted, Amount amountOf, Mass& above) {
  uint32_t least = 0;
  above = 0;
  for (int shift = 30; shift >= 0; shift -= 2) {
    Mass sums[3] = {};
    for (int i = threadIdx.x; i < sampling.columns; i += 1024) {
      float x = sampling.in[i];
      uint32_t rank = orderOf(x);
      if (rank >= least + (1u << shift)) {
        Mass amount = amountOf(x);
        sums[0] += amount;
        sums[1] += rank >= least + (2u << shift) ? amount : 0;
        sums[2] += rank >= least + (3u << shift) ? amount : 0;
      }
    }
    uint32_t digit = 0;
    Mass higher = above;
#pragma unroll
    for (int i = 2; i >= 0; i--) {
      Mass sum = blockSum<1024>(sums[i]);
      if (digit == 0) {
        if (sum >= wanted) {
          digit = i + 1;
        } else {
          higher = sum;
        }
      }
    }
    above = higher;
    least += digit << shift;
  }
  return least;
}

LOWPASS_KERNEL(sample, SampleArguments, 1024, 1) {
  __shared__ float maxima[1024 / WARP];
  int columns = arguments.columns;
  SampleDraw draw = arguments.draws[blockIdx.x];
  const float* in = arguments.in + static_cast<int64_t>(blockIdx.x) * columns;

  float max = -INFINITY;
  int unordered = 0;
  for (int i = threadIdx.x; i < columns; i += 1024) {
    max = fmaxf(max, in[i]);
    unordered |= isnan(in[i]) ? 1 : 0;
  }
  max = warpMax(max);
  if (threadIdx.x % WARP == 0) {
    maxima[threadIdx.x / WARP] = max;
  }
  // A barrier, too.
  unordered = blockSum<1024>(unordered);
  for (int i = 0; i < 1024 / WARP; i++) {
    max = fmaxf(max, maxima[i]);
  }
  if (unordered > 0 || fabsf(max) == INFINITY) {
    if (threadIdx.x == 0) {
      arguments.out[blockIdx.x] = -1;
    }
    return;
  }

  // What is left: all tokens above the rank `least`, and the first `equals` of this rank.
  Sampling sampling = {in, columns, max, 1.44269504f / draw.temperature};
  uint32_t least = 0;
  Mass equals = columns;
  Mass kept = 0;
  for (int i = threadIdx.x; i < columns; i += 1024) {
    kept += sampling.massOf(in[i]);
  }
  kept = blockSum<1024>(kept);
  if (draw.topK > 0 && draw.topK < columns) {
    Mass above;
    least = leastRank(sampling, draw.topK, [](float) { return Mass(1); }, above);
    equals = draw.topK - above;
    kept = 0;
    for (int i = threadIdx.x; i < columns; i += 1024) {
      kept += orderOf(in[i]) > least ? sampling.massOf(in[i]) : 0;
    }
    kept = blockSum<1024>(kept) + equals * sampling.massOf(floatOfOrder(least));
  }
  if (draw.topP < 1) {
    Mass wanted = static_cast<Mass>(draw.topP * static_cast<double>(kept));
    wanted = wanted > 0 ? wanted : 1;
    Mass above;
    uint32_t nucleus = leastRank(sampling, wanted, [&](float x) { return sampling.massOf(x); }, above);
    Mass mass = sampling.massOf(floatOfOrder(nucleus));
    Mass needed = (wanted - above + mass - 1) / mass;
    equals = nucleus > least ? needed : needed < equals ? needed : equals;
    least = nucleus;
  }

  // A thread has consecutive tokens, so the vocabulary's order is the threads'.
  int each = ceilDiv(columns, 1024);
  int begin = smaller(columns, threadIdx.x * each);
  int end = smaller(columns, begin + each);
  int ties = 0;
  for (int i = begin; i < end; i++) {
    ties += orderOf(in[i]) == least ? 1 : 0;
  }
  int allTies;
  Mass tiesBefore = blockPrefix<1024>(ties, allTies);
  auto massAt = [&](int i, Mass& tie) {
    uint32_t rank = orderOf(in[i]);
    bool left = rank > least || (rank == least && tie < equals);
    tie += rank == least ? 1 : 0;
    return left ? sampling.massOf(in[i]) : Mass(0);
  };
  Mass mass = 0;
  Mass tie = tiesBefore;
  for (int i = begin; i < end; i++) {
    mass += massAt(i, tie);
  }
  Mass total;
  Mass before = blockPrefix<1024>(mass, total);
  Mass target = static_cast<Mass>(draw.uniform * static_cast<double>(total));
  target = target < total ? target : total - 1;
  if (before <= target && target < before + mass) {
    tie = tiesBefore;
    int i = begin;
    for (Mass behind = before + massAt(i, tie); behind <= target; behind += massAt(i, tie)) {
      i++;
    }
    arguments.out[blockIdx.x] = i;
  }
}
