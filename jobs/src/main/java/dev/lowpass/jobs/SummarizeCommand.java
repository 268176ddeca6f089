package dev.lowpass.jobs;

import dev.lowpass.pipeline.text.Prompts;
import dev.lowpass.udfs.DocumentTask;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "summarize", description = "Writes one summary a document.")
final class SummarizeCommand extends BatchCommand {
  @Option(
      names = "--instruction",
      paramLabel = "TEXT",
      defaultValue = Prompts.DEFAULT_INSTRUCTION,
      description = "What to ask of each document. Default: ${DEFAULT-VALUE}")
  private String instruction;

  @Override
  DocumentTask task() {
    if (instruction.isBlank()) {
      throw new UsageException("--instruction is empty; say what to write, or leave it out");
    }
    return new DocumentTask.Summarize(instruction);
  }
}
