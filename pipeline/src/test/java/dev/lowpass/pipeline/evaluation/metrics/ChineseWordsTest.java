package dev.lowpass.pipeline.evaluation.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Expected cuts are those of Python's jieba 0.42.1, with its code and this dictionary. */
class ChineseWordsTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "我|来到|北京|清华大学|。",
        "他|来到|了|网易|杭研|大厦",
        "小明|硕士|毕业|于|中国科学院|计算所|，|后|在|日本京都大学|深造",
        "乒乓球|拍卖|完|了",
        "结婚|的|和|尚未|结婚|的",
        "段落|12| |是|答案",
        "我|不|喜欢|日本|和服",
        "永和|服装|饰品|有限公司",
        "第|3.5%|的|C++|程序员| |使用|iPhone|-|15|，|\r\n|价格|￥|5|,|999|元|！",
        "AT&T|和|T恤|a|.|b|_|c",
        "Ａ|Ｂ|Ｃ|　|全角",
        "韩冰|是|个|𠮷|祥|的|好人",
        "彧|䶮|翯",
      })
  void cut(String words) {
    assertThat(ChineseWords.cut(words.replace("|", ""))).isEqualTo(List.of(words.split("\\|")));
  }

  @Test
  void nothingHasNoWords() {
    assertThat(ChineseWords.cut("")).isEmpty();
  }
}
