package dev.lowpass.pipeline.text;

import dev.lowpass.pipeline.text.TemplateLexer.Kind;
import dev.lowpass.pipeline.text.TemplateLexer.Token;
import dev.lowpass.pipeline.text.TemplateNode.Branch;
import dev.lowpass.pipeline.text.TemplateNode.Expression;
import dev.lowpass.pipeline.text.TemplateNode.Filter;
import dev.lowpass.pipeline.text.TemplateNode.Parameter;
import dev.lowpass.pipeline.text.TemplateNode.Statement;
import dev.lowpass.pipeline.text.TemplateNode.Target;
import java.util.ArrayList;
import java.util.List;

/** Parses a template's statements. */
final class TemplateParser {
  private final TemplateTokens tokens;
  private final TemplateExpressionParser expressions;
  private int loops;

  TemplateParser(String template) {
    this.tokens = new TemplateTokens(new TemplateLexer(template).tokens());
    this.expressions = new TemplateExpressionParser(tokens);
  }

  List<Statement> parse() {
    List<Statement> statements = statements();
    if (!tokens.at(Kind.END)) {
      throw TemplateException.at(
          tokens.line(), "nothing is open that " + tokens.peek().describe() + " could end");
    }
    return statements;
  }

  /** Statements up to a tag that this level does not know, whose name is then the current token. */
  private List<Statement> statements() {
    List<Statement> statements = new ArrayList<>();
    while (true) {
      Token token = tokens.peek();
      switch (token.kind()) {
        case TEXT -> statements.add(new TemplateNode.Text(tokens.next().text()));
        case OUTPUT_BEGIN -> {
          tokens.next();
          statements.add(new TemplateNode.Output(expressions.expressionOrTuple(), token.line()));
          tokens.expect(Kind.OUTPUT_END, "'}}'");
        }
        case BLOCK_BEGIN -> {
          tokens.next();
          Statement statement = statement();
          if (statement == null) {
            return statements;
          }
          statements.add(statement);
        }
        default -> {
          return statements;
        }
      }
    }
  }

  /** The statement at the cursor, or null where its tag ends or continues an outer one. */
  private Statement statement() {
    int line = tokens.line();
    if (!tokens.at(Kind.NAME)) {
      throw tokens.unexpected("the name of a tag");
    }
    String tag = tokens.peek().text();
    switch (tag) {
      case "elif",
          "else",
          "endif",
          "endfor",
          "endset",
          "endmacro",
          "endcall",
          "endfilter",
          "endwith",
          "endgeneration" -> {
        return null;
      }
      default -> tokens.next();
    }
    return switch (tag) {
      case "if" -> ifStatement(line);
      case "for" -> forStatement(line);
      case "set" -> setStatement(line);
      case "macro" -> macro(line);
      case "call" -> callBlock(line);
      case "filter" -> {
        List<Filter> filters = expressions.blockFilters();
        yield new TemplateNode.FilterBlock(filters, loopless("filter", line));
      }
      case "with" -> with(line);
      case "generation" -> new TemplateNode.Body(body("generation", line));
      case "break", "continue" -> {
        if (loops == 0) {
          throw TemplateException.at(line, "'" + tag + "' stands outside a loop");
        }
        endTag();
        yield tag.equals("break") ? new TemplateNode.Break() : new TemplateNode.Continue();
      }
      default -> throw TemplateException.at(line, "the tag '" + tag + "' is not supported");
    };
  }

  private void endTag() {
    tokens.expect(Kind.BLOCK_END, "'%}'");
  }

  /** The rest of an opening tag, the statements after it, and the closing tag. */
  private List<Statement> body(String tag, int line) {
    endTag();
    List<Statement> statements = statements();
    close(tag, line);
    return statements;
  }

  private void close(String tag, int line) {
    if (!tokens.skipName("end" + tag)) {
      throw TemplateException.at(
          tokens.line(),
          "expected 'end" + tag + "' for line " + line + " but found " + tokens.peek().describe());
    }
    if (tag.equals("macro") && tokens.at(Kind.NAME)) {
      tokens.next();
    }
    endTag();
  }

  private Statement ifStatement(int line) {
    List<Branch> branches = new ArrayList<>();
    List<Statement> otherwise = List.of();
    do {
      Expression condition = expressions.unconditionalOrTuple();
      endTag();
      branches.add(new Branch(condition, statements()));
    } while (tokens.skipName("elif"));
    if (tokens.skipName("else")) {
      endTag();
      otherwise = statements();
    }
    close("if", line);
    return new TemplateNode.If(branches, otherwise);
  }

  private Statement forStatement(int line) {
    Target target = target();
    if (!tokens.skipName("in")) {
      throw tokens.unexpected("'in'");
    }
    Expression items = expressions.unconditionalOrTuple();
    Expression condition = tokens.skipName("if") ? expressions.expression() : null;
    if (tokens.atName("recursive")) {
      throw TemplateException.at(line, "'recursive' loops are not supported");
    }
    endTag();
    loops++;
    List<Statement> body = statements();
    loops--;
    List<Statement> otherwise = List.of();
    if (tokens.skipName("else")) {
      endTag();
      otherwise = statements();
    }
    close("for", line);
    return new TemplateNode.For(target, items, condition, body, otherwise, line);
  }

  private Statement setStatement(int line) {
    Target target = target();
    if (tokens.skipOperator("=")) {
      Expression value = expressions.expressionOrTuple();
      endTag();
      return new TemplateNode.Set(target, value, line);
    }
    List<Filter> filters = expressions.pipedFilters();
    return new TemplateNode.SetBlock(target, filters, loopless("set", line), line);
  }

  private Statement macro(int line) {
    String name = tokens.expectName();
    List<Parameter> parameters = parameters();
    return new TemplateNode.Macro(name, parameters, loopless("macro", line), line);
  }

  /** A body out of which no break or continue can reach the loops around it. */
  private List<Statement> loopless(String tag, int line) {
    int outer = loops;
    loops = 0;
    List<Statement> body = body(tag, line);
    loops = outer;
    return body;
  }

  private List<Parameter> parameters() {
    List<Parameter> parameters = new ArrayList<>();
    tokens.expectOperator("(");
    while (!tokens.skipOperator(")")) {
      if (!parameters.isEmpty()) {
        tokens.expectOperator(",");
      }
      String name = tokens.expectName();
      parameters.add(
          new Parameter(name, tokens.skipOperator("=") ? expressions.expression() : null));
    }
    return parameters;
  }

  private Statement callBlock(int line) {
    List<Parameter> parameters = tokens.atOperator("(") ? parameters() : List.of();
    Expression call = expressions.expression();
    if (!(call instanceof TemplateNode.Call)) {
      throw TemplateException.at(line, "'call' needs the call of a macro");
    }
    return new TemplateNode.CallBlock(
        parameters, (TemplateNode.Call) call, loopless("call", line), line);
  }

  private Statement with(int line) {
    List<Target> targets = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!tokens.at(Kind.BLOCK_END)) {
      if (!targets.isEmpty()) {
        tokens.expectOperator(",");
      }
      targets.add(singleTarget());
      tokens.expectOperator("=");
      values.add(expressions.expression());
    }
    return new TemplateNode.With(targets, values, body("with", line), line);
  }

  private Target target() {
    Target first = singleTarget();
    if (!tokens.atOperator(",")) {
      return first;
    }
    List<Target> targets = new ArrayList<>(List.of(first));
    while (tokens.skipOperator(",")) {
      if (!tokens.at(Kind.NAME) && !tokens.atOperator("(")) {
        break;
      }
      targets.add(singleTarget());
    }
    return new TemplateNode.TupleTarget(targets);
  }

  private Target singleTarget() {
    if (tokens.skipOperator("(")) {
      Target target = target();
      tokens.expectOperator(")");
      return target;
    }
    String name = tokens.expectName();
    return tokens.skipOperator(".")
        ? new TemplateNode.NamespaceTarget(name, tokens.expectName())
        : new TemplateNode.NameTarget(name);
  }
}
