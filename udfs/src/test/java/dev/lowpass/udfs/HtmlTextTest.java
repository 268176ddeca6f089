package dev.lowpass.udfs;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.Charset;
import org.junit.jupiter.api.Test;

class HtmlTextTest {
  @Test
  void aPageReadsAsItLooks() {
    String page =
        """
        <!DOCTYPE html><html><head><title>Terms</title><style>p {color: red}</style></head>
        <body><script>alert("no")</script>
        <h1>Supply  <em>Agreement</em></h1>
        <p>Between Acme&nbsp;&amp;&nbsp;Co
           and <a href="x">Zenith</a>.<br>Signed.</p><!-- a remark -->
        <p hidden>Secret</p><div style="color:red; display: none">Secret</div>
        <h2>Terms</h2>
        <ul><li>First</li><li><p>Second</p><ol start="3"><li>third<li>fourth</ol></li></ul>
        <table><caption>Prices</caption>
          <thead><tr><th>Item</th><th>Price</th></tr></thead>
          <tbody><tr><td><p>Steel</p></td><td></td></tr><tr><td>Tin<br>foil</td><td>2</td></tr></tbody></table>
        <pre>a
          b</pre>
        End<wbr>less so\u00adft.
        </body></html>
        """;
    assertThat(HtmlText.of(page))
        .isEqualTo(
            """
            # Supply Agreement

            Between Acme & Co and Zenith.
            Signed.

            ## Terms

            - First
            - Second
              3. third
              4. fourth

            Prices
            Item | Price
            Steel |
            Tin foil | 2

            a
              b

            Endless soft.""");
  }

  @Test
  void theTitleStandsInForAHeading() {
    assertThat(HtmlText.of("<title>Terms</title><p>Text")).isEqualTo("# Terms\n\nText");
    assertThat(HtmlText.of("<title> </title><p>Text")).isEqualTo("Text");
  }

  @Test
  void tablesThatOnlyLayAPageOutAreNone() {
    assertThat(
            HtmlText.of(
                "<table><tr><td><h1>Menu</h1><td><table><tr><td>a<td>b</table></tr></table>"))
        .isEqualTo("# Menu\n\na | b");
  }

  @Test
  void anythingIsAPage() {
    assertThat(HtmlText.of("")).isEmpty();
    assertThat(HtmlText.of("just text")).isEqualTo("just text");
    assertThat(HtmlText.of("<li>a<li>b</ul></table><td>c")).isEqualTo("- a\n- bc");
    assertThat(HtmlText.of("<div>".repeat(100_000) + "deep")).isEqualTo("deep");
    assertThat(HtmlText.of("a < b && <|eot_id|>")).isEqualTo("a < b && <|eot_id|>");
  }

  @Test
  void aPageSaysItsEncoding() {
    String page = "<html><head><meta charset=windows-1250></head><p>Umowa mi\u0119dzy";
    DocumentText text =
        DocumentText.of(
            page.getBytes(Charset.forName("windows-1250")), "a.htm", DocumentFormat.ANY);
    assertThat(text).isEqualTo(new DocumentText("Umowa mi\u0119dzy", "windows-1250"));
  }
}
