import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Frozen } from "../../../src/core/outbound/outbound.ts";
import type { StoredQuestion } from "../../../src/core/people/question.ts";
import { createWaitingSigns } from "../../../src/flows/questions/waiting_signs.ts";
import { ACCOUNT, channelId, messageId } from "../../support/discord/builders.ts";

const CHANNEL = channelId("1400000000000000801");

function setUp() {
  let now = 0;
  const typing: string[] = [];
  const lines: Frozen[] = [];
  const signs = createWaitingSigns({
    accountId: ACCOUNT,
    store: {
      questions: {
        addWaitingLine(_, line) {
          lines.push(line);
          return Promise.resolve();
        },
      },
    },
    texts: () => ({}),
    now: () => now,
    events: { emit: { outbox() {} } },
  }, (id) => {
    typing.push(id);
    return () => void typing.splice(typing.indexOf(id), 1);
  });
  return { signs, typing, lines, at: (ms: number) => void (now = ms) };
}

const held = (id = 1, isAwaited = true): StoredQuestion => ({
  id,
  accountId: ACCOUNT,
  code: "ABCDEFGH",
  messageId: messageId("1400000000000000101"),
  channelId: CHANNEL,
  question: {
    kind: "review",
    tool: "draft",
    text: "",
    facts: [],
    choices: [],
    asked: [],
    where: "direct",
    review: { words: "", agentId: "main", isAwaited },
    timeoutMs: 1,
  },
  state: "open",
  createdAt: 0,
  expiresAt: 1_000_000,
});

describe("[A5] createWaitingSigns()", () => {
  it("types for a minute, and then adds one line", async () => {
    const { signs, typing, lines, at } = setUp();
    assert.equal(await signs.update([held()]), 60_000);
    assert.equal(await signs.update([held()]), 60_000);
    assert.deepEqual(typing, [CHANNEL]);
    at(60_000);
    assert.equal(await signs.update([held()]), undefined);
    assert.equal(await signs.update([held()]), undefined);
    assert.deepEqual(typing, []);
    assert.equal(lines.length, 1);
    assert.equal(lines[0]?.message.of?.kind, "draft", "the turn's end removes it");
    assert.ok(lines[0]?.message.isSilent);
  });

  it("ends typing once the draft has an end, and when the account stops", async () => {
    const { signs, typing } = setUp();
    await signs.update([held(1), held(2)]);
    assert.equal(typing.length, 2);
    await signs.update([held(2)]);
    assert.equal(typing.length, 1);
    signs.stop();
    assert.equal(typing.length, 0);
  });

  it("shows nothing if no person waits", async () => {
    const { signs, typing, lines, at } = setUp();
    assert.equal(await signs.update([held(1, false)]), undefined);
    at(60_000);
    await signs.update([held(1, false)]);
    assert.deepEqual([typing, lines], [[], []]);
  });
});
