package dev.lowpass.udfs;

import dev.lowpass.pipeline.text.TextChunks;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.deploy.SparkHadoopUtil;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * Which tokenizer an executor uses where it needs no model; it is loaded once a JVM.
 *
 * @param model a local folder or a Hadoop URI
 * @param modelCache where folders given by URI are kept on each host
 * @param version changes with the folder's files
 */
public record TokenizerSpec(String model, String modelCache, String version)
    implements Serializable {
  private static final ConcurrentMap<TokenizerSpec, TextTokenizer> LOADED =
      new ConcurrentHashMap<>();

  /** How many tokens a text has. Spark's generated code calls it. */
  public int count(UTF8String text) {
    return tokenizer().encode(text.toString()).length;
  }

  /** A text in pieces: see {@link TextChunks}. Spark's generated code calls it. */
  public ArrayData chunks(UTF8String text, int tokens, int overlap) {
    return new GenericArrayData(
        TextChunks.of(tokenizer(), text.toString(), tokens, overlap).stream()
            .map(UTF8String::fromString)
            .toArray());
  }

  private TextTokenizer tokenizer() {
    return LOADED.computeIfAbsent(this, TokenizerSpec::load);
  }

  private static TextTokenizer load(TokenizerSpec spec) {
    Configuration hadoop = SparkHadoopUtil.get().conf();
    return TextTokenizer.load(ModelFolder.local(spec.model(), Path.of(spec.modelCache()), hadoop));
  }
}
