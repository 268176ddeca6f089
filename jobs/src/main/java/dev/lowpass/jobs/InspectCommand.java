package dev.lowpass.jobs;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.ModelConfig;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(name = "inspect", description = "Shows what is in a checkpoint.")
final class InspectCommand implements Callable<Integer> {
  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Mixin private ModelOptions model;
  @Mixin private CommonOptions common;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws JsonProcessingException {
    model.check();
    try (Checkpoint checkpoint = model.open(common.hadoop())) {
      CheckpointFacts facts = CheckpointFacts.of(checkpoint);
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
        out.println(mapper.writeValueAsString(entries(facts)));
      } else {
        print(out, facts);
      }
      out.flush();
    }
    return Lowpass.DONE;
  }

  private static Map<String, Object> entries(CheckpointFacts facts) {
    ModelConfig config = facts.config();
    Map<String, Object> entries = new LinkedHashMap<>();
    entries.put("name", facts.name());
    entries.put("model_type", config.modelType());
    entries.put("layers", config.layers());
    entries.put("heads", config.heads());
    entries.put("kv_heads", config.kvHeads());
    entries.put("head_dim", config.headDim());
    entries.put("hidden_size", config.hiddenSize());
    entries.put("vocabulary_size", config.vocabularySize());
    entries.put("window_tokens", config.maxPositions());
    entries.put(
        "sliding_window_tokens",
        config.slidingWindow() == Integer.MAX_VALUE ? null : config.slidingWindow());
    entries.put("rope_scaling", facts.ropeScaling());
    entries.put("parameters", facts.parameters());
    entries.put("tensors_by_type", facts.tensorsByType());
    entries.put("weight_bytes", facts.weightBytes());
    entries.put("kv_cache_bytes_per_token", facts.cacheBytesPerToken());
    entries.put("chat_template", facts.chatTemplate());
    entries.put("digest", facts.digest());
    return entries;
  }

  private static void print(PrintWriter out, CheckpointFacts facts) {
    ModelConfig config = facts.config();
    out.printf("name           %s%n", facts.name());
    out.printf("model_type     %s%n", config.modelType());
    out.printf("layers         %d%n", config.layers());
    out.printf(
        "heads          %d, in groups over %d kv heads, head_dim %d%n",
        config.heads(), config.kvHeads(), config.headDim());
    out.printf("hidden         %d%n", config.hiddenSize());
    out.printf("vocabulary     %s%n", Text.count(config.vocabularySize(), "token"));
    out.printf(
        "window         %s%s%n",
        Text.count(config.maxPositions(), "token"),
        config.slidingWindow() == Integer.MAX_VALUE
            ? ""
            : ", each sees " + Text.number(config.slidingWindow()));
    out.printf("rope scaling   %s%n", facts.ropeScaling());
    out.printf("parameters     %s%n", Text.number(facts.parameters()));
    out.printf(
        "weights        %s on disk, %s%n",
        Text.bytes(facts.weightBytes()),
        facts.tensorsByType().toString().replaceAll("[{}]", "").replace("=", " x "));
    out.printf(
        "KV cache       %s a token in float32; %s for the whole window%n",
        Text.bytes(facts.cacheBytesPerToken()),
        Text.bytes(facts.cacheBytesPerToken() * config.maxPositions()));
    out.printf("chat template  %s%n", facts.chatTemplate() ? "yes" : "no");
    out.printf("digest         %s%n", facts.digest());
  }
}
