package dev.lowpass.pipeline.text;

import dev.lowpass.pipeline.text.TemplateValues.Callable;
import dev.lowpass.pipeline.text.TemplateValues.Undefined;
import java.util.List;

/** The variable {@code loop} inside a for loop. */
final class TemplateLoop {
  private final List<Object> items;
  private final TemplateValues values;
  private int index;
  private List<Object> lastChecked;

  TemplateLoop(List<Object> items, TemplateValues values) {
    this.items = items;
    this.values = values;
  }

  void advance() {
    index++;
  }

  Object attribute(String name) {
    long size = items.size();
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> size - index;
      case "revindex0" -> size - index - 1;
      case "first" -> index == 0;
      case "last" -> index == size - 1;
      case "length" -> size;
      case "previtem" -> index > 0 ? items.get(index - 1) : new Undefined("the previous item");
      case "nextitem" -> index + 1 < size ? items.get(index + 1) : new Undefined("the next item");
      case "cycle" -> method(this::cycle);
      case "changed" -> method(this::changed);
      default -> throw new TemplateFault("'loop." + name + "' is not supported");
    };
  }

  private static Callable method(Callable method) {
    return method;
  }

  private Object cycle(TemplateArguments arguments) {
    List<Object> choices = arguments.positional();
    if (choices.isEmpty()) {
      throw new TemplateFault("'loop.cycle' needs something to cycle through");
    }
    return choices.get(index % choices.size());
  }

  private Object changed(TemplateArguments arguments) {
    boolean changed = lastChecked == null || !values.equal(lastChecked, arguments.positional());
    lastChecked = arguments.positional();
    return changed;
  }
}
