package dev.lowpass.pipeline.decoder;

import dev.lowpass.pipeline.model.Checkpoint;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * The hybrid cache and FastKV in float64, from their definitions and for clarity alone: a cache is
 * a list of entries for each layer and kv head, with keys as they were before rotation; compression
 * is its closed-form matrix; scores are rows of the softmax itself.
 */
final class ReferenceReader {
  /**
   * @param capacity N; {@code Integer.MAX_VALUE} for a full cache
   * @param exact E
   * @param retained L
   * @param window w
   * @param kernel of the max pooling
   * @param original whether tokens keep their places in the prompt
   * @param layer FastKV's T
   * @param tau its TSP rate
   * @param rho its retention rate in a full cache
   */
  record Settings(
      int capacity,
      int sinks,
      int exact,
      int retained,
      int window,
      int kernel,
      boolean original,
      int layer,
      double tau,
      double rho) {}

  /** One token's, or a mixture of several tokens'. */
  private record Entry(double[] key, double[] value, double position) {}

  private static final class Layer {
    /** For each kv head: sinks, band, bank, tail. */
    private List<List<Entry>> heads = new ArrayList<>();

    private int band;
    private int bank;

    int length() {
      return heads.get(0).size();
    }
  }

  private final ReferenceDecoder decoder;
  private final Settings settings;
  private final List<Layer> cache = new ArrayList<>();
  private int tokens;

  ReferenceReader(Checkpoint checkpoint, Settings settings) {
    this.decoder = new ReferenceDecoder(checkpoint, null);
    this.settings = settings;
    for (int i = 0; i < decoder.layers; i++) {
      Layer layer = new Layer();
      for (int head = 0; head < decoder.kvHeads; head++) {
        layer.heads.add(new ArrayList<>());
      }
      cache.add(layer);
    }
  }

  int length(int layer) {
    return cache.get(layer).length();
  }

  /** Original places of the tokens that a kv head holds, where those are its positions. */
  List<Double> positions(int layer, int head) {
    return cache.get(layer).heads.get(head).stream().map(Entry::position).toList();
  }

  /** Tokens that the first layer takes before, or after, room is made. */
  int room() {
    int room = settings.capacity - length(0);
    int least = settings.sinks + settings.retained + cache.get(0).bank;
    return room > 0 ? room : settings.capacity - least;
  }

  /** Runs tokens without scoring them: the logits of each. */
  double[][] forward(int... block) {
    double[][] x = decoder.embed(block);
    double[] positions = places(block.length);
    for (int i = 0; i < decoder.layers; i++) {
      makeRoom(cache.get(i), block.length);
      x = layer(i, x, positions, block.length, null);
    }
    tokens += block.length;
    return decoder.head(x);
  }

  /**
   * Runs a block, scores it and keeps the best. Returns the logits of its last token, null where
   * none went through all layers.
   */
  double[] read(int[] block, int... probe) {
    int[] all = IntStream.concat(IntStream.of(block), IntStream.of(probe)).toArray();
    double[][] x = decoder.embed(all);
    double[] positions = places(all.length);
    int window = probe.length > 0 ? 0 : Math.min(settings.window, block.length);
    int stored = block.length;
    for (int i = 0; i < decoder.layers; i++) {
      Layer layer = cache.get(i);
      makeRoom(layer, stored);
      int start = layer.length();
      double[][] scores = new double[decoder.kvHeads][];
      int observers = probe.length + window;
      x = layer(i, x, positions, stored, new Observers(observers, window, scores));
      if (settings.capacity < Integer.MAX_VALUE) {
        settle(layer, scores);
      } else if (settings.rho < 1) {
        double rate = i <= settings.layer ? settings.rho : settings.rho / settings.tau;
        retain(layer, scores, (int) (rate * stored), window);
      }
      if (i == settings.layer && settings.tau < 1) {
        List<Integer> rows = propagated(scores, start, stored, window);
        for (int p = 0; p < probe.length; p++) {
          rows.add(stored + p);
        }
        stored = rows.size() - probe.length;
        double[][] states = x;
        double[] places = positions;
        x = rows.stream().map(row -> states[row]).toArray(double[][]::new);
        positions = rows.stream().mapToDouble(row -> places[row]).toArray();
      }
    }
    tokens += block.length;
    return stored == 0 ? null : decoder.head(x)[stored - 1];
  }

  private double[] places(int count) {
    return IntStream.range(0, count).mapToDouble(i -> tokens + i).toArray();
  }

  private record Observers(int count, int window, double[][] scores) {}

  /** One layer over rows, of which the first {@code stored} are appended. */
  private double[][] layer(
      int index, double[][] x, double[] positions, int stored, Observers observers) {
    Layer layer = cache.get(index);
    ReferenceDecoder.Projection projection = decoder.project(index, x);
    int headDim = decoder.headDim;
    int group = decoder.heads / decoder.kvHeads;
    int start = layer.length();
    int from = Math.min(settings.sinks, start + stored) + layer.band;
    double[][] mixed = new double[x.length][decoder.heads * headDim];
    for (int kv = 0; kv < decoder.kvHeads; kv++) {
      List<Entry> entries = new ArrayList<>(layer.heads.get(kv));
      for (int row = 0; row < x.length; row++) {
        entries.add(
            new Entry(
                part(projection.keys()[row], kv),
                part(projection.values()[row], kv),
                positions[row]));
      }
      List<double[]> keys = new ArrayList<>();
      for (int j = 0; j < entries.size(); j++) {
        keys.add(rotated(entries.get(j).key, place(entries, j)));
      }
      // A bank may take in what observes; a full cache keeps it anyway.
      boolean bounded = settings.capacity < Integer.MAX_VALUE;
      int to = start + stored - (observers == null || bounded ? 0 : observers.window);
      double[] sum = new double[Math.max(start + stored, 0)];
      for (int head = kv * group; head < (kv + 1) * group; head++) {
        double[] attention = new double[sum.length];
        for (int row = 0; row < x.length; row++) {
          int own = start + row;
          double[] query = rotated(part(projection.queries()[row], head), place(entries, own));
          double[] weights = new double[own + 1];
          for (int j = 0; j <= own; j++) {
            weights[j] = dot(query, keys.get(j)) / Math.sqrt(headDim);
          }
          ReferenceDecoder.softmax(weights);
          for (int j = 0; j <= own; j++) {
            for (int c = 0; c < headDim; c++) {
              mixed[row][head * headDim + c] += weights[j] * entries.get(j).value[c];
            }
          }
          if (observers != null && row >= x.length - observers.count) {
            for (int j = from; j < Math.min(to, own + 1); j++) {
              attention[j] += weights[j];
            }
          }
        }
        for (int j = from; j < to; j++) {
          double pooled = 0;
          int reach = settings.kernel / 2;
          for (int i = Math.max(from, j - reach); i <= Math.min(to - 1, j + reach); i++) {
            pooled = Math.max(pooled, attention[i]);
          }
          sum[j] += pooled;
        }
      }
      if (observers != null) {
        observers.scores[kv] = sum;
      }
      layer.heads.set(kv, new ArrayList<>(entries.subList(0, start + stored)));
    }
    return decoder.finish(index, x, mixed);
  }

  private double place(List<Entry> entries, int index) {
    return settings.original ? entries.get(index).position : index;
  }

  private double[] rotated(double[] x, double position) {
    double[] turned = x.clone();
    decoder.rope.rotate(turned, 0, position);
    return turned;
  }

  private double[] part(double[] row, int head) {
    double[] part = new double[decoder.headDim];
    System.arraycopy(row, head * part.length, part, 0, part.length);
    return part;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int c = 0; c < a.length; c++) {
      sum += a[c] * b[c];
    }
    return sum;
  }

  /** Rows of a block that go on: sinks, the best by all heads together, the window. */
  private List<Integer> propagated(double[][] scores, int start, int rows, int window) {
    int share = (int) (settings.tau * rows);
    TreeSet<Integer> chosen = new TreeSet<>();
    for (int row = 0; row < rows; row++) {
      if (tokens + row < settings.sinks || row >= rows - window) {
        chosen.add(row);
      }
    }
    List<Integer> ranked =
        ranked(
            start,
            start + rows - window,
            j -> IntStream.range(0, scores.length).mapToDouble(head -> scores[head][j]).sum());
    for (int j : ranked) {
      if (chosen.size() < share) {
        chosen.add(j - start);
      }
    }
    return new ArrayList<>(chosen);
  }

  private static List<Integer> ranked(
      int from, int to, java.util.function.IntToDoubleFunction score) {
    return IntStream.range(from, to)
        .boxed()
        .sorted(Comparator.comparingDouble((Integer j) -> -score.applyAsDouble(j)))
        .toList();
  }

  /** The best E of bank and tail become the bank; the others follow the band. */
  private void settle(Layer layer, double[][] scores) {
    int from = Math.min(settings.sinks, layer.length()) + layer.band;
    int to = layer.length();
    int bank = Math.min(settings.exact, to - from);
    for (int head = 0; head < scores.length; head++) {
      List<Entry> entries = layer.heads.get(head);
      double[] score = scores[head];
      TreeSet<Integer> best = new TreeSet<>(ranked(from, to, j -> score[j]).subList(0, bank));
      List<Entry> settled = new ArrayList<>(entries.subList(0, from));
      for (int j = from; j < to; j++) {
        if (!best.contains(j)) {
          settled.add(entries.get(j));
        }
      }
      best.forEach(j -> settled.add(entries.get(j)));
      layer.heads.set(head, settled);
    }
    layer.bank = bank;
    layer.band += to - from - bank;
  }

  /** FastKV: a full cache keeps its sinks, the best, and the window. */
  private void retain(Layer layer, double[][] scores, int capacity, int window) {
    int length = layer.length();
    if (capacity >= length || capacity <= settings.sinks + window) {
      return;
    }
    for (int head = 0; head < scores.length; head++) {
      List<Entry> entries = layer.heads.get(head);
      double[] score = scores[head];
      TreeSet<Integer> kept = new TreeSet<>();
      IntStream.range(0, settings.sinks).forEach(kept::add);
      IntStream.range(length - window, length).forEach(kept::add);
      for (int j : ranked(settings.sinks, length - window, j -> score[j])) {
        if (kept.size() < capacity) {
          kept.add(j);
        }
      }
      layer.heads.set(head, new ArrayList<>(kept.stream().map(entries::get).toList()));
    }
  }

  /** The tail is folded behind the band, and the band becomes L entries. */
  private void makeRoom(Layer layer, int rows) {
    if (settings.capacity - layer.length() >= rows) {
      return;
    }
    int bandFrom = settings.sinks;
    int bankFrom = bandFrom + layer.band;
    int tailFrom = bankFrom + layer.bank;
    for (int head = 0; head < decoder.kvHeads; head++) {
      List<Entry> entries = layer.heads.get(head);
      List<Entry> band = new ArrayList<>(entries.subList(bandFrom, bankFrom));
      band.addAll(entries.subList(tailFrom, entries.size()));
      List<Entry> made = new ArrayList<>(entries.subList(0, bandFrom));
      made.addAll(lowPass(band));
      made.addAll(entries.subList(bankFrom, tailFrom));
      layer.heads.set(head, made);
    }
    layer.band = settings.retained;
  }

  /** {@code X' = M X} with the matrix that the truncated DCT and its inverse come to. */
  private List<Entry> lowPass(List<Entry> band) {
    int size = band.size();
    int length = settings.retained;
    List<Entry> made = new ArrayList<>();
    for (int i = 0; i < length; i++) {
      double[] key = new double[decoder.headDim];
      double[] value = new double[decoder.headDim];
      double alpha = Math.PI * (2 * i + 1) / (2 * length);
      for (int j = 0; j < size; j++) {
        double beta = Math.PI * (2 * j + 1) / (2 * size);
        double weight = (1 + kernel(alpha - beta, length) + kernel(alpha + beta, length)) / size;
        for (int c = 0; c < key.length; c++) {
          key[c] += weight * band.get(j).key[c];
          value[c] += weight * band.get(j).value[c];
        }
      }
      double centre = Math.max(0, Math.min(size - 1, (i + 0.5) * size / length - 0.5));
      int below = (int) centre;
      int above = Math.min(size - 1, below + 1);
      double position =
          band.get(below).position
              + (centre - below) * (band.get(above).position - band.get(below).position);
      made.add(new Entry(key, value, position));
    }
    return made;
  }

  /** {@code sum over k from 1 to length - 1 of cos(k theta)}. */
  private static double kernel(double theta, int length) {
    double half = Math.sin(theta / 2);
    return Math.abs(half) < 1e-12
        ? length - 1
        : Math.sin((length - 0.5) * theta) / (2 * half) - 0.5;
  }
}
