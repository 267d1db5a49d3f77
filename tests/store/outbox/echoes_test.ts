import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import type { Echo, Foreign } from "../../../src/core/inbound/inbox.ts";
import type { OutboundMessage, OutboxRow } from "../../../src/core/outbound/outbound.ts";
import {
  createOutbox,
  prepareAddToOutbox,
  prepareSettleEcho,
} from "../../../src/store/outbox/outbox.ts";
import {
  ACCOUNT,
  channelId,
  messageId,
  outboundMessage,
  roleId,
  userId,
} from "../../support/discord/builders.ts";
import { sameData } from "../../support/same_data.ts";
import { openDatabase } from "../../support/store/open_database.ts";
import { frozen, openTestStore, part } from "../../support/store/store.ts";
import { createUngroupedTransactions } from "../../support/store/ungrouped.ts";

const SECOND = toAccountId("second");
const MESSAGE = messageId("1400000000000000077");
const OTHER = messageId("1400000000000000078");
/** Arrival time of the echo. */
const AT = 1_000_000;
const ROW = outboundMessage({ nonce: "ours" });

const echo = (fields: Partial<Echo> = {}): Echo => ({
  nonce: "ours",
  messageId: MESSAGE,
  channelId: ROW.channelId,
  heardAt: AT,
  ...fields,
});

function openRow(state: string, fields: { attemptAt?: number; messageId?: string } = {}) {
  const database = openDatabase();
  prepareAddToOutbox(database)({ message: ROW, files: [] }, 0);
  database.prepare("UPDATE outbox SET state = ?, first_attempt_at = ?, message_id = ?")
    .run(state, fields.attemptAt ?? null, fields.messageId ?? null);
  const settle = prepareSettleEcho(database);
  const stored = () => ({ ...database.prepare("SELECT state, message_id FROM outbox").get() });
  return { settle, stored };
}

describe("prepareSettleEcho()", () => {
  const WHY: readonly (readonly [
    name: string,
    state: string,
    fields: { attemptAt?: number; messageId?: string },
    why: Foreign["why"] | undefined,
  ])[] = [
    ["the echo of a row that is being sent", "sending", { attemptAt: AT - 300 }, undefined],
    ["an echo at the time of our attempt", "sending", { attemptAt: AT }, undefined],
    ["an echo from before our first attempt", "sending", { attemptAt: AT + 1 }, "early"],
    ["the echo of an uncertain row", "uncertain", { attemptAt: AT - 60_000 }, undefined],
    ["one of a dead row before our first attempt", "dead", { attemptAt: AT + 9_000 }, "early"],
    ["a duplicate instance's copy of a pending row", "pending", {}, "unsent"],
    ["a foreign copy of a row that Discord refused us", "dead", {}, "unsent"],
    ["a second echo of a sent row", "sent", { attemptAt: AT, messageId: MESSAGE }, undefined],
    ["one of a row deleted before Discord told its id", "sent", { attemptAt: AT }, undefined],
    ["a second with a sent row's nonce", "sent", { attemptAt: AT, messageId: OTHER }, "unknown"],
  ];
  for (const [name, state, fields, why] of WHY) {
    it(`[G11] judges ${name} as ${why ?? "ours"}, and settles the row once`, () => {
      const { settle, stored } = openRow(state, fields);
      const foreign = why && { foreign: { messageId: MESSAGE, channelId: ROW.channelId, why } };
      const settledIn = state !== "sent" && { settledIn: ROW.channelId };
      const before = stored();
      sameData(settle(ACCOUNT, echo()), { ...settledIn, ...foreign });
      const after = state === "sent" ? before : { state: "sent", message_id: MESSAGE };
      assert.deepEqual(stored(), after);
      if (state !== "sent") sameData(settle(ACCOUNT, echo()), {}, "replayed, it is known");
      assert.deepEqual(stored(), after);
    });
  }

  it("[G11] accepts a message from the channel's history, which has no arrival time", () => {
    const { settle } = openRow("sending", { attemptAt: AT + 1 });
    const { heardAt: _, ...found } = echo();
    assert.deepEqual(settle(ACCOUNT, found), { settledIn: ROW.channelId });
  });

  it("[G11] judges messages without a nonce of the account's rows as unknown", () => {
    const { settle, stored } = openRow("sending", { attemptAt: AT });
    const elsewhere = channelId("5");
    const { nonce: _, ...bare } = echo({ channelId: elsewhere });
    const foreign: Foreign = { messageId: MESSAGE, channelId: elsewhere, why: "unknown" };
    assert.deepEqual(settle(ACCOUNT, bare), { foreign });
    assert.deepEqual(settle(ACCOUNT, { ...bare, nonce: "another" }), { foreign });
    assert.deepEqual(settle(SECOND, { ...bare, nonce: "ours" }), { foreign });
    assert.deepEqual(stored(), { state: "sending", message_id: null });
  });
});

const NOW = Date.UTC(2026, 0, 1);
const ELSEWHERE = channelId("1400000000000000005");
const FILES = [{ name: "a.md", bytes: new Uint8Array([1]) }];

function openOutbox(...messages: readonly OutboundMessage[]) {
  const database = openDatabase();
  const add = prepareAddToOutbox(database);
  for (const message of messages) add({ message, files: [] }, NOW);
  const outbox = createOutbox(createUngroupedTransactions(database));
  const nonces = async (accountId = ACCOUNT) =>
    (await outbox.heads(accountId)).map(({ message }) => message.nonce);
  const stored = (nonce: string) => {
    const row = database.prepare(
      "SELECT state, message_id, first_attempt_at, failing_since, refusal FROM outbox WHERE nonce = ?",
    ).get(nonce);
    return { ...row };
  };
  return { database, outbox, nonces, stored };
}

const first = outboundMessage({ nonce: "first" });
const second = outboundMessage({ nonce: "second" });

describe("createOutbox()", () => {
  it("[D1] returns a message as it was frozen", async () => {
    const message = outboundMessage({
      pings: { users: [userId("1")], roles: [roleId("2")], quotedAuthor: true },
      quote: messageId("3"),
    });
    const [head] = await openOutbox(message).outbox.heads(ACCOUNT);
    sameData(head, { id: 1, message, fileCount: 0, action: { kind: "post" } });
  });

  it("[V8] drops the text of minutes once Discord has it", async () => {
    const { database, outbox } = openOutbox({ ...first, content: "said", isUnkept: true }, second);
    const contents = () =>
      database.prepare("SELECT message ->> '$.content' AS text FROM outbox ORDER BY id").all()
        .map(({ text }) => text);
    assert.deepEqual(contents(), ["said", second.content]);
    const [head] = await outbox.heads(ACCOUNT);
    await outbox.markSent(head!, messageId("77"));
    await outbox.markSent((await outbox.heads(ACCOUNT))[0]!, messageId("78"));
    assert.match(String(contents()[0]), /^\[not kept/);
    assert.equal(contents()[1], second.content);
  });

  it("[V8] drops it, too, if Discord never gets it, and then sends it no more", async () => {
    const unkept = { ...first, content: "said", isUnkept: true } as const;
    const ends = {
      dead: async (outbox, row) => await outbox.markDead(row, "no"),
      uncertain: async (outbox, row) => await outbox.markUncertain(row, "lost"),
      dropped: async (outbox, { id }) => void await outbox.release(id, "drop"),
    } satisfies Record<
      string,
      (outbox: ReturnType<typeof openOutbox>["outbox"], row: OutboxRow) => Promise<void>
    >;
    for (const [state, end] of Object.entries(ends)) {
      const { database, outbox } = openOutbox(unkept);
      const [head] = await outbox.heads(ACCOUNT);
      await outbox.markSending(head!, 1);
      await end(outbox, head!);
      const [row] = database.prepare("SELECT state, message FROM outbox").all();
      assert.equal(row?.["state"], state);
      assert.ok(!String(row["message"]).includes("said"), state);
      assert.equal(await outbox.release(head!.id, "resend"), false);
    }
  });

  it("[C6] keeps the accounts apart", async () => {
    const { nonces } = openOutbox(first, { ...first, accountId: SECOND }, second);
    assert.deepEqual(await nonces(SECOND), ["first"]);
    assert.deepEqual(await nonces(), ["first"]);
  });

  it("[D2] accepts each nonce once", () => {
    assert.throws(() => openOutbox(first, first), /UNIQUE/);
  });

  it("[D2] keeps the time of the first attempt", async () => {
    const { outbox } = openOutbox(first);
    for (const now of [100, 200]) {
      const [head] = await outbox.heads(ACCOUNT);
      assert.equal(await outbox.markSending(head!, now), true);
    }
    const [head] = await outbox.heads(ACCOUNT);
    assert.equal(head?.firstAttemptAt, 100);
  });

  it("[D5] lets a channel continue after a message that Discord never accepts", async () => {
    const { outbox, nonces, stored } = openOutbox(first, second);
    const [head] = await outbox.heads(ACCOUNT);
    await outbox.markDead(head!, "Missing Permissions");
    assert.deepEqual(await nonces(), ["second"]);
    assert.deepEqual(stored("first"), {
      state: "dead",
      message_id: null,
      first_attempt_at: null,
      failing_since: null,
      refusal: "Missing Permissions",
    });
    assert.equal(await outbox.markSending(head!, NOW), false);
  });

  it("[D2] holds an uncertain message, and none behind it", async () => {
    const { outbox, nonces, stored } = openOutbox(first, second);
    const [head] = await outbox.heads(ACCOUNT);
    await outbox.markSending(head!, NOW);
    await outbox.markUncertain(head!, "unknown");
    assert.equal(stored("first")["state"], "uncertain");
    assert.deepEqual(await nonces(), ["second"]);
    assert.equal(await outbox.markSending(head!, NOW), false);
  });

  it("[D2] changes no settled row", async () => {
    const { outbox, stored } = openOutbox(first);
    const [head] = await outbox.heads(ACCOUNT);
    await outbox.markSending(head!, NOW);
    assert.equal(await outbox.markSent(head!, messageId("77")), true);
    await outbox.markRefused(head!, "too late", NOW);
    await outbox.markFailing(head!, NOW);
    await outbox.markAbsent(head!);
    await outbox.markDead(head!, "too late");
    await outbox.markUncertain(head!, "unknown");
    assert.equal(await outbox.markSent(head!), false); // a stored id stays
    assert.deepEqual(stored("first"), {
      state: "sent",
      message_id: "77",
      first_attempt_at: NOW,
      failing_since: null,
      refusal: null,
    });
  });
});

describe("add()", () => {
  it("[R8] returns a stored draft unchanged, with its state", async () => {
    const { outbox } = openOutbox();
    const of = part("1", { kind: "draft" });
    const draft = frozen({ nonce: "draft", content: "He", of });
    const row = await outbox.add(draft, NOW);
    await outbox.markSending(row, NOW + 1);
    const grown = frozen({ nonce: "draft", content: "Hello", of }, { files: FILES });
    const again = await outbox.add(grown, NOW + 9);
    assert.deepEqual(again, { ...row, state: "sending", firstAttemptAt: NOW + 1 });
    await outbox.markSent(row, messageId("77"));
    assert.deepEqual(await outbox.add(grown, NOW + 9), {
      ...again,
      state: "sent",
      messageId: messageId("77"),
    });
    assert.deepEqual(await outbox.filesOf(again), []);
    assert.deepEqual(await outbox.heads(ACCOUNT), [], "and no message is posted twice");
  });

  it("[D2] keeps the accounts apart", async () => {
    const { outbox } = openOutbox();
    const row = await outbox.add(frozen({ nonce: "same" }), NOW);
    const other = await outbox.add(frozen({ nonce: "same", accountId: SECOND }), NOW);
    assert.notEqual(other.id, row.id);
  });
});

it("[D5] shiftFailing() › moves rows along with the clock, except those that began to fail later", async () => {
  const { store: { outbox }, rows } = openTestStore();
  const ids = ["a", "b", "c", "d"];
  const added = await outbox.addAll(ids.map((nonce) => frozen({ nonce })), NOW);
  const [other] = await outbox.addAll([frozen({ nonce: "e", accountId: SECOND })], NOW);
  const [a, b, c, d] = added;
  assert.ok(a && b && c && d && other);
  for (const [row, at] of [[a, 1], [b, 9], [d, 1], [other, 1]] as const) {
    await outbox.markFailing(row, NOW + at);
  }
  await outbox.markSending(d, NOW);
  await outbox.markDead(d, "no");
  await outbox.shiftFailing(ACCOUNT, 100, NOW + 8);
  const since = rows("SELECT nonce, failing_since - " + NOW + " AS it FROM outbox ORDER BY id");
  assert.deepEqual(since.map(({ nonce, it }) => [nonce, it]), [
    ["a", 101],
    ["b", 9],
    ["c", null],
    ["d", 1],
    ["e", 1],
  ]);
});

it("[D1] addAll() › adds all messages or none", async () => {
  const { store, rows } = openTestStore();
  const broken = frozen({ nonce: "" }, { files: [{ name: "a", bytes: null as never }] });
  await assert.rejects(store.outbox.addAll([frozen({ nonce: "" }), broken], NOW));
  assert.deepEqual(rows("SELECT id FROM outbox"), []);
  assert.deepEqual(await store.outbox.addAll([], NOW), []);
});

describe("a row that fails", () => {
  it("[D5] keeps the time of its first failure until it is sent", async () => {
    const { outbox, stored } = openOutbox(first);
    const head = async () => (await outbox.heads(ACCOUNT))[0]!;
    await outbox.markSending(await head(), 100);
    await outbox.markFailing(await head(), 101);
    assert.deepEqual(await head(), {
      id: 1,
      message: first,
      fileCount: 0,
      action: { kind: "post" },
      firstAttemptAt: 100,
      failingSince: 101,
    });
    await outbox.markFailing(await head(), 102);
    await outbox.markRefused(await head(), "later", 103);
    assert.equal((await head()).failingSince, 101);
    assert.equal((await head()).firstAttemptAt, 100, "an earlier attempt may have created it");
    await outbox.markSent(await head(), messageId("77"));
    assert.equal(stored("first")["failing_since"], null);
  });

  it("[D2] is as before its first attempt if Discord refused that", async () => {
    const { outbox, stored } = openOutbox(first);
    const [head] = await outbox.heads(ACCOUNT);
    await outbox.markSending(head!, 100);
    await outbox.markRefused(head!, "Missing Access", 101);
    assert.deepEqual(stored("first"), {
      state: "pending",
      message_id: null,
      first_attempt_at: null,
      failing_since: 101,
      refusal: "Missing Access",
    });
  });

  it("[D2] is as before its first attempt if the history does not have it", async () => {
    const { outbox } = openOutbox(first);
    const [head] = await outbox.heads(ACCOUNT);
    await outbox.markSending(head!, 100);
    await outbox.markFailing(head!, 101);
    await outbox.markAbsent(head!);
    const [again] = await outbox.heads(ACCOUNT);
    assert.equal(again?.firstAttemptAt, undefined);
    assert.equal(again?.failingSince, 101, "its failing time continues");
    await outbox.markSending(again!, 900);
    assert.equal((await outbox.heads(ACCOUNT))[0]?.firstAttemptAt, 900);
  });
});

describe("known()", () => {
  it("[D2] returns the messages of a channel that are on record as ours", async () => {
    const { outbox } = openOutbox(first, second);
    const [head] = await outbox.heads(ACCOUNT);
    await outbox.markSent(head!, messageId("77"));
    const asked = ["76", "77", "78"].map(messageId);
    assert.deepEqual(await outbox.known(first.channelId, asked), new Set([messageId("77")]));
    assert.deepEqual(await outbox.known(ELSEWHERE, asked), new Set());
    assert.deepEqual(await outbox.known(first.channelId, []), new Set());
  });

  it("[R15] returns the footer of a message that has one", async () => {
    const { outbox } = openOutbox({ ...first, footer: "-# a/x · 3.2 s" }, second);
    for (const [at, head] of (await outbox.heads(ACCOUNT)).entries()) {
      await outbox.markSent(head, messageId(`${77 + at}`));
    }
    const footers = await Promise.all(
      ["77", "78", "79"].map((id) => outbox.footerOf(messageId(id))),
    );
    assert.deepEqual(footers, ["-# a/x · 3.2 s", undefined, undefined]);
  });
});
