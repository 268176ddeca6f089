package dev.lowpass.pipeline.engine;

import dev.lowpass.kernels.Positions;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.cache.CachePolicy;
import dev.lowpass.pipeline.decoder.SequenceOptions;
import dev.lowpass.pipeline.prefill.FastKv;
import dev.lowpass.pipeline.prefill.PrefillOptions;

/**
 * How one document is read, from lengths alone.
 *
 * <p>One that fits, its answer included, is read in full, whatever the policies: there is nothing
 * to choose. In one that does not, blocks are scored where the cache has a bank or the prefill
 * selects.
 *
 * @param request without probes where they are not used
 * @param sequence what the document's cache is
 * @param scoresRest whether what follows the document in a prompt is scored too, because no probe
 *     speaks for it
 */
record Reading(Request request, SequenceOptions sequence, boolean scoresRest) {

  /** What an engine holds for all its documents. */
  record Bounds(
      CacheOptions cache, PrefillOptions prefill, int window, int contextTokens, int maxRows) {}

  /**
   * Decides.
   *
   * @throws DocumentException if the document or its questions are too long for that
   */
  static Reading of(Bounds bounds, Request asked, int maxNewTokens) {
    CacheOptions cache = bounds.cache();
    boolean bounded = cache.bounded();
    long needed = (long) asked.longest() + maxNewTokens;
    boolean fits = bounded && needed <= cache.cacheTokens();
    boolean scored = !fits && (cache.policy().scores() || bounds.prefill().selects());
    boolean probed = scored && cache.probed() && asked.shared() > 0;
    Request request = probed ? asked : asked.unprobed();
    int probe = request.longestProbe();
    int window = bounds.window();
    if (probe > 0) {
      checkProbe(probe, bounds);
    }
    Positions positions = positions(cache, window, needed, request.shared() + probe);
    if (bounded && positions == Positions.CACHE && probe > window - cache.cacheTokens()) {
      // The probe stands behind the cache's entries, within the window.
      cache = cache.with("cache-tokens", window - probe).resolve(window, /* tuned= */ false);
    }
    CachePolicy policy = cache.policy();
    SequenceOptions sequence =
        new SequenceOptions(
            policy,
            bounds.prefill().selects() ? new FastKv(bounds.prefill(), cache.sinks()) : null,
            cache.observation(),
            positions,
            (int) Math.min(bounds.contextTokens(), needed),
            probe,
            scored);
    boolean scoresRest = scored && probe == 0 && (bounded || request.shared() == 0);
    return new Reading(request, sequence, scoresRest);
  }

  private static Positions positions(CacheOptions cache, int window, long needed, int probed) {
    if (cache.positions().equals("cache")) {
      return Positions.CACHE;
    }
    if (!cache.bounded() || Math.max(needed, probed) <= window) {
      return Positions.ORIGINAL;
    }
    if (cache.positions().equals("original")) {
      throw new DocumentException(
          DocumentException.TOO_LONG,
          "the prompt and its answer may have %d tokens, and with --positions original the window of %d must hold them and the questions; use --positions cache, split the document, or choose a model with a longer window"
              .formatted(needed, window));
    }
    return Positions.CACHE;
  }

  private static void checkProbe(int probe, Bounds bounds) {
    int room = bounds.window() - (bounds.cache().bounded() ? bounds.cache().cacheTokens() / 2 : 0);
    int most = Math.min(bounds.maxRows() - 1, room);
    if (probe > most) {
      throw new DocumentException(
          DocumentException.TOO_LONG,
          "the questions have %d tokens, and %d at the most can be asked at once; use --probe each, or ask less"
              .formatted(probe, most));
    }
  }

  /** Whether each prompt reads the document anew. */
  boolean each() {
    return request.probes().size() > 1;
  }

  /**
   * Whether room is made for a question and its answer before they are read, where there is too
   * little: what is asked is not to be blurred.
   */
  boolean reserves() {
    return request.shared() > 0 && exceedsCache();
  }

  /**
   * Whether prompts go on from copies of the document's cache. Entries that are only ever appended
   * can be taken off again instead.
   */
  boolean copies() {
    return request.prompts().size() > 1 && !each() && exceedsCache();
  }

  /** Caches that the document takes at the least. */
  int slots() {
    return copies() ? 2 : 1;
  }

  /** What is wrong with the document where the device has no memory for it. */
  DocumentException tooLarge(OutOfMemoryError cause) {
    return new DocumentException(
        DocumentException.OUT_OF_MEMORY,
        "no memory for a KV cache of %d tokens (%s); give the executor more memory, bound the cache (--cache hybrid, --cache-tokens), or shorten the document"
            .formatted(
                Math.min(sequence.tokens(), sequence.policy().cacheTokens()), cause.getMessage()));
  }

  private boolean exceedsCache() {
    return sequence.tokens() > sequence.policy().cacheTokens();
  }

  /** What observes the document for a prompt; empty where its own last tokens do. */
  int[] probe(int prompt) {
    return request.probes().isEmpty() ? new int[0] : request.probes().get(each() ? prompt : 0);
  }
}
