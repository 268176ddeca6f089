package dev.lowpass.pipeline.evaluation.ruler;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Puts values in the places of {@code {name}}; braces within values are text. */
final class Template {
  private static final Pattern PLACE = Pattern.compile("\\{(\\w+)}");

  private Template() {}

  static String fill(String template, Map<String, String> values) {
    return PLACE
        .matcher(template)
        .replaceAll(place -> Matcher.quoteReplacement(values.get(place.group(1))));
  }
}
