package dev.lowpass.pipeline.text;

import java.util.List;
import java.util.Map;

/** The syntax tree of a template. */
final class TemplateNode {
  private TemplateNode() {}

  /** Something with a value. */
  sealed interface Expression {}

  record Constant(Object value) implements Expression {}

  record Name(String name) implements Expression {}

  record ListOf(List<Expression> items) implements Expression {}

  record TupleOf(List<Expression> items) implements Expression {}

  record MapOf(List<Expression> keys, List<Expression> values) implements Expression {}

  record Attribute(Expression target, String name, int line) implements Expression {}

  record Item(Expression target, Expression index, int line) implements Expression {}

  /** Null stands for a bound that is left out. */
  record Slice(Expression target, Expression start, Expression stop, Expression step, int line)
      implements Expression {}

  record Call(Expression target, Arguments arguments, int line) implements Expression {}

  record Filter(Expression target, String name, Arguments arguments, int line)
      implements Expression {}

  record Test(Expression target, String name, Arguments arguments, int line)
      implements Expression {}

  record Arguments(List<Expression> positional, Map<String, Expression> named) {}

  record Unary(String operator, Expression operand, int line) implements Expression {}

  record Binary(String operator, Expression left, Expression right, int line)
      implements Expression {}

  /** A chain such as {@code a < b <= c}. */
  record Comparison(Expression first, List<Comparand> rest, int line) implements Expression {}

  record Comparand(String operator, Expression value) {}

  record And(Expression left, Expression right) implements Expression {}

  record Or(Expression left, Expression right) implements Expression {}

  record Not(Expression operand) implements Expression {}

  record Concatenation(List<Expression> parts) implements Expression {}

  /** {@code otherwise} is null where the template leaves it out. */
  record Conditional(Expression condition, Expression then, Expression otherwise)
      implements Expression {}

  /** Something that is carried out. */
  sealed interface Statement {}

  record Text(String text) implements Statement {}

  record Output(Expression expression, int line) implements Statement {}

  record If(List<Branch> branches, List<Statement> otherwise) implements Statement {}

  record Branch(Expression condition, List<Statement> body) {}

  /** {@code condition} is null where the loop has none. */
  record For(
      Target target,
      Expression items,
      Expression condition,
      List<Statement> body,
      List<Statement> otherwise,
      int line)
      implements Statement {}

  record Set(Target target, Expression value, int line) implements Statement {}

  record SetBlock(Target target, List<Filter> filters, List<Statement> body, int line)
      implements Statement {}

  record FilterBlock(List<Filter> filters, List<Statement> body) implements Statement {}

  record With(List<Target> targets, List<Expression> values, List<Statement> body, int line)
      implements Statement {}

  record Macro(String name, List<Parameter> parameters, List<Statement> body, int line)
      implements Statement {}

  /** {@code fallback} is null where the parameter has none. */
  record Parameter(String name, Expression fallback) {}

  record CallBlock(List<Parameter> parameters, Call call, List<Statement> body, int line)
      implements Statement {}

  record Body(List<Statement> statements) implements Statement {}

  record Break() implements Statement {}

  record Continue() implements Statement {}

  /** What a value is assigned to. */
  sealed interface Target {}

  record NameTarget(String name) implements Target {}

  record NamespaceTarget(String namespace, String attribute) implements Target {}

  record TupleTarget(List<Target> targets) implements Target {}
}
