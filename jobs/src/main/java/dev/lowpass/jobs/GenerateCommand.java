package dev.lowpass.jobs;

import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.engine.EngineOptions;
import dev.lowpass.pipeline.engine.Request;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.text.Message;
import dev.lowpass.pipeline.text.TextTokenizer;
import dev.lowpass.udfs.Engines;
import dev.lowpass.udfs.settings.PolicySettings;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "generate",
    description = "Completes one prompt: the completion goes to stdout, and nothing else does.")
final class GenerateCommand implements Callable<Integer> {
  private static final int MAX_NEW_TOKENS = 256;

  @Option(names = "--prompt", paramLabel = "TEXT", description = "The prompt. Default: stdin.")
  private String prompt;

  @Option(names = "--prompt-file", paramLabel = "FILE", description = "The prompt, as UTF-8.")
  private Path promptFile;

  @Option(
      names = "--chat",
      description = "Put the prompt into the model's chat template, as a user's message.")
  private boolean chat;

  @Mixin private ModelOptions model;
  @Mixin private DecodingOptions decoding;
  @Mixin private CommonOptions common;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    model.check();
    decoding.check();
    if (prompt != null && promptFile != null) {
      throw new UsageException("--prompt and --prompt-file are both given; give one of them");
    }
    String text = prompt();
    Path folder = model.folder(common.hadoop());
    PolicySettings policy;
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      policy = DecodingOptions.policy(spec, checkpoint.config());
    }
    EngineOptions options =
        new EngineOptions(
            folder,
            model.device(),
            model.threads(),
            policy.contextTokens(),
            policy.cache(),
            policy.prefill(),
            /* slots= */ 0,
            EngineOptions.DEFAULT_BATCH_TOKENS,
            model.weights());
    PrintWriter out = spec.commandLine().getOut();
    try (Engine engine = Engines.open(options)) {
      engine.complete(
          Request.of(List.of(tokens(engine.tokenizer(), text))),
          decoding.generation(MAX_NEW_TOKENS).options(),
          piece -> {
            out.print(piece);
            out.flush();
          });
    }
    return Lowpass.DONE;
  }

  private int[] tokens(TextTokenizer tokenizer, String text) {
    if (!chat) {
      return tokenizer.encodeWithSpecial(text);
    }
    if (!tokenizer.hasChatTemplate()) {
      throw new ModelException(
          "--model " + model.location() + ": has no chat template; leave out --chat");
    }
    return tokenizer.encodeChat(List.of(new Message("user", text)));
  }

  private String prompt() throws IOException {
    if (prompt != null) {
      return prompt;
    }
    if (promptFile != null && !Files.isRegularFile(promptFile)) {
      throw new UsageException("--prompt-file " + promptFile + ": no such file");
    }
    byte[] bytes = promptFile == null ? System.in.readAllBytes() : Files.readAllBytes(promptFile);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      String name = promptFile == null ? "the prompt on stdin" : "--prompt-file " + promptFile;
      throw new UsageException(name + " is not UTF-8; convert it", e);
    }
  }
}
