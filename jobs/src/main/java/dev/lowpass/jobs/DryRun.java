package dev.lowpass.jobs;

import dev.lowpass.pipeline.engine.EngineOptions;
import dev.lowpass.udfs.DocumentTask;
import dev.lowpass.udfs.Policy;
import dev.lowpass.udfs.Run;
import dev.lowpass.udfs.settings.PolicyParameter;
import dev.lowpass.udfs.settings.PolicySettings;
import java.io.PrintWriter;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * What {@code --dry-run} prints: settings with their origin, then what was found and the memory.
 */
final class DryRun {
  private DryRun() {}

  static void print(
      PrintWriter out,
      CommandSpec command,
      Run run,
      PolicySettings policy,
      CheckpointFacts facts,
      Report report,
      String format,
      String master) {
    Map<String, String> effective = new HashMap<>();
    effective.put("--model", run.engine().model());
    effective.put("--master", master);
    effective.put("--format", format);
    effective.put("--max-new-tokens", String.valueOf(run.generation().maxNewTokens()));
    effective.put("--model-cache", run.engine().modelCache());
    OptionSources settings = (OptionSources) command.defaultValueProvider();
    for (OptionSpec option : command.options()) {
      String name = option.longestName();
      if (name.equals("--help")
          || name.equals("--dry-run")
          || name.equals("--verbose")
          || name.equals("--conf")) {
        continue;
      }
      Optional<PolicyParameter> parameter = PolicyParameter.of(name);
      out.printf(
          "%-18s %s  (%s)%n",
          name.substring(2),
          parameter.isPresent()
              ? policy.value(parameter.get())
              : effective.getOrDefault(name, text(option.getValue())),
          parameter.isPresent()
              ? policy.origin(parameter.get())
              : settings.origin(option, command.commandLine().getParseResult()));
    }
    out.println();
    found(out, run, facts, report);
    memory(out, run, facts);
    out.flush();
  }

  private static void found(PrintWriter out, Run run, CheckpointFacts facts, Report report) {
    out.printf(
        "model    %s, %s, %s parameters, %s%n",
        facts.name(), facts.config().modelType(), Text.number(facts.parameters()), facts.digest());
    out.printf("input    %s%n", Text.count(report.total(), "document"));
    if (run.task() instanceof DocumentTask.Extract extract) {
      out.printf(
          "schema   %s: %s%n",
          Text.count(extract.fields().size(), "field"),
          extract.fields().stream()
              .map(
                  field ->
                      field.name() + " " + field.kind().name().toLowerCase(java.util.Locale.ROOT))
              .collect(Collectors.joining(", ")));
    }
    if (run.task() instanceof DocumentTask.ExtractObject extract) {
      out.printf("schema   one object: %s%n", extract.columns().catalogString());
    }
    out.printf(
        "output   %s: %s%n",
        report.output().location(),
        report.total() == report.todo()
            ? "a new table"
            : Text.number(report.total() - report.todo())
                + " of the documents are done, "
                + Text.number(report.todo())
                + " would be added");
    out.printf("         fingerprint %s%n", run.fingerprint());
  }

  private static void memory(PrintWriter out, Run run, CheckpointFacts facts) {
    Policy policy = run.policy();
    long tokens = policy.cacheTokens();
    long bytes = policy.cache().bytesPerToken(facts.config());
    int slots = run.engine().slots() == 0 ? EngineOptions.MOST_SLOTS : run.engine().slots();
    out.printf(
        "memory   %s of weights, mapped and shared by a host's processes; an executor's caches, up to %s of up to %s each (%s tokens of %s%s), fewer at once where memory ends%n",
        Text.bytes(facts.loadedBytes()),
        Text.number(slots),
        Text.bytes(tokens * bytes),
        Text.number(tokens),
        Text.bytes(bytes),
        policy.scores() ? ", besides the questions'" : "");
  }

  private static String text(Object value) {
    if (value == null || (value instanceof Collection<?> items && items.isEmpty())) {
      return "-";
    }
    return value instanceof Collection<?> items
        ? items.stream().map(String::valueOf).collect(Collectors.joining(" "))
        : value.toString();
  }
}
