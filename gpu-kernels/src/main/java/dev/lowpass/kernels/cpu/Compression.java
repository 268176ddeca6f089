package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.CachePlan.Segment;
import dev.lowpass.kernels.Energy;
import java.util.Arrays;

/**
 * Carries out plans on a layer of a cache, in place, and measures its spectrum.
 *
 * <p>A piece is a pair of a key head's channels, which rotate together, or {@link #CHANNELS}
 * channels of a value head. It is copied out of the cache, so that entries may go anywhere, and
 * what is not where it was is written. Where a cache does not store floats, a head's entries are
 * decoded first, and stored again at the end; those that only moved keep their bits.
 */
final class Compression {
  /** Channels of a value that go together: those of one cache line. */
  private static final int CHANNELS = 16;

  /** Where {@link #sources} has no single one: the entry comes of a low-pass. */
  private static final int FILTERED = -1;

  private final Kernels kernels;
  private final Team team;
  private final Dct dct = new Dct();
  private final Scratch[] scratches;

  /** {@code [kvHeads, result]}: the place that each entry comes from. */
  private int[] sources = new int[0];

  /** {@code [kvHeads, result]}: the entries' positions, where a cache remembers them. */
  private float[] positions = new float[0];

  Compression(Kernels kernels, Team team) {
    this.kernels = kernels;
    this.team = team;
    scratches = new Scratch[team.size()];
    for (int i = 0; i < scratches.length; i++) {
      scratches[i] = new Scratch();
    }
  }

  /** A low-pass: M = {@code count} entries from {@code from} on to L = {@code length} others. */
  private record LowPass(int from, int count, int to, int length, Dct.Filter filter) {}

  /**
   * One plan on one layer.
   *
   * @param first the first place whose entry changes
   * @param end entries before
   * @param result entries after
   * @param energies a piece's two sums: of what is kept, and of all
   */
  private record Job(
      CpuKvCache cache,
      int layer,
      CpuRope rope,
      LowPass[] filters,
      int first,
      int end,
      int result,
      double[] energies) {
    /** Entries of the longest low-pass. */
    int longest() {
      return Arrays.stream(filters).mapToInt(LowPass::count).max().orElse(0);
    }
  }

  void run(CpuKvCache cache, int layer, CachePlan plan, CpuRope rope, float[] scores, int columns) {
    int result = plan.result();
    int kvHeads = cache.kvHeads();
    int first = place(plan, result, kvHeads, scores, columns);
    if (first < result) {
      LowPass[] filters = filters(plan);
      int pairs = cache.headDim() / 2;
      int lines = Sizes.ceilDiv(cache.headDim(), CHANNELS);
      int pieces = pairs + lines;
      double[] energies = new double[2 * kvHeads * pieces];
      Job job = new Job(cache, layer, rope, filters, first, plan.length(), result, energies);
      if (cache.hasPositions()) {
        movePositions(job);
      } else {
        rope.prepareTurns(cache.capacity());
      }
      if (cache.keys(layer).floats() != null) {
        team.run(
            kvHeads * pieces,
            (part, worker) ->
                run(scratches[worker], job, part / pieces, part % pieces, part % pieces + 1));
      } else {
        team.run(
            2 * kvHeads,
            (part, worker) -> {
              int begin = part % 2 == 0 ? 0 : pairs;
              int end = part % 2 == 0 ? pairs : pieces;
              run(scratches[worker], job, part / 2, begin, end);
            });
      }
      if (cache.hasPositions()) {
        storePositions(job);
      }
      cache.addEnergy(layer, energy(job, pieces));
    }
    cache.setLength(layer, result);
  }

  /** Some of a kv head's pieces, all of its keys or all of its values. */
  private void run(Scratch s, Job job, int kvHead, int begin, int end) {
    CpuKvCache cache = job.cache;
    int pairs = cache.headDim() / 2;
    int pieces = pairs + Sizes.ceilDiv(cache.headDim(), CHANNELS);
    CacheMemory memory = begin < pairs ? cache.keys(job.layer) : cache.values(job.layer);
    Head head = head(s, memory, kvHead, job.first, job.end);
    for (int piece = begin; piece < end; piece++) {
      if (piece < pairs) {
        keys(s, job, head, kvHead * pieces + piece, piece);
      } else {
        values(s, job, head, kvHead * pieces + piece, (piece - pairs) * CHANNELS);
      }
    }
    if (memory.floats() == null) {
      for (int i = job.first; i < job.result; i++) {
        if (sources[kvHead * job.result + i] != i) {
          memory.put(kvHead, i, head.floats, head.at(i, 0), memory.step(), cache.headDim());
        }
      }
    }
  }

  /**
   * A kv head's keys or values as floats.
   *
   * @param origin where {@code floats} begins in the memory
   */
  private record Head(CacheMemory memory, int kvHead, float[] floats, int origin) {
    int at(int entry, int channel) {
      return memory.entryOffset(kvHead, entry) + channel * memory.step() - origin;
    }
  }

  /** A kv head's entries {@code [from, to)} as floats: where they are, or decoded. */
  private Head head(Scratch s, CacheMemory memory, int kvHead, int from, int to) {
    if (memory.floats() != null) {
      return new Head(memory, kvHead, memory.floats(), 0);
    }
    int begin = from / Kernels.BLOCK;
    int end = Sizes.ceilDiv(to, Kernels.BLOCK);
    int size = Sizes.elements("a head", end - begin, Kernels.BLOCK, memory.channels());
    if (s.decoded.length < size) {
      s.decoded = new float[size];
    }
    memory.decode(kernels, kvHead, begin, end, s.decoded);
    return new Head(memory, kvHead, s.decoded, memory.blockOffset(kvHead, begin));
  }

  /** Sets {@link #sources}; returns the first place whose entry comes from another. */
  private int place(CachePlan plan, int result, int kvHeads, float[] scores, int columns) {
    if (sources.length < kvHeads * result) {
      sources = new int[kvHeads * result];
    }
    // Kv heads differ where they rank their entries.
    team.run(
        kvHeads,
        (kvHead, worker) ->
            place(plan, scores, kvHead * columns, kvHead * result, scratches[worker].ranking));
    int first = result;
    for (int kvHead = 0; kvHead < kvHeads; kvHead++) {
      int place = 0;
      while (place < first && sources[kvHead * result + place] == place) {
        place++;
      }
      first = place;
    }
    return first;
  }

  private void place(CachePlan plan, float[] scores, int score, int at, Ranking ranking) {
    int to = at;
    for (Segment segment : plan.segments()) {
      int from = segment.from();
      int size = segment.to() - from;
      int end = to + segment.length();
      if (segment instanceof CachePlan.LowPass) {
        Arrays.fill(sources, to, end, FILTERED);
      } else if (segment instanceof CachePlan.Best best) {
        ranking.best(scores, score + from, size, best.count(), sources, to);
      } else if (segment instanceof CachePlan.Rest rest) {
        ranking.rest(scores, score + from, size, rest.count(), sources, to);
      } else {
        for (int i = to; i < end; i++) {
          sources[i] = i - to;
        }
      }
      for (int i = to; i < end && sources[i] != FILTERED; i++) {
        sources[i] += from;
      }
      to = end;
    }
  }

  /** A plan's low-passes that leave something. */
  private LowPass[] filters(CachePlan plan) {
    LowPass[] filters = new LowPass[plan.segments().size()];
    int count = 0;
    int to = 0;
    for (Segment segment : plan.segments()) {
      int length = segment.length();
      if (segment instanceof CachePlan.LowPass && length > 0) {
        int size = segment.to() - segment.from();
        filters[count++] = new LowPass(segment.from(), size, to, length, dct.filter(size, length));
      }
      to += length;
    }
    return Arrays.copyOf(filters, count);
  }

  /** Sets {@link #positions}, from {@code job.first} on. */
  private void movePositions(Job job) {
    int kvHeads = job.cache.kvHeads();
    if (positions.length < kvHeads * job.result) {
      positions = new float[kvHeads * job.result];
    }
    float[] old = job.cache.positions(job.layer);
    for (int kvHead = 0; kvHead < kvHeads; kvHead++) {
      int from = kvHead * job.cache.capacity();
      int to = kvHead * job.result;
      for (int i = job.first; i < job.result; i++) {
        int source = sources[to + i];
        positions[to + i] = source == FILTERED ? 0 : old[from + source];
      }
      for (LowPass filter : job.filters) {
        for (int i = 0; i < filter.length; i++) {
          positions[to + filter.to + i] = centre(old, from + filter.from, filter, i);
        }
      }
    }
  }

  /** The position in the middle of what entry i of a low-pass stands for. */
  private static float centre(float[] positions, int offset, LowPass filter, int i) {
    double place = (i + 0.5) * filter.count / filter.length - 0.5;
    // M > L, so the place is never below 0; the last one's may round to beyond the end.
    int below = Math.min((int) place, filter.count - 1);
    int above = Math.min(below + 1, filter.count - 1);
    double share = place - below;
    return (float) ((1 - share) * positions[offset + below] + share * positions[offset + above]);
  }

  private void storePositions(Job job) {
    float[] stored = job.cache.positions(job.layer);
    for (int kvHead = 0; kvHead < job.cache.kvHeads(); kvHead++) {
      System.arraycopy(
          positions,
          kvHead * job.result + job.first,
          stored,
          kvHead * job.cache.capacity() + job.first,
          job.result - job.first);
    }
  }

  /** The pieces' sums, in their order. */
  private static Energy energy(Job job, int piecesAHead) {
    double[] sums = new double[4];
    for (int piece = 0; 2 * piece < job.energies.length; piece++) {
      int kind = piece % piecesAHead < job.cache.headDim() / 2 ? 0 : 2;
      sums[kind] += job.energies[2 * piece];
      sums[kind + 1] += job.energies[2 * piece + 1];
    }
    double factor = job.rope.attentionFactor() * job.rope.attentionFactor();
    return new Energy(sums[0] / factor, sums[1] / factor, sums[2], sums[3]);
  }

  /**
   * One pair of a head's key channels. An attention factor other than 1 stays on them all the way:
   * rotation and filter are linear.
   */
  private void keys(Scratch s, Job job, Head head, int piece, int pair) {
    CpuKvCache cache = job.cache;
    int kvHead = head.kvHead;
    int size = job.end - job.first;
    int places = kvHead * job.result;
    s.prepare(size, job.longest(), 2);
    loadPair(s, head, cache.headDim(), pair, job.first, job.end);
    float[] keys = head.floats;
    int second = cache.headDim() / 2 * Kernels.BLOCK;
    CpuRope.Turns turns = job.rope.turns();
    int angle = pair * turns.stride();
    for (int i = job.first; i < job.result; i++) {
      int source = sources[places + i];
      if (source != FILTERED && source != i) {
        int at = source - job.first;
        int to = head.at(i, pair);
        float x = s.entries[at];
        float y = s.entries[size + at];
        if (!cache.hasPositions()) {
          int distance = Math.abs(source - i);
          float cos = turns.cosines()[angle + distance];
          float sin = turns.sines()[angle + distance];
          sin = source > i ? sin : -sin;
          keys[to] = x * cos + y * sin;
          keys[to + second] = y * cos - x * sin;
        } else {
          keys[to] = x;
          keys[to + second] = y;
        }
      }
    }
    for (LowPass filter : job.filters) {
      int count = filter.count;
      int capacity = kvHead * cache.capacity();
      float[] old = cache.hasPositions() ? cache.positions(job.layer) : null;
      turns(s, job.rope, pair, old, capacity, filter.from, count);
      unrotate(s, filter.from - job.first, size, count);
      for (int at = 0; at < 2 * count; at += count) {
        filter(s, at, filter, job.energies, piece);
      }
      turns(s, job.rope, pair, old == null ? null : positions, places, filter.to, filter.length);
      for (int i = 0; i < filter.length; i++) {
        double x = s.samples[i];
        double y = s.samples[count + i];
        int to = head.at(filter.to + i, pair);
        keys[to] = (float) (x * s.cosines[i] - y * s.sines[i]);
        keys[to + second] = (float) (x * s.sines[i] + y * s.cosines[i]);
      }
    }
  }

  private void values(Scratch s, Job job, Head head, int piece, int channel) {
    CpuKvCache cache = job.cache;
    float[] values = head.floats;
    int channels = Math.min(CHANNELS, cache.headDim() - channel);
    int width = cache.width();
    s.prepare(job.end - job.first, job.longest(), channels);
    for (int i = job.first; i < job.end; i++) {
      int from = head.at(i, channel);
      System.arraycopy(values, from, s.entries, (i - job.first) * channels, channels);
    }
    int to = head.at(0, channel);
    for (int i = job.first; i < job.result; i++) {
      int source = sources[head.kvHead * job.result + i];
      if (source != FILTERED && source != i) {
        int from = (source - job.first) * channels;
        System.arraycopy(s.entries, from, values, to + i * width, channels);
      }
    }
    for (LowPass filter : job.filters) {
      int from = (filter.from - job.first) * channels;
      for (int i = 0; i < filter.count; i++) {
        for (int c = 0; c < channels; c++) {
          s.samples[c * filter.count + i] = s.entries[from + i * channels + c];
        }
      }
      for (int c = 0; c < channels; c++) {
        filter(s, c * filter.count, filter, job.energies, piece);
      }
      for (int i = 0; i < filter.length; i++) {
        for (int c = 0; c < channels; c++) {
          values[to + (filter.to + i) * width + c] = (float) s.samples[c * filter.count + i];
        }
      }
    }
  }

  /** Filters one channel and counts its energy. */
  private static void filter(Scratch s, int offset, LowPass filter, double[] energies, int piece) {
    filter.filter.transform(s.samples, offset, s.work);
    double kept = 0;
    for (int k = 1; k < filter.length; k++) {
      kept += s.samples[offset + k] * s.samples[offset + k];
    }
    double all = kept;
    for (int k = filter.length; k < filter.count; k++) {
      all += s.samples[offset + k] * s.samples[offset + k];
    }
    energies[2 * piece] += kept;
    energies[2 * piece + 1] += all;
    filter.filter.restore(s.samples, offset, s.work);
  }

  /** Copies entries {@code [from, to)} of a pair of key channels out, one behind the other. */
  private static void loadPair(Scratch s, Head head, int headDim, int pair, int from, int to) {
    float[] keys = head.floats;
    int second = headDim / 2 * Kernels.BLOCK;
    int size = to - from;
    for (int i = from; i < to; ) {
      // A channel's entries lie side by side within a block.
      int run = Math.min(to - i, Kernels.BLOCK - i % Kernels.BLOCK);
      int at = head.at(i, pair);
      System.arraycopy(keys, at, s.entries, i - from, run);
      System.arraycopy(keys, at + second, s.entries, size + i - from, run);
      i += run;
    }
  }

  /**
   * Sets the scratch's cosines and sines to those of {@code count} entries from {@code first} on.
   *
   * @param positions the entries' positions from {@code offset} on, or null if they are places
   */
  private static void turns(
      Scratch s, CpuRope rope, int pair, float[] positions, int offset, int first, int count) {
    if (positions == null) {
      CpuRope.Turns turns = rope.turns();
      int angle = pair * turns.stride() + first;
      System.arraycopy(turns.cosines(), angle, s.cosines, 0, count);
      System.arraycopy(turns.sines(), angle, s.sines, 0, count);
      return;
    }
    for (int i = 0; i < count; i++) {
      double angle = rope.angle(pair, positions[offset + first + i]);
      s.cosines[i] = (float) Math.cos(angle);
      s.sines[i] = (float) Math.sin(angle);
    }
  }

  /**
   * Sets the scratch's samples to {@code [2, count]} entries of a pair whose rotation is undone.
   *
   * @param at the first of them in the scratch's entries {@code [2, size]}
   */
  private static void unrotate(Scratch s, int at, int size, int count) {
    for (int i = 0; i < count; i++) {
      double x = s.entries[at + i];
      double y = s.entries[size + at + i];
      s.samples[i] = x * s.cosines[i] + y * s.sines[i];
      s.samples[count + i] = y * s.cosines[i] - x * s.sines[i];
    }
  }

  /** {@link dev.lowpass.kernels.Device#spectrum}. */
  double[][] spectrum(CpuKvCache cache, int layer, CpuRope rope, int from, int to) {
    int size = to - from;
    int kvHeads = cache.kvHeads();
    double[][] spectra = new double[2][size];
    if (size == 0) {
      return spectra;
    }
    if (!cache.hasPositions()) {
      rope.prepareTurns(cache.capacity());
    }
    Dct.Transform transform = dct.transform(size);
    double[][] sums = new double[2 * kvHeads][size];
    team.run(
        2 * kvHeads,
        (part, worker) -> {
          Scratch s = scratches[worker];
          int kvHead = part / 2;
          s.prepare(size, size, 2);
          CacheMemory memory = part % 2 == 0 ? cache.keys(layer) : cache.values(layer);
          Head head = head(s, memory, kvHead, from, to);
          for (int pair = 0; pair < cache.headDim() / 2; pair++) {
            if (part % 2 == 0) {
              float[] positions = cache.hasPositions() ? cache.positions(layer) : null;
              loadPair(s, head, cache.headDim(), pair, from, to);
              turns(s, rope, pair, positions, kvHead * cache.capacity(), from, size);
              unrotate(s, 0, size, size);
            } else {
              for (int i = 0; i < size; i++) {
                int at = head.at(from + i, 2 * pair);
                s.samples[i] = head.floats[at];
                s.samples[size + i] = head.floats[at + 1];
              }
            }
            for (int at = 0; at < 2 * size; at += size) {
              transform.forward(s.samples, at, s.work);
              for (int k = 0; k < size; k++) {
                sums[part][k] += s.samples[at + k] * s.samples[at + k];
              }
            }
          }
        });
    double factor = rope.attentionFactor() * rope.attentionFactor();
    for (int part = 0; part < sums.length; part++) {
      for (int k = 0; k < size; k++) {
        spectra[part % 2][k] += part % 2 == 0 ? sums[part][k] / factor : sums[part][k];
      }
    }
    return spectra;
  }

  /** One thread's memory, kept between operations. */
  private static final class Scratch {
    private final Ranking ranking = new Ranking();
    private float[] entries = new float[0];
    private float[] decoded = new float[0];
    private double[] samples = new double[0];
    private double[] work = new double[0];
    private float[] cosines = new float[0];
    private float[] sines = new float[0];

    /**
     * Makes room for some channels of {@code size} entries.
     *
     * @param filtered entries of the longest low-pass
     */
    void prepare(int size, int filtered, int channels) {
      int elements = Sizes.elements("channels to move", size, channels);
      if (entries.length < elements) {
        entries = new float[elements];
      }
      if (samples.length < filtered * channels) {
        samples = new double[filtered * channels];
      }
      if (work.length < filtered) {
        work = new double[filtered];
        cosines = new float[filtered];
        sines = new float[filtered];
      }
    }
  }
}
