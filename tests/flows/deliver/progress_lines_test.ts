import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type DraftMessage,
  isProgressLine,
  isSame,
  placeDrafts,
} from "../../../src/core/outbound/outbound.ts";
import { componentOf } from "../../../src/interactions/registry.ts";
import { stopButton } from "../../../src/interactions/commands/conversation.ts";
import { RestError } from "../../../src/discord/rest/exchange/exchange.ts";
import { createLine } from "../../../src/flows/deliver/progress.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import { refused } from "../../support/discord/answers.ts";
import { ACCOUNT, channelId, messageId, userId } from "../../support/discord/builders.ts";
import { frozen, part } from "../../support/store/store.ts";

const CAUSE = messageId("100");
const LINE = messageId("200");
const PLACE = {
  accountId: ACCOUNT,
  channelId: channelId("11"),
  cause: CAUSE,
  revision: 0,
  agentId: "main",
};
const READ = { id: "1", name: "read_channel_history", arguments: "{}" };

/** A turn with a line. @param answers Discord's answers to its post, and to edits. */
async function setUp(
  answers: { readonly post?: Promise<object>; readonly edit?: Error | undefined } = {},
  isForReading = false,
) {
  const { account, clock, requests, rows, pass } = await testAccount({
    answer: ({ method }) => method === "PATCH" ? answers.edit : answers.post,
  });
  const idle = clock.pending;
  const line = createLine(account, PLACE, 16, undefined, isForReading);
  return {
    line,
    clock,
    /** The line of another turn, or of the same one after a crash. */
    again: (cause = CAUSE) => createLine(account, { ...PLACE, cause }, 16, undefined, false),
    posted: (): DraftMessage[] =>
      rows("SELECT message FROM outbox").map(({ message }) => JSON.parse(String(message))),
    asked: () =>
      requests.filter(({ body }) => "content" in body)
        .map(({ method, body }) => `${method} ${body["content"]}`),
    isIdle: () => clock.pending === idle,
    pass: (ms: number) => pass(ms, 100),
  };
}

describe("[R8a] the line of a turn", () => {
  it("shows nothing of a turn that ends within a second", async () => {
    const { line, pass, asked, isIdle } = await setUp();
    line.step({ kind: "ask", answers: 0 });
    await pass(900);
    await line.end();
    await pass(5_000);
    assert.deepEqual([asked(), isIdle()], [[], true]);
  });

  it("[R14] posts one silent line with a Stop button", async () => {
    const { line, pass, posted } = await setUp();
    line.step({ kind: "ask", answers: 0 });
    await pass(1_000);
    await line.end();
    const [message, ...others] = posted();
    assert.ok(message);
    assert.deepEqual(others, []);
    assert.equal(message.content, "⏳ thinking · step 1 of 16 · 1 s");
    assert.equal(message.suppressesNotifications, true);
    const [button, ...more] = message.buttons ?? [];
    assert.deepEqual(more, []);
    assert.ok(button);
    assert.equal(button.label, "Stop");
    assert.equal(componentOf({ kind: "button", customId: button.customId }), stopButton);
    assert.ok(isProgressLine(message));
  });

  it("shows text beside calls below the line, until there is another", async () => {
    const { line, pass, posted, asked } = await setUp();
    line.step({ kind: "ask", answers: 0 });
    line.said("I look that up **first**:\nhttps://example.org/?q=1\n```ts\ncode\n```");
    line.step({ kind: "run", calls: [READ] });
    await pass(1_000);
    assert.equal(
      posted()[0]?.content,
      "⏳ reading <#11> · step 1 of 16 · 1 s\n> I look that up **first**: …",
    );
    line.step({ kind: "ask", answers: 1 });
    line.said("w".repeat(500));
    await pass(2_000);
    await line.end();
    assert.match(asked().at(-1) ?? "", /thinking · step 2 of 16 · \d s\n> w{299}…$/);
  });

  it("names the channel that a tool reads, and nothing else of its arguments", async () => {
    const { line, pass, posted } = await setUp();
    const written =
      '{"channelId":"<#1390000000000000099>","question":"@everyone 1390000000000000098"}';
    line.step({ kind: "run", calls: [{ ...READ, arguments: written }] });
    await pass(1_000);
    await line.end();
    assert.equal(posted()[0]?.content, "⏳ reading <#1390000000000000099> · step 1 of 16 · 1 s");
  });

  it("edits the line when the work changes, and every five seconds for the time", async () => {
    const post = Promise.withResolvers<object>();
    const { line, pass, asked } = await setUp({ post: post.promise });
    line.step({ kind: "ask", answers: 0 });
    await pass(1_000);
    line.step({ kind: "run", calls: [READ, READ, { ...READ, name: "web_search" }] });
    await pass(1_200);
    assert.equal(asked().length, 1, "Discord does not have the line yet");
    post.resolve({ id: LINE });
    await pass(1_200);
    line.step({ kind: "ask", answers: 1 });
    await pass(1_200);
    await pass(6_000);
    assert.deepEqual(asked().slice(1), [
      "PATCH ⏳ reading <#11>, searching the web · step 1 of 16 · 3 s",
      "PATCH ⏳ thinking · step 2 of 16 · 5 s",
      "PATCH ⏳ thinking · step 2 of 16 · 11 s",
    ]);
    await line.end();
  });

  it("[D3] keeps the pace of its channel with another, and waits as long as Discord asks", async () => {
    const limited = { kind: "rate_limited", route: "PATCH /", retryAfterMs: 5_000 } as const;
    const answers: { edit?: Error | undefined } = {};
    const { line, pass, asked, again } = await setUp(answers);
    const both = [line, again(messageId("101"))];
    await pass(1_000);
    assert.equal(asked().length, 2);
    for (let edits = 1; edits < 6; edits++) {
      for (const one of both) one.step({ kind: "ask", answers: edits });
      await pass(1_200);
      assert.equal(asked().length, 2 + edits);
    }
    await both[1]?.end();
    answers.edit = new RestError("429", limited);
    line.step({ kind: "ask", answers: 6 });
    await pass(1_200);
    answers.edit = undefined;
    await pass(4_900);
    assert.equal(asked().length, 8);
    await pass(100);
    assert.match(asked()[8] ?? "", /step 7/);
    await line.end();
  });

  it("says after 30 s that a slow server still reads", async () => {
    for (const isForReading of [false, true]) {
      const { line, pass, asked } = await setUp({}, isForReading);
      line.step({ kind: "ask", answers: 0 });
      line.reading(true);
      await pass(29_900);
      assert.equal(asked().length === 0, isForReading);
      assert.ok(!asked().some((text) => /reading/.test(text)));
      await pass(6_500);
      assert.match(asked().at(-1) ?? "", /^(?:POST|PATCH) ⏳ my model is still reading, .* 3\d s$/);
      line.reading(false);
      await pass(6_500);
      assert.match(asked().at(-1) ?? "", /^PATCH ⏳ thinking/);
      assert.equal(await line.end(), true);
    }
  });

  it("says nothing of reading that a suspended machine has slept through", async () => {
    for (const isForReading of [false, true]) {
      const { line, pass, asked, clock } = await setUp({}, isForReading);
      line.step({ kind: "ask", answers: 0 });
      line.reading(true);
      await pass(5_000);
      clock.sleep(3_600_000);
      await pass(28_000);
      assert.ok(!asked().some((text) => /still reading/.test(text)), asked().join("\n"));
      line.reading(false);
      await line.end();
    }
  });

  it("shows nothing of a server that reads for less, if people want no line", async () => {
    const { line, pass, asked, isIdle } = await setUp({}, true);
    for (let request = 0; request < 3; request++) {
      line.step({ kind: "ask", answers: request });
      line.reading(true);
      await pass(20_000);
      line.reading(false);
      await pass(20_000);
    }
    assert.equal(await line.end(), false);
    assert.deepEqual([asked(), isIdle()], [[], true]);
  });

  it("stops when a person has deleted the line", async () => {
    const { line, pass, asked, isIdle } = await setUp({ edit: refused(404, 10008) });
    await pass(1_000);
    line.step({ kind: "ask", answers: 1 });
    await pass(10_000);
    assert.equal(asked().length, 2);
    assert.ok(isIdle());
    await line.end();
  });

  it("[D1] of a turn that a crash has cut goes on", async () => {
    const { line, pass, asked, again } = await setUp();
    line.step({ kind: "ask", answers: 0 });
    await pass(1_000);
    await line.end();
    const next = again();
    next.step({ kind: "run", calls: [READ] });
    await pass(3_000);
    await next.end();
    assert.match(asked()[1] ?? "", /^PATCH ⏳ reading/);
  });

  it("is deleted by the end of the turn, and replaced by no answer", async () => {
    const { line, pass, posted } = await setUp();
    await pass(1_000);
    await line.end();
    const [message] = posted();
    assert.ok(message);
    const answer = frozen({ channelId: PLACE.channelId, of: part(CAUSE) });
    const { outbox } = placeDrafts([{ message, state: "there", messageId: LINE }], [answer]);
    assert.deepEqual(outbox.map(({ draft }) => draft), [
      { nonce: message.nonce, becomes: "nothing" },
      undefined,
    ]);
  });

  it("[D2] is found in the channel after a crash, also with another text", async () => {
    const { line, pass, posted } = await setUp();
    await pass(1_000);
    await line.end();
    const [message] = posted();
    assert.ok(message);
    const there = { id: LINE, authorId: userId("9"), fileSizes: [] };
    assert.ok(isSame(message, [], { ...there, content: "⏳ running code · step 9 of 16 · 40 s" }));
    assert.ok(!isSame(message, [], { ...there, content: "The answer." }));
  });
});
