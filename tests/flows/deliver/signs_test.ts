/** Tests the signs that the bot works on an answer: typing, and the reaction to the message. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChannelId } from "../../../src/core/discord/ids.ts";
import type { Delivery, OutboundKind, OutboxRow } from "../../../src/core/outbound/outbound.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { AcceptReason } from "../../../src/core/inbound/inbox.ts";
import {
  ackAccepted,
  beginTyping,
  progressDelivered,
} from "../../../src/flows/deliver/progress.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import { refused } from "../../support/discord/answers.ts";
import {
  channelId,
  directMessage,
  guildMessage,
  messageId,
  outboundMessage,
} from "../../support/discord/builders.ts";
import { part } from "../../support/store/store.ts";

const FORBIDDEN = refused(403, 50013);
const [HERE, THERE] = [channelId("1400000000000000002"), channelId("1400000000000000003")];

/** @param messages Keys of `messages` in the config. @param error Discord's answer to each sign. */
async function setUp(messages: object = {}, error?: Error) {
  const scene = await testAccount({
    beside: { messages: { ackReaction: "👀", ackReactionScope: "all", ...messages } },
    answer: ({ path }) => /typing|reactions/.test(path) ? error : undefined,
  });
  const { account, requests, clock } = scene;
  const idle = clock.pending;
  const signs = (path: RegExp) => requests.filter((request) => path.test(request.path));
  return {
    ...scene,
    begin: (channel: ChannelId = HERE) => beginTyping(account, channel),
    typed: (channel: ChannelId = HERE) => signs(new RegExp(`/${channel}/typing`)).length,
    accept: (message: InboundMessage, why: AcceptReason = "mentioned") =>
      ackAccepted(account, message, why),
    /** An attempt to deliver an answer has ended. */
    answer(message: InboundMessage, kind: OutboundKind, end = "created") {
      const row = { message: outboundMessage({ of: part(message.id, { kind }) }) } as OutboxRow;
      progressDelivered(account, row, { kind: end, messageId: messageId("9") } as Delivery);
    },
    /** The reactions, by the ends of their messages' ids: `"+1"` is put, `"-1"` removed. */
    acks: () =>
      signs(/reactions/).map(({ method, path }) =>
        `${method === "PUT" ? "+" : "-"}${/(\d)\/reactions/.exec(path)?.[1]}`
      ),
    isIdle: () => clock.pending === idle,
  };
}

describe("[R7] the typing indicator", () => {
  it("is not shown for an answer within 300 ms", async () => {
    const { begin, pass, typed, isIdle } = await setUp();
    const end = begin();
    await pass(299);
    end();
    await pass(60_000);
    assert.deepEqual([typed(), isIdle()], [0, true]);
  });

  it("is renewed every 8 s in its channel, until the last turn there has ended", async () => {
    const { begin, pass, typed, isIdle } = await setUp();
    const [first, second] = [begin(), begin()];
    await pass(5_000);
    first();
    first(); // harmless
    await pass(3_299);
    assert.equal(typed(), 1);
    await pass(1);
    assert.equal(typed(), 2);
    second();
    await pass(60_000);
    assert.deepEqual([typed(), isIdle()], [2, true]);
  });

  it("[D3] pauses for ten minutes in a channel that forbids it", async () => {
    const { begin, pass, typed } = await setUp({}, FORBIDDEN);
    const [end, there] = [begin(), begin(THERE)];
    await pass(300);
    there();
    await pass(599_999, 8_000);
    assert.deepEqual([typed(), typed(THERE)], [1, 1]);
    await pass(8_000);
    assert.equal(typed(), 2);
    end();
  });
});

const MESSAGE = guildMessage({ id: messageId("1400000000000000001"), mention: "user" });
const NEXT = guildMessage({ id: messageId("1400000000000000002"), mention: "user" });
const REMOVED = { removeAckAfterReply: true };

describe("[R7] the reaction to a message that the bot answers", () => {
  it("comes after 250 ms, and not if the answer was faster", async () => {
    const { accept, answer, pass, acks, isIdle } = await setUp(REMOVED);
    accept(MESSAGE);
    accept(NEXT);
    await pass(249);
    answer(NEXT, "draft");
    assert.deepEqual(acks(), []);
    await pass(1);
    await pass(60_000);
    assert.deepEqual([acks(), isIdle()], [["+1"], true]);
  });

  const group = { ...directMessage(), place: { kind: "group_dm" as const } };
  const places: readonly [what: string, message: InboundMessage, why: AcceptReason][] = [
    ["a direct message", directMessage(), "dm-allowed"],
    ["a guild's, by mention", MESSAGE, "mentioned"],
    ["a guild's, by a pattern", guildMessage(), "mentioned"],
    ["a guild's, unmentioned", guildMessage(), "mention-not-required"],
    ["a guild's message, with a mention that is not required", MESSAGE, "mention-not-required"],
    ["a group's, by mention", { ...group, mention: "reply" }, "dm-allowed"],
    ["a group's, unmentioned", group, "dm-allowed"],
  ];
  const scopes = [
    ["off", [false, false, false, false, false, false, false]],
    ["all", [true, true, true, true, true, true, true]],
    ["direct", [true, false, false, false, false, false, false]],
    ["group-all", [false, true, true, true, true, true, true]],
    ["group-mentions", [false, true, true, false, true, true, false]],
  ] as const;
  for (const [scope, expected] of scopes) {
    it(`goes to the places of the scope ${scope}`, async () => {
      for (const [index, [what, message, why]] of places.entries()) {
        const { accept, pass, acks } = await setUp({ ackReactionScope: scope });
        accept(message, why);
        await pass(250);
        assert.equal(acks().length, expected[index] ? 1 : 0, what);
      }
    });
  }

  it("[Y] is removed once, with a delivered reply; it stays after a failure and during a draft", async () => {
    const { accept, answer, pass, acks } = await setUp(REMOVED);
    accept(NEXT);
    accept(MESSAGE);
    await pass(250);
    answer(MESSAGE, "failure");
    answer(NEXT, "draft");
    answer(NEXT, "reply", "unanswered");
    await pass(1);
    assert.deepEqual(acks(), ["+2", "+1"]);
    for (const end of ["found", "created"]) answer(NEXT, "reply", end);
    await pass(1);
    assert.deepEqual(acks(), ["+2", "+1", "-2"]);
  });

  it("stays if the config does not have it removed", async () => {
    const { accept, answer, pass, acks } = await setUp();
    accept(MESSAGE);
    await pass(250);
    answer(MESSAGE, "reply");
    await pass(1);
    assert.deepEqual(acks(), ["+1"]);
  });

  it("[D3] pauses for ten minutes in a channel that forbids it", async () => {
    const { accept, answer, pass, acks, lines } = await setUp(REMOVED, FORBIDDEN);
    accept(MESSAGE);
    await pass(250);
    answer(MESSAGE, "reply"); // there is nothing to remove
    accept(NEXT);
    accept(directMessage({ id: messageId("1400000000000000003") }), "dm-allowed");
    await pass(250);
    assert.deepEqual(acks(), ["+1", "+3"]);
    await pass(600_000);
    accept(guildMessage({ id: messageId("1400000000000000004") }));
    await pass(250);
    assert.equal(acks().at(-1), "+4");
    assert.ok(lines.every(({ level }) => level !== "warn"));
  });

  it("is given up, with one line in the log, if Discord does not know the emoji", async () => {
    const { accept, pass, acks, lines } = await setUp({}, refused(400, 10014));
    for (const message of [MESSAGE, NEXT]) {
      accept(message);
      await pass(250);
    }
    assert.deepEqual(acks(), ["+1"]);
    const warnings = lines.filter(({ level }) => level === "warn");
    assert.match(warnings.map(({ event }) => event).join(), /^[^,]*messages\.ackReaction[^,]*$/);
  });
});
