import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  nonceOf,
  type OutboundFile,
  type OutboxRow,
  type PostOutcome,
} from "../../../src/core/outbound/outbound.ts";
import type { Posted, Unread } from "../../../src/core/outbound/outbound.ts";
import { RestError } from "../../../src/discord/rest/exchange/exchange.ts";
import { deliver, MAX_PAGES, reconcile } from "../../../src/flows/deliver/deliver.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import {
  ACCOUNT,
  messageId,
  messageIdAt,
  outboundMessage,
  userId,
} from "../../support/discord/builders.ts";
import { frozen, part } from "../../support/store/store.ts";
import {
  BOT,
  GUILD,
  guildAnswer,
  type Lacks,
  page,
  restAnswer,
} from "../../support/channel_queues.ts";
import type { MessageId } from "../../../src/core/discord/ids.ts";

const CREATED: PostOutcome = { kind: "created", messageId: messageId("77") };
const UNANSWERED: PostOutcome = { kind: "unanswered", reason: "nothing within 15000 ms" };
const UNSENT: PostOutcome = { kind: "unsent", reason: "no connection" };
const REFUSED: PostOutcome = { kind: "refused", why: "forbidden", reason: "Missing Permissions" };

interface Asked {
  readonly request: string;
  readonly nonce: unknown;
  /** State of the row when the request leaves. */
  readonly state: unknown;
}

/** The store with one message, and a Discord with given answers. */
async function setUp(answers: readonly (PostOutcome | Error)[] = []) {
  const asked: Asked[] = [];
  /** The next pages of the history, or that it cannot be read. */
  const pages: (readonly Posted[] | "unread")[] = [];
  const world: { lacks: Lacks; beforeAnswer?: () => Promise<unknown> } = { lacks: "nothing" };
  const { account, clock, store, rows } = await testAccount({
    async answer({ method, path, body }) {
      if (!/messages/.test(path)) return guildAnswer({ path }, world.lacks);
      if (method === "GET") {
        const shown = pages.shift() ?? [];
        if (shown !== "unread") return page(shown);
        throw new RestError("no network", { kind: "unsent", route: "GET /" });
      }
      const request = `${method} ${path.split("/").at(-1)}`;
      const answer = answers[asked.length] ?? CREATED;
      asked.push({ request, nonce: body["nonce"], state: stored()["state"] });
      await world.beforeAnswer?.();
      if (answer instanceof Error) throw answer;
      return restAnswer(answer);
    },
  });
  const { outbox } = store;
  const of = part(messageIdAt(clock.now() - 1_000));
  const message = outboundMessage({ of, guildId: GUILD, nonce: nonceOf(of, 0) });
  await outbox.add(frozen(message), 0);
  const stored = () =>
    rows("SELECT state, first_attempt_at, failing_since, message_id FROM outbox")[0] ?? {};
  const heads = () => outbox.heads(ACCOUNT);
  const head = async (): Promise<OutboxRow> => {
    const [row] = await heads();
    assert.ok(row);
    return row;
  };
  /** A new message of ours. */
  const shown = (content: string): Posted => ({
    ...{ id: messageIdAt(clock.now()), authorId: BOT, content, fileSizes: [] },
  });
  return {
    ...{ outbox, clock, message, asked, pages, shown, stored, head, heads, world },
    deliver: async (row?: OutboxRow) => await deliver(account, row ?? await head()),
  };
}

describe("deliver()", () => {
  it("[D2] resends a surely missing message with the same nonce", async () => {
    const { clock, message, asked, pages, shown, stored, deliver, head } = await setUp([
      UNANSWERED,
      CREATED,
    ]);
    await deliver();
    const failingSince = clock.now();
    clock.advance(3_600_000);
    pages.push([shown("something else"), { ...shown("so?"), id: messageId("1") }]);
    assert.deepEqual(await deliver(), { kind: "absent" });
    assert.equal((await head()).firstAttemptAt, undefined);
    assert.equal((await head()).failingSince, failingSince);
    assert.deepEqual(await deliver(), CREATED);
    assert.equal(asked[1]?.nonce, message.nonce);
    assert.equal(stored()["first_attempt_at"], clock.now());
  });

  it("[D5] counts the day from the first failed reading, if nothing failed before", async () => {
    const { clock, pages, deliver, head } = await setUp([new Error("killed")]);
    await assert.rejects(deliver());
    assert.equal((await head()).failingSince, undefined);
    clock.advance(60_000);
    pages.push("unread");
    await deliver();
    assert.equal((await head()).failingSince, clock.now());
  });

  for (const outcome of [REFUSED, UNSENT]) {
    it(`[D5] keeps a row that was ${outcome.kind} as an untried one`, async () => {
      const { clock, stored, deliver, head } = await setUp([outcome, CREATED]);
      const row = await head();
      assert.equal((await deliver(row)).kind, outcome.kind);
      assert.equal(stored()["state"], "pending");
      assert.deepEqual(await head(), { ...row, failingSince: clock.now() });

      clock.advance(86_400_000);
      assert.deepEqual(await deliver(), CREATED);
    });
  }

  it("[D2] remembers an attempt without an answer, despite a later refusal", async () => {
    const { clock, stored, deliver, head } = await setUp([UNANSWERED, REFUSED]);
    const firstAttemptAt = clock.now();
    await deliver();
    clock.advance(1_000);
    await deliver();
    assert.equal((await head()).firstAttemptAt, firstAttemptAt);
    assert.equal(stored()["state"], "sending");
  });

  for (const outcome of [CREATED, { kind: "already_gone" }] as const) {
    it(`[D2] reports an echo that arrives before Discord says ${outcome.kind}`, async () => {
      const { outbox, stored, deliver, head, world } = await setUp([outcome]);
      const row = await head();
      world.beforeAnswer = () => outbox.markSent(row, messageId("77"));
      assert.deepEqual(await deliver(row), { ...outcome, wasEchoed: true });
      assert.equal(stored()["message_id"], "77");
    });
  }
});

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
