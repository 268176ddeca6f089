package dev.lowpass.udfs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.udfs.JsonAnswer.Part;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class JsonAnswerTest {
  private static final String TEXT =
      "{\"a\":\"x\\\"\u20ac\",\"b\":{\"c\":12,\"d\":[true,null,{\"e\":\"f\"}]},\"g\":-0.5}";

  /** The spelling of each scalar, by where it stands. */
  private static Map<String, String> scalars(String text) {
    Map<String, String> scalars = new TreeMap<>();
    JsonAnswer answer = JsonAnswer.of(text);
    if (answer.object() != null) {
      collect("", answer.object(), text, scalars);
    }
    return scalars;
  }

  private static void collect(String path, Part part, String text, Map<String, String> into) {
    if (part.scalar() != null) {
      into.put(path, text.substring(part.begin(), part.end()));
    }
    part.members().forEach((name, member) -> collect(path + "/" + name, member, text, into));
    List<Part> elements = part.elements();
    for (int i = 0; i < elements.size(); i++) {
      collect(path + "/" + i, elements.get(i), text, into);
    }
  }

  @Test
  void everyValueTellsWhereItStands() {
    assertThat(scalars(TEXT))
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "/a", "\"x\\\"\u20ac\"",
                "/b/c", "12",
                "/b/d/0", "true",
                "/b/d/1", "null",
                "/b/d/2/e", "\"f\"",
                "/g", "-0.5"));
    assertThat(JsonAnswer.of(TEXT).cut()).isNull();
    assertThat(JsonAnswer.of(TEXT).object().end()).isEqualTo(TEXT.length());
  }

  /** Held against the JSON pointers of a parser that has all of it. */
  @Test
  void whereverItIsCutWhatWasWholeRemains() throws Exception {
    var whole = new ObjectMapper().readTree(TEXT);
    for (int length = 0; length < TEXT.length(); length++) {
      String text = TEXT.substring(0, length);
      assertThat(JsonAnswer.of(text).cut()).as(text).isNotNull();
      scalars(text)
          .forEach((path, spelled) -> assertThat(whole.at(path)).as(text).hasToString(spelled));
    }
    assertThat(scalars("{\"a\":\"x\\\"\u20ac\",\"b\":{\"c\":12,\"d\":[true,nu"))
        .containsOnlyKeys("/a", "/b/c");
    // More digits might have come, and another element.
    assertThat(scalars("{\"a\":\"x\",\"b\":{\"c\":12")).containsOnlyKeys("/a");
    assertThat(scalars("{\"a\":\"x\",\"b\":{\"d\":[1,2")).containsOnlyKeys("/a");
  }

  @Test
  void itTellsWhereItWasCut() {
    assertThat(JsonAnswer.of("{\"a\":1,\"b\":{\"c\":[1,\"x").cut()).isEqualTo("/b/c/1");
    assertThat(JsonAnswer.of("{\"a\":1").cut()).isEqualTo("/a");
    assertThat(JsonAnswer.of("").object()).isNull();
  }
}
