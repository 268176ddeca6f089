package dev.lowpass.udfs;

import dev.lowpass.pipeline.engine.DocumentException;
import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.engine.Request;
import dev.lowpass.pipeline.schema.SchemaConstraint;
import dev.lowpass.pipeline.text.Prompts;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.util.List;
import java.util.stream.Stream;

/** What an engine is asked of documents. */
final class Requests {
  private Requests() {}

  /** Two that have in common what all prompts do: the chat template, up to the document. */
  static List<int[]> examples(TextTokenizer tokenizer) {
    if (!tokenizer.hasChatTemplate()) {
      return List.of();
    }
    return Stream.of("A", "7").map(Prompts::document).map(tokenizer::encodeChat).toList();
  }

  /**
   * What a task asks of one document.
   *
   * @throws DocumentException if the document has more than the limits allow
   */
  static Request about(
      String document, DocumentTask task, Policy policy, DocumentLimits limits, Engine engine) {
    limits.check(document);
    Request request = about(document, task, policy, engine);
    limits.check(request);
    return request;
  }

  private static Request about(String document, DocumentTask task, Policy policy, Engine engine) {
    TextTokenizer tokenizer = engine.tokenizer();
    List<int[]> prompts = task.prompts(document, tokenizer);
    List<SchemaConstraint> constraints = task.constraints(engine);
    List<String> probes = task.probes();
    if (probes.isEmpty() || !policy.bounded() && !policy.scores()) {
      return Request.of(prompts).constrained(constraints);
    }
    // With where the document ends and what is asked of it, where some of it is dropped.
    if (policy.cache().probe().equals("all")) {
      probes = List.of(String.join("", probes));
    }
    return Request.about(
            tokenizer.encodeChat(Prompts.document(document)),
            prompts,
            probes.stream().map(tokenizer::encode).toList())
        .constrained(constraints);
  }
}
