package dev.lowpass.jobs;

import dev.lowpass.udfs.DocumentTask;
import dev.lowpass.udfs.FieldDetails;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "extract",
    description = "Extracts typed fields from documents: one column a property of a JSON Schema.")
final class ExtractCommand extends BatchCommand {
  @Option(
      names = "--schema",
      paramLabel = "FILE",
      required = true,
      description =
          "JSON Schema; a property's description is its question. With nested objects, lists or conditions on values, all is asked at once.")
  private Path schema;

  @Option(
      names = "--with-confidence",
      description =
          "Add a column confidence: for each field the mean probability of its answer's tokens.")
  private boolean confidence;

  @Option(
      names = "--with-evidence",
      description =
          "Add a column evidence: for each field where in the text its value stands, in characters from begin to before end.")
  private boolean evidence;

  @Override
  DocumentTask task() throws IOException {
    if (!Files.isRegularFile(schema)) {
      throw new UsageException("--schema " + schema + ": no such file");
    }
    return DocumentTask.extract(
        schema.toString(), Files.readString(schema), new FieldDetails(confidence, evidence));
  }
}
