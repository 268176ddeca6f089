package dev.lowpass.pipeline.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChatTemplateTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static Map<String, Object> variables(JsonNode node) {
    return JSON.convertValue(node, new TypeReference<Map<String, Object>>() {});
  }

  private static String resource(String name) throws IOException {
    try (InputStream in = ChatTemplateTest.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static String render(String template) {
    return render(template, Map.of());
  }

  private static String render(String template, Map<String, ?> variables) {
    return ChatTemplate.compile(template).render(variables);
  }

  /** What Jinja2 itself makes of the same template and variables; the file says how. */
  @TestFactory
  Stream<DynamicTest> rendersAsJinja2Does() throws IOException {
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode row : JSON.readTree(resource("jinja_cases.json")).get("cases")) {
      tests.add(
          DynamicTest.dynamicTest(
              row.get("name").asText(),
              () ->
                  assertThat(render(row.get("template").asText(), variables(row.get("variables"))))
                      .isEqualTo(row.get("expected").asText())));
    }
    return tests.stream();
  }

  /** Chat templates of real models, with the prompts that Hugging Face's own tests expect. */
  @TestFactory
  Stream<DynamicTest> rendersRealTemplates() throws IOException {
    Path file = Shared.require("data/chat_templates.json");
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode row : JSON.readTree(file.toFile())) {
      String name = row.get("name").asText();
      // This target comes from Hugging Face's JavaScript, which prints a list as JSON where Python
      // and so transformers prints its repr; the expectation here is what Jinja2 gives.
      String expected =
          name.equals("MadeAgents/Hammer2.1")
              ? resource("hammer_python.txt")
              : row.get("target").asText();
      // The day on which the targets with a date were made.
      LocalDateTime now = LocalDateTime.of(2025, 7, 10, 12, 0);
      tests.add(
          DynamicTest.dynamicTest(
              name,
              () ->
                  assertThat(
                          ChatTemplate.compile(row.get("chat_template").asText(), now)
                              .render(variables(row.get("data"))))
                      .isEqualTo(expected)));
    }
    return tests.stream();
  }

  @ParameterizedTest
  @CsvSource(
      delimiterString = "=>",
      quoteCharacter = '`',
      value = {
        "{{ x | wordwrap }} => line 1: the filter 'wordwrap' is not supported",
        "{{ x is escaped }} => line 1: the test 'escaped' is not supported",
        "{% include 'x' %} => line 1: the tag 'include' is not supported",
        "{% do x %} => line 1: the tag 'do' is not supported",
        "{{ f(*x) }} => line 1: '*' before an argument is not supported",
        "{% for x in y recursive %}{% endfor %} => line 1: 'recursive' loops are not supported",
        "{{ x } => line 1: unexpected '}'",
        "{{ 'x }} => line 1: the string is not closed",
        "{% if x %} => line 1: expected 'endif' for line 1 but found end of template",
        "{% endif %} => line 1: nothing is open that 'endif' could end",
        "{% break %} => line 1: 'break' stands outside a loop",
        "{{ 1 + }} => line 1: expected a value but found '}}'",
        "{{ x ! y }} => line 1: unexpected character '!'",
        "{# x => line 1: the comment is not closed",
        "{{ x => line 1: the tag is not closed with '}}'",
      })
  void refusesWhatItDoesNotSupportByName(String template, String message) {
    assertThatThrownBy(() -> ChatTemplate.compile(template))
        .isInstanceOf(TemplateException.class)
        .hasMessage("chat template " + message);
  }

  @Test
  void errorsNameTheirLine() {
    assertThatThrownBy(() -> ChatTemplate.compile("a\n{#\n#}{{ x | wordwrap }}"))
        .hasMessage("chat template line 3: the filter 'wordwrap' is not supported");
    assertThatThrownBy(() -> render("a\n\n{{ x.y }}"))
        .hasMessage("chat template line 3: 'x' is undefined");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ [].append(1) }}",
        "{{ {}.update({}) }}",
        "{{ 'a'.format(1) }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ 'a' + 1 }}",
        "{{ 'a' + none }}",
        "{{ 1 < 'a' }}",
        "{{ 1 / 0 }}",
        "{{ 1 // 0 }}",
        "{{ 1 % 0 }}",
        "{{ 9223372036854775807 + 1 }}",
        "{{ missing.x }}",
        "{{ missing() }}",
        "{{ missing + 'a' }}",
        "{{ 1() }}",
        "{% for x in 1 %}{% endfor %}",
        "{% for a, b in [[1]] %}{% endfor %}",
        "{{ [1][::0] }}",
        "{% set x = 1 %}{% set x.y = 2 %}",
        "{{ '%s' % 'a' }}",
        "{{ 'a'.split('') }}",
        "{{ [1] | map('nothing') }}",
        "{{ {'a': namespace()} | tojson }}",
        "{{ loop.nothing }}",
        "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}",
        "{% macro m(a) %}{% endmacro %}{{ m(b=1) }}",
      })
  void refusesWhatPythonRefuses(String template) {
    ChatTemplate compiled = ChatTemplate.compile(template);
    assertThatThrownBy(() -> compiled.render(Map.of()))
        .isInstanceOf(TemplateException.class)
        .hasMessageStartingWith("chat template line 1: ");
  }

  @Test
  void namesAMethodThatIsNotSupported() {
    assertThatThrownBy(() -> render("{{ 'a'.zfill(3) }}"))
        .hasMessageContaining("'zfill' of a str is not supported");
  }

  @Test
  void raiseExceptionCarriesTheTemplatesWords() {
    assertThatThrownBy(() -> render("\n{{ raise_exception('No system role, please.') }}"))
        .isInstanceOf(TemplateException.class)
        .hasMessage(
            "chat template line 2: the template refuses the messages: No system role, please.");
  }

  @Test
  void strftimeNowIsAFixedDaySoThatRowsDoNotDependOnTheDay() {
    assertThat(render("{{ strftime_now('%Y-%m-%d') }}")).isEqualTo("2024-07-26");
  }

  /** Each of these would take for ever or all of the memory. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ range(1000000000) | length }}",
        "{{ range(0, 9223372036854775807, 4611686018427387904) }}",
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{% set n = namespace(s='aaaa') %}{% for i in range(99) %}{% set n.s = n.s + n.s %}"
            + "{% endfor %}",
        "{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}"
            + "{% endfor %}{{ n.s }}",
        "{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}"
            + "{% endfor %}{{ n.s | tojson }}",
        "{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}"
            + "{% endfor %}{{ n.s == n.s | list }}",
        "{{ 'a' * 9999999999 }}",
        "{{ [0] * 9999999999 }}",
        "{{ ('a' * 9999).replace('a', 'a' * 99999) }}",
        "{{ (['a'] * 9999) | join('a' * 99999) }}",
        "{{ ('a\n' * 99999) | indent('a' * 9999) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ 2 ** 99999999 }}",
        "{{ 1 ** 9223372036854775807 }}{{ missing.x }}",
        "{% set n = namespace() %}{% set n.n = n %}{{ n }}",
        "{{ [] | tojson(indent=99999999) }}",
      })
  void boundsTimeAndMemory(String template) {
    assertTimeoutPreemptively(
        Duration.ofSeconds(30),
        () -> assertThatThrownBy(() -> render(template)).isInstanceOf(TemplateException.class));
  }

  @Test
  void refusesDeepNesting() {
    String deep = "(".repeat(100_000) + "1" + ")".repeat(100_000);
    assertThatThrownBy(() -> render("{{ " + deep + " }}")).isInstanceOf(TemplateException.class);
    String chain = "{{ 1" + " + 1".repeat(100_000) + " }}";
    assertThatThrownBy(() -> render(chain)).isInstanceOf(TemplateException.class);
  }

  @Test
  void longMessagesAreNoTrouble() {
    String document = "line of a document \n".repeat(500_000);
    String rendered =
        render(
            "{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}{{ m.content.strip() }}"
                + "{{ m.content.split('</think>')[-1] }}{{ 'x' in m.content }}{% endfor %}",
            Map.of("messages", List.of(Map.of("role", "user", "content", document))));
    assertThat(rendered).hasSize("<user>False".length() + 3 * document.length() - 4);
  }

  @Test
  void variablesOfOtherTypesAreACallersMistake() {
    ChatTemplate template = ChatTemplate.compile("{{ x }}");
    assertThatThrownBy(() -> template.render(Map.of("x", new Object())))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(template.render(Map.of("x", 1))).isEqualTo("1");
    assertThat(template.render(Map.of("x", 1.5f))).isEqualTo("1.5");
  }
}
