package dev.lowpass.pipeline.schema;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.pipeline.model.ModelException;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What schemas let through, and what is refused. */
class SchemaCompilerTest {
  private static boolean accepts(String schema, String text) {
    Expressions expressions = new Expressions();
    Expression language =
        SchemaCompiler.compile("test", json(schema), Absence.LEFT_OUT, expressions);
    return expressions.accepts(language, text.getBytes(StandardCharsets.UTF_8));
  }

  /** JSON with ' for ". */
  private static String json(String text) {
    return text.replace('\'', '"');
  }

  private static void assertAccepts(String schema, String... texts) {
    for (String text : texts) {
      assertThat(accepts(schema, json(text))).as("%s under %s", text, schema).isTrue();
    }
  }

  private static void assertRejects(String schema, String... texts) {
    for (String text : texts) {
      assertThat(accepts(schema, json(text))).as("%s under %s", text, schema).isFalse();
    }
  }

  @Test
  void propertiesComeInTheSchemasOrderAndOptionalOnesMayBeLeftOut() {
    String schema =
        "{'type':'object','properties':{'a':{'type':'null'},'b':{'type':'null'},'c':{'type':'null'}},'required':['b']}";
    assertAccepts(
        schema,
        "{'a':null,'b':null,'c':null}",
        "{'b':null}",
        "{'a':null,'b':null}",
        "{'b':null,'c':null}");
    assertRejects(
        schema,
        "{}",
        "{'a':null}",
        "{'b':null,'a':null}",
        "{'b':null,'b':null}",
        "{'b':null,'d':null}",
        "{,'b':null}",
        "{'b':null,}",
        "{ 'b':null}",
        "{'b':null");
  }

  @Test
  void whereNothingIsRequiredAnObjectMayBeEmpty() {
    String schema = "{'type':'object','properties':{'a':{'type':'null'},'b':{'type':'null'}}}";
    assertAccepts(schema, "{}", "{'a':null}", "{'b':null}", "{'a':null,'b':null}");
    assertRejects(schema, "{,'b':null}", "{'a':null'b':null}");
  }

  @Test
  void stringsAreUtf8WithTheShortestEscapes() {
    String any = "{'type':'string'}";
    assertAccepts(
        any, "''", "'caf\u00e9 \ud83d\ude00'", "'\\\\ \\u0000 \\u001f \\n'", "'/'", "'\u007f'");
    assertThat(accepts(any, "\"\\\"\"")).isTrue();
    assertRejects(any, "'", "'a\nb'", "'\\/'", "'\\u0041'", "'\\u000a'", "'\\'", "'a'b'");
  }

  @Test
  void noStringHoldsBrokenUtf8() {
    Expressions expressions = new Expressions();
    Expression any =
        SchemaCompiler.compile("test", json("{'type':'string'}"), Absence.LEFT_OUT, expressions);
    int[][] broken = {
      {0x80},
      {0xc3},
      {0xc0, 0x80},
      {0xe0, 0x80, 0x80},
      {0xed, 0xa0, 0x80},
      {0xed, 0xbf, 0xbf},
      {0xf0, 0x80, 0x80, 0x80},
      {0xf4, 0x90, 0x80, 0x80},
      {0xf5},
      {0xff},
      {0xe2, 0x82}
    };
    for (int[] sequence : broken) {
      byte[] text = new byte[sequence.length + 2];
      text[0] = '"';
      text[text.length - 1] = '"';
      for (int i = 0; i < sequence.length; i++) {
        text[i + 1] = (byte) sequence[i];
      }
      assertThat(expressions.accepts(any, text)).as("%s", (Object) sequence).isFalse();
    }
  }

  @Test
  void lengthsCountCharacters() {
    String schema = "{'type':'string','minLength':2,'maxLength':3}";
    assertAccepts(schema, "'ab'", "'\ud83d\ude00\\n\u00e9'");
    assertRejects(schema, "'a'", "'\ud83d\ude00'", "'abcd'");
  }

  @Test
  void patternsAreFoundAnywhere() {
    assertAccepts("{'type':'string','pattern':'b+'}", "'b'", "'abba'", "'\\nb'");
    assertRejects("{'type':'string','pattern':'b+'}", "''", "'ac'");
    assertAccepts("{'type':'string','pattern':'^a|b$'}", "'ax'", "'xb'");
    assertRejects("{'type':'string','pattern':'^a|b$'}", "'xa'", "'bx'");
    assertAccepts("{'type':'string','pattern':'^[^\\\\d\\'-/]{2}$'}", "'ab'");
    assertRejects("{'type':'string','pattern':'^[^\\\\d]{2}$'}", "'a0'");
    assertAccepts("{'type':'string','pattern':'^(?:x|(?<n>yz)){2,}?\\\\.$'}", "'xyz.'", "'yzyzx.'");
    assertRejects("{'type':'string','pattern':'^(?:x|yz){2,}\\\\.$'}", "'x.'", "'xx'", "'xx..'");
    assertAccepts("{'type':'string','pattern':'^.$'}", "'\u00e4'", "'\\\\'", "'\\t'");
    assertRejects("{'type':'string','pattern':'^.$'}", "'\\n'", "'\u2028'");
  }

  @Test
  void patternLengthAndFormatHoldTogether() {
    String schema = "{'type':'string','pattern':'^a*b$','minLength':3,'maxLength':4}";
    assertAccepts(schema, "'aab'", "'aaab'");
    assertRejects(schema, "'ab'", "'aaaab'");
    assertAccepts("{'type':'string','format':'date','pattern':'^20'}", "'2024-02-29'");
    assertRejects("{'type':'string','format':'date','pattern':'^20'}", "'1999-01-01'");
  }

  @ParameterizedTest
  @CsvSource({
    "minimum, 5, 5 6 10 99999, 4 0 -5 5.5",
    "exclusiveMinimum, 5, 6 10, 5 -6",
    "maximum, 305, 305 99 0 -1 -99999, 306 310 1000",
    "maximum, -12, -12 -13 -20 -100, -11 -2 0 12 13",
    "minimum, -12, -12 -2 0 7 100, -13 -20 -100",
    "exclusiveMaximum, 0, -1 -10, 0 1 -0",
    "minimum, 1.5, 2 3, 1 0"
  })
  void integersKeepWithinBounds(String keyword, String bound, String in, String out) {
    String schema = "{'type':'integer','%s':%s}".formatted(keyword, bound);
    assertAccepts(schema, in.split(" "));
    assertRejects(schema, out.split(" "));
  }

  @Test
  void integersAreOf64BitsAndHaveOneSpelling() {
    String schema = "{'type':'integer'}";
    assertAccepts(schema, "9223372036854775807", "-9223372036854775808", "0");
    assertRejects(
        schema, "9223372036854775808", "-9223372036854775809", "-0", "007", "1.0", "1e3", "+1");
  }

  @ParameterizedTest
  @CsvSource({
    "minimum, 0.25, 0.25 0.250 0.3 1 10.0 0.2500001, 0.2 0.24 0.2499 0 -1",
    "exclusiveMinimum, 0.25, 0.2501 0.3 1, 0.25 0.250 0.2",
    "maximum, 10.05, 10.05 10.0500 10 9.99 -3 -10.06, 10.051 10.06 10.1 11 100",
    "exclusiveMaximum, 10, 9.999 0 -11, 10 10.0 10.01",
    "maximum, -0.5, -0.5 -0.51 -1 -10, -0.49 -0.4 0 1 -0.0",
    "minimum, -0.5, -0.5 -0.25 0 0.0 3, -0.51 -1"
  })
  void numbersKeepWithinBounds(String keyword, String bound, String in, String out) {
    String schema = "{'type':'number','%s':%s}".formatted(keyword, bound);
    assertAccepts(schema, in.split(" "));
    assertRejects(schema, out.split(" "));
  }

  @Test
  void aDecimalStepLimitsThePlaces() {
    assertAccepts("{'type':'number','multipleOf':0.01}", "1", "1.5", "1.25", "-0.01");
    assertRejects("{'type':'number','multipleOf':0.01}", "1.255", "1.", ".5", "-0", "1e1");
  }

  @Test
  void datesExist() {
    Expressions expressions = new Expressions();
    Expression date =
        SchemaCompiler.compile(
            "test", json("{'type':'string','format':'date'}"), Absence.LEFT_OUT, expressions);
    for (int year : new int[] {1, 4, 100, 400, 1900, 1996, 1999, 2000, 2023, 2024, 2100, 9999}) {
      for (int month = 0; month <= 13; month++) {
        for (int day = 0; day <= 32; day++) {
          String text = "%04d-%02d-%02d".formatted(year, month, day);
          boolean exists =
              month >= 1
                  && month <= 12
                  && day >= 1
                  && day <= LocalDate.of(year, month, 1).lengthOfMonth();
          assertThat(expressions.accepts(date, ('"' + text + '"').getBytes(StandardCharsets.UTF_8)))
              .as(text)
              .isEqualTo(exists);
        }
      }
    }
    assertRejects("{'type':'string','format':'date'}", "'0000-01-01'", "'2024-2-29'", "''");
  }

  @Test
  void timesHaveAnOffset() {
    String schema = "{'type':'string','format':'date-time'}";
    assertAccepts(
        schema,
        "'2024-02-29T23:59:59Z'",
        "'1999-01-01T00:00:00.123+05:30'",
        "'0001-01-01T00:00:00-18:00'");
    assertRejects(
        schema,
        "'2024-02-29'",
        "'2024-02-29T23:59:59'",
        "'2024-02-29T24:00:00Z'",
        "'2024-02-29T23:59:60Z'",
        "'2024-02-29T23:59:59.Z'",
        "'2024-02-29T23:59:59+18:01'",
        "'2024-02-29 23:59:59Z'");
  }

  @Test
  void listedValuesHaveToFitTheOtherKeywords() {
    assertAccepts("{'enum':['a',1,null,{'x':[true]}]}", "'a'", "1", "null", "{'x':[true]}");
    assertAccepts("{'enum':[1.0,1.50,100]}", "1", "1.5", "100");
    assertRejects("{'type':'string','enum':['a',1,null]}", "1", "null");
    assertAccepts("{'type':['string','null'],'enum':['a',1,null]}", "'a'", "null");
    assertRejects("{'enum':['a','abc'],'type':'string','maxLength':2}", "'abc'");
    assertRejects("{'enum':['a','b'],'const':'b'}", "'a'");
  }

  @Test
  void arraysCount() {
    String schema = "{'type':'array','items':{'type':'boolean'},'minItems':1,'maxItems':2}";
    assertAccepts(schema, "[true]", "[true,false]");
    assertRejects(schema, "[]", "[true,true,true]", "[true,]", "[true true]");
    assertAccepts("{'type':'array','items':{'type':'null'},'maxItems':0}", "[]");
    assertAccepts("{'type':'array','items':{'type':'null'}}", "[]", "[null]", "[null,null,null]");
  }

  @Test
  void aSchemaMayContainItself() {
    String schema =
        "{'$ref':'#/$defs/tree','$defs':{'tree':{'type':'object','properties':{'v':{'type':'null'},"
            + "'kids':{'type':'array','items':{'$ref':'#/$defs/tree'}}},'required':['v']}}}";
    assertAccepts(
        schema, "{'v':null}", "{'v':null,'kids':[{'v':null,'kids':[{'v':null}]},{'v':null}]}");
    assertRejects(schema, "{'v':null,'kids':[{'kids':[]}]}", "{'v':null,'kids':[{'v':null}}");
  }

  @Test
  void alternativesOfOneOfMustBeDisjoint() {
    String disjoint =
        "{'oneOf':[{'type':'integer','maximum':0},{'type':'number','minimum':0.5},{'type':'string','pattern':'^a'},{'const':'b'},{'type':'null'}]}";
    assertAccepts(disjoint, "-1", "0.5", "'ab'", "'b'", "null");
    assertRejects(disjoint, "'c'", "0.25");
    assertRefused(
        "{'oneOf':[{'type':'null'},{'type':'integer'},{'type':'number'}]}",
        "test: #/oneOf: alternatives 1 and 2 of 'oneOf' may have a value in common; use 'anyOf'");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'type':'object','properties':{'a':{'not':{}}}} | test: #/properties/a/not: keyword 'not'"
            + " is not supported",
        "{'type':'array','items':{'type':'null'},'uniqueItems':true} | test: #/uniqueItems: keyword"
            + " 'uniqueItems' is not supported",
        "{'type':'string','format':'email'} | test: #/format: format 'email' is not supported",
        "{'type':'string','pattern':'(?=a)'} | test: #/pattern: the pattern '(?=a)' is not"
            + " supported: look-around '(?=' is not supported",
        "{'type':'string','pattern':'(a)\\\\1'} | test: #/pattern: the pattern '(a)\\1' is not"
            + " supported: '\\1' is not supported",
        "{'type':'string','pattern':'(^a)'} | test: #/pattern: the pattern '(^a)' is not supported:"
            + " '^' within a group is not supported",
        "{'type':'string','pattern':'[a'} | test: #/pattern: the pattern '[a' is not supported: it"
            + " ends too early",
        "{'type':'number','multipleOf':0.25} | test: #/multipleOf: 'multipleOf' is only supported"
            + " for 1, 0.1, 0.01, ...",
        "{'type':'integer','minimum':2,'exclusiveMaximum':2} | test: #: no value can satisfy this"
            + " schema",
        "{'type':'string','pattern':'^ab$','maxLength':1} | test: #: no value can satisfy this"
            + " schema",
        "{'$ref':'#/$defs/x'} | test: #/$ref: there is no '#/$defs/x'",
        "{'$ref':'other.json'} | test: #/$ref: '$ref' can only be a JSON pointer into this schema"
            + " ('#/...')",
        "{'$ref':'#'} | test: #: a '$ref' leads back to itself before any value begins",
        "{'anyOf':[{'$ref':'#'},{'type':'null'}]} | test: #: a '$ref' leads back to itself before"
            + " any value begins",
        "{'type':'object','properties':{'a':{'$ref':'#'}},'required':['a']} | test: #: a '$ref'"
            + " requires itself without end, so no value can satisfy it",
        "{'type':'object','properties':{'a':{'type':'null'}},'required':['b']} | test: #/required:"
            + " 'required' names 'b', which is no property",
        "{'type':'object','properties':{'a':{'type':'null'}},'additionalProperties':{}} | test:"
            + " #/additionalProperties: 'additionalProperties' can only be true or false: only"
            + " 'properties' are written",
        "{'type':'object','properties':{'a':{}}} | test: #/properties/a: it needs a 'type'",
        "{'type':'object'} | test: #: an object needs 'properties': no others are written",
        "{'type':'array'} | test: #: an array needs 'items'",
        "{'type':'text'} | test: #/type: there is no type 'text'",
        "{'type':'string','anyOf':[{'type':'string'}]} | test: #: 'type' beside 'anyOf' is not"
            + " supported",
        "true | test: #: a schema must be a JSON object that names a type"
      })
  void whatIsNotSupportedIsRefusedByName(String schema, String message) {
    assertRefused(schema, message);
  }

  private static void assertRefused(String schema, String message) {
    assertThatThrownBy(
            () -> SchemaCompiler.compile("test", json(schema), Absence.LEFT_OUT, new Expressions()))
        .isInstanceOf(ModelException.class)
        .hasMessage(message);
  }
}
