package dev.lowpass.udfs.sql;

import dev.lowpass.udfs.FunctionIterator;
import dev.lowpass.udfs.ModelFunction;
import dev.lowpass.udfs.Tally;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.catalyst.CatalystTypeConverters;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.expressions.JoinedRow;
import org.apache.spark.sql.catalyst.expressions.UnsafeProjection;
import org.apache.spark.util.SerializableConfiguration;
import org.apache.spark.util.TaskCompletionListener;
import scala.Function1;
import scala.collection.Iterator;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;

/** What a task of {@link LowpassEvalExec} does with its partition. */
final class EvalPartition extends AbstractFunction1<Iterator<InternalRow>, Iterator<InternalRow>>
    implements Serializable {
  private final List<ModelFunction> functions;
  private final Seq<Expression> texts;
  private final Seq<Attribute> input;
  private final Seq<Attribute> output;
  private final Tally tally;
  private final Broadcast<SerializableConfiguration> hadoop;

  EvalPartition(
      Seq<ModelCall> calls,
      Seq<Attribute> input,
      Seq<Attribute> output,
      Tally tally,
      Broadcast<SerializableConfiguration> hadoop) {
    this.functions = Scala.list(calls).stream().map(ModelCall::function).toList();
    this.texts = Scala.seq(Scala.list(calls).stream().map(ModelCall::text).toList());
    this.input = input;
    this.output = output;
    this.tally = tally;
    this.hadoop = hadoop;
  }

  @Override
  public Iterator<InternalRow> apply(Iterator<InternalRow> rows) {
    TaskContext task = TaskContext.get();
    FunctionIterator<InternalRow> answered =
        new FunctionIterator<>(
            CollectionConverters.asJava(rows.map(new ReadTexts(texts, input))),
            functions,
            tally,
            hadoop.value().value(),
            task);
    task.addTaskCompletionListener((TaskCompletionListener) ended -> answered.close());
    return CollectionConverters.asScala(answered).map(new Join(functions, output));
  }

  /** Evaluates what the functions are asked of a row. */
  private static final class ReadTexts
      extends AbstractFunction1<InternalRow, FunctionIterator.Texts<InternalRow>> {
    private final UnsafeProjection projection;
    private final int count;

    ReadTexts(Seq<Expression> texts, Seq<Attribute> input) {
      projection = UnsafeProjection.create(texts, input);
      count = texts.size();
    }

    @Override
    public FunctionIterator.Texts<InternalRow> apply(InternalRow row) {
      InternalRow evaluated = projection.apply(row);
      String[] texts = new String[count];
      for (int i = 0; i < count; i++) {
        texts[i] = evaluated.isNullAt(i) ? null : evaluated.getUTF8String(i).toString();
      }
      // Rows before this one in the plan are overwritten by those after them.
      return new FunctionIterator.Texts<>(row.copy(), texts);
    }
  }

  /** Puts the functions' values behind a row's own. */
  private static final class Join
      extends AbstractFunction1<FunctionIterator.Values<InternalRow>, InternalRow> {
    private final List<Function1<Object, Object>> converters = new ArrayList<>();
    private final UnsafeProjection projection;
    private final JoinedRow joined = new JoinedRow();

    @SuppressWarnings({"unchecked", "rawtypes"}) // Scala's sequences are covariant
    Join(List<ModelFunction> functions, Seq<Attribute> output) {
      for (ModelFunction function : functions) {
        converters.add(CatalystTypeConverters.createToCatalystConverter(function.type()));
      }
      projection = UnsafeProjection.create((Seq) output, output);
    }

    @Override
    public InternalRow apply(FunctionIterator.Values<InternalRow> row) {
      Object[] values = new Object[converters.size()];
      for (int i = 0; i < values.length; i++) {
        values[i] = converters.get(i).apply(row.values()[i]);
      }
      return projection.apply(joined.apply(row.row(), new GenericInternalRow(values)));
    }
  }
}
