package dev.lowpass.jobs;

import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.udfs.InputException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/**
 * The entry point, for {@code spark-submit --class dev.lowpass.jobs.Lowpass} and for {@code
 * jobs/bin/lowpass}. Exit status: 0 done; 1 failed; 2 bad usage, with one line on stderr that says
 * what to change; 3 finished, but more documents failed than {@code --max-failed} allows; 4 {@code
 * evaluate --compare} found a regression.
 */
@Command(
    name = "lowpass",
    version = "lowpass 0.1.0-SNAPSHOT",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    description = "Turns a corpus of long documents into a table of summaries or extracted fields.",
    subcommands = {
      ExtractCommand.class,
      SummarizeCommand.class,
      GenerateCommand.class,
      BenchCommand.class,
      EvaluateCommand.class,
      InspectCommand.class
    })
public final class Lowpass implements Runnable {
  static final int DONE = 0;
  static final int FAILED = 1;
  static final int USAGE = 2;
  static final int TOO_MANY_FAILED = 3;
  static final int REGRESSED = 4;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  /** Runs a command and ends the JVM with its exit status, where that is its own to end. */
  public static void main(String[] args) {
    // Not System.out, whose encoding is the platform's.
    OutputStream out = new FileOutputStream(FileDescriptor.out);
    OutputStream err = new FileOutputStream(FileDescriptor.err);
    int status = run(out, err, args);
    if (endsJvm(status, System.getProperties())) {
      System.exit(status);
    }
  }

  /**
   * A driver in YARN's application master says by returning that it is done: any exit from there,
   * with status 0 too, is an application that failed and is tried again.
   */
  static boolean endsJvm(int status, Map<?, ?> systemProperties) {
    boolean inApplicationMaster =
        "yarn".equals(systemProperties.get("spark.master"))
            && "cluster".equals(systemProperties.get("spark.submit.deployMode"));
    return status != DONE || !inApplicationMaster;
  }

  /** Runs a command; text goes out as UTF-8. */
  static int run(OutputStream out, OutputStream err, String... args) {
    OptionSources settings = new OptionSources(System.getProperties(), args);
    PrintWriter errors = writer(err);
    CommandLine commands =
        new CommandLine(new Lowpass())
            .setOut(writer(out))
            .setErr(errors)
            .setDefaultValueProvider(settings)
            .setUsageHelpAutoWidth(true)
            .setParameterExceptionHandler((e, arguments) -> refuse(e, settings, errors))
            .setExecutionExceptionHandler(Lowpass::report);
    try {
      settings.checkKeys(commands);
    } catch (UsageException e) {
      errors.println("lowpass: " + e.getMessage());
      return USAGE;
    }
    try {
      return commands.execute(args);
    } catch (OutOfMemoryError | LinkageError e) {
      errors.println("lowpass: " + oneLine(e.toString()));
      return FAILED;
    }
  }

  private static PrintWriter writer(OutputStream stream) {
    return new PrintWriter(new OutputStreamWriter(stream, StandardCharsets.UTF_8), true);
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "no command given; there are: " + String.join(", ", spec.subcommands().keySet()));
  }

  private static int refuse(ParameterException e, OptionSources settings, PrintWriter err) {
    String command = e.getCommandLine().getCommandSpec().qualifiedName();
    String key =
        e.getArgSpec() instanceof OptionSpec option
                && e.getValue() != null
                && e.getValue().equals(settings.defaultValue(option))
            ? " (set by " + OptionSources.key(option) + ")"
            : "";
    err.println(command + ": " + oneLine(e.getMessage()) + key + "; see " + command + " --help");
    return USAGE;
  }

  private static int report(Exception e, CommandLine command, ParseResult parsed) {
    PrintWriter err = command.getErr();
    if (Interruption.began()) {
      return FAILED;
    }
    Throwable cause = Causes.telling(e);
    err.println(command.getCommandSpec().qualifiedName() + ": " + oneLine(Causes.message(cause)));
    boolean verbose =
        command.getCommandSpec().findOption("--verbose").getValue() instanceof Boolean b && b;
    if (verbose) {
      e.printStackTrace(err);
    }
    boolean users =
        cause instanceof UsageException
            || cause instanceof InputException
            || cause instanceof ModelException;
    return users ? USAGE : FAILED;
  }

  private static String oneLine(String message) {
    return message.strip().replaceAll("\\s*\\R\\s*", " ");
  }
}
