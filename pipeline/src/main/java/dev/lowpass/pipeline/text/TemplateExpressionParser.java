package dev.lowpass.pipeline.text;

import dev.lowpass.pipeline.text.TemplateLexer.Kind;
import dev.lowpass.pipeline.text.TemplateLexer.Token;
import dev.lowpass.pipeline.text.TemplateNode.Arguments;
import dev.lowpass.pipeline.text.TemplateNode.Comparand;
import dev.lowpass.pipeline.text.TemplateNode.Expression;
import dev.lowpass.pipeline.text.TemplateNode.Filter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Parses expressions, loosest binding first: {@code a if b else c}, {@code or}, {@code and}, {@code
 * not}, comparisons, {@code + -}, {@code ~}, {@code * / // %}, {@code **}, signs, and closest of
 * all attributes, calls, filters and tests.
 */
final class TemplateExpressionParser {
  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

  private final TemplateTokens tokens;

  TemplateExpressionParser(TemplateTokens tokens) {
    this.tokens = tokens;
  }

  Expression expression() {
    Expression value = or();
    while (tokens.skipName("if")) {
      Expression condition = or();
      Expression otherwise = tokens.skipName("else") ? expression() : null;
      value = new TemplateNode.Conditional(condition, value, otherwise);
    }
    return value;
  }

  /** An expression, or a tuple of some written without parentheses. */
  Expression expressionOrTuple() {
    return tupleOf(this::expression);
  }

  /** The same, of expressions without {@code if}, as after {@code for x in} and {@code if}. */
  Expression unconditionalOrTuple() {
    return tupleOf(this::or);
  }

  private Expression tupleOf(Supplier<Expression> element) {
    Expression first = element.get();
    if (!tokens.atOperator(",")) {
      return first;
    }
    List<Expression> items = new ArrayList<>(List.of(first));
    while (tokens.skipOperator(",")) {
      if (tokens.atOperator(")") || tokens.at(Kind.OUTPUT_END) || tokens.at(Kind.BLOCK_END)) {
        break;
      }
      items.add(element.get());
    }
    return new TemplateNode.TupleOf(items);
  }

  private Expression or() {
    Expression left = and();
    while (tokens.skipName("or")) {
      left = new TemplateNode.Or(left, and());
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (tokens.skipName("and")) {
      left = new TemplateNode.And(left, not());
    }
    return left;
  }

  private Expression not() {
    return tokens.skipName("not") ? new TemplateNode.Not(not()) : comparison();
  }

  private Expression comparison() {
    int line = tokens.line();
    Expression first = sum();
    List<Comparand> rest = new ArrayList<>();
    while (true) {
      if (tokens.at(Kind.OPERATOR) && COMPARISONS.contains(tokens.peek().text())) {
        rest.add(new Comparand(tokens.next().text(), sum()));
      } else if (tokens.skipName("in")) {
        rest.add(new Comparand("in", sum()));
      } else if (tokens.atName("not") && tokens.nameFollows("in")) {
        tokens.next();
        tokens.next();
        rest.add(new Comparand("not in", sum()));
      } else {
        return rest.isEmpty() ? first : new TemplateNode.Comparison(first, rest, line);
      }
    }
  }

  private Expression sum() {
    return leftToRight(this::concatenation, Set.of("+", "-"));
  }

  private Expression concatenation() {
    Expression first = product();
    if (!tokens.atOperator("~")) {
      return first;
    }
    List<Expression> parts = new ArrayList<>(List.of(first));
    while (tokens.skipOperator("~")) {
      parts.add(product());
    }
    return new TemplateNode.Concatenation(parts);
  }

  private Expression product() {
    return leftToRight(this::power, Set.of("*", "/", "//", "%"));
  }

  private Expression power() {
    return leftToRight(() -> unary(true), Set.of("**"));
  }

  private Expression leftToRight(Supplier<Expression> operand, Set<String> operators) {
    Expression left = operand.get();
    while (tokens.at(Kind.OPERATOR) && operators.contains(tokens.peek().text())) {
      Token operator = tokens.next();
      left = new TemplateNode.Binary(operator.text(), left, operand.get(), operator.line());
    }
    return left;
  }

  private Expression unary(boolean withFilters) {
    int line = tokens.line();
    Expression value;
    if (tokens.atOperator("-") || tokens.atOperator("+")) {
      value = new TemplateNode.Unary(tokens.next().text(), unary(false), line);
    } else {
      value = primary();
    }
    value = postfix(value);
    return withFilters ? filtersAndTests(value) : value;
  }

  Expression primary() {
    Token token = tokens.next();
    switch (token.kind()) {
      case NAME:
        return switch (token.text()) {
          case "true", "True" -> new TemplateNode.Constant(true);
          case "false", "False" -> new TemplateNode.Constant(false);
          case "none", "None" -> new TemplateNode.Constant(null);
          default -> new TemplateNode.Name(token.text());
        };
      case STRING:
        StringBuilder text = new StringBuilder(token.text());
        while (tokens.at(Kind.STRING)) {
          text.append(tokens.next().text());
        }
        return new TemplateNode.Constant(text.toString());
      case INTEGER:
        try {
          return new TemplateNode.Constant(Long.valueOf(token.text()));
        } catch (NumberFormatException e) {
          throw TemplateException.at(token.line(), "the number " + token.text() + " is too large");
        }
      case FLOAT:
        return new TemplateNode.Constant(Double.valueOf(token.text()));
      case OPERATOR:
        switch (token.text()) {
          case "(":
            return parenthesised();
          case "[":
            return new TemplateNode.ListOf(untilClosed("]", this::expression));
          case "{":
            return map();
          default:
        }
        break;
      default:
    }
    throw TemplateException.at(token.line(), "expected a value but found " + token.describe());
  }

  private Expression parenthesised() {
    if (tokens.skipOperator(")")) {
      return new TemplateNode.TupleOf(List.of());
    }
    Expression value = expressionOrTuple();
    tokens.expectOperator(")");
    return value;
  }

  private Expression map() {
    List<Expression> keys = new ArrayList<>();
    List<Expression> values =
        untilClosed(
            "}",
            () -> {
              keys.add(expression());
              tokens.expectOperator(":");
              return expression();
            });
    return new TemplateNode.MapOf(keys, values);
  }

  private List<Expression> untilClosed(String close, Supplier<Expression> element) {
    List<Expression> items = new ArrayList<>();
    while (!tokens.skipOperator(close)) {
      if (!items.isEmpty()) {
        tokens.expectOperator(",");
        if (tokens.skipOperator(close)) {
          break;
        }
      }
      items.add(element.get());
    }
    return items;
  }

  private Expression postfix(Expression target) {
    Expression value = target;
    while (true) {
      int line = tokens.line();
      if (tokens.skipOperator(".")) {
        if (tokens.at(Kind.INTEGER)) {
          value = new TemplateNode.Item(value, primary(), line);
        } else {
          value = new TemplateNode.Attribute(value, tokens.expectName(), line);
        }
      } else if (tokens.skipOperator("[")) {
        value = subscript(value, line);
      } else if (tokens.skipOperator("(")) {
        value = new TemplateNode.Call(value, arguments(), line);
      } else {
        return value;
      }
    }
  }

  private Expression subscript(Expression target, int line) {
    Expression start = tokens.atOperator(":") ? null : expression();
    if (!tokens.skipOperator(":")) {
      tokens.expectOperator("]");
      return new TemplateNode.Item(target, start, line);
    }
    Expression stop = atSliceEnd() ? null : expression();
    Expression step = null;
    if (tokens.skipOperator(":")) {
      step = atSliceEnd() ? null : expression();
    }
    tokens.expectOperator("]");
    return new TemplateNode.Slice(target, start, stop, step, line);
  }

  private boolean atSliceEnd() {
    return tokens.atOperator(":") || tokens.atOperator("]");
  }

  /** The arguments of a call whose opening parenthesis has been read. */
  private Arguments arguments() {
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    boolean first = true;
    while (!tokens.skipOperator(")")) {
      if (!first) {
        tokens.expectOperator(",");
        if (tokens.skipOperator(")")) {
          break;
        }
      }
      first = false;
      int line = tokens.line();
      if (tokens.atOperator("*") || tokens.atOperator("**")) {
        throw TemplateException.at(
            line, "'" + tokens.peek().text() + "' before an argument is not supported");
      }
      if (tokens.at(Kind.NAME) && tokens.operatorFollows("=")) {
        String name = tokens.expectName();
        tokens.expectOperator("=");
        named.put(name, expression());
      } else if (named.isEmpty()) {
        positional.add(expression());
      } else {
        throw TemplateException.at(line, "a positional argument follows a named one");
      }
    }
    return new Arguments(positional, named);
  }

  private Expression filtersAndTests(Expression target) {
    Expression value = target;
    while (true) {
      int line = tokens.line();
      if (tokens.atOperator("|")) {
        value = filter(value);
      } else if (tokens.skipName("is")) {
        value = test(value, line);
      } else if (tokens.skipOperator("(")) {
        value = new TemplateNode.Call(value, arguments(), line);
      } else {
        return value;
      }
    }
  }

  private Filter filter(Expression target) {
    tokens.expectOperator("|");
    return namedFilter(target);
  }

  private Filter namedFilter(Expression target) {
    int line = tokens.line();
    String name = tokens.expectName();
    if (!TemplateFilters.exists(name)) {
      throw TemplateException.at(line, "the filter '" + name + "' is not supported");
    }
    Arguments arguments =
        tokens.skipOperator("(") ? arguments() : new Arguments(List.of(), Map.of());
    return new Filter(target, name, arguments, line);
  }

  /** The filters of a block such as {@code {% filter upper | trim %}}; their target is open. */
  List<Filter> blockFilters() {
    List<Filter> filters = new ArrayList<>(List.of(namedFilter(null)));
    filters.addAll(pipedFilters());
    return filters;
  }

  /** The filters of {@code {% set x | trim %}}, possibly none. */
  List<Filter> pipedFilters() {
    List<Filter> filters = new ArrayList<>();
    while (tokens.atOperator("|")) {
      filters.add(filter(null));
    }
    return filters;
  }

  private Expression test(Expression target, int line) {
    boolean negated = tokens.skipName("not");
    String name = tokens.expectName();
    if (!TemplateTests.exists(name)) {
      throw TemplateException.at(line, "the test '" + name + "' is not supported");
    }
    Arguments arguments = new Arguments(List.of(), Map.of());
    if (tokens.skipOperator("(")) {
      arguments = arguments();
    } else if (atTestArgument()) {
      arguments = new Arguments(List.of(postfix(primary())), Map.of());
    }
    Expression test = new TemplateNode.Test(target, name, arguments, line);
    return negated ? new TemplateNode.Not(test) : test;
  }

  private boolean atTestArgument() {
    Token token = tokens.peek();
    return switch (token.kind()) {
      case STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> token.text().equals("[") || token.text().equals("{");
      case NAME -> !Set.of("else", "or", "and", "if", "is", "in", "not").contains(token.text());
      default -> false;
    };
  }
}
