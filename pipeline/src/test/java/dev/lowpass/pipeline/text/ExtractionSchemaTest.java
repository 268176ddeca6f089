package dev.lowpass.pipeline.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.text.ExtractionField.Kind;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExtractionSchemaTest {
  private static final String LEASE =
      """
      {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "lease", "$comment": "c", "title": "Lease", "description": "d", "type": "object",
        "additionalProperties": false,
        "properties": {
          "zip": {"type": "string", "title": "t", "default": "", "examples": ["1"]},
          "termMonths": {"type": "integer", "description": " How many months? "},
          "monthly_rent": {"type": ["number", "null"]},
          "renewable": {"type": "boolean", "description": ""},
          "start": {"type": "string", "format": "date"},
          "state": {"enum": ["New York", "Texas"]},
          "kind": {"type": ["string", "null"], "enum": ["gross", "net", null]},
          "VATNumber": {"type": "string"},
          "größe": {"type": "number"}
        },
        "required": ["zip", "monthly_rent", "kind", "start"]
      }
      """;

  private static ExtractionSchema parse(String json) {
    return ExtractionSchema.parse("lease.json", json);
  }

  @Test
  void readsScalarPropertiesInTheirOrder() {
    List<String> none = List.of();
    assertThat(parse(LEASE).fields())
        .containsExactly(
            new ExtractionField("zip", Kind.STRING, "What is the zip?", none, true),
            new ExtractionField("termMonths", Kind.INTEGER, "How many months?", none, false),
            // Null is a value that its type allows, so that it is no lack.
            new ExtractionField(
                "monthly_rent", Kind.NUMBER, "What is the monthly rent?", none, false),
            new ExtractionField("renewable", Kind.BOOLEAN, "What is the renewable?", none, false),
            new ExtractionField("start", Kind.DATE, "What is the start?", none, true),
            new ExtractionField(
                "state", Kind.ENUM, "What is the state?", List.of("New York", "Texas"), false),
            new ExtractionField(
                "kind", Kind.ENUM, "What is the kind?", List.of("gross", "net"), false),
            new ExtractionField("VATNumber", Kind.STRING, "What is the VAT number?", none, false),
            new ExtractionField("größe", Kind.NUMBER, "What is the größe?", none, false));
  }

  @Test
  void theCanonicalFormHoldsEverythingThatCounts() {
    String canonical = parse(LEASE).canonicalJson();
    assertThat(parse(canonical).fields()).isEqualTo(parse(LEASE).fields());
    assertThat(parse(canonical).canonicalJson()).isEqualTo(canonical);
    assertThat(canonical).doesNotContain("$comment").doesNotContain("\n");
    assertThat(parse("{\"properties\":{\"a\":{\"type\":\"integer\"}}}").canonicalJson())
        .isEqualTo(
            "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\","
                + "\"description\":\"What is the a?\"}},\"required\":[]}");
    assertThat(parse("\ufeff" + LEASE).canonicalJson()).isEqualTo(canonical);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"type\": \"string\", \"pattern\": \"a\"} | keyword 'pattern' is not supported yet;",
        "{\"$ref\": \"#/x\"} | keyword '$ref' is not supported yet;",
        "{\"oneOf\": []} | keyword 'oneOf' is not supported yet;",
        "{\"type\": \"integer\", \"minimum\": 1} | keyword 'minimum' is not supported yet;",
        "{\"type\": \"array\"} | type 'array' is not supported yet;",
        "{\"type\": \"object\"} | type 'object' is not supported yet;",
        "{\"type\": [\"string\", \"integer\"]} | it can have one type besides 'null'",
        "{\"type\": \"string\", \"format\": \"email\"} | format 'email' of a string",
        "{\"type\": \"integer\", \"format\": \"date\"} | format 'date' of a integer",
        "{\"type\": \"integer\", \"enum\": [\"1\"]} | an 'enum' of type 'integer'",
        "{\"enum\": [1]} | 'enum' can only hold strings",
        "{\"enum\": []} | 'enum' has no values",
        "{\"enum\": [null]} | 'enum' has no values",
        "{\"enum\": [\"a\", \"a\"]} | 'enum' has 'a' twice",
        "{\"enum\": \"a\"} | 'enum' must be a list",
        "{\"enum\": [\"a\"], \"format\": \"date\"} | 'format' beside 'enum'",
        "{} | it needs a 'type' or an 'enum'",
        "{\"type\": \"null\"} | it needs a 'type' or an 'enum'",
        "true | its schema must be a JSON object",
      })
  void refusesWhatItWouldNotCheck(String property, String message) {
    assertThatThrownBy(() -> parse("{\"properties\": {\"rent\": " + property + "}}"))
        .isInstanceOf(ModelException.class)
        .hasMessageStartingWith("lease.json: property 'rent': " + message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{ | lease.json: not JSON",
        "`` | lease.json: the schema must be a JSON object",
        "[] | lease.json: the schema must be a JSON object",
        "{} {} | lease.json: not JSON",
        "{\"type\": \"array\"} | lease.json: the schema must be a JSON object",
        "{\"type\": \"object\"} | lease.json: the schema has no 'properties'",
        "{\"properties\": {}} | lease.json: the schema has no 'properties'",
        "{\"properties\": []} | lease.json: the schema has no 'properties'",
        "{\"$defs\": {}} | lease.json: keyword '$defs' is not supported yet;",
        "{\"additionalProperties\": {}} | lease.json: 'additionalProperties' can only be",
        "{\"properties\": {\"a\": {\"type\": \"string\"}, \"a\": {}}} | lease.json: not JSON: Duplicate",
        "{\"properties\": {\"a\": {\"type\": \"string\"}, \"A\": {}}} | lease.json: property 'A' differs",
        "{\"properties\": {\"a b\": {}}} | lease.json: property 'a b' cannot name a column;",
        "{\"properties\": {\"1a\": {}}} | lease.json: property '1a' cannot name a column;",
        "{\"properties\": {\"a\": {}}, \"required\": [\"b\"]} | lease.json: 'required' names 'b'",
        "{\"properties\": {\"a\": {}}, \"required\": \"a\"} | lease.json: 'required' must be a list",
      })
  void refusesWhatIsNoSchemaOfAnObject(String json, String message) {
    assertThatThrownBy(() -> parse(json))
        .isInstanceOf(ModelException.class)
        .hasMessageStartingWith(message)
        .message()
        .doesNotContain("\n");
  }
}
