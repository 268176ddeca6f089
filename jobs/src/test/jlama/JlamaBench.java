import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.ModelSupport;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.tensor.KvBufferCache.KvBuffer;
import com.github.tjake.jlama.tensor.operations.TensorOperationsProvider;
import com.github.tjake.jlama.util.PhysicalCoreExecutor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;

/**
 * Jlama behind llama-bench's options: {@code -m FOLDER -t THREADS} and either {@code -p N} (reads N
 * tokens) or {@code -n N -d D} (writes N behind D); of a list it does the last. Prints the tokens a
 * second as llama-bench does.
 */
public final class JlamaBench {
  /** How long the JIT compiler has, on the same work. */
  private static final long WARM_UP_NANOS = 10_000_000_000L;

  private static final Random RANDOM = new Random(0);

  private final AbstractModel model;
  private final int vocabulary;

  private JlamaBench(AbstractModel model) {
    this.model = model;
    this.vocabulary = model.getConfig().vocabularySize;
  }

  public static void main(String[] args) throws IOException {
    Map<String, String> options = new HashMap<>();
    for (int i = 0; i < args.length; i++) {
      if (!args[i].startsWith("--")) {
        options.put(args[i], args[++i]);
      }
    }
    PhysicalCoreExecutor.overrideThreadCount(Integer.parseInt(options.get("-t")));
    System.err.println("Jlama: " + TensorOperationsProvider.get().name());
    Path folder = Path.of(options.get("-m"));
    Path temporary = null;
    if (System.getenv("JLAMA_WEIGHTS") != null) {
      DType type = DType.valueOf(System.getenv("JLAMA_WEIGHTS"));
      temporary = Files.createTempDirectory("jlama");
      folder =
          SafeTensorSupport.quantizeModel(
              folder, type, new String[] {}, new String[] {}, Optional.of(temporary));
    }
    // Activations as Jlama's own command line has them.
    try (AbstractModel model = ModelSupport.loadModel(folder.toFile(), DType.F32, DType.I8)) {
      int prompt = last(options.getOrDefault("-p", "0"));
      int written = last(options.getOrDefault("-n", "0"));
      int depth = last(options.getOrDefault("-d", "0"));
      JlamaBench bench = new JlamaBench(model);
      long start = System.nanoTime();
      while (System.nanoTime() - start < WARM_UP_NANOS) {
        bench.seconds(prompt, Math.min(written, 16), 1);
      }
      double speed = Math.max(prompt, written) / bench.seconds(prompt, written, depth);
      System.out.println("[{\"avg_ts\": " + speed + "}]");
    } finally {
      delete(temporary);
    }
    System.exit(0);
  }

  private static int last(String list) {
    return Integer.parseInt(list.substring(list.lastIndexOf(',') + 1));
  }

  private static void delete(Path folder) throws IOException {
    if (folder != null) {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }

  /** What reading a prompt takes, or writing behind {@code depth} tokens. */
  private double seconds(int prompt, int written, int depth) {
    try (KvBuffer cache = new KvBufferCache(model).getEphemeralKvBuffer();
        AbstractTensor logits = model.makeDenseTensor(vocabulary)) {
      if (prompt == 0 && depth > 0) {
        model.batchForward(tokens(depth), 0, cache).close();
      }
      long start = System.nanoTime();
      if (prompt > 0) {
        try (AbstractTensor hidden = model.batchForward(tokens(prompt), 0, cache)) {
          model.sample(hidden.slice(hidden.shape().first() - 1), 0, 0, logits);
        }
      } else {
        int token = 1;
        for (int i = 0; i < written; i++) {
          try (AbstractTensor hidden = model.forward(token, depth + i, cache, Optional.empty())) {
            token = model.sample(hidden, 0, 0, logits);
          }
        }
      }
      return (System.nanoTime() - start) / 1e9;
    }
  }

  private int[] tokens(int count) {
    return RANDOM.ints(count, 0, vocabulary).toArray();
  }
}
