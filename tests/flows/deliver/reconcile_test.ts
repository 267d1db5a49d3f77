import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MessageId } from "../../../src/core/discord/ids.ts";
import type { OutboundFile, OutboxRow } from "../../../src/core/outbound/outbound.ts";
import type { Posted, Unread } from "../../../src/core/outbound/delivery.ts";
import { MAX_PAGES, reconcile } from "../../../src/flows/deliver/deliver.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import { messageId, messageIdAt, outboundMessage, userId } from "../../support/discord/builders.ts";
import { part } from "../../support/store/store.ts";
import { BOT, GUILD, guildAnswer, type Lacks, page } from "../support/channel_queues.ts";

const NOW = Date.UTC(2026, 0, 1);
const CAUSE = messageIdAt(NOW - 600_000);
const FILE: OutboundFile = { name: "my answer.md", bytes: new Uint8Array(1) };
const ROW: OutboxRow = {
  id: 1,
  message: outboundMessage({
    guildId: GUILD,
    of: { cause: CAUSE, revision: 0, kind: "reply", part: 0, parts: 1 },
  }),
  fileCount: 0,
  action: { kind: "post" },
  firstAttemptAt: NOW - 300_000,
};

const at = (agoMs: number, fields: Partial<Posted> = {}): Posted => ({
  id: messageIdAt(NOW - agoMs),
  authorId: BOT,
  content: ROW.message.content,
  fileSizes: [],
  ...fields,
});
const chatter = (agoMs: number): Posted => at(agoMs, { authorId: userId("6"), content: "so?" });

/** So many messages of a channel are one page of its history. */
const PAGE = 100;

interface World {
  /** Newest first. */
  readonly messages?: readonly Posted[];
  /** Ids that other rows have. */
  readonly known?: readonly MessageId[];
  readonly lacks?: Lacks;
}

async function look({ messages = [], known = [], lacks = "nothing" }: World, row: OutboxRow = ROW) {
  const asked: string[] = [];
  const { account, store, clock } = await testAccount({
    answer({ path }) {
      if (!/messages/.test(path)) {
        if (path === `/guilds/${GUILD}`) asked.push("may");
        return guildAnswer({ path }, lacks);
      }
      const before = /before=(\d+)/.exec(path)?.[1];
      asked.push(before ?? "newest");
      const older = messages.filter(({ id }) => !before || BigInt(id) < BigInt(before));
      return page(older.slice(0, PAGE));
    },
  });
  assert.equal(clock.now(), NOW);
  Object.assign(store.outbox, {
    filesOf: () => Promise.resolve([FILE]),
    known: (_: unknown, ids: readonly MessageId[]) =>
      Promise.resolve(new Set(ids.filter((id) => known.includes(id)))),
  });
  return { looked: reconcile(account, row), asked };
}

describe("[D2] reconcile()", () => {
  const absent = { kind: "absent" };
  const cases: readonly [what: string, world: World, looked: unknown][] = [
    ["finds it among others", { messages: [chatter(1), at(2), chatter(3)] }, {
      kind: "found",
      messageId: at(2).id,
    }],
    ["believes a history without it", { messages: [chatter(1), chatter(700_000)] }, absent],
    ["takes no other's for ours", { messages: [at(1, { authorId: userId("6") })] }, absent],
    ["takes nothing that another row has", { messages: [at(1)], known: [at(1).id] }, absent],
    ["takes the next one then", { messages: [at(1), at(2)], known: [at(1).id] }, {
      kind: "found",
      messageId: at(2).id,
    }],
    ["ignores messages that are older than the answered one", {
      messages: [chatter(1), at(600_001)],
    }, absent],
    ["accepts a message of the same age", { messages: [chatter(1), at(600_000)] }, {
      kind: "found",
      messageId: at(600_000).id,
    }],
  ];
  for (const [what, world, expected] of cases) {
    it(what, async () => assert.deepEqual(await (await look(world)).looked, expected));
  }

  it("compares files by their number and sizes", async () => {
    const row = { ...ROW, fileCount: 1 };
    const withFile = at(2, { fileSizes: [FILE.bytes.length] });
    const { looked } = await look({ messages: [at(1), withFile] }, row);
    assert.deepEqual(await looked, { kind: "found", messageId: withFile.id });
    assert.deepEqual(await (await look({ messages: [withFile] })).looked, absent);
  });

  it("does not trust an empty history without the permission to read it", async () => {
    const { looked, asked } = await look({ lacks: "history" });
    const { kind, reason } = await looked as { kind: string; reason: string };
    assert.equal(kind, "uncertain");
    assert.match(reason, /may not read/);
    assert.deepEqual(asked.slice(0, 2), ["newest", "may"]);
    assert.ok(asked.slice(2).every((one) => one === "may"));
  });

  it("reads an empty history again after checking the permission", async () => {
    const { looked, asked } = await look({});
    assert.deepEqual(await looked, absent);
    assert.deepEqual([asked[0], asked[1], asked.at(-1)], ["newest", "may", "newest"]);
  });

  it("checks no permission if the history shows messages", async () => {
    const { looked, asked } = await look({ messages: [chatter(1)] });
    assert.deepEqual(await looked, absent);
    assert.deepEqual(asked, ["newest"]);
  });

  it("[D5] has not read an empty history if the permission is unknown", async () => {
    const { kind, why } = await (await look({ lacks: "unreachable" })).looked as Unread;
    assert.deepEqual([kind, why], ["unread", "unreachable"]);
  });

  it("reads back to the answered message, and no further", async () => {
    const messages = Array.from({ length: 1_000 }, (_, number) => chatter((number + 1) * 4_000));
    const { looked, asked } = await look({ messages });
    assert.deepEqual(await looked, absent);
    assert.equal(asked.length, 2); // the second page is older than 600 s
  });

  it("finds the message on a later page", async () => {
    const messages = [
      ...Array.from({ length: 4 * PAGE + 50 }, (_, at) => chatter(at + 1)),
      at(500_000),
    ];
    const { looked, asked } = await look({ messages });
    assert.deepEqual(await looked, { kind: "found", messageId: at(500_000).id });
    assert.equal(asked.length, 5);
  });

  it("takes an empty later page for the channel's beginning only with the permission", async () => {
    const messages = Array.from({ length: PAGE }, (_, at) => chatter(at + 1));
    assert.deepEqual(await (await look({ messages })).looked, absent);
    const revoked = await look({ messages, lacks: "history" });
    assert.equal((await revoked.looked).kind, "uncertain");
  });

  it("gives up after its pages if the message may be older", async () => {
    const messages = Array.from({ length: (MAX_PAGES + 1) * PAGE }, (_, at) => chatter(at + 1));
    const { looked, asked } = await look({ messages });
    const { kind, reason } = await looked as { kind: string; reason: string };
    assert.equal(kind, "uncertain");
    assert.match(reason, /more than 1000 messages/);
    assert.equal(asked.length, MAX_PAGES);
  });

  it("trusts its own clock there, with a margin for errors", async () => {
    const cause = messageIdAt(NOW - 86_400_000);
    const of = { ...ROW.message.of ?? part(cause), cause };
    const row = { ...ROW, message: { ...ROW.message, of } };
    const until = (agoMs: number) =>
      Array.from({ length: MAX_PAGES * PAGE }, (_, at) => chatter(agoMs - (999 - at)));
    // tried 300 s ago, by a clock that may be ten minutes off
    const enough = await look({ messages: until(901_100) }, row);
    assert.deepEqual(await enough.looked, absent);
    const short = await look({ messages: until(899_000) }, row);
    assert.equal((await short.looked).kind, "uncertain");
  });

  it("starts at the first attempt of a message that answers none", async () => {
    const { of: _, ...message } = ROW.message;
    const row = { ...ROW, message };
    assert.deepEqual(await (await look({ messages: [at(1)] }, row)).looked, {
      kind: "found",
      messageId: at(1).id,
    });
    const messages = [chatter(1), at(900_001)]; // from an earlier day, with the same text
    assert.deepEqual(await (await look({ messages }, row)).looked, absent);
  });

  it("is not misled by ids of one millisecond", async () => {
    const id = messageId(String(BigInt(CAUSE) + 5n));
    const messages = [at(0, { id })];
    assert.deepEqual(await (await look({ messages })).looked, { kind: "found", messageId: id });
  });
});
