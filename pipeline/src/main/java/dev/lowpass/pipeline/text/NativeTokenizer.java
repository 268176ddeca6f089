package dev.lowpass.pipeline.text;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Hugging Face's tokenizer behind DJL's JNI layer. The layer is called directly: DJL's own {@code
 * HuggingFaceTokenizer} truncates to 512 tokens unless told otherwise, fetches every token's text
 * and offsets, and on a cloud machine reports its use. Thread-safe; closing waits for running
 * calls.
 */
final class NativeTokenizer implements AutoCloseable {
  private static final FutureTask<TokenizersLibrary> LIBRARY =
      new FutureTask<>(NativeTokenizer::load);

  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private final TokenizersLibrary library;
  private long handle;

  /** Begins to load the library, which takes as long as reading a large tokenizer.json. */
  static void loadAhead() {
    if (!LIBRARY.isDone()) {
      Thread loader = new Thread(LIBRARY, "lowpass-tokenizer-library");
      loader.setDaemon(true);
      loader.start();
    }
  }

  private static TokenizersLibrary library() {
    // Does nothing where another thread does it, or has done it.
    LIBRARY.run();
    try {
      return LIBRARY.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while the tokenizer library was loaded");
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause().getMessage(), e.getCause());
    }
  }

  /**
   * Takes the text of a tokenizer.json; throws a RuntimeException that says what is wrong in it.
   */
  NativeTokenizer(String json) {
    this.library = library();
    this.handle = library.createTokenizerFromString(json);
  }

  /**
   * The ids of a text.
   *
   * @param text must be well-formed UTF-16, and not so long that the pre-tokenizer's regular
   *     expression can run into its limit: the library ends the process then
   * @param withSpecial whether the post-processor may add tokens
   */
  int[] encode(String text, boolean withSpecial) {
    lock.readLock().lock();
    try {
      if (handle == 0) {
        throw new IllegalStateException("the tokenizer is closed");
      }
      long encoding = library.encode(handle, text, withSpecial);
      try {
        long[] wide = library.getTokenIds(encoding);
        int[] ids = new int[wide.length];
        for (int i = 0; i < ids.length; i++) {
          ids[i] = (int) wide[i];
        }
        return ids;
      } finally {
        library.deleteEncoding(encoding);
      }
    } finally {
      lock.readLock().unlock();
    }
  }

  @Override
  public void close() {
    lock.writeLock().lock();
    try {
      if (handle != 0) {
        library.deleteTokenizer(handle);
        handle = 0;
      }
    } finally {
      lock.writeLock().unlock();
    }
  }

  /**
   * Loads the native library from a private folder of this process that is gone afterwards. DJL's
   * own way, a cache in the home folder, fails where that is read-only and asks the network for a
   * CUDA build where it sees a GPU. Who sets RUST_LIBRARY_PATH in the environment still decides.
   */
  private static TokenizersLibrary load() {
    if (System.getenv("RUST_LIBRARY_PATH") != null
        || System.getProperty("RUST_LIBRARY_PATH") != null) {
      LibUtils.checkStatus();
      return TokenizersLibrary.LIB;
    }
    String file = System.mapLibraryName("tokenizers");
    List<String> failures = new ArrayList<>();
    for (Path parent : candidates()) {
      Path folder = null;
      try {
        folder = Files.createTempDirectory(parent, "lowpass-tokenizers");
        extract(file, folder.resolve(file));
        // LibUtils loads it, not this class: natives belong to the class loader of the caller.
        System.setProperty("RUST_LIBRARY_PATH", folder.resolve(file).toString());
        LibUtils.checkStatus();
        return TokenizersLibrary.LIB;
      } catch (IOException e) {
        failures.add(parent + ": " + e);
      } finally {
        System.clearProperty("RUST_LIBRARY_PATH");
        delete(folder, file);
      }
    }
    throw new IllegalStateException("no folder for the tokenizer library: " + failures);
  }

  private static Set<Path> candidates() {
    Set<Path> folders = new LinkedHashSet<>();
    folders.add(Path.of(System.getProperty("java.io.tmpdir")));
    folders.add(Path.of("").toAbsolutePath());
    folders.add(Path.of(System.getProperty("user.home")));
    return folders;
  }

  private static void extract(String file, Path target) throws IOException {
    String resource = "native/lib/" + platform() + "/cpu/" + file;
    try (InputStream in = LibUtils.class.getClassLoader().getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException(
            "there is no tokenizer library for this platform (" + platform() + ")");
      }
      Files.copy(in, target);
    }
    // Checked before loading, because LibUtils cannot try twice: false on a noexec mount.
    if (!target.toFile().setExecutable(true) || !Files.isExecutable(target)) {
      throw new IOException("libraries cannot be run from there");
    }
  }

  private static String platform() {
    String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String arch = System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
    return (os.startsWith("mac") ? "osx" : os) + "-" + arch;
  }

  /** The library stays mapped after its file is gone; where it does not, the system cleans up. */
  private static void delete(Path folder, String file) {
    if (folder != null) {
      try {
        Files.deleteIfExists(folder.resolve(file));
        Files.deleteIfExists(folder);
      } catch (IOException e) {
        folder.toFile().deleteOnExit();
      }
    }
  }
}
