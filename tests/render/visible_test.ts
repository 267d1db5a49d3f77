import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isNoReply, visibleText } from "../../src/render/visible.ts";

describe("[R10] visibleText()", () => {
  const cases: readonly [answer: string, visible: string][] = [
    ["hello", "hello"],
    ["  hello\n", "hello"],
    ["half a \ud83d shrimp", "half a \ufffd shrimp"],
    ["<think>secret</think>\n\nhello", "hello"],
    ["<Thinking>a\nb</Thinking>hello", "hello"],
    ["<think>one</think><think>two</think>hello", "hello"],
    ["<think>a</think>\n<think>b</think>\n", ""],
    [" \n<think></think>hello", "hello"],
    ["<think>a <think> b</think>hello", "hello"],
    ["<think>never ended", ""],
    ["secret thoughts\n</think>\n\nhello", "hello"],
    ["write `<think>` to think", "write `<think>` to think"],
    ["```\nx\n</think>\n```", "```\nx\n</think>\n```"],
    ["hello<|im_end|>", "hello"],
    ["hello</s>\n<|endoftext|>\n", "hello"],
    ["a <|im_end|> b", "a <|im_end|> b"],
    ['<message boundary="k3f9q2zz">\nhello\n</message>', "hello"],
    ["<message>some XML</message>", "<message>some XML</message>"],
    ["[from: ada (123456789012345678)] [message_id: 14]\nhello", "hello"],
    ["[time: Tue 2026-02-03 04:05 (UTC, GMT+00:00)]\nhello", "hello"],
    ["[time: at five]\nhello", "[time: at five]\nhello"],
    ["hello\n\nNO_REPLY", "hello"],
    ["NO_REPLY\nhello", "hello"],
    ["say NO_REPLY to be silent", "say NO_REPLY to be silent"],
    ["NO_REPLY", "NO_REPLY"],
    ["hel\0lo\u001b[31m", "hello[31m"],
    ["\0NO_REPLY", "NO_REPLY"],
    ["<thi\0nk>secret</think>hello", "hello"],
    ["\0\u0007", ""],
    ["a\tb\r\nc\nd", "a\tb\r\nc\nd"],
    ["[[reply_to_current]] hello", "[[reply_to_current]] hello"],
  ];
  for (const [answer, visible] of cases) {
    it(`${JSON.stringify(answer)} is ${JSON.stringify(visible)}`, () => {
      assert.equal(visibleText(answer), visible);
    });
  }
});

describe("[R10] isNoReply()", () => {
  const cases: readonly [text: string, is: boolean][] = [
    ["NO_REPLY", true],
    ["`NO_REPLY`", true],
    ["**NO_REPLY**.", true],
    ["no_reply", false],
    ["NO_REPLY, sorry", false],
    ["", false],
  ];
  for (const [text, is] of cases) {
    it(`${JSON.stringify(text)}: ${is}`, () => assert.equal(isNoReply(text), is));
  }
});
