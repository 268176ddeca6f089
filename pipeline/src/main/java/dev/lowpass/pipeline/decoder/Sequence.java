package dev.lowpass.pipeline.decoder;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Energy;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Pooling;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.pipeline.cache.CachePolicy;
import dev.lowpass.pipeline.cache.CachePolicy.Change;
import dev.lowpass.pipeline.cache.Layout;
import dev.lowpass.pipeline.prefill.FastKv;
import dev.lowpass.pipeline.prefill.FastKv.Selection;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * One sequence: its cache, and how tokens get into it, block by block. {@link #forward} has a block
 * go through all layers; {@link #read} scores it too, and keeps and passes on what scores best.
 * Either begins a block; it is done when {@link Pass passes} have carried all of it. Memory is
 * taken once.
 */
public final class Sequence implements AutoCloseable {
  private static final int[] NO_PROBE = {};

  private final Device device;
  private final Decoder decoder;
  private final SequenceOptions options;
  private final CachePolicy policy;
  private final FastKv fastKv;
  private final Pooling pooling;
  private final Owned memory = new Owned();
  private final KvCache cache;

  /** Each kv head's score of each entry, at the layer that was observed last. */
  private final Tensor scores;

  /** FastKV's rows between layers; null where every row goes on. */
  private final Propagation propagation;

  /** What each layer holds. Layers after FastKV's T hold less than those before. */
  private final Layout[] layouts;

  /** Tokens that went in so far: the next one's place in the prompt. */
  private int tokens;

  /** The block under way; null where there is none. */
  private Block block;

  /** FastKV: the block's first entry at layer T. */
  private int start;

  private int compressions;

  /**
   * Takes the sequence's memory.
   *
   * @throws OutOfMemoryError if the device has too little
   */
  public Sequence(Decoder decoder, SequenceOptions options) {
    this.decoder = decoder;
    this.device = decoder.device();
    this.options = options;
    this.policy = options.policy();
    this.fastKv = options.scored() ? options.fastKv() : null;
    this.pooling = options.observation().devicePooling();
    this.layouts = new Layout[decoder.config().layers()];
    Arrays.fill(layouts, Layout.EMPTY);
    int entries = options.entries();
    int rows = options.rows();
    int kvHeads = decoder.config().kvHeads();
    try {
      cache = memory.take(decoder.newCache(rows, options.positions()));
      scores = options.scored() ? memory.take(device.tensor(kvHeads, rows)) : null;
      propagation = fastKv == null ? null : memory.take(propagation(entries, rows));
    } catch (RuntimeException | Error e) {
      memory.close();
      throw e;
    }
  }

  private Propagation propagation(int entries, int rows) {
    int selected = select(entries, options.observation().window()).length();
    return new Propagation(decoder, rows, selected + options.probeTokens());
  }

  /** Entries that a layer holds. */
  public int length(int layer) {
    return layouts[layer].length();
  }

  /** Entries of the layer that holds most. */
  public int length() {
    return Arrays.stream(layouts).mapToInt(Layout::length).max().orElseThrow();
  }

  /** How often room was made in the first layer, which every token goes through. */
  public int compressions() {
    return compressions;
  }

  /** What compression kept of each layer's keys and values. */
  public List<Energy> energy() {
    return IntStream.range(0, layouts.length)
        .mapToObj(layer -> device.energy(cache, layer))
        .toList();
  }

  /** Device memory that its keys and values take. */
  public long bytes() {
    return cache.bytes();
  }

  /** Tokens that the next block may have, at least 1. */
  public int room() {
    int room = policy.room(layouts[0]);
    return room > 0 ? room : policy.room(policy.makeRoom(layouts[0]).layout());
  }

  /**
   * Makes room for {@code rows} tokens now, where there is too little and some can be made, so that
   * they will not be compressed themselves.
   */
  public void reserve(int rows) {
    makeRoom(0, layouts.length, rows);
  }

  /**
   * Begins a block that goes through all layers.
   *
   * @param tokens no more than there is {@link #room} for
   * @param logits whether those of its last token are wanted
   */
  public void forward(int[] tokens, boolean logits) {
    begin(new Block(tokens, NO_PROBE, 0, logits), layouts.length);
  }

  /**
   * Begins a block that is scored. With FastKV, only some of it goes on after layer T. Each layer
   * then keeps what its policy has it keep.
   *
   * @param tokens no more than there is {@link #room} for; the whole prompt where FastKV selects
   *     from a full cache
   * @param probe what observes: tokens that are run behind the block and not stored. Where it is
   *     empty, the block's last w do
   * @param logits whether those of the block's last token are wanted; only without a probe
   */
  public void read(int[] tokens, int[] probe, boolean logits) {
    int window = Math.min(options.observation().window(), tokens.length);
    begin(
        new Block(tokens, probe, probe.length == 0 ? window : 0, logits),
        fastKv == null ? layouts.length : fastKv.layer() + 1);
  }

  private void begin(Block next, int end) {
    if (block != null) {
      throw new IllegalStateException("a block is under way");
    }
    makeRoom(0, end, next.length());
    next.enter(0, end, next.length());
    start = layouts[end - 1].length();
    block = next;
  }

  /** Whether a block is under way. */
  public boolean running() {
    return block != null;
  }

  /** The block under way. */
  Block block() {
    return block;
  }

  KvCache cache() {
    return cache;
  }

  Positions positions() {
    return options.positions();
  }

  Propagation propagation() {
    return propagation;
  }

  /**
   * The position of the first row of the block's next pass at a layer; -1 where only the device
   * knows its rows', because it selected them.
   */
  int position(int layer) {
    if (options.positions() == Positions.CACHE) {
      return layouts[layer].length();
    }
    return block.firstLayer() == 0 ? tokens + block.from() : -1;
  }

  /** Whether rows of the block's next pass observe at a layer. */
  boolean observes(int layer, int rows) {
    return block.observers() > 0
        && block.ends(rows)
        && (policy.scores() || retains() || (fastKv != null && layer == fastKv.layer()));
  }

  /** A layer has run rows of the block, and appended them: keeps what its policy keeps of them. */
  void keep(int layer, Span rows) {
    boolean observed = observes(layer, rows.rows());
    int stored = block.ends(rows.rows()) ? rows.rows() - block.probe() : rows.rows();
    layouts[layer] = layouts[layer].append(stored);
    if (observed) {
      observe(layer, rows);
    }
    cache.truncate(layer, layouts[layer].length());
    if (observed) {
      keepBest(layer);
    }
  }

  /** Rows of the block have gone through its layers. */
  void advance(int rows) {
    if (!block.advance(rows)) {
      return;
    }
    int next = block.endLayer();
    if (next < layouts.length) {
      Selection selection = select(block.length(), block.window());
      propagation.select(selection, block.probe(), scores, start);
      makeRoom(next, layouts.length, selection.length());
      block.enter(next, layouts.length, selection.length());
    } else {
      tokens += block.length();
      block = null;
    }
  }

  private Selection select(int rows, int window) {
    // Entries that a policy keeps for being recent have no scores.
    int unscored = Math.max(window, policy.scores() ? policy.recent() : 0);
    return fastKv.propagate(rows, tokens, Math.min(unscored, rows));
  }

  /** Whether FastKV chooses what a full cache keeps. */
  private boolean retains() {
    return fastKv != null && policy.cacheTokens() == Integer.MAX_VALUE;
  }

  private void observe(int layer, Span rows) {
    Layout layout = layouts[layer];
    int from = policy.candidatesFrom(layout);
    int to = policy.scores() ? policy.candidatesTo(layout) : layout.length() - block.window();
    if (from < to) {
      decoder.observe(scores, rows, block.observers(), layer, from, to, pooling);
    }
  }

  private void keepBest(int layer) {
    if (policy.scores()) {
      apply(layer, policy.settle(layouts[layer]));
    } else if (retains()) {
      int length = layouts[layer].length();
      CachePlan plan = fastKv.retain(layer, length, block.length(), block.window());
      apply(layer, new Change(List.of(plan), Layout.EMPTY.append(plan.result())));
    }
  }

  private void makeRoom(int first, int end, int rows) {
    for (int layer = first; layer < end; layer++) {
      if (policy.room(layouts[layer]) < rows) {
        Change change = policy.makeRoom(layouts[layer]);
        apply(layer, change);
        if (layer == 0 && !change.plans().isEmpty()) {
          compressions++;
        }
      }
    }
  }

  private void apply(int layer, Change change) {
    for (CachePlan plan : change.plans()) {
      decoder.apply(cache, layer, plan, scores);
    }
    layouts[layer] = change.layout();
  }

  /** A point in a sequence that it can go back to while entries are only appended. */
  public static final class Mark {
    private final Layout[] layouts;
    private final int tokens;

    private Mark(Layout[] layouts, int tokens) {
      this.layouts = layouts.clone();
      this.tokens = tokens;
    }
  }

  /** The present point. */
  public Mark mark() {
    return new Mark(layouts, tokens);
  }

  /** Goes back to a point since which nothing was scored, and no room was made. */
  public void reset(Mark mark) {
    block = null;
    for (int layer = 0; layer < layouts.length; layer++) {
      layouts[layer] = mark.layouts[layer];
      cache.truncate(layer, layouts[layer].length());
    }
    tokens = mark.tokens;
  }

  /**
   * Becomes a branch of another sequence of the same decoder and kind of positions.
   *
   * @param mark where it branches off: a point of the trunk's that it could go back to
   */
  public void branchOff(Sequence trunk, Mark mark) {
    device.copy(cache, trunk.cache);
    reset(mark);
  }

  /** Holds the first tokens of another, to which nothing has been done since, and nothing else. */
  public void beginWith(Sequence head, int count) {
    Layout[] begun = new Layout[layouts.length];
    Arrays.fill(begun, Layout.EMPTY.append(count));
    branchOff(head, new Mark(begun, count));
  }

  @Override
  public void close() {
    memory.close();
  }
}
