package dev.lowpass.pipeline.text;

/**
 * What a rendering may still cost: one unit a step, and one a character or element made or looked
 * through. So neither time nor memory grows without bound, whatever the template and the messages.
 */
final class TemplateBudget {
  private static final long BASE = 16L << 20;

  /** How often a template may go over its whole input. */
  private static final long PER_INPUT_CHARACTER = 256;

  private long left;

  TemplateBudget(long inputCharacters) {
    this.left = BASE + PER_INPUT_CHARACTER * inputCharacters;
  }

  void charge(long units) {
    left -= units;
    if (left < 0) {
      throw new TemplateFault("the template takes too many steps or makes too much text");
    }
  }

  /** A builder of text that is charged as it grows. */
  Writer writer() {
    return new Writer();
  }

  final class Writer {
    private final StringBuilder text = new StringBuilder();

    Writer append(CharSequence part) {
      charge(part.length() + 1L);
      text.append(part);
      return this;
    }

    Writer append(CharSequence part, int from, int to) {
      charge(to - from + 1L);
      text.append(part, from, to);
      return this;
    }

    Writer append(char part) {
      charge(1);
      text.append(part);
      return this;
    }

    @Override
    public String toString() {
      return text.toString();
    }
  }
}
