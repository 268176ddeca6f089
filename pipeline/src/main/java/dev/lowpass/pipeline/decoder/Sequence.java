package dev.lowpass.pipeline.decoder;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Energy;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Pooling;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Rows;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.pipeline.cache.CachePolicy;
import dev.lowpass.pipeline.cache.CachePolicy.Change;
import dev.lowpass.pipeline.cache.Layout;
import dev.lowpass.pipeline.prefill.FastKv;
import dev.lowpass.pipeline.prefill.FastKv.Selection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One sequence: its cache, and how tokens get into it, block by block. {@link #forward} runs a
 * block through all layers; {@link #read} scores it too, and keeps and passes on what scores best.
 * A block may take several passes through the decoder. Memory is taken once.
 */
public final class Sequence implements AutoCloseable {
  private final Decoder decoder;
  private final Device device;
  private final SequenceOptions options;
  private final CachePolicy policy;
  private final FastKv fastKv;
  private final Pooling pooling;
  private final Runnable beforePass;
  private final List<AutoCloseable> memory = new ArrayList<>();
  private final KvCache cache;

  /** Each kv head's score of each entry, at the layer that was observed last. */
  private final Tensor scores;

  /** FastKV: the rows of a block as layer T leaves them, and those of them that go on. */
  private final Stage stage;

  private final Stage propagated;
  private final Rows best;

  /** What each layer holds. Layers after FastKV's T hold less than those before. */
  private final Layout[] layouts;

  /** Tokens that went in so far: the next one's place in the prompt. */
  private int tokens;

  private int compressions;

  /**
   * Hidden states {@code [rows, hidden]} and positions {@code [rows, 1]} of a block between layers.
   */
  private record Stage(Tensor hidden, Tensor positions) {}

  /**
   * A block on its way through the layers.
   *
   * @param tokens its length
   * @param probe rows behind it that observe and are not stored
   * @param window its own last rows, if they are what observes
   */
  private record Block(int tokens, int probe, int window) {
    int observers() {
      return probe + window;
    }
  }

  /** Puts rows of a block into a pass, or takes them out of it. */
  private interface Transfer {
    void rows(int from, int count);
  }

  /** Takes the sequence's memory. */
  public Sequence(Decoder decoder, SequenceOptions options) {
    this(decoder, options, () -> {});
  }

  /**
   * Takes the sequence's memory.
   *
   * @param beforePass is run before each pass, and may throw to end a long block
   * @throws OutOfMemoryError if the device has too little
   */
  public Sequence(Decoder decoder, SequenceOptions options, Runnable beforePass) {
    this.decoder = decoder;
    this.device = decoder.device();
    this.options = options;
    this.policy = options.policy();
    this.fastKv = options.scored() ? options.fastKv() : null;
    this.beforePass = beforePass;
    this.pooling = options.observation().devicePooling();
    this.layouts = new Layout[decoder.config().layers()];
    Arrays.fill(layouts, Layout.EMPTY);
    int entries = Math.min(options.tokens(), policy.cacheTokens());
    int probe = options.probeTokens();
    int rows = entries + probe;
    try {
      this.cache = own(decoder.newCache(rows, options.positions()));
      this.scores = options.scored() ? tensor(decoder.config().kvHeads(), rows) : null;
      this.stage = fastKv == null ? null : stage(rows);
      this.propagated =
          fastKv == null
              ? null
              : stage(select(entries, options.observation().window()).length() + probe);
      this.best = fastKv == null ? null : own(device.rows(entries));
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private Stage stage(int rows) {
    return new Stage(tensor(rows, decoder.config().hiddenSize()), tensor(rows, 1));
  }

  private Tensor tensor(int rows, int columns) {
    return own(device.tensor(rows, columns));
  }

  private <T extends AutoCloseable> T own(T taken) {
    memory.add(taken);
    return taken;
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

  /** What compression kept of a layer's keys and values. */
  public Energy energy(int layer) {
    return device.energy(cache, layer);
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
   * Runs a block of tokens through all layers.
   *
   * @param block no more than there is {@link #room} for
   * @param logits whether those of its last token are wanted
   */
  public void forward(int[] block, boolean logits) {
    int last = forward(block);
    if (logits) {
      decoder.head(last - 1);
    }
  }

  /**
   * The same in one pass, with the logits of any of its tokens.
   *
   * @param block no more than {@link Decoder#maxRows} too
   */
  public void forward(int[] block, int[] logitRows) {
    forward(block);
    decoder.head(logitRows);
  }

  private int forward(int[] block) {
    makeRoom(0, layouts.length, block.length);
    Transfer embed = (from, count) -> embed(block, from, count);
    int last = run(new Block(block.length, 0, 0), 0, layouts.length, block.length, embed, null);
    tokens += block.length;
    return last;
  }

  /**
   * Runs a block of tokens through the layers and scores it. With FastKV, only some of it goes on
   * after layer T. Each layer then keeps what its policy has it keep.
   *
   * @param block no more than there is {@link #room} for; the whole prompt where FastKV selects
   *     from a full cache
   * @param probe what observes: tokens that are run behind the block and not stored. Where it is
   *     empty, the block's last w do
   * @param logits whether those of the block's last token are wanted; only without a probe
   */
  public void read(int[] block, int[] probe, boolean logits) {
    int window = Math.min(options.observation().window(), block.length);
    Block rows = new Block(block.length, probe.length, probe.length == 0 ? window : 0);
    int[] all = Arrays.copyOf(block, block.length + probe.length);
    System.arraycopy(probe, 0, all, block.length, probe.length);
    Transfer embed = (from, count) -> embed(all, from, count);
    int last;
    if (fastKv == null) {
      makeRoom(0, layouts.length, block.length);
      last = run(rows, 0, layouts.length, block.length, embed, null);
    } else {
      last = readSelectively(rows, embed);
    }
    tokens += block.length;
    if (logits) {
      decoder.head(last - 1);
    }
  }

  /**
   * FastKV: all rows up to layer T, those that it selects after it. Returns the last pass's rows.
   */
  private int readSelectively(Block block, Transfer embed) {
    int next = fastKv.layer() + 1;
    Selection selection = select(block.tokens(), block.window());
    makeRoom(0, next, block.tokens());
    int start = layouts[fastKv.layer()].length();
    run(block, 0, next, block.tokens(), embed, this::keepStage);
    if (selection.best() > 0) {
      int from = start + selection.first();
      device.best(best, scores, from, start + block.tokens() - selection.last(), selection.best());
    }
    gather(propagated.hidden(), stage.hidden(), selection, block.probe());
    gather(propagated.positions(), stage.positions(), selection, block.probe());
    makeRoom(next, layouts.length, selection.length());
    return run(block, next, layouts.length, selection.length(), this::resume, null);
  }

  private Selection select(int rows, int window) {
    // Entries that a policy keeps for being recent have no scores.
    int unscored = Math.max(window, policy.scores() ? policy.recent() : 0);
    return fastKv.propagate(rows, tokens, Math.min(unscored, rows));
  }

  private void keepStage(int from, int count) {
    device.copyRows(stage.hidden(), from, decoder.hidden(), 0, count);
    device.copyRows(stage.positions(), from, decoder.positions(), 0, count);
  }

  private void resume(int from, int count) {
    device.copyRows(decoder.hidden(), 0, propagated.hidden(), from, count);
    device.copyRows(decoder.positions(), 0, propagated.positions(), from, count);
  }

  /** The selected rows of a block in their order, and the probe's. */
  private void gather(Tensor out, Tensor in, Selection selection, int probe) {
    device.copyRows(out, 0, in, 0, selection.first());
    if (selection.best() > 0) {
      device.gatherRows(out, selection.first(), in, selection.first(), best);
    }
    int end = selection.first() + selection.best();
    device.copyRows(out, end, in, selection.rows() - selection.last(), selection.last() + probe);
  }

  private void embed(int[] block, int from, int count) {
    decoder.embed(Arrays.copyOfRange(block, from, from + count));
    place(tokens + from, count);
  }

  /** Gives the pass's rows consecutive positions. */
  private void place(int first, int count) {
    float[] positions = new float[count];
    for (int i = 0; i < count; i++) {
      positions[i] = first + i;
    }
    device.write(decoder.positions(), positions);
  }

  /**
   * Runs rows of a block and its probe through layers {@code [first, end)}, pass by pass. The last
   * pass has all that observes; behind it each layer keeps the best.
   *
   * @param rows of the block; those of the probe come on top
   * @param feed puts rows into a pass
   * @param drain takes them out of it; null where nobody needs them
   * @return rows of the last pass
   */
  private int run(Block block, int first, int end, int rows, Transfer feed, Transfer drain) {
    int all = rows + block.probe();
    int pass = 0;
    for (int from = 0; from < all; from += pass) {
      beforePass.run();
      pass = passRows(all - from, block.observers());
      boolean last = from + pass == all;
      feed.rows(from, pass);
      List<Span> spans = List.of(new Span(cache, 0, pass));
      int placed = -1;
      for (int layer = first; layer < end; layer++) {
        int length = layouts[layer].length();
        if (options.positions() == Positions.CACHE && placed != length) {
          place(length, pass);
          placed = length;
        }
        boolean observed = last && block.observers() > 0 && observes(layer);
        decoder.layer(layer, pass, spans, observed);
        layouts[layer] = layouts[layer].append(last ? pass - block.probe() : pass);
        if (observed) {
          observe(layer, spans.get(0), block);
        }
        cache.truncate(layer, layouts[layer].length());
        if (observed) {
          keepBest(layer, block);
        }
      }
      if (drain != null) {
        drain.rows(from, pass);
      }
    }
    return pass;
  }

  /** As many as fit, but what observes is not divided. */
  private int passRows(int left, int observers) {
    int most = decoder.maxRows();
    return left > most && left - most < observers ? left - observers : Math.min(left, most);
  }

  private boolean observes(int layer) {
    return policy.scores() || retains() || (fastKv != null && layer == fastKv.layer());
  }

  /** Whether FastKV chooses what a full cache keeps. */
  private boolean retains() {
    return fastKv != null && policy.cacheTokens() == Integer.MAX_VALUE;
  }

  private void observe(int layer, Span span, Block block) {
    Layout layout = layouts[layer];
    int from = policy.candidatesFrom(layout);
    int to = policy.scores() ? policy.candidatesTo(layout) : layout.length() - block.window();
    if (from < to) {
      decoder.observe(scores, span, block.observers(), layer, from, to, pooling);
    }
  }

  private void keepBest(int layer, Block block) {
    if (policy.scores()) {
      apply(layer, policy.settle(layouts[layer]));
    } else if (retains()) {
      int length = layouts[layer].length();
      CachePlan plan = fastKv.retain(layer, length, block.tokens(), block.window());
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
    for (int layer = 0; layer < layouts.length; layer++) {
      layouts[layer] = mark.layouts[layer];
      cache.truncate(layer, layouts[layer].length());
    }
    tokens = mark.tokens;
  }

  /** Forgets everything but its statistics: another prompt may go in. */
  public void clear() {
    Arrays.fill(layouts, Layout.EMPTY);
    cache.truncate(0);
    tokens = 0;
  }

  /** Becomes a branch of another sequence of the same decoder, policy and size. */
  public void branchOff(Sequence trunk) {
    device.copy(cache, trunk.cache);
    System.arraycopy(trunk.layouts, 0, layouts, 0, layouts.length);
    tokens = trunk.tokens;
  }

  @Override
  public void close() {
    for (AutoCloseable taken : memory) {
      try {
        taken.close();
      } catch (Exception e) {
        throw new IllegalStateException("a device does not take back its memory", e);
      }
    }
  }
}
