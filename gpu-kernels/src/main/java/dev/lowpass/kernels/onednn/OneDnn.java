package dev.lowpass.kernels.onednn;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * oneDNN on the CPU, by its C API: the one matrix product that the Vector API has no instructions
 * for, and what belongs to it. The library comes in a jar of its own (Maven Central's {@code
 * org.bytedeco:dnnl}, class {@code linux-x86_64}), which must be on the class path; nothing else of
 * JavaCPP is needed.
 *
 * <p>A {@link Primitive} computes on the thread that runs it and on no other: OpenMP's team, which
 * oneDNN would share its work out to, is kept at one thread, so that a caller's threads are all
 * there are.
 */
public final class OneDnn {
  /** The jar that has the library. */
  public static final String JAR = "dnnl-3.11-1.5.13-linux-x86_64.jar";

  private static final String FROM =
      "https://repo1.maven.org/maven2/org/bytedeco/dnnl/3.11-1.5.13/" + JAR;

  private static final String RESOURCES = "org/bytedeco/dnnl/linux-x86_64/";
  private static final String LIBRARY = "libdnnl.so.3";

  /** OpenMP's library, which the other one looks for beside itself. */
  private static final String OPEN_MP = "libgomp.so.1";

  private static OneDnn opened;

  private final long engine;
  private final long stream;
  private final String version;

  private OneDnn() {
    load();
    try (Memory result = new Memory(Long.BYTES)) {
      check("engine", Api.dnnl_engine_create(result, Api.CPU, 0));
      engine = result.getLong(0);
      check("stream", Api.dnnl_stream_create(result, engine, Api.DEFAULT_STREAM));
      stream = result.getLong(0);
    }
    Pointer numbers = new Pointer(Api.dnnl_version());
    version = numbers.getInt(0) + "." + numbers.getInt(4) + "." + numbers.getInt(8);
  }

  /**
   * The library, loaded on first use and for good.
   *
   * @throws IllegalArgumentException if it cannot be had or would be no faster here, in one line
   *     that says what is missing
   */
  public static synchronized OneDnn get() {
    if (opened == null) {
      OneDnn library = new OneDnn();
      int isa = Api.dnnl_get_effective_cpu_isa();
      if ((isa & Api.AVX512_BF16) != Api.AVX512_BF16) {
        throw new IllegalArgumentException(
            "oneDNN's BF16 products need a processor with AVX-512 BF16 or AMX, which this one has"
                + " not: use the device cpu");
      }
      opened = library;
    }
    return opened;
  }

  /** {@code 3.11.0 with AMX}. */
  public String description() {
    boolean amx = (Api.dnnl_get_effective_cpu_isa() & Api.AMX) == Api.AMX;
    return version + (amx ? " with AMX" : " with AVX-512 BF16");
  }

  /**
   * A product of rows with a weight: {@code out[i, o] = sum over c of in[i, c] * weight[o, c]},
   * sums in float32. It is run with the addresses of {@code in [rows, columns]} and {@code weight
   * [outputs, columns]}, both BF16, of {@code out [rows, outputs]}, float32, and of scratch memory.
   */
  public Primitive product(int rows, int outputs, int columns) {
    try (Memory result = new Memory(Long.BYTES)) {
      long in = matrix(result, rows, columns, Api.BF16, columns, 1);
      long weight = matrix(result, columns, outputs, Api.BF16, 1, columns);
      long out = matrix(result, rows, outputs, Api.F32, outputs, 1);
      check("attributes", Api.dnnl_primitive_attr_create(result));
      long attributes = result.getLong(0);
      check(
          "attributes",
          Api.dnnl_primitive_attr_set_scratchpad_mode(attributes, Api.SCRATCHPAD_OF_CALLER));
      check(
          "product",
          Api.dnnl_matmul_primitive_desc_create(result, engine, in, weight, 0, out, attributes));
      long description = result.getLong(0);
      Api.dnnl_primitive_attr_destroy(attributes);
      // The descriptions stay with the primitive's memory objects; this one is the library's own.
      long scratch = Api.dnnl_primitive_desc_query_md(description, Api.QUERY_SCRATCHPAD, 0);
      return new Primitive(
          result,
          description,
          new int[] {Api.SRC, Api.WEIGHTS, Api.DST, Api.SCRATCHPAD},
          in,
          weight,
          out,
          scratch);
    }
  }

  /**
   * Rounds floats to the nearest BF16, ties to even. It is run with the addresses of {@code count}
   * floats and of where their BF16 go.
   */
  public Primitive rounding(int count) {
    try (Memory result = new Memory(Long.BYTES)) {
      long in = matrix(result, 1, count, Api.F32, count, 1);
      long out = matrix(result, 1, count, Api.BF16, count, 1);
      check("rounding", Api.dnnl_reorder_primitive_desc_create(result, in, engine, out, engine, 0));
      return new Primitive(result, result.getLong(0), new int[] {Api.SRC, Api.DST}, in, out);
    }
  }

  private static long matrix(
      Memory result, long rows, long columns, int type, long rowStride, long columnStride) {
    try (Memory sizes = new Memory(Api.MAX_DIMENSIONS * Long.BYTES);
        Memory strides = new Memory(Api.MAX_DIMENSIONS * Long.BYTES)) {
      sizes.setLong(0, rows);
      sizes.setLong(Long.BYTES, columns);
      strides.setLong(0, rowStride);
      strides.setLong(Long.BYTES, columnStride);
      check("shape", Api.dnnl_memory_desc_create_with_strides(result, 2, sizes, type, strides));
      return result.getLong(0);
    }
  }

  private static void check(String what, int status) {
    if (status != 0) {
      throw new IllegalStateException("oneDNN: " + what + ": status " + status);
    }
  }

  /** One operation on operands of fixed shapes. One thread may run it at a time. */
  public final class Primitive implements AutoCloseable {
    private final long primitive;
    private final long[] memories;
    private final Memory arguments;
    private final long scratchBytes;

    private Primitive(Memory result, long description, int[] names, long... shapes) {
      check("primitive", Api.dnnl_primitive_create(result, description));
      primitive = result.getLong(0);
      memories = new long[shapes.length];
      arguments = new Memory(16L * shapes.length);
      for (int i = 0; i < shapes.length; i++) {
        check("operand", Api.dnnl_memory_create(result, shapes[i], engine, 0));
        memories[i] = result.getLong(0);
        arguments.setInt(16L * i, names[i]);
        arguments.setLong(16L * i + 8, memories[i]);
      }
      boolean scratch = names[names.length - 1] == Api.SCRATCHPAD;
      int last = shapes.length - 1;
      scratchBytes = scratch ? Api.dnnl_memory_desc_get_size(shapes[last]) : 0;
      for (int i = 0; i < (scratch ? last : shapes.length); i++) {
        Api.dnnl_memory_desc_destroy(shapes[i]);
      }
      Api.dnnl_primitive_desc_destroy(description);
    }

    /** Scratch memory that a run takes, in bytes. */
    public long scratchBytes() {
      return scratchBytes;
    }

    /** Runs it on this thread, with operands at these addresses. */
    public void run(long... addresses) {
      for (int i = 0; i < memories.length; i++) {
        Api.dnnl_memory_set_data_handle(memories[i], addresses[i]);
      }
      // OpenMP keeps the number for each thread that asks.
      Api.omp_set_num_threads(1);
      check("execution", Api.dnnl_primitive_execute(primitive, stream, memories.length, arguments));
      check("execution", Api.dnnl_stream_wait(stream));
    }

    /** Gives its memory back. */
    @Override
    public void close() {
      Api.dnnl_primitive_destroy(primitive);
      for (long memory : memories) {
        Api.dnnl_memory_destroy(memory);
      }
      arguments.close();
    }
  }

  private static void load() {
    if (!Platform.isLinux() || !Platform.isIntel() || !Platform.is64Bit()) {
      throw new IllegalArgumentException(
          "oneDNN is used on Linux on x86-64 only: use the device cpu");
    }
    Path folder = null;
    try {
      folder = Files.createTempDirectory("lowpass-onednn");
      for (String name : List.of(OPEN_MP, LIBRARY)) {
        unpack(name, folder.resolve(name));
      }
      NativeLibrary library = NativeLibrary.getInstance(folder.resolve(LIBRARY).toString());
      Native.register(Api.class, library);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "oneDNN's library could not be unpacked into -Djava.io.tmpdir: " + e.getMessage(), e);
    } catch (UnsatisfiedLinkError e) {
      throw new IllegalArgumentException(
          "oneDNN's library did not load from "
              + folder
              + " (a folder mounted noexec? set -Djava.io.tmpdir): "
              + e.getMessage(),
          e);
    } finally {
      // Loaded, it needs its files no more: nothing is left behind, whatever ends the process.
      delete(folder);
    }
  }

  private static void unpack(String name, Path to) throws IOException {
    List<ClassLoader> loaders = new ArrayList<>();
    // Jars that a Spark job brings along are known to the threads' class loader.
    loaders.add(Thread.currentThread().getContextClassLoader());
    loaders.add(OneDnn.class.getClassLoader());
    for (ClassLoader loader : loaders) {
      try (InputStream in = loader == null ? null : loader.getResourceAsStream(RESOURCES + name)) {
        if (in != null) {
          Files.copy(in, to);
          return;
        }
      }
    }
    throw new IllegalArgumentException(
        "oneDNN is not on the class path: get "
            + FROM
            + " and give it by LOWPASS_JARS=FILE to jobs/bin/lowpass or by --jars to spark-submit");
  }

  private static void delete(Path folder) {
    try {
      if (folder != null) {
        Files.deleteIfExists(folder.resolve(OPEN_MP));
        Files.deleteIfExists(folder.resolve(LIBRARY));
        Files.deleteIfExists(folder);
      }
    } catch (IOException e) {
      throw new IllegalArgumentException("cannot delete " + folder + ": " + e.getMessage(), e);
    }
  }
}
