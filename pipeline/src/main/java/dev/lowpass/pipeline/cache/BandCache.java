package dev.lowpass.pipeline.cache;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.CachePlan.Keep;
import dev.lowpass.kernels.CachePlan.LowPass;
import dev.lowpass.kernels.CachePlan.Segment;
import java.util.ArrayList;
import java.util.List;

/**
 * Sinks, a band and recent tokens: {@code N = S + M + R}. When all N entries are taken, the band's
 * M become the lowest {@code L} of their frequencies (FreqKV, arXiv 2505.00570); with {@code L = 0}
 * they go (StreamingLLM). What is in the band by then may have been compressed before.
 *
 * @param name its name on the command line
 * @param cacheTokens N
 * @param sinks S: first tokens that are never touched
 * @param recent R: last tokens that stay exact
 * @param retained L: what the band's entries become
 */
record BandCache(String name, int cacheTokens, int sinks, int recent, int retained)
    implements CachePolicy {
  @Override
  public CachePlan plan(int length) {
    int from = Math.min(sinks, length);
    int to = Math.max(from, length - recent);
    List<Segment> segments = new ArrayList<>();
    segments.add(new Keep(0, from));
    segments.add(retained < to - from ? new LowPass(from, to, retained) : new Keep(from, to));
    segments.add(new Keep(to, length));
    return new CachePlan(length, segments);
  }
}
