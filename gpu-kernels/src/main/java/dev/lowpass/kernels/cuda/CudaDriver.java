package dev.lowpass.kernels.cuda;

import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN;
import static jcuda.driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
import static jcuda.driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES;
import static jcuda.driver.CUresult.CUDA_ERROR_NOT_FOUND;
import static jcuda.driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY;
import static jcuda.driver.CUresult.CUDA_SUCCESS;

import dev.lowpass.kernels.DeviceException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUctx_flags;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUfunction;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;

/**
 * CUDA's driver API through JCuda: one GPU's primary context, one stream, and the kernels that the
 * jar brings along. Needs NVIDIA's driver on the machine, and no toolkit.
 */
final class CudaDriver implements Driver {
  /**
   * Where the build puts the kernels' modules, and their list; absent if it found no {@code nvcc}.
   */
  private static final String MODULES = "/dev/lowpass/kernels/cuda/modules/";

  /** Older GPUs have no asynchronous copies. */
  private static final int OLDEST = 80;

  /** Bytes of a piece of pinned memory, and how many of them take turns. */
  private static final int STAGE_BYTES = 8 << 20;

  private static final int STAGES = 3;

  /** Dynamic shared memory that a kernel has without asking. */
  private static final int DEFAULT_SHARED_BYTES = 48 << 10;

  private final CUdevice device;
  private final CUcontext context = new CUcontext();
  private final List<CUmodule> modules = new ArrayList<>();
  private final CUstream stream = new CUstream();
  private final String description;
  private final Map<String, CUfunction> functions = new HashMap<>();
  private final Stage[] stages = new Stage[STAGES];
  private int stage;
  private Thread boundTo;
  // A launch's parameters: an array of one pointer to the argument's bytes.
  private ByteBuffer parameter;
  private Pointer parameters;

  /** Pinned memory that the GPU copies from, used from its begin to its end. */
  private record Stage(Pointer pointer, ByteBuffer bytes, CUevent read) {}

  /** A device address as JCuda passes it on. */
  private static final class Address extends CUdeviceptr {
    Address() {}

    Address(long address) {
      super(new CUdeviceptr(), address);
    }

    long value() {
      return getNativePointer() + getByteOffset();
    }
  }

  /**
   * Opens a GPU.
   *
   * @param ordinal which of those that the process sees
   * @throws IllegalArgumentException if something is missing, in one line that says what
   */
  static CudaDriver open(int ordinal) {
    return open(ordinal, images());
  }

  /** Opens a GPU with other modules than the jar's: direct buffers, from position 0. */
  static CudaDriver open(int ordinal, List<ByteBuffer> images) {
    loadJCuda();
    int[] count = new int[1];
    int result = count(count);
    if (result != CUDA_SUCCESS || count[0] == 0) {
      throw new IllegalArgumentException(
          "--device cuda: the NVIDIA driver sees no GPU ("
              + (result == CUDA_SUCCESS ? "none is visible" : CUresult.stringFor(result))
              + ")");
    }
    if (ordinal >= count[0]) {
      throw new IllegalArgumentException(
          "--device cuda: there is no GPU " + ordinal + ", the process sees " + count[0]);
    }
    return new CudaDriver(ordinal, images);
  }

  /** GPUs that the process sees; 0 where there is no driver. */
  static int count() {
    try {
      loadJCuda();
    } catch (IllegalArgumentException e) {
      return 0;
    }
    int[] count = new int[1];
    return count(count) == CUDA_SUCCESS ? count[0] : 0;
  }

  private static int count(int[] count) {
    int result = JCudaDriver.cuInit(0);
    return result == CUDA_SUCCESS ? JCudaDriver.cuDeviceGetCount(count) : result;
  }

  private static List<ByteBuffer> images() {
    byte[] list = resource("list");
    if (list == null) {
      throw new IllegalArgumentException(
          "--device cuda: this build has no GPU kernels; build it where CUDA's nvcc (12.8 or newer) is on the PATH");
    }
    List<ByteBuffer> images = new ArrayList<>();
    for (String module : new String(list, StandardCharsets.UTF_8).split("\n")) {
      byte[] image = resource(module);
      // Not an array: JCuda would stop garbage collection while the driver compiles.
      images.add(ByteBuffer.allocateDirect(image.length).put(image).flip());
    }
    return images;
  }

  private static byte[] resource(String name) {
    try (InputStream in = CudaDriver.class.getResourceAsStream(MODULES + name)) {
      return in == null ? null : in.readAllBytes();
    } catch (IOException e) {
      throw new IllegalArgumentException("--device cuda: cannot read the GPU kernels", e);
    }
  }

  private static void loadJCuda() {
    // JCuda unpacks its library to a fixed name in this folder, where another process may be at it.
    String shared = System.getProperty("java.io.tmpdir");
    try {
      Path own = Files.createTempDirectory("lowpass-jcuda");
      System.setProperty("java.io.tmpdir", own.toString());
      JCudaDriver.setExceptionsEnabled(false);
      // Loaded, the library needs no name any more.
      try (DirectoryStream<Path> unpacked = Files.newDirectoryStream(own)) {
        for (Path library : unpacked) {
          Files.delete(library);
        }
      }
      Files.delete(own);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "--device cuda: cannot unpack JCuda's library into " + shared, e);
    } catch (LinkageError e) {
      throw new IllegalArgumentException(
          "--device cuda: the NVIDIA driver (libcuda.so.1) is not on this machine, or JCuda has no library for it",
          e);
    } finally {
      System.setProperty("java.io.tmpdir", shared);
    }
  }

  private CudaDriver(int ordinal, List<ByteBuffer> images) {
    device = new CUdevice();
    check(JCudaDriver.cuDeviceGet(device, ordinal), "GPU " + ordinal);
    int architecture =
        10 * attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
            + attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
    byte[] name = new byte[256];
    check(JCudaDriver.cuDeviceGetName(name, name.length, device), "GPU " + ordinal);
    String model = new String(name, StandardCharsets.UTF_8).trim();
    if (architecture < OLDEST) {
      throw new IllegalArgumentException(
          String.format(
              "--device cuda: %s is sm_%d; the kernels need sm_%d or newer",
              model, architecture, OLDEST));
    }
    // A thread that waits sleeps: it would else take a core from its neighbours.
    JCudaDriver.cuDevicePrimaryCtxSetFlags(device, CUctx_flags.CU_CTX_SCHED_BLOCKING_SYNC);
    check(JCudaDriver.cuDevicePrimaryCtxRetain(context, device), "a context on " + model);
    bind();
    description =
        String.format(
            "%s, sm_%d, %.0f GiB", model, architecture, totalBytes() / (double) (1L << 30));
    for (ByteBuffer image : images) {
      CUmodule module = new CUmodule();
      int loaded =
          JCudaDriver.cuModuleLoadDataEx(
              module, Pointer.to(image), 0, new int[0], Pointer.to(new int[0]));
      if (loaded != CUDA_SUCCESS) {
        int[] version = new int[1];
        JCudaDriver.cuDriverGetVersion(version);
        JCudaDriver.cuDevicePrimaryCtxRelease(device);
        throw new IllegalArgumentException(
            String.format(
                "--device cuda: the driver (CUDA %d.%d) does not take the kernels for %s (%s): update it",
                version[0] / 1000, version[0] % 1000 / 10, model, CUresult.stringFor(loaded)));
      }
      modules.add(module);
    }
    check(JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING), "a stream");
    for (int i = 0; i < STAGES; i++) {
      Pointer pointer = new Pointer();
      check(JCudaDriver.cuMemHostAlloc(pointer, STAGE_BYTES, 0), "pinned memory");
      CUevent read = new CUevent();
      check(JCudaDriver.cuEventCreate(read, CUevent_flags.CU_EVENT_DISABLE_TIMING), "an event");
      ByteBuffer bytes = pointer.getByteBuffer(0, STAGE_BYTES).order(ByteOrder.nativeOrder());
      stages[i] = new Stage(pointer, bytes, read);
    }
  }

  private int attribute(int attribute) {
    int[] value = new int[1];
    check(JCudaDriver.cuDeviceGetAttribute(value, attribute, device), "the GPU's attributes");
    return value[0];
  }

  @Override
  public String description() {
    return description;
  }

  @Override
  public long allocate(long bytes) {
    bind();
    Address address = new Address();
    int result = JCudaDriver.cuMemAlloc(address, bytes);
    if (result == CUDA_ERROR_OUT_OF_MEMORY) {
      return 0;
    }
    check(result, "taking " + bytes + " bytes");
    return address.value();
  }

  @Override
  public void free(long address) {
    bind();
    check(JCudaDriver.cuMemFree(new Address(address)), "freeing memory");
  }

  @Override
  public long freeBytes() {
    return memory()[0];
  }

  @Override
  public long totalBytes() {
    return memory()[1];
  }

  private long[] memory() {
    bind();
    long[] free = new long[1];
    long[] total = new long[1];
    check(JCudaDriver.cuMemGetInfo(free, total), "asking for free memory");
    return new long[] {free[0], total[0]};
  }

  @Override
  public void copyToDevice(long to, ByteBuffer from) {
    bind();
    ByteBuffer rest = from.duplicate();
    long address = to;
    while (rest.hasRemaining()) {
      ByteBuffer staged = stages[stage].bytes;
      if (!staged.hasRemaining()) {
        nextStage();
        continue;
      }
      int bytes = Math.min(rest.remaining(), staged.remaining());
      int begin = staged.position();
      staged.put(rest.slice().limit(bytes));
      rest.position(rest.position() + bytes);
      check(
          JCudaDriver.cuMemcpyHtoDAsync(
              new Address(address), stages[stage].pointer.withByteOffset(begin), bytes, stream),
          "copying to the GPU");
      address += bytes;
    }
  }

  /** Goes on with the stage that was filled longest ago, when the GPU has read it. */
  private void nextStage() {
    check(JCudaDriver.cuEventRecord(stages[stage].read, stream), "copying to the GPU");
    stage = (stage + 1) % STAGES;
    check(JCudaDriver.cuEventSynchronize(stages[stage].read), "copying to the GPU");
    stages[stage].bytes.clear();
  }

  @Override
  public void copyToHost(ByteBuffer to, long from) {
    bind();
    check(
        JCudaDriver.cuMemcpyDtoHAsync(
            Pointer.toBuffer(to), new Address(from), to.remaining(), stream),
        "copying from the GPU");
    check(JCudaDriver.cuStreamSynchronize(stream), "waiting for the GPU");
  }

  @Override
  public void copy(long to, long from, long bytes) {
    bind();
    check(
        JCudaDriver.cuMemcpyDtoDAsync(new Address(to), new Address(from), bytes, stream),
        "copying on the GPU");
  }

  @Override
  public void clear(long address, long bytes) {
    bind();
    check(
        JCudaDriver.cuMemsetD8Async(new Address(address), (byte) 0, bytes, stream),
        "clearing memory");
  }

  @Override
  public void launch(String kernel, Grid grid, int threads, int sharedBytes, ByteBuffer arguments) {
    bind();
    CUfunction function = functions.computeIfAbsent(kernel, this::function);
    if (arguments != parameter) {
      parameter = arguments;
      parameters = Pointer.to(Pointer.to(arguments));
    }
    int result =
        JCudaDriver.cuLaunchKernel(
            function,
            grid.x(),
            grid.y(),
            grid.z(),
            threads,
            1,
            1,
            sharedBytes,
            stream,
            parameters,
            null);
    if (result != CUDA_SUCCESS) {
      throw failure(
          result,
          String.format(
              "%s (%d, %d, %d blocks of %d threads, %d bytes of shared memory)",
              kernel, grid.x(), grid.y(), grid.z(), threads, sharedBytes));
    }
  }

  @Override
  public Graph graph(Runnable launches) {
    bind();
    CUgraph graph = new CUgraph();
    CUgraphExec executable = new CUgraphExec();
    String what = "putting launches together";
    check(
        JCudaDriver.cuStreamBeginCapture(
            stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
        what);
    try {
      launches.run();
    } finally {
      check(JCudaDriver.cuStreamEndCapture(stream, graph), what);
    }
    int result = JCudaDriver.cuGraphInstantiate(executable, graph, 0);
    JCudaDriver.cuGraphDestroy(graph);
    check(result, what);
    return new Graph() {
      @Override
      public void launch() {
        bind();
        check(JCudaDriver.cuGraphLaunch(executable, stream), "launches that were put together");
      }

      @Override
      public void close() {
        bind();
        JCudaDriver.cuGraphExecDestroy(executable);
      }
    };
  }

  private CUfunction function(String kernel) {
    CUfunction function = new CUfunction();
    int found = CUDA_ERROR_NOT_FOUND;
    for (int i = 0; i < modules.size() && found == CUDA_ERROR_NOT_FOUND; i++) {
      found = JCudaDriver.cuModuleGetFunction(function, modules.get(i), kernel);
    }
    check(found, "the kernel " + kernel);
    // As much as any launch of it asks for; the launch itself says how much.
    int most = attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
    int[] fixed = new int[1];
    check(
        JCudaDriver.cuFuncGetAttribute(fixed, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, function),
        "the kernel " + kernel);
    if (most - fixed[0] > DEFAULT_SHARED_BYTES) {
      check(
          JCudaDriver.cuFuncSetAttribute(
              function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, most - fixed[0]),
          "the kernel " + kernel);
    }
    return function;
  }

  /** A context is current to a thread, and Spark's tasks come on many. */
  private void bind() {
    Thread thread = Thread.currentThread();
    if (thread != boundTo) {
      check(JCudaDriver.cuCtxSetCurrent(context), "the GPU's context");
      boundTo = thread;
    }
  }

  private void check(int result, String what) {
    if (result != CUDA_SUCCESS) {
      throw failure(result, what);
    }
  }

  /** Launches fail late: what the driver reports at one call may be the fault of one before. */
  private DeviceException failure(int result, String what) {
    String[] explanation = new String[1];
    JCudaDriver.cuGetErrorString(result, explanation);
    return new DeviceException(
        String.format(
            "%s: %s failed with %s (%s), or something launched before it",
            description == null ? "CUDA" : description,
            what,
            CUresult.stringFor(result),
            explanation[0]));
  }

  @Override
  public void close() {
    bind();
    // Errors here were reported where they arose, or do not matter any more.
    JCudaDriver.cuStreamSynchronize(stream);
    for (Stage piece : stages) {
      JCudaDriver.cuEventDestroy(piece.read);
      JCudaDriver.cuMemFreeHost(piece.pointer);
    }
    JCudaDriver.cuStreamDestroy(stream);
    modules.forEach(JCudaDriver::cuModuleUnload);
    JCudaDriver.cuDevicePrimaryCtxRelease(device);
  }
}
