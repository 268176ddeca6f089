// Selections by score: which entries of a stretch are the best, without the host knowing.
#include "memory.cuh"
#include "reduce.cuh"

// ---- out[i] = sum over the rows of scores of scores[row, from + i], in order. Grid (ceil(count / 256)), 256 threads.

struct SumScoresArguments {
  float* out;           // [count]
  const float* scores;  // [rows, stride], from the first column on
  int rows;
  int stride;
  int count;
};

LOWPASS_KERNEL(sumScores, SumScoresArguments, 256, 8) {
  int i = blockIdx.x * 256 + threadIdx.x;
  if (i < arguments.count) {
    float sum = arguments.scores[i];
    for (int row = 1; row < arguments.rows; row++) {
      sum += arguments.scores[static_cast<int64_t>(row) * arguments.stride + i];
    }
    arguments.out[i] = sum;
  }
}

// ---- Splits the entries 0 to count - 1 of each row into the `best` with the largest scores, the lower of two that are
// equal, and the rest; both in ascending order. Grid (rows), 1,024 threads.
//
// The least of the best scores is found digit by digit: four times a histogram of the next eight bits over those that agree
// so far. Then one pass in order writes both lists.

struct ChooseArguments {
  int* chosen;          // [rows, best], or null
  int* rest;            // [rows, count - best], or null
  const float* scores;  // [rows, stride], from the first column on
  int stride;
  int count;
  int best;
};

LOWPASS_KERNEL(choose, ChooseArguments, 1024, 1) {
  __shared__ int histogram[256];
  __shared__ uint32_t sharedDigit;
  __shared__ int sharedWanted;
  const float* scores = arguments.scores + static_cast<int64_t>(blockIdx.x) * arguments.stride;
  int count = arguments.count;
  int best = arguments.best;

  // The rank of the last of the best, and how many of its equals are among them.
  uint32_t least = 0;
  int wanted = best;
  for (int shift = 24; shift >= 0; shift -= 8) {
    if (threadIdx.x < 256) {
      histogram[threadIdx.x] = 0;
    }
    __syncthreads();
    for (int i = threadIdx.x; i < count; i += 1024) {
      uint32_t rank = orderOf(scores[i]);
      if (shift == 24 || rank >> (shift + 8) == least >> (shift + 8)) {
        atomicAdd(&histogram[rank >> shift & 0xffu], 1);
      }
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      int digit = 255;
      int left = wanted;
      while (digit > 0 && histogram[digit] < left) {
        left -= histogram[digit];
        digit--;
      }
      sharedDigit = digit;
      sharedWanted = left;
    }
    __syncthreads();
    least |= sharedDigit << shift;
    wanted = sharedWanted;
  }

  int* chosen = arguments.chosen == nullptr ? nullptr : arguments.chosen + static_cast<int64_t>(blockIdx.x) * best;
  int* rest = arguments.rest == nullptr ? nullptr : arguments.rest + static_cast<int64_t>(blockIdx.x) * (count - best);
  int chosenBefore = 0;
  int equalBefore = 0;
  for (int first = 0; first < count; first += 1024) {
    int i = first + threadIdx.x;
    uint32_t rank = i < count ? orderOf(scores[i]) : 0;
    int isEqual = i < count && rank == least ? 1 : 0;
    int equals;
    int equalPlace = equalBefore + blockPrefix<1024>(isEqual, equals);
    int isChosen = i < count && (rank > least || (isEqual != 0 && equalPlace < wanted)) ? 1 : 0;
    int chosens;
    int place = chosenBefore + blockPrefix<1024>(isChosen, chosens);
    if (isChosen != 0) {
      if (chosen != nullptr) {
        chosen[place] = i;
      }
    } else if (i < count && rest != nullptr) {
      rest[i - place] = i;
    }
    equalBefore += equals;
    chosenBefore += chosens;
  }
}
