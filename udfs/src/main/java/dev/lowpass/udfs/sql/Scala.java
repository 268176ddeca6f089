package dev.lowpass.udfs.sql;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import scala.Product;
import scala.collection.immutable.Map;
import scala.collection.immutable.Seq;
import scala.collection.immutable.VectorMap;
import scala.jdk.javaapi.CollectionConverters;

/** Spark's collections are Scala's. */
final class Scala {
  private Scala() {}

  @SafeVarargs
  static <T> Seq<T> seq(T... items) {
    return seq(List.of(items));
  }

  static <T> Seq<T> seq(Collection<? extends T> items) {
    return CollectionConverters.<T>asScala(List.<T>copyOf(items)).toSeq();
  }

  static <T> List<T> list(scala.collection.Iterable<T> items) {
    return List.copyOf(CollectionConverters.asJavaCollection(items));
  }

  static <T> Seq<T> concat(Seq<T> first, Seq<T> second) {
    List<T> both = new ArrayList<>(list(first));
    both.addAll(list(second));
    return seq(both);
  }

  /** In the entries' order. */
  static <K, V> Map<K, V> map(java.util.Map<K, V> entries) {
    return VectorMap.from(CollectionConverters.asScala(entries));
  }

  static AttributeSet set(Seq<Attribute> attributes) {
    return AttributeSet.fromAttributeSets(
        seq(list(attributes).stream().map(Attribute::references).toList()));
  }

  /** Whether two nodes of a tree are the same, as Scala's case classes are. */
  static boolean equal(Product one, Object other) {
    return one == other
        || one.getClass().isInstance(other)
            && one.productIterator().sameElements(((Product) other).productIterator());
  }
}
