package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.CachePlan.Segment;
import java.util.Arrays;
import java.util.List;

/**
 * Carries out plans on a cache, in place: a segment's entries never become more, so what it writes
 * ends before the next one's begin.
 *
 * <p>A part is a pair of a key head's channels, which rotate together, or {@link #CHANNELS}
 * channels of a value head. It takes them out of the cache, so that each one's entries lie side by
 * side, and puts back what is left of them.
 */
final class Compression {
  /** Channels of a value that go together: those of one cache line. */
  private static final int CHANNELS = 16;

  private final Team team;
  private final Dct dct = new Dct();
  private final double[][] scratches;

  Compression(Team team) {
    this.team = team;
    scratches = new double[team.size()][0];
  }

  /**
   * A segment and where it goes.
   *
   * @param to the first entry's new place
   * @param filter null for a segment that is kept
   */
  private record Move(int from, int count, int to, int length, Dct.Filter filter) {}

  void run(CpuKvCache cache, CachePlan plan, CpuRope rope) {
    Move[] moves = moves(plan.segments());
    CpuRope.Turns turns = rope.turns(cache.capacity());
    int pairs = cache.headDim() / 2;
    int valueParts = Sizes.ceilDiv(cache.headDim(), CHANNELS);
    int partsAHead = pairs + valueParts;
    int longest = 0;
    for (Move move : moves) {
      longest = Math.max(longest, move.filter == null ? 0 : move.count);
    }
    int scratch = Sizes.elements("channels to filter", longest, CHANNELS);
    team.run(
        cache.layers() * cache.kvHeads() * partsAHead,
        (part, worker) -> {
          if (scratches[worker].length < scratch) {
            scratches[worker] = new double[scratch];
          }
          int head = part / partsAHead;
          int layer = head / cache.kvHeads();
          int kvHead = head % cache.kvHeads();
          int piece = part % partsAHead;
          for (Move move : moves) {
            if (piece < pairs) {
              keys(cache, layer, kvHead, piece, move, turns, scratches[worker]);
            } else {
              int channel = (piece - pairs) * CHANNELS;
              values(cache, layer, kvHead, channel, move, scratches[worker]);
            }
          }
        });
    cache.setLength(plan.result());
  }

  /** Those of a plan's segments that change anything. */
  private Move[] moves(List<Segment> segments) {
    Move[] moves = new Move[segments.size()];
    int count = 0;
    int to = 0;
    for (Segment segment : segments) {
      int size = segment.to() - segment.from();
      boolean filtered = segment instanceof CachePlan.LowPass;
      if (segment.length() > 0 && (filtered || segment.from() != to)) {
        Dct.Filter filter = filtered ? dct.filter(size, segment.length()) : null;
        moves[count++] = new Move(segment.from(), size, to, segment.length(), filter);
      }
      to += segment.length();
    }
    return Arrays.copyOf(moves, count);
  }

  /**
   * One pair of a head's key channels. An attention factor other than 1 stays on them all the way:
   * rotation and filter are linear.
   */
  private static void keys(
      CpuKvCache cache,
      int layer,
      int kvHead,
      int pair,
      Move move,
      CpuRope.Turns turns,
      double[] scratch) {
    float[] keys = cache.keys(layer);
    int half = cache.headDim() / 2;
    int angle = pair * turns.stride();
    if (move.filter == null) {
      float cos = turns.cosines()[angle + move.from - move.to];
      float sin = turns.sines()[angle + move.from - move.to];
      for (int i = 0; i < move.count; i++) {
        int first = cache.keyIndex(kvHead, pair, move.from + i);
        int second = first + half * Kernels.BLOCK;
        float x = keys[first];
        float y = keys[second];
        int to = cache.keyIndex(kvHead, pair, move.to + i);
        keys[to] = x * cos + y * sin;
        keys[to + half * Kernels.BLOCK] = y * cos - x * sin;
      }
      return;
    }
    for (int i = 0; i < move.count; i++) {
      int first = cache.keyIndex(kvHead, pair, move.from + i);
      float x = keys[first];
      float y = keys[first + half * Kernels.BLOCK];
      float cos = turns.cosines()[angle + move.from + i];
      float sin = turns.sines()[angle + move.from + i];
      scratch[i] = x * cos + y * sin;
      scratch[move.count + i] = y * cos - x * sin;
    }
    move.filter.run(scratch, 0);
    move.filter.run(scratch, move.count);
    for (int i = 0; i < move.length; i++) {
      float x = (float) scratch[i];
      float y = (float) scratch[move.count + i];
      float cos = turns.cosines()[angle + move.to + i];
      float sin = turns.sines()[angle + move.to + i];
      int to = cache.keyIndex(kvHead, pair, move.to + i);
      keys[to] = x * cos - y * sin;
      keys[to + half * Kernels.BLOCK] = x * sin + y * cos;
    }
  }

  private static void values(
      CpuKvCache cache, int layer, int kvHead, int channel, Move move, double[] scratch) {
    float[] values = cache.values(layer);
    int channels = Math.min(CHANNELS, cache.headDim() - channel);
    int from = cache.valueOffset(kvHead, move.from) + channel;
    int to = cache.valueOffset(kvHead, move.to) + channel;
    int width = cache.width();
    if (move.filter == null) {
      for (int i = 0; i < move.count; i++) {
        System.arraycopy(values, from + i * width, values, to + i * width, channels);
      }
      return;
    }
    for (int i = 0; i < move.count; i++) {
      for (int c = 0; c < channels; c++) {
        scratch[c * move.count + i] = values[from + i * width + c];
      }
    }
    for (int c = 0; c < channels; c++) {
      move.filter.run(scratch, c * move.count);
    }
    for (int i = 0; i < move.length; i++) {
      for (int c = 0; c < channels; c++) {
        values[to + i * width + c] = (float) scratch[c * move.count + i];
      }
    }
  }
}
