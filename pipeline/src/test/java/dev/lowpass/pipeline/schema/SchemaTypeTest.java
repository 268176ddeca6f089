package dev.lowpass.pipeline.schema;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.schema.SchemaType.Decimal;
import dev.lowpass.pipeline.schema.SchemaType.Field;
import dev.lowpass.pipeline.schema.SchemaType.ListOf;
import dev.lowpass.pipeline.schema.SchemaType.Scalar;
import dev.lowpass.pipeline.schema.SchemaType.Struct;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The columns of schemas. */
class SchemaTypeTest {
  @Test
  void aSchemaIsAStruct() {
    String schema =
        """
        {"type": "object", "$defs": {"party": {"type": "object", "properties": {
             "name": {"type": "string", "description": " Its name. "}}}},
         "properties": {
           "client": {"$ref": "#/$defs/party"},
           "others": {"type": "array", "items": {"$ref": "#/$defs/party"}},
           "signed": {"type": ["string", "null"], "format": "date"},
           "at": {"type": "string", "format": "date-time"},
           "months": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
           "fee": {"type": "number", "multipleOf": 0.01},
           "rate": {"type": ["integer", "number"]},
           "terms": {"enum": ["net 30", null]},
           "level": {"enum": [1, 2.5]},
           "paid": {"const": true}}}
        """;
    Struct party = new Struct(List.of(new Field("name", Scalar.STRING, "Its name.")));
    assertThat(SchemaType.of("test", schema))
        .isEqualTo(
            new Struct(
                List.of(
                    new Field("client", party, ""),
                    new Field("others", new ListOf(party), ""),
                    new Field("signed", Scalar.DATE, ""),
                    new Field("at", Scalar.TIMESTAMP, ""),
                    new Field("months", Scalar.INTEGER, ""),
                    new Field("fee", new Decimal(2), ""),
                    new Field("rate", Scalar.NUMBER, ""),
                    new Field("terms", Scalar.STRING, ""),
                    new Field("level", Scalar.NUMBER, ""),
                    new Field("paid", Scalar.BOOLEAN, ""))));
    assertThat(new Decimal(2).precision()).isEqualTo(21);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'type':'string'} | test: #: what is extracted must be an object",
        "{'type':'object','properties':{'a':{'type':['string','integer']}}} | test: #/properties/a:"
            + " values of several types have no one column type",
        "{'type':'object','properties':{'a':{'type':'null'}}} | test: #/properties/a: what is"
            + " always null has no column type",
        "{'type':'object','properties':{'a':{'$ref':'#'}}} | test: #: a schema that contains itself"
            + " has no column type",
        "{'type':'object','properties':{'a':{'type':'null'},'A':{'type':'string'}}} | test:"
            + " #/properties/a: what is always null has no column type",
        "{'type':'object','properties':{'b':{'type':'string'},'B':{'type':'string'}}} | test:"
            + " #/properties/B: it differs from another property only in its case",
        "{'type':'object','properties':{'a b':{'type':'string'}}} | test: #/properties/a b: its name cannot be a column's; use letters, digits and underscores",
        "{'type':'object','properties':{'a':{'enum':[[1]]}}} | test: #/properties/a: 'enum' of"
            + " objects or arrays has no column type",
        "{'type':'object','properties':{'a':{'type':'string','not':{}}}} | test:"
            + " #/properties/a/not: keyword 'not' is not supported"
      })
  void whatHasNoColumnTypeIsRefused(String schema, String message) {
    assertThatThrownBy(() -> SchemaType.of("test", schema.replace('\'', '"')))
        .isInstanceOf(ModelException.class)
        .hasMessage(message);
  }

  @Test
  void whereAbsenceIsNullEveryPropertyIsWritten() {
    String schema =
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":\"boolean\"}},\"required\":[\"b\"]}";
    Expressions expressions = new Expressions();
    Expression language = SchemaCompiler.compile("test", schema, Absence.NULL, expressions);
    for (String text : List.of("{\"a\":null,\"b\":true}", "{\"a\":\"x\",\"b\":true}")) {
      assertThat(expressions.accepts(language, text.getBytes(StandardCharsets.UTF_8))).isTrue();
    }
    for (String text : List.of("{\"b\":true}", "{\"a\":\"x\",\"b\":null}", "{\"a\":null}")) {
      assertThat(expressions.accepts(language, text.getBytes(StandardCharsets.UTF_8))).isFalse();
    }
  }
}
