package dev.lowpass.pipeline.schema;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lowpass.pipeline.model.ModelException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The official test suite (github.com/json-schema-org/JSON-Schema-Test-Suite), where the system
 * property {@code lowpass.json-schema-test-suite} names a copy of it.
 */
class SchemaSuiteTest {
  /** Values that satisfy their schemas and are not written all the same. */
  private static final Set<String> NOT_WRITTEN =
      Set.of(
          // Properties that the schema does not list, or in another order.
          "same object with different property order is valid",
          "doesn't invalidate other properties",
          "both anyOf valid (complex)",
          // A property without a type: of objects, if its keywords are those of objects.
          "root pointer ref",
          // Times in other spellings or finer than Java's.
          "a valid date-time with a leap second, UTC",
          "a valid date-time with a leap second, with minus offset",
          "case-insensitive T and Z",
          "a second fraction of fifteen nines is valid",
          // Numbers of more digits than 64 bits.
          "a bignum is an integer",
          "a negative bignum is an integer",
          "a bignum is a number",
          "a negative bignum is a number",
          "comparison works for high numbers",
          "comparison works for very negative numbers");

  @ParameterizedTest
  @ValueSource(
      strings = {
        "type",
        "enum",
        "const",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "minItems",
        "maxItems",
        "minLength",
        "maxLength",
        "pattern",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "anyOf",
        "oneOf",
        "ref",
        "default",
        "optional/format/date",
        "optional/format/date-time",
        "optional/ecmascript-regex",
        "optional/bignum"
      })
  void whatIsInvalidCannotBeWrittenAndTheRestCan(String file) throws IOException {
    String folder = System.getProperty("lowpass.json-schema-test-suite");
    assumeTrue(folder != null, "no JSON-Schema-Test-Suite");
    Path tests = Path.of(folder, "tests/draft2020-12", file + ".json");
    for (JsonNode group : Judge.JSON.readTree(Files.readString(tests))) {
      Expressions expressions = new Expressions();
      Expression language;
      try {
        language =
            SchemaCompiler.compile(
                "suite", group.get("schema").toString(), Absence.LEFT_OUT, expressions);
      } catch (ModelException e) {
        continue; // refused, which SchemaCompilerTest is about
      }
      for (JsonNode test : group.get("tests")) {
        String in = group.get("description").asText();
        String description = test.get("description").asText();
        byte[] text = JsonText.of(test.get("data")).getBytes(StandardCharsets.UTF_8);
        assertThat(expressions.accepts(language, text))
            .as("%s: %s: %s", file, in, description)
            .isEqualTo(
                test.get("valid").asBoolean()
                    && !NOT_WRITTEN.contains(in)
                    && !NOT_WRITTEN.contains(description)
                    && expressions.row(language)[text[0]] != null);
      }
    }
  }
}
