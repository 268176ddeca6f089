package dev.lowpass.pipeline.text;

import dev.lowpass.pipeline.text.TemplateLexer.Kind;
import dev.lowpass.pipeline.text.TemplateLexer.Token;
import java.util.List;

/** A cursor over a template's tokens. */
final class TemplateTokens {
  private final List<Token> tokens;
  private int position;

  TemplateTokens(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token peek() {
    return tokens.get(position);
  }

  Token next() {
    Token token = tokens.get(position);
    if (token.kind() != Kind.END) {
      position++;
    }
    return token;
  }

  int line() {
    return peek().line();
  }

  boolean at(Kind kind) {
    return peek().kind() == kind;
  }

  boolean atName(String name) {
    return peek().is(Kind.NAME, name);
  }

  boolean atOperator(String operator) {
    return peek().is(Kind.OPERATOR, operator);
  }

  /** Whether the token after the current one is this operator. */
  boolean operatorFollows(String operator) {
    return position + 1 < tokens.size() && tokens.get(position + 1).is(Kind.OPERATOR, operator);
  }

  boolean nameFollows(String name) {
    return position + 1 < tokens.size() && tokens.get(position + 1).is(Kind.NAME, name);
  }

  boolean skipName(String name) {
    return skip(atName(name));
  }

  boolean skipOperator(String operator) {
    return skip(atOperator(operator));
  }

  private boolean skip(boolean matches) {
    if (matches) {
      position++;
    }
    return matches;
  }

  String expectName() {
    if (!at(Kind.NAME)) {
      throw unexpected("a name");
    }
    return next().text();
  }

  void expectOperator(String operator) {
    if (!skipOperator(operator)) {
      throw unexpected("'" + operator + "'");
    }
  }

  void expect(Kind kind, String what) {
    if (!at(kind)) {
      throw unexpected(what);
    }
    next();
  }

  TemplateException unexpected(String wanted) {
    return TemplateException.at(line(), "expected " + wanted + " but found " + peek().describe());
  }
}
