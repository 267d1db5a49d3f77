import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AnswerPart, OutboxRow } from "../../../src/core/outbound/outbound.ts";
import { earliestTimeOf, isSame, type Posted } from "../../../src/core/outbound/delivery.ts";
import { messageId, messageIdAt, outboundMessage, userId } from "../../support/discord/builders.ts";

const NOW = Date.UTC(2026, 0, 1);
const ASKED_AT = NOW - 3_600_000;
const OF: AnswerPart = {
  cause: messageIdAt(ASKED_AT),
  revision: 0,
  kind: "reply",
  part: 0,
  parts: 1,
};

function posted(fields: Partial<Posted> = {}): Posted {
  return {
    id: messageId("77"),
    authorId: userId("5"),
    content: "hello, Ada",
    fileSizes: [],
    ...fields,
  };
}

const draft = (content: string) => outboundMessage({ content, of: { ...OF, kind: "draft" } });

describe("[D2] isSame()", () => {
  const quote = messageId("7");
  const sent = outboundMessage();
  const table: readonly [what: string, is: boolean, ...Parameters<typeof isSame>][] = [
    ["the same text", true, sent, [], posted()],
    ["other words", false, sent, [], posted({ content: "hello, Bob" })],
    ["the beginning of them", false, sent, [], posted({ content: "hello" })],
    [
      "ends that Discord trims",
      true,
      outboundMessage({ content: "\n  a\r\nb\n " }),
      [],
      posted({ content: "a\nb" }),
    ],
    [
      "spaces within",
      false,
      outboundMessage({ content: "a  b" }),
      [],
      posted({ content: "a b" }),
    ],
    ["a quote", true, outboundMessage({ quote }), [], posted({ quote })],
    ["a deleted quote", true, outboundMessage({ quote }), [], posted()],
    ["another quote", false, outboundMessage({ quote }), [], posted({ quote: messageId("8") })],
    ["an unexpected quote", false, sent, [], posted({ quote })],
    ["a file", true, sent, [3], posted({ fileSizes: [3] })],
    ["another file", false, sent, [3], posted({ fileSizes: [4] })],
    ["a missing file", false, sent, [3], posted()],
    ["an extra file", false, sent, [], posted({ fileSizes: [3] })],
    ["files in turn", false, sent, [3, 4], posted({ fileSizes: [4, 3] })],
    [
      "a draft that has grown",
      true,
      draft("It began so …"),
      [],
      posted({ content: "It began so, and went on" }),
    ],
    [
      "a draft as it was posted",
      true,
      draft("It began so …"),
      [],
      posted({ content: "It began so …" }),
    ],
    ["another draft", false, draft("It began so …"), [], posted({ content: "Once upon a time" })],
    ["an empty draft", false, draft("…"), [], posted()],
  ];
  for (const [what, is, ...given] of table) {
    it(`says ${is} of ${what}`, () => assert.equal(isSame(...given), is));
  }
});

describe("[D2] earliestTimeOf()", () => {
  const row = (fields: Partial<OutboxRow>): OutboxRow => ({
    id: 1,
    message: outboundMessage({ of: OF }),
    fileCount: 0,
    action: { kind: "post" },
    ...fields,
  });
  const bare = outboundMessage();
  const before = (ms: number) => ms - 600_000;
  const reaches: readonly [string, OutboxRow, ReturnType<typeof earliestTimeOf>][] = [
    [
      "reads the answered message's time, by Discord's clock",
      row({ firstAttemptAt: NOW - 60_000 }),
      { from: ASKED_AT, orFrom: before(NOW - 60_000) },
    ],
    [
      "reads the first attempt's time without an answered message",
      row({ firstAttemptAt: NOW - 60_000, message: bare }),
      { from: before(NOW - 60_000), orFrom: before(NOW - 60_000) },
    ],
    [
      "ignores a clock that was set back",
      row({ firstAttemptAt: NOW + 60_000 }),
      { from: ASKED_AT, orFrom: -Infinity },
    ],
    [
      "knows no time then for a message that answers nothing",
      row({ firstAttemptAt: NOW + 60_000, message: bare }),
      { from: -Infinity, orFrom: -Infinity },
    ],
  ];
  for (const [what, given, reach] of reaches) {
    it(what, () => assert.deepEqual(earliestTimeOf(given, NOW), reach));
  }
});
