package dev.lowpass.pipeline.text;

import dev.lowpass.pipeline.text.TemplateNode.Comparand;
import dev.lowpass.pipeline.text.TemplateNode.Expression;
import dev.lowpass.pipeline.text.TemplateNode.Filter;
import dev.lowpass.pipeline.text.TemplateNode.Parameter;
import dev.lowpass.pipeline.text.TemplateNode.Statement;
import dev.lowpass.pipeline.text.TemplateNode.Target;
import dev.lowpass.pipeline.text.TemplateValues.Callable;
import dev.lowpass.pipeline.text.TemplateValues.Namespace;
import dev.lowpass.pipeline.text.TemplateValues.Undefined;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs a template once. Loops, macros and blocks have scopes of their own; {@code if} has none. */
final class TemplateEvaluator {
  private static final int MAX_MACRO_DEPTH = 100;

  /** How a statement ended. */
  private enum Flow {
    NEXT,
    BREAK,
    CONTINUE
  }

  /** Names and their values, looked up outwards. */
  private record Scope(Scope outer, Map<String, Object> values) {
    Scope inner() {
      return new Scope(this, new HashMap<>());
    }

    Object find(String name) {
      for (Scope scope = this; scope != null; scope = scope.outer) {
        if (scope.values.containsKey(name)) {
          return scope.values.get(name);
        }
      }
      return new Undefined("'" + name + "'");
    }
  }

  private final TemplateBudget budget;
  private final TemplateValues values;
  private final TemplateOperators operators;
  private Scope scope;
  private TemplateBudget.Writer out;
  private int line = 1;
  private int macroDepth;

  TemplateEvaluator(Map<String, ?> variables, LocalDateTime now) {
    Map<String, Object> context = new HashMap<>();
    variables.forEach((name, value) -> context.put(name, TemplateValues.of(value)));
    this.budget = new TemplateBudget(TemplateValues.characters(context));
    this.values = new TemplateValues(budget);
    this.operators = new TemplateOperators(budget);
    this.scope = new Scope(new Scope(null, TemplateGlobals.of(budget, now)), context);
    this.out = budget.writer();
  }

  String render(List<Statement> statements) {
    try {
      run(statements);
      return out.toString();
    } catch (TemplateFault e) {
      throw TemplateException.at(line, e.getMessage());
    }
  }

  TemplateBudget budget() {
    return budget;
  }

  TemplateValues values() {
    return values;
  }

  TemplateOperators operators() {
    return operators;
  }

  private Flow run(List<Statement> statements) {
    for (Statement statement : statements) {
      Flow flow = run(statement);
      if (flow != Flow.NEXT) {
        return flow;
      }
    }
    return Flow.NEXT;
  }

  private Flow run(Statement statement) {
    budget.charge(1);
    if (statement instanceof TemplateNode.Text text) {
      out.append(text.text());
    } else if (statement instanceof TemplateNode.Output output) {
      line = output.line();
      out.append(values.str(evaluate(output.expression())));
    } else if (statement instanceof TemplateNode.If choice) {
      return choose(choice);
    } else if (statement instanceof TemplateNode.For loop) {
      return loop(loop);
    } else if (statement instanceof TemplateNode.Set set) {
      line = set.line();
      assign(set.target(), evaluate(set.value()));
    } else if (statement instanceof TemplateNode.SetBlock set) {
      Object value = filter(set.filters(), captured(set.body()));
      line = set.line();
      assign(set.target(), value);
    } else if (statement instanceof TemplateNode.FilterBlock block) {
      out.append(values.str(filter(block.filters(), captured(block.body()))));
    } else if (statement instanceof TemplateNode.With with) {
      return with(with);
    } else if (statement instanceof TemplateNode.Macro macro) {
      scope.values().put(macro.name(), macro(macro.name(), macro.parameters(), macro.body()));
    } else if (statement instanceof TemplateNode.CallBlock block) {
      line = block.line();
      Object callee = evaluate(block.call().target());
      TemplateArguments arguments = evaluate(block.call().arguments());
      Map<String, Object> named = new LinkedHashMap<>(arguments.named());
      named.put("caller", macro("caller", block.parameters(), block.body()));
      out.append(values.str(call(callee, new TemplateArguments(arguments.positional(), named))));
    } else if (statement instanceof TemplateNode.Body body) {
      return run(body.statements());
    } else {
      return statement instanceof TemplateNode.Break ? Flow.BREAK : Flow.CONTINUE;
    }
    return Flow.NEXT;
  }

  private Flow choose(TemplateNode.If choice) {
    for (TemplateNode.Branch branch : choice.branches()) {
      if (TemplateValues.truth(evaluate(branch.condition()))) {
        return run(branch.body());
      }
    }
    return run(choice.otherwise());
  }

  private Flow loop(TemplateNode.For loop) {
    line = loop.line();
    List<Object> items = new ArrayList<>();
    Scope outer = scope;
    for (Object item : values.iterate(evaluate(loop.items()))) {
      budget.charge(1);
      if (loop.condition() != null) {
        scope = outer.inner();
        assign(loop.target(), item);
        if (!TemplateValues.truth(evaluate(loop.condition()))) {
          continue;
        }
      }
      items.add(item);
    }
    TemplateLoop state = new TemplateLoop(items, values);
    for (Object item : items) {
      scope = outer.inner();
      scope.values().put("loop", state);
      assign(loop.target(), item);
      Flow flow = run(loop.body());
      state.advance();
      if (flow == Flow.BREAK) {
        break;
      }
    }
    scope = outer;
    return items.isEmpty() ? run(loop.otherwise()) : Flow.NEXT;
  }

  private Flow with(TemplateNode.With with) {
    line = with.line();
    Scope outer = scope;
    Scope inner = outer.inner();
    for (int i = 0; i < with.targets().size(); i++) {
      scope = outer;
      Object value = evaluate(with.values().get(i));
      scope = inner;
      assign(with.targets().get(i), value);
    }
    scope = inner;
    Flow flow = run(with.body());
    scope = outer;
    return flow;
  }

  /** What some statements write, in a scope of their own. */
  private String captured(List<Statement> body) {
    Scope outerScope = scope;
    TemplateBudget.Writer outerOut = out;
    scope = outerScope.inner();
    out = budget.writer();
    run(body);
    String text = out.toString();
    out = outerOut;
    scope = outerScope;
    return text;
  }

  private Object filter(List<Filter> filters, Object value) {
    Object filtered = value;
    for (Filter filter : filters) {
      line = filter.line();
      filtered = TemplateFilters.apply(this, filter.name(), filtered, evaluate(filter.arguments()));
    }
    return filtered;
  }

  private Callable macro(String name, List<Parameter> parameters, List<Statement> body) {
    Scope definition = scope;
    return arguments -> {
      if (++macroDepth > MAX_MACRO_DEPTH) {
        throw new TemplateFault("the macro '" + name + "' calls itself too often");
      }
      Scope caller = scope;
      scope = definition.inner();
      bind("the macro '" + name + "'", parameters, arguments);
      String text = captured(body);
      scope = caller;
      macroDepth--;
      return text;
    };
  }

  private void bind(String callee, List<Parameter> parameters, TemplateArguments arguments) {
    List<String> names = new ArrayList<>(parameters.stream().map(Parameter::name).toList());
    if (arguments.positional().size() <= names.size()) {
      names.add("caller");
    }
    arguments.accept(callee, names.toArray(String[]::new));
    for (int i = 0; i < parameters.size(); i++) {
      String name = parameters.get(i).name();
      Object value = new Undefined("the parameter '" + name + "'");
      if (arguments.has(i, name)) {
        value = arguments.get(i, name, null);
      } else if (parameters.get(i).fallback() != null) {
        value = evaluate(parameters.get(i).fallback());
      }
      scope.values().put(name, value);
    }
    if (arguments.named().containsKey("caller")) {
      scope.values().put("caller", arguments.named().get("caller"));
    }
  }

  private void assign(Target target, Object value) {
    if (target instanceof TemplateNode.NameTarget name) {
      scope.values().put(name.name(), value);
    } else if (target instanceof TemplateNode.NamespaceTarget member) {
      if (!(scope.find(member.namespace()) instanceof Namespace namespace)) {
        throw new TemplateFault("'" + member.namespace() + "' is not a namespace");
      }
      namespace.attributes().put(member.attribute(), value);
    } else {
      List<Target> targets = ((TemplateNode.TupleTarget) target).targets();
      List<?> items = values.iterate(value);
      if (items.size() != targets.size()) {
        throw new TemplateFault(
            "there are " + items.size() + " values for " + targets.size() + " names");
      }
      for (int i = 0; i < items.size(); i++) {
        assign(targets.get(i), items.get(i));
      }
    }
  }

  private Object evaluate(Expression expression) {
    budget.charge(1);
    if (expression instanceof TemplateNode.Constant constant) {
      return constant.value();
    } else if (expression instanceof TemplateNode.Name name) {
      return scope.find(name.name());
    } else if (expression instanceof TemplateNode.Attribute attribute) {
      Object target = evaluate(attribute.target());
      line = attribute.line();
      return attribute(target, attribute.name());
    } else if (expression instanceof TemplateNode.Item item) {
      Object target = evaluate(item.target());
      Object index = evaluate(item.index());
      line = item.line();
      return item(target, index);
    } else if (expression instanceof TemplateNode.Slice slice) {
      Object target = evaluate(slice.target());
      Object start = bound(slice.start());
      Object stop = bound(slice.stop());
      line = slice.line();
      return operators.slice(target, start, stop, bound(slice.step()));
    } else if (expression instanceof TemplateNode.Call call) {
      Object callee = evaluate(call.target());
      TemplateArguments arguments = evaluate(call.arguments());
      line = call.line();
      return call(callee, arguments);
    } else if (expression instanceof TemplateNode.Filter filter) {
      return filter(List.of(filter), evaluate(filter.target()));
    } else if (expression instanceof TemplateNode.Test test) {
      Object value = evaluate(test.target());
      TemplateArguments arguments = evaluate(test.arguments());
      line = test.line();
      return TemplateTests.test(this, test.name(), value, arguments);
    }
    return evaluateOperator(expression);
  }

  private Object evaluateOperator(Expression expression) {
    if (expression instanceof TemplateNode.Binary binary) {
      Object left = evaluate(binary.left());
      Object right = evaluate(binary.right());
      line = binary.line();
      return operators.binary(binary.operator(), left, right);
    } else if (expression instanceof TemplateNode.Unary unary) {
      return operators.unary(unary.operator(), evaluate(unary.operand()));
    } else if (expression instanceof TemplateNode.And and) {
      Object left = evaluate(and.left());
      return TemplateValues.truth(left) ? evaluate(and.right()) : left;
    } else if (expression instanceof TemplateNode.Or or) {
      Object left = evaluate(or.left());
      return TemplateValues.truth(left) ? left : evaluate(or.right());
    } else if (expression instanceof TemplateNode.Not not) {
      return !TemplateValues.truth(evaluate(not.operand()));
    } else if (expression instanceof TemplateNode.Comparison comparison) {
      return compare(comparison);
    } else if (expression instanceof TemplateNode.Conditional conditional) {
      if (TemplateValues.truth(evaluate(conditional.condition()))) {
        return evaluate(conditional.then());
      }
      return conditional.otherwise() == null
          ? new Undefined("the value of an 'if' without 'else'")
          : evaluate(conditional.otherwise());
    } else if (expression instanceof TemplateNode.Concatenation concatenation) {
      TemplateBudget.Writer text = budget.writer();
      concatenation.parts().forEach(part -> text.append(values.str(evaluate(part))));
      return text.toString();
    } else if (expression instanceof TemplateNode.ListOf list) {
      return evaluate(list.items());
    } else if (expression instanceof TemplateNode.TupleOf tuple) {
      return new TemplateTuple(evaluate(tuple.items()));
    }
    TemplateNode.MapOf map = (TemplateNode.MapOf) expression;
    Map<Object, Object> entries = new LinkedHashMap<>();
    for (int i = 0; i < map.keys().size(); i++) {
      entries.put(evaluate(map.keys().get(i)), evaluate(map.values().get(i)));
    }
    return entries;
  }

  private Object bound(Expression bound) {
    return bound == null ? null : evaluate(bound);
  }

  private List<Object> evaluate(List<Expression> expressions) {
    List<Object> results = new ArrayList<>(expressions.size());
    expressions.forEach(expression -> results.add(evaluate(expression)));
    return results;
  }

  private TemplateArguments evaluate(TemplateNode.Arguments arguments) {
    Map<String, Object> named = new LinkedHashMap<>();
    List<Object> positional = evaluate(arguments.positional());
    arguments.named().forEach((name, value) -> named.put(name, evaluate(value)));
    return new TemplateArguments(positional, named);
  }

  private boolean compare(TemplateNode.Comparison comparison) {
    Object left = evaluate(comparison.first());
    for (Comparand comparand : comparison.rest()) {
      Object right = evaluate(comparand.value());
      line = comparison.line();
      if (!compare(comparand.operator(), left, right)) {
        return false;
      }
      left = right;
    }
    return true;
  }

  boolean compare(String operator, Object left, Object right) {
    return switch (operator) {
      case "==" -> values.equal(left, right);
      case "!=" -> !values.equal(left, right);
      case "in" -> values.contains(right, left);
      case "not in" -> !values.contains(right, left);
      case "<" -> values.compare(operator, left, right) < 0;
      case "<=" -> values.compare(operator, left, right) <= 0;
      case ">" -> values.compare(operator, left, right) > 0;
      default -> values.compare(operator, left, right) >= 0;
    };
  }

  private Object call(Object callee, TemplateArguments arguments) {
    TemplateValues.requireDefined(callee);
    if (callee instanceof Callable callable) {
      return callable.call(arguments);
    }
    throw new TemplateFault("a " + TemplateValues.typeName(callee) + " cannot be called");
  }

  /** {@code target.name}: a method or attribute, else an item of that name. */
  private Object attribute(Object target, String name) {
    Object member = member(target, name);
    if (member instanceof Undefined && target instanceof Map<?, ?> map && map.containsKey(name)) {
      return map.get(name);
    }
    return member;
  }

  /** {@code target[index]}: an item, else an attribute of that name. */
  Object item(Object target, Object index) {
    TemplateValues.requireDefined(target);
    if (target instanceof Map<?, ?> map && map.containsKey(index)) {
      return map.get(index);
    }
    if (index instanceof String name) {
      return member(target, name);
    }
    if (index instanceof Long position && (target instanceof String || target instanceof List<?>)) {
      List<?> items = values.iterate(target);
      long at = position < 0 ? position + items.size() : position;
      if (at >= 0 && at < items.size()) {
        return items.get((int) at);
      }
    }
    return new Undefined("the item " + values.str(index));
  }

  /** A method or attribute, never an item. */
  Object member(Object target, String name) {
    TemplateValues.requireDefined(target);
    if (target instanceof Namespace namespace && namespace.attributes().containsKey(name)) {
      return namespace.attributes().get(name);
    }
    if (target instanceof TemplateLoop loop) {
      return loop.attribute(name);
    }
    if (TemplateMethods.exists(target, name)) {
      Callable method = arguments -> TemplateMethods.call(this, target, name, arguments);
      return method;
    }
    String what = "'" + name + "' of a " + TemplateValues.typeName(target);
    if (TemplateMethods.isRefused(target, name)) {
      what = "the method " + what + " is not supported and thus";
    }
    return new Undefined(what);
  }
}
