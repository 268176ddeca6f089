package dev.lowpass.pipeline.cache;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.CachePlan.Best;
import dev.lowpass.kernels.CachePlan.Keep;
import dev.lowpass.kernels.CachePlan.LowPass;
import dev.lowpass.kernels.CachePlan.Rest;
import java.util.List;

/**
 * Decides what a layer of a cache of N entries keeps, from lengths alone. All policies are this
 * one: {@code freqkv} (arXiv 2505.00570) has no bank, {@code snapkv} filters its band away, {@code
 * streaming} does both, {@code full} has room for ever, and {@code hybrid} is the whole of it.
 *
 * <p>Tokens are appended while there is {@link #room}; then {@link #makeRoom} makes some. Where
 * tokens are scored, {@link #settle} follows each block of them.
 *
 * @param name its name on the command line and in the output table
 * @param cacheTokens N, the most entries a layer ever holds; {@code Integer.MAX_VALUE} where the
 *     sequence decides
 * @param sinks S, first tokens that are never touched
 * @param recent R, last tokens that stay exact
 * @param exact E, entries of a full bank
 * @param retained L, what the band is compressed to
 */
public record CachePolicy(
    String name, int cacheTokens, int sinks, int recent, int exact, int retained) {

  /**
   * What becomes of a layer.
   *
   * @param plans to be carried out one after the other, none where nothing moves
   * @param layout what the layer is after them
   */
  public record Change(List<CachePlan> plans, Layout layout) {}

  /** Tokens that a layer takes before room must be made. */
  public int room(Layout layout) {
    return cacheTokens - layout.length();
  }

  /** Whether {@link #settle} has anything to choose, so that tokens must be scored. */
  public boolean scores() {
    return exact > 0;
  }

  /** The first entry that may stay or get into the bank. */
  public int candidatesFrom(Layout layout) {
    return Math.min(sinks, layout.length()) + layout.band();
  }

  /**
   * The end of the entries that may stay or get into the bank: of bank and tail, without the last
   * R.
   */
  public int candidatesTo(Layout layout) {
    return Math.max(candidatesFrom(layout), layout.length() - recent);
  }

  /**
   * After a block of tokens: the best of bank and tail become the bank, the others follow the band,
   * in the order of their tokens. Nothing is lost by it.
   */
  public Change settle(Layout layout) {
    int from = candidatesFrom(layout);
    int to = candidatesTo(layout);
    int bank = Math.min(exact, to - from);
    int losers = to - from - bank;
    Layout settled = new Layout(layout.band() + losers, bank, layout.length());
    if (losers == 0) {
      return new Change(List.of(), settled);
    }
    CachePlan plan =
        CachePlan.of(
            layout.length(),
            new Keep(0, from),
            new Rest(from, to, bank),
            new Best(from, to, bank),
            new Keep(to, layout.length()));
    return new Change(List.of(plan), settled);
  }

  /**
   * When a token needs room and there is none: the band's entries become the lowest L of their
   * frequencies (FreqKV), or go (L = 0). What was never settled of the tail is first folded behind
   * the band, but for the last R.
   */
  public Change makeRoom(Layout layout) {
    int length = layout.length();
    int from = Math.min(sinks, length);
    int bank = from + layout.band();
    int tail = bank + layout.bank();
    int recentFrom = Math.max(tail, length - recent);
    int folded = recentFrom - tail;
    int to = bank + folded;
    if (to - from <= retained) {
      return new Change(List.of(), layout);
    }
    CachePlan compress =
        CachePlan.of(
            length, new Keep(0, from), new LowPass(from, to, retained), new Keep(to, length));
    Layout made = new Layout(retained, layout.bank(), compress.result());
    if (folded == 0 || layout.bank() == 0) {
      return new Change(List.of(compress), made);
    }
    CachePlan fold =
        CachePlan.of(
            length,
            new Keep(0, bank),
            new Keep(tail, recentFrom),
            new Keep(bank, tail),
            new Keep(recentFrom, length));
    return new Change(List.of(fold, compress), made);
  }
}
