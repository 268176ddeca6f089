package dev.lowpass.kernels.cuda;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The kernels compiled for the CPU: {@code src/main/cuda} and {@code src/test/native}, by {@code
 * g++}, when they changed since the last time. Tests that need it are skipped where there is no
 * {@code g++}.
 */
final class Emulator {
  /** The functions at the end of {@code emulator.cpp}. */
  interface Functions extends Library {
    String emulatorError();

    long emulatorAllocate(long bytes);

    int emulatorFree(long address);

    void emulatorLimit(long bytes);

    long emulatorUsed();

    long emulatorTotal();

    void emulatorOrder(int seed);

    Pointer emulatorRange(long address, long bytes);

    int emulatorCopy(long to, long from, long bytes);

    int emulatorLaunch(
        String kernel,
        int gridX,
        int gridY,
        int gridZ,
        int blockX,
        int blockY,
        int blockZ,
        int shared,
        Pointer arguments,
        int argumentBytes);
  }

  // Stacks are probed page by page, or a large frame would leap over the page that protects its
  // neighbour.
  private static final String COMPILER =
      "g++ -std=c++17 -O2 -march=native -fPIC -fstack-clash-protection -Wall -Wno-unknown-pragmas";

  private static final class Holder {
    static final Path FOLDER = build();
    static final Functions FUNCTIONS =
        Native.load(FOLDER.resolve("emulator.so").toString(), Functions.class);
  }

  private Emulator() {}

  static Functions functions() {
    assumeCompiler();
    return Holder.FUNCTIONS;
  }

  /** The folder with a {@code libcuda.so.1} for JCuda ({@code driver.cpp}), and the emulator. */
  static Path libraries() {
    assumeCompiler();
    return Holder.FOLDER;
  }

  private static void assumeCompiler() {
    assumeTrue(
        Stream.of(System.getenv("PATH").split(":"))
            .anyMatch(folder -> Files.isExecutable(Path.of(folder, "g++"))),
        "no g++ on the PATH: the CUDA kernels are not tested");
  }

  /** The module's folder, whichever of the project's modules runs the test. */
  private static Path module() {
    Path here = Path.of("src/main/cuda");
    return Files.isDirectory(here) ? Path.of("") : Path.of("../gpu-kernels");
  }

  private static Path build() {
    try {
      Path module = module();
      List<Path> sources = list(module.resolve("src/main/cuda"));
      sources.addAll(list(module.resolve("src/test/native")));
      List<String> compile = new ArrayList<>(List.of(COMPILER.split(" ")));
      compile.add("-DLOWPASS_EMULATOR");
      compile.add("-I" + module.resolve("src/main/cuda"));
      compile.add("-I" + module.resolve("src/test/native"));
      compile.addAll(List.of(System.getProperty("lowpass.emulator.flags", "").split(" ")));
      compile.removeIf(String::isEmpty);
      Path folder = Files.createDirectories(module.resolve("target/emulator")).toAbsolutePath();
      Path libraries = folder.resolve(digest(sources, compile));
      if (!Files.exists(libraries)) {
        Path work = Files.createTempDirectory(folder, "build");
        List<Process> compilers = new ArrayList<>();
        List<String> objects = new ArrayList<>();
        for (Path source : sources) {
          String name = source.getFileName().toString();
          if (name.endsWith(".cu") || name.endsWith(".cpp")) {
            Path object = work.resolve(name + ".o");
            objects.add(object.toString());
            List<String> command = new ArrayList<>(compile);
            command.addAll(List.of("-x", "c++", "-c", source.toString(), "-o", object.toString()));
            compilers.add(start(command, work));
            if (compilers.size() == Runtime.getRuntime().availableProcessors()) {
              await(compilers.remove(0), work);
            }
          }
        }
        for (Process compiler : compilers) {
          await(compiler, work);
        }
        link(compile, objects, "libcuda.so.1", work);
        objects.removeIf(object -> object.endsWith("driver.cpp.o"));
        link(compile, objects, "emulator.so", work);
        Files.move(work, libraries, StandardCopyOption.ATOMIC_MOVE);
      }
      return libraries;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void link(List<String> compile, List<String> objects, String name, Path folder)
      throws IOException {
    List<String> command = new ArrayList<>(compile);
    command.addAll(
        List.of("-shared", "-Wl,-soname," + name, "-o", folder.resolve(name).toString()));
    command.addAll(objects);
    await(start(command, folder), folder);
  }

  private static List<Path> list(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return new ArrayList<>(files.filter(Files::isRegularFile).sorted().toList());
    }
  }

  private static Process start(List<String> command, Path folder) throws IOException {
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("log").toFile()))
        .start();
  }

  private static void await(Process process, Path folder) throws IOException {
    try {
      if (!process.waitFor(5, TimeUnit.MINUTES) || process.exitValue() != 0) {
        throw new IOException("g++ failed:\n" + Files.readString(folder.resolve("log")));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private static String digest(List<Path> sources, List<String> command) throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(String.join(" ", command).getBytes(StandardCharsets.UTF_8));
      // Compiled for the very processor: a build folder may come from another machine.
      digest.update(
          Files.exists(Path.of("/proc/cpuinfo"))
              ? flags().getBytes(StandardCharsets.UTF_8)
              : new byte[0]);
      for (Path source : sources) {
        digest.update(source.getFileName().toString().getBytes(StandardCharsets.UTF_8));
        digest.update(Files.readAllBytes(source));
      }
      return HexFormat.of().formatHex(digest.digest(), 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private static String flags() throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines.filter(line -> line.startsWith("flags")).findFirst().orElse("");
    }
  }
}
