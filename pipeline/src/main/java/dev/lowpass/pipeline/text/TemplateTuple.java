package dev.lowpass.pipeline.text;

import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;

/** A Python tuple: a list that prints with parentheses. */
final class TemplateTuple extends AbstractList<Object> {
  private final List<Object> items;

  TemplateTuple(List<Object> items) {
    this.items = items;
  }

  static TemplateTuple of(Object first, Object second) {
    // Not List.of: the members may be null.
    List<Object> items = new ArrayList<>(2);
    items.add(first);
    items.add(second);
    return new TemplateTuple(items);
  }

  @Override
  public Object get(int index) {
    return items.get(index);
  }

  @Override
  public int size() {
    return items.size();
  }
}
