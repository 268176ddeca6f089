package dev.lowpass.pipeline.schema;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random schemas: what is written under them, and what could be. */
class SchemaFuzzTest {
  private static final String TOKENIZERS =
      "src/test/resources/dev/lowpass/pipeline/text/tokenizers/";
  private static final int MAX_TOKENS = 400;

  @Test
  void everyInstanceCanBeWritten() {
    RandomSchemas schemas = new RandomSchemas(1);
    for (int i = 0; i < 200; i++) {
      RandomSchemas.Sample sample = schemas.next();
      String schema = sample.schema().toString();
      Expressions expressions = new Expressions();
      Expression language = SchemaCompiler.compile("fuzz", schema, Absence.LEFT_OUT, expressions);
      Judge judge = new Judge(sample.schema());
      for (int j = 0; j < 5; j++) {
        JsonNode instance = sample.instances().get();
        assertThat(judge.complaints(instance)).as("%s under %s", instance, schema).isEmpty();
        String text = JsonText.of(instance);
        assertThat(expressions.accepts(language, text.getBytes(StandardCharsets.UTF_8)))
            .as("%s under %s", text, schema)
            .isTrue();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"../sample-data/model", TOKENIZERS + "prepend", TOKENIZERS + "metaspace"})
  void whatEndsByItselfIsAnInstance(String folder) {
    try (TextTokenizer tokenizer = TextTokenizer.load(Path.of(folder))) {
      TokenTrie trie = new TokenTrie(Vocabulary.of(tokenizer));
      int end = tokenizer.controlTokens().iterator().next();
      RandomSchemas schemas = new RandomSchemas(2);
      Random random = new Random(3);
      int ended = 0;
      int all = 100;
      for (int i = 0; i < all; i++) {
        RandomSchemas.Sample sample = schemas.next();
        String schema = sample.schema().toString();
        TokenConstraint constraint =
            SchemaConstraint.compile("fuzz", schema, Absence.LEFT_OUT, trie, Set.of(end)).start();
        int[] tokens = write(constraint, tokenizer.vocabularySize() + 7, end, random);
        if (!constraint.finished()) {
          continue;
        }
        ended++;
        String text = tokenizer.decode(tokens);
        assertThat(new Judge(sample.schema()).complaints(text))
            .as("%s under %s", text, schema)
            .isEmpty();
      }
      assertThat(ended).isGreaterThan(all / 2);
    }
  }

  /** Random weights: each token's logit is drawn anew, but ending is always likely. */
  private static int[] write(TokenConstraint constraint, int vocabulary, int end, Random random) {
    List<Integer> tokens = new ArrayList<>();
    while (!constraint.finished() && tokens.size() < MAX_TOKENS) {
      int[] forced = constraint.forced();
      if (forced.length == 0) {
        float[] logits = new float[vocabulary];
        for (int token = 0; token < vocabulary; token++) {
          logits[token] = random.nextFloat();
        }
        logits[end] = 0.9f;
        int best = constraint.best(logits);
        constraint.mask(logits);
        assertThat(constraint.allows(best)).isTrue();
        for (int i = 0; i < 20; i++) {
          int token = random.nextInt(vocabulary);
          assertThat(logits[token] > Float.NEGATIVE_INFINITY).isEqualTo(constraint.allows(token));
          assertThat(logits[token]).isLessThanOrEqualTo(logits[best]);
        }
        forced = new int[] {best};
      }
      for (int token : forced) {
        constraint.accept(token);
        if (token != end) {
          tokens.add(token);
        }
      }
    }
    return tokens.stream().mapToInt(token -> token).toArray();
  }
}
