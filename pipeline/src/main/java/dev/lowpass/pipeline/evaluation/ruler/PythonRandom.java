package dev.lowpass.pipeline.evaluation.ruler;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;

/** Python's {@code random.Random}: the same seed gives the same draws, call by call. */
final class PythonRandom {
  private final MersenneTwister twister;

  /**
   * @param seed not negative
   */
  PythonRandom(int seed) {
    twister = MersenneTwister.keyed(seed);
  }

  /** {@code random()}: 53 bits, 0 to below 1. */
  double random() {
    long high = twister.nextInt() >>> 5;
    long low = twister.nextInt() >>> 6;
    return (high * 67108864.0 + low) / 9007199254740992.0;
  }

  /** {@code getrandbits(bits)} for 1 to 32 bits. */
  long bits(int bits) {
    return (twister.nextInt() >>> (32 - bits)) & 0xFFFFFFFFL;
  }

  /** {@code randrange(n)}, for {@code n} of 1 and more. */
  int below(int n) {
    int bits = 32 - Integer.numberOfLeadingZeros(n);
    long drawn = bits(bits);
    while (drawn >= n) {
      drawn = bits(bits);
    }
    return (int) drawn;
  }

  /** {@code randint(from, to)}, both inclusive. */
  int between(int from, int to) {
    return from + below(to - from + 1);
  }

  /** {@code ''.join(choices(letters, k=length))}. */
  String letters(String letters, int length) {
    StringBuilder word = new StringBuilder(length);
    for (int i = 0; i < length; i++) {
      word.append(letters.charAt((int) (random() * letters.length())));
    }
    return word.toString();
  }

  /** {@code uuid.UUID(int=getrandbits(128), version=4)}. */
  UUID uuid() {
    long low = bits(32) | bits(32) << 32;
    long high = bits(32) | bits(32) << 32;
    return new UUID(
        (high & 0xFFFFFFFFFFFF0FFFL) | 0x4000L, (low & 0x3FFFFFFFFFFFFFFFL) | 0x8000000000000000L);
  }

  /** {@code shuffle(list)}. */
  void shuffle(List<?> list) {
    for (int i = list.size() - 1; i > 0; i--) {
      Collections.swap(list, i, below(i + 1));
    }
  }

  /**
   * {@code sample(range(n), count)}.
   *
   * @throws SizeException if there are not so many
   */
  List<Integer> sample(int n, int count) {
    if (count < 0 || count > n) {
      throw new SizeException("a sample of " + count + " out of " + n);
    }
    // Python keeps a set where that is smaller than a list of everything.
    int setSize = 21;
    if (count > 5) {
      setSize += (int) Math.pow(4, Math.ceil(Math.log(count * 3.0) / Math.log(4)));
    }
    return n <= setSize ? sampleFromPool(n, count) : sampleByRejection(n, count);
  }

  private List<Integer> sampleFromPool(int n, int count) {
    int[] pool = IntStream.range(0, n).toArray();
    List<Integer> sample = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      int drawn = below(n - i);
      sample.add(pool[drawn]);
      pool[drawn] = pool[n - i - 1];
    }
    return sample;
  }

  private List<Integer> sampleByRejection(int n, int count) {
    Set<Integer> drawn = new HashSet<>();
    List<Integer> sample = new ArrayList<>(count);
    while (sample.size() < count) {
      int next = below(n);
      if (drawn.add(next)) {
        sample.add(next);
      }
    }
    return sample;
  }

  /** {@code sample(list, count)}. */
  <T> List<T> sample(List<T> list, int count) {
    return sample(list.size(), count).stream().map(list::get).toList();
  }
}
