package dev.lowpass.pipeline.check;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Devices;
import dev.lowpass.kernels.KernelBench;
import dev.lowpass.kernels.KernelBench.Figure;
import dev.lowpass.kernels.cuda.DeviceTests;
import dev.lowpass.pipeline.model.RandomModel;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Whether Lowpass works on a machine's GPU, and how fast: the device's tests, the bundled model's
 * answers next to the CPU's, the kernels' speed and a whole model's. It is what the archive of
 * {@code gpu-kernels/bin/gpu-check} runs.
 */
public final class GpuCheck {
  private static final String USAGE =
      """
      usage: gpu-check [--device cuda|cuda:N] [--quick | --full] [--json FILE] [--work DIR]

      --device  the GPU to check; the first one that the process sees unless told otherwise
      --quick   a few tests and tiny sizes: whether it runs at all
      --full    the speed of a model of Llama-3.1-8B's shape (needs 24 GB of GPU memory and 17 GB in DIR),
                else of Llama-3.2-1B's (3 GB)
      --json    a file for the results
      --work    a folder for the random model; the system's for temporary files unless told otherwise
      """;

  private final Plan plan;
  private final String device;
  private final Path samples;
  private final PrintStream out;
  private final Map<String, Object> results = new LinkedHashMap<>();
  private boolean failed;

  /** What is checked and measured. */
  private record Plan(
      Pattern tests, List<Answers.Policy> policies, KernelBench.Sizes kernels, Shape shape) {
    private static final List<Answers.Policy> POLICIES =
        List.of(
            new Answers.Policy("full", 0, "full"),
            new Answers.Policy("full", 0, "fastkv"),
            new Answers.Policy("freqkv", 256, "full"),
            new Answers.Policy("hybrid", 256, "full"));

    static Plan quick() {
      return new Plan(
          Pattern.compile("Sample.*"),
          POLICIES.subList(3, 4),
          KernelBench.Sizes.EMULATOR,
          Shape.TINY);
    }

    static Plan of(Shape shape) {
      return new Plan(Pattern.compile(".*"), POLICIES, KernelBench.Sizes.GPU, shape);
    }
  }

  private GpuCheck(Plan plan, String device, Path samples, PrintStream out) {
    this.plan = plan;
    this.device = device;
    this.samples = samples;
    this.out = out;
  }

  /** Runs it, and ends the process with {@link #run}'s status. */
  public static void main(String[] arguments) throws IOException {
    System.exit(run(arguments, System.out, System.err));
  }

  /**
   * Runs a check.
   *
   * @return 0 if all is well, 1 if something failed or there is no GPU, 2 if the arguments are
   *     wrong
   */
  static int run(String[] arguments, PrintStream out, PrintStream err) throws IOException {
    String device = "cuda";
    Plan plan = Plan.of(Shape.LLAMA_1B);
    Path json = null;
    Path work = Path.of(System.getProperty("java.io.tmpdir"));
    Path samples = Path.of("sample-data");
    for (int i = 0; i < arguments.length; i++) {
      switch (arguments[i]) {
        case "--quick" -> plan = Plan.quick();
        case "--full" -> plan = Plan.of(Shape.LLAMA_8B);
        case "--help" -> {
          out.print(USAGE);
          return 0;
        }
        case "--device", "--json", "--work", "--sample-data" -> {
          if (i + 1 == arguments.length) {
            err.println("gpu-check: " + arguments[i] + " needs a value");
            return 2;
          }
          String value = arguments[++i];
          switch (arguments[i - 1]) {
            case "--device" -> device = value;
            case "--json" -> json = Path.of(value);
            case "--work" -> work = Path.of(value);
            default -> samples = Path.of(value);
          }
        }
        default -> {
          err.println("gpu-check: unknown option " + arguments[i]);
          err.print(USAGE);
          return 2;
        }
      }
    }
    GpuCheck check = new GpuCheck(plan, device, samples, out);
    try {
      check.run(work);
    } catch (IllegalArgumentException e) {
      // A device that cannot be opened says in one line what is missing.
      err.println("gpu-check: " + e.getMessage());
      return 1;
    }
    if (json != null) {
      new ObjectMapper().writerWithDefaultPrettyPrinter().writeValue(json.toFile(), check.results);
    }
    return check.failed ? 1 : 0;
  }

  private void run(Path work) throws IOException {
    try (Device opened = Devices.open(device, 0)) {
      results.put("device", opened.description());
    }
    results.put("at", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    out.printf("device  %s%n%n", results.get("device"));
    test();
    answer();
    List<Figure> figures = new ArrayList<>();
    try (Device opened = Devices.open(device, 0)) {
      KernelBench.run(opened, plan.kernels()).forEach(figure -> print(figure, figures));
    }
    Path folder = Files.createTempDirectory(work, "gpu-check");
    try {
      Path model = folder.resolve(plan.shape().name());
      RandomModel.write(model, plan.shape().model(), RandomModel.Type.BF16, plan.shape().window());
      EngineBench.run(model, device, plan.shape()).forEach(figure -> print(figure, figures));
    } finally {
      delete(folder);
    }
    results.put("figures", figures.stream().map(GpuCheck::entries).toList());
    results.put("passed", !failed);
    out.printf("%n%s%n", failed ? "FAILED" : "All is well.");
  }

  /** The device's tests. */
  private void test() {
    DeviceTests.Report report = DeviceTests.run(device, plan.tests());
    row("device tests", report.passed() + " passed, " + report.failures().size() + " failed");
    report.failures().forEach(failure -> out.println("    " + failure));
    failed |= !report.failures().isEmpty() || report.passed() == 0;
    results.put("tests", Map.of("passed", report.passed(), "failures", report.failures()));
  }

  /** The bundled model's answers. */
  private void answer() throws IOException {
    Map<String, Object> same = new LinkedHashMap<>();
    for (Answers.Policy policy : plan.policies()) {
      List<List<Integer>> expected = Answers.of(samples, "cpu", policy);
      boolean equal = Answers.of(samples, device, policy).equals(expected);
      row("answers, " + policy, equal ? "the CPU's" : "NOT the CPU's");
      failed |= !equal;
      same.put(policy.toString(), equal);
    }
    results.put("answers_are_the_cpus", same);
  }

  private void print(Figure figure, List<Figure> figures) {
    String digits = figure.value() >= 100 ? "%.0f %s" : figure.value() >= 1 ? "%.2f %s" : "%.2g %s";
    String value = String.format(Locale.ROOT, digits, figure.value(), figure.unit());
    String limit =
        Double.isNaN(figure.limit())
            ? ""
            : String.format(Locale.ROOT, " (%.2f of the copy)", figure.limit());
    row(figure.name(), value + limit);
    figures.add(figure);
  }

  private void row(String what, String result) {
    out.printf("%-64s %s%n", what, result);
    out.flush();
  }

  private static Map<String, Object> entries(Figure figure) {
    Map<String, Object> entries = new LinkedHashMap<>();
    entries.put("name", figure.name());
    entries.put("value", figure.value());
    entries.put("unit", figure.unit());
    entries.put("of_copy_bandwidth", Double.isNaN(figure.limit()) ? null : figure.limit());
    return entries;
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
