package dev.lowpass.jobs;

import dev.lowpass.udfs.DocumentTask;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "extract",
    description = "Extracts typed fields from documents: one column a property of a JSON Schema.")
final class ExtractCommand extends BatchCommand {
  private static final int MAX_NEW_TOKENS = 64;

  @Option(
      names = "--schema",
      paramLabel = "FILE",
      required = true,
      description = "JSON Schema of scalar properties; a property's description is its question.")
  private Path schema;

  @Override
  DocumentTask task() throws IOException {
    if (!Files.isRegularFile(schema)) {
      throw new UsageException("--schema " + schema + ": no such file");
    }
    DocumentTask.Extract task =
        new DocumentTask.Extract(schema.toString(), Files.readString(schema));
    task.fields();
    return task;
  }

  @Override
  int defaultMaxNewTokens() {
    return MAX_NEW_TOKENS;
  }
}
