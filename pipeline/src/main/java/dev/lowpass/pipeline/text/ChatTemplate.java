package dev.lowpass.pipeline.text;

import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;

/**
 * A compiled chat template in the subset of Jinja that such templates use, rendered as Hugging
 * Face's transformers renders it: {@code trim_blocks} and {@code lstrip_blocks} set, no HTML
 * escaping, {@code raise_exception} and {@code strftime_now} defined.
 *
 * <p>What the subset lacks is refused by name with a {@link TemplateException}, most of it when the
 * template is compiled. Rendering is bounded: a template cannot loop for ever or fill the memory.
 * Instances are immutable and thread-safe.
 */
public final class ChatTemplate {
  /**
   * What {@code strftime_now} tells: a fixed day, because a table of a batch job must not depend on
   * the day on which a row was made. It is the day that Llama 3's templates fall back to.
   */
  static final LocalDateTime FIXED_NOW = LocalDateTime.of(2024, 7, 26, 0, 0);

  private final List<TemplateNode.Statement> statements;
  private final LocalDateTime now;

  private ChatTemplate(List<TemplateNode.Statement> statements, LocalDateTime now) {
    this.statements = statements;
    this.now = now;
  }

  /** Compiles a template, or refuses it with a {@link TemplateException}. */
  public static ChatTemplate compile(String jinja) {
    return compile(jinja, FIXED_NOW);
  }

  static ChatTemplate compile(String jinja, LocalDateTime now) {
    try {
      return new ChatTemplate(new TemplateParser(jinja).parse(), now);
    } catch (StackOverflowError e) {
      throw new TemplateException("the chat template nests too deeply");
    }
  }

  /**
   * Renders the template.
   *
   * @param variables what the template sees: null, booleans, numbers, strings, lists and maps of
   *     these, by name
   */
  public String render(Map<String, ?> variables) {
    try {
      return new TemplateEvaluator(variables, now).render(statements);
    } catch (StackOverflowError e) {
      throw new TemplateException("the chat template nests too deeply");
    }
  }
}
