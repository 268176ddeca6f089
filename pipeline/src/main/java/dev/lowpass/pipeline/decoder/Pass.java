package dev.lowpass.pipeline.decoder;

import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Span;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * One pass through the decoder with rows of many sequences: chunks of blocks that are read, and
 * tokens that continue an answer. It goes layer by layer; in each, every sequence has its own
 * positions, scores and choice of what to keep. A sequence's numbers are the same in any company,
 * because a device's rows are.
 *
 * <p>Rows are laid out as {@code all layers | up to T, then after T}: the chunks that FastKV takes
 * out after layer T leave their rows to those that go on from there.
 */
public final class Pass {
  private final Decoder decoder;
  private final List<Part> parts = new ArrayList<>();

  /** Rows that each layer runs. */
  private final int[] rows;

  /** Each row's, as far as the host knows them. */
  private float[] positions = {};

  /** A sequence's rows in the pass. */
  private static final class Part {
    final Sequence sequence;
    final Block block;
    final int firstLayer;
    final int endLayer;
    final int rows;
    Span span;
    int placed = -1;
    int logitRow = -1;

    Part(Sequence sequence, int rows) {
      this.sequence = sequence;
      this.rows = rows;
      block = sequence.block();
      firstLayer = block.firstLayer();
      endLayer = block.endLayer();
    }

    boolean runs(int layer) {
      return firstLayer <= layer && layer < endLayer;
    }

    int lastRow() {
      return span.firstRow() + rows - 1;
    }

    /** Its place in the order of rows. */
    int order(int layers) {
      if (firstLayer == 0) {
        return endLayer == layers ? 0 : 1;
      }
      // Those whose positions only the device knows come last.
      return sequence.positions() == Positions.CACHE ? 2 : 3;
    }
  }

  public Pass(Decoder decoder) {
    this.decoder = decoder;
    rows = new int[decoder.config().layers()];
  }

  /**
   * Adds the next rows of a sequence's block.
   *
   * @param budget rows of the pass, this sequence's included. Those that observe are not divided:
   *     they may go beyond it, to {@link Decoder#maxRows}
   * @return how many were added; 0 where there is no room
   */
  public int add(Sequence sequence, int budget) {
    Block block = sequence.block();
    int used = Arrays.stream(rows, block.firstLayer(), block.endLayer()).max().orElse(0);
    int limit = decoder.maxRows() - used;
    int count = block.next(Math.min(budget - used, limit), limit);
    if (count > 0) {
      parts.add(new Part(sequence, count));
      for (int layer = block.firstLayer(); layer < block.endLayer(); layer++) {
        rows[layer] += count;
      }
    }
    return count;
  }

  /** Runs it. Blocks whose last rows were in it are done. */
  public void run() {
    arrange();
    List<Part> running = List.of();
    List<Span> spans = List.of();
    for (int layer = 0; layer < rows.length; layer++) {
      if (rows[layer] == 0) {
        leave(layer);
        continue;
      }
      if (layer == 0 || changes(layer)) {
        leave(layer);
        enter(layer);
        int now = layer;
        running = parts.stream().filter(part -> part.runs(now)).toList();
        spans = running.stream().map(part -> part.span).toList();
      }
      place(running, layer);
      boolean observed = false;
      for (Part part : running) {
        observed |= part.sequence.observes(layer, part.rows);
      }
      decoder.layer(layer, rows[layer], spans, observed);
      for (Part part : running) {
        part.sequence.keep(layer, part.span);
      }
    }
    head();
    parts.forEach(part -> part.sequence.advance(part.rows));
  }

  /** The row of {@link Decoder#logits} that is a sequence's; -1 where it has none. */
  public int logitRow(Sequence sequence) {
    for (Part part : parts) {
      if (part.sequence == sequence) {
        return part.logitRow;
      }
    }
    return -1;
  }

  /** Computes one sequence's logits anew, as row 0. */
  public void head(Sequence sequence) {
    for (Part part : parts) {
      if (part.sequence == sequence) {
        decoder.head(part.lastRow());
      }
    }
  }

  /**
   * Computes the logits of all of one sequence's rows in this pass, as rows 0 and up. All of them
   * went through all layers.
   */
  public void headAll(Sequence sequence) {
    for (Part part : parts) {
      if (part.sequence == sequence) {
        int first = part.span.firstRow();
        decoder.head(IntStream.range(first, first + part.rows).toArray());
      }
    }
  }

  /** Gives each part its rows. */
  private void arrange() {
    positions = new float[Arrays.stream(rows).max().orElse(0)];
    parts.sort(Comparator.comparingInt(part -> part.order(rows.length)));
    int full = 0;
    int early = 0;
    int late = 0;
    for (Part part : parts) {
      int first;
      if (part.order(rows.length) == 0) {
        first = full;
        full += part.rows;
      } else if (part.firstLayer == 0) {
        first = full + early;
        early += part.rows;
      } else {
        first = full + late;
        late += part.rows;
      }
      part.span = new Span(part.sequence.cache(), first, part.rows);
    }
  }

  private boolean changes(int layer) {
    for (Part part : parts) {
      if (part.firstLayer == layer || part.endLayer == layer) {
        return true;
      }
    }
    return false;
  }

  private void leave(int layer) {
    for (Part part : parts) {
      if (part.endLayer == layer) {
        part.sequence.propagation().keep(part.block.from(), part.span.firstRow(), part.rows);
      }
    }
  }

  private void enter(int layer) {
    if (layer == 0) {
      decoder.embed(
          parts.stream()
              .filter(part -> part.firstLayer == 0)
              .flatMapToInt(part -> Arrays.stream(part.block.tokens(part.rows)))
              .toArray());
      return;
    }
    for (Part part : parts) {
      if (part.firstLayer == layer) {
        part.sequence.propagation().resume(part.block.from(), part.span.firstRow(), part.rows);
      }
    }
  }

  /** Writes the rows' positions where they are not those of the layer before. */
  private void place(List<Part> running, int layer) {
    boolean moved = false;
    int known = 0;
    for (Part part : running) {
      int start = part.sequence.position(layer);
      if (start < 0) {
        continue;
      }
      int first = part.span.firstRow();
      known = Math.max(known, first + part.rows);
      if (start != part.placed) {
        for (int i = 0; i < part.rows; i++) {
          positions[first + i] = start + i;
        }
        part.placed = start;
        moved = true;
      }
    }
    if (moved) {
      decoder.place(Arrays.copyOf(positions, known));
    }
  }

  /** Computes the logits of blocks that end. */
  private void head() {
    int[] last = new int[parts.size()];
    int count = 0;
    for (Part part : parts) {
      if (part.block.logits() && part.endLayer == rows.length && part.block.ends(part.rows)) {
        part.logitRow = count;
        last[count++] = part.lastRow();
      }
    }
    if (count > 0) {
      decoder.head(Arrays.copyOf(last, count));
    }
  }
}
