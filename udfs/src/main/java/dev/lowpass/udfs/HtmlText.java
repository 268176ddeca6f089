package dev.lowpass.udfs;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.jsoup.nodes.Element;
import org.jsoup.nodes.Node;
import org.jsoup.nodes.TextNode;
import org.jsoup.select.NodeFilter;

/**
 * What a reader sees of an HTML page, as text: headings and list items are marked as in Markdown, a
 * table's row is a line with {@code |} between its cells. Scripts, styles and what is hidden are
 * left out; navigation and the like stay, since no rule tells them from the rest for sure.
 */
final class HtmlText implements NodeFilter {
  private static final Set<String> UNSEEN =
      Set.of(
          "script",
          "style",
          "noscript",
          "template",
          "svg",
          "iframe",
          "object",
          "head",
          "select",
          "textarea",
          "audio",
          "video",
          "canvas");

  /** With an empty line before and behind them. */
  private static final Set<String> PARAGRAPHS =
      Set.of(
          "p",
          "h1",
          "h2",
          "h3",
          "h4",
          "h5",
          "h6",
          "ul",
          "ol",
          "dl",
          "table",
          "pre",
          "blockquote",
          "hr",
          "figure");

  /** On lines of their own. */
  private static final Set<String> LINES =
      Set.of(
          "div",
          "section",
          "article",
          "header",
          "footer",
          "main",
          "nav",
          "aside",
          "address",
          "li",
          "dt",
          "dd",
          "tr",
          "td",
          "th",
          "caption",
          "figcaption",
          "form",
          "fieldset",
          "details",
          "summary",
          "center",
          "body");

  private static final char SOFT_HYPHEN = '\u00ad';

  private final StringBuilder text = new StringBuilder();

  /** Line ends that come before the next text, and whether a blank does. */
  private int breaks;

  private boolean blank;

  /** What the next line begins with. */
  private String mark = "";

  private int preformatted;

  /** Tables that are read row by row, innermost last; others are mere layout. */
  private final Deque<Element> tables = new ArrayDeque<>();

  /** The next number of each list that is open, 0 where items have none. */
  private final Deque<Integer> lists = new ArrayDeque<>();

  private HtmlText() {}

  /** A page's text. */
  static String of(String html) {
    Document page = Jsoup.parse(html);
    HtmlText reader = new HtmlText();
    if (page.selectFirst("h1") == null && !page.title().isBlank()) {
      reader.mark = "# ";
      reader.append(page.title());
      reader.breaks = 2;
    }
    page.body().filter(reader);
    return reader.text.toString();
  }

  @Override
  public FilterResult head(Node node, int depth) {
    if (node instanceof TextNode words) {
      if (preformatted > 0) {
        appendAsItIs(words.getWholeText());
      } else {
        append(words.getWholeText());
      }
    } else if (node instanceof Element element) {
      if (unseen(element)) {
        return FilterResult.SKIP_ENTIRELY;
      }
      open(element);
    }
    return FilterResult.CONTINUE;
  }

  private static boolean unseen(Element element) {
    return UNSEEN.contains(element.normalName())
        || element.hasAttr("hidden")
        || element.attr("style").matches("(?is).*display\\s*:\\s*none.*");
  }

  private void open(Element element) {
    String name = element.normalName();
    separate(name);
    switch (name) {
      case "h1", "h2", "h3", "h4", "h5", "h6" -> mark += "#".repeat(name.charAt(1) - '0') + " ";
      case "br" -> {
        if (tables.isEmpty()) {
          breaks = Math.min(2, breaks + 1);
        } else {
          blank = true;
        }
      }
      case "img" -> append(" " + element.attr("alt") + " ");
      case "pre" -> preformatted++;
      case "ul" -> lists.addLast(0);
      case "ol" -> lists.addLast(number(element.attr("start")));
      case "li" -> mark = "  ".repeat(Math.max(0, lists.size() - 1)) + bullet();
      case "table" -> {
        if (hasRowsOnly(element)) {
          tables.addLast(element);
        }
      }
      case "td", "th" -> {
        if (!tables.isEmpty() && element.previousElementSibling() != null) {
          append(" | ");
        }
      }
      default -> {}
    }
  }

  private static int number(String start) {
    return start.matches("[1-9]\\d{0,5}") ? Integer.parseInt(start) : 1;
  }

  private String bullet() {
    if (lists.isEmpty()) {
      return "- ";
    }
    int number = lists.removeLast();
    lists.addLast(number == 0 ? 0 : number + 1);
    return number == 0 ? "- " : number + ". ";
  }

  /** Whether a table holds data: nothing in it needs lines of its own. */
  private static boolean hasRowsOnly(Element table) {
    return table.selectFirst("table table, h1, h2, h3, h4, h5, h6, ul, ol, pre, form") == null;
  }

  @Override
  public FilterResult tail(Node node, int depth) {
    if (node instanceof Element element) {
      String name = element.normalName();
      switch (name) {
        case "pre" -> preformatted--;
        case "ul", "ol" -> lists.pollLast();
        // Of an empty one nothing is left.
        case "li", "h1", "h2", "h3", "h4", "h5", "h6" -> mark = "";
        case "table" -> {
          if (tables.peekLast() == element) {
            tables.removeLast();
          }
        }
        default -> {}
      }
      separate(name);
    }
    return FilterResult.CONTINUE;
  }

  private void separate(String name) {
    boolean row = name.equals("tr") || name.equals("caption");
    if (!tables.isEmpty() && !row) {
      // Within a row.
      blank |= PARAGRAPHS.contains(name) || LINES.contains(name);
    } else if (PARAGRAPHS.contains(name) && lists.isEmpty()) {
      breaks = 2;
    } else if (PARAGRAPHS.contains(name) || LINES.contains(name)) {
      breaks = Math.max(breaks, 1);
    }
  }

  /** Appends text with its white space collapsed. */
  private void append(String words) {
    for (int i = 0; i < words.length(); i++) {
      char c = words.charAt(i);
      if (Character.isWhitespace(c) || Character.isSpaceChar(c)) {
        blank = true;
      } else if (c != SOFT_HYPHEN) {
        begin();
        text.append(c);
      }
    }
  }

  private void appendAsItIs(String words) {
    if (!words.isBlank() || text.length() > 0) {
      begin();
      text.append(words);
    }
  }

  /** Appends what comes before the next character. */
  private void begin() {
    if (breaks > 0 && text.length() > 0) {
      text.append("\n".repeat(breaks));
    } else if (breaks == 0 && blank && text.length() > 0) {
      text.append(' ');
    }
    text.append(mark);
    mark = "";
    breaks = 0;
    blank = false;
  }
}
