import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nonceOf } from "../../../src/core/outbound/nonce.ts";
import type {
  OutboundFile,
  OutboundMessage,
  OutboxAction,
  OutboxRow,
  PostOutcome,
} from "../../../src/core/outbound/outbound.ts";
import type { PostedPage, Unread } from "../../../src/core/outbound/posted.ts";
import { deliver, type Requesting } from "../../../src/flows/deliver/deliver.ts";
import {
  ACCOUNT,
  messageId,
  messageIdAt,
  outboundMessage,
  userId,
} from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { frozen, openTestStore, part } from "../../support/store/store.ts";

const BOT = userId("5");
const CREATED: PostOutcome = { kind: "created", messageId: messageId("77") };
const UNANSWERED: PostOutcome = { kind: "unanswered", reason: "nothing within 15000 ms" };
const UNSENT: PostOutcome = { kind: "unsent", reason: "no connection" };
const REFUSED: PostOutcome = { kind: "refused", why: "forbidden", reason: "Missing Permissions" };
const FILE: OutboundFile = { name: "a.md", bytes: new TextEncoder().encode("all of it") };

interface Asked {
  readonly what: "create" | "edit" | "delete";
  readonly message?: OutboundMessage;
  readonly messageId?: string;
  readonly files?: readonly OutboundFile[];
  readonly notAfter?: number;
  /** State of the row when the request leaves. */
  readonly state: unknown;
}

/** The real outbox in memory with one message, and a Discord with given answers. */
async function setUp(answers: readonly (PostOutcome | Error)[] = [], files = 0) {
  const { store: { outbox }, rows } = openTestStore();
  const clock = new FakeClock();
  const of = part(messageIdAt(clock.now() - 1_000));
  const message = outboundMessage({ of, nonce: nonceOf(of, 0) });
  await outbox.add(frozen(message, { files: Array.from({ length: files }, () => FILE) }), 0);
  const asked: Asked[] = [];
  const pages: (PostedPage | Unread)[] = [];
  const stored = () =>
    rows("SELECT state, first_attempt_at, failing_since, message_id FROM outbox")[0]!;
  function answer(request: Omit<Asked, "state">): Promise<PostOutcome> {
    const given = answers[asked.length]!;
    asked.push({ ...request, state: stored()["state"] });
    return given instanceof Error ? Promise.reject(given) : Promise.resolve(given);
  }
  const ports: Requesting = {
    outbox,
    messages: {
      create: (message, files, notAfter) => answer({ what: "create", message, files, notAfter }),
      edit: (messageId, message, files) => answer({ what: "edit", messageId, message, files }),
      delete: (_channel, messageId) => answer({ what: "delete", messageId }),
    },
    history: () => Promise.resolve(pages.shift()!),
    canReadHistory: () => Promise.resolve(true),
    self: () => BOT,
    nonceWindowMs: 60_000,
    bootedAt: () => 0,
    now: clock.now,
  };
  const head = async (): Promise<OutboxRow> => (await outbox.heads(ACCOUNT))[0]!;
  /** A history with one new message of ours. */
  const shown = (content: string): PostedPage => {
    const id = messageIdAt(clock.now());
    const messages = [{ id, authorId: BOT, content, fileSizes: [] }];
    return { kind: "page", messages, oldest: id, isLast: true };
  };
  return { outbox, clock, message, asked, pages, shown, stored, ports, head };
}

describe("deliver()", () => {
  it("[D2] counts a message that a person deleted meanwhile as delivered", async () => {
    const { asked, stored, ports, head } = await setUp([{ kind: "already_gone" }]);
    await deliver(await head(), ports);
    assert.equal(stored()["state"], "sent");
    assert.equal(stored()["message_id"], null);
    assert.equal(await head(), undefined);
    assert.equal(asked.length, 1);
  });

  it("[D2] reads the history before it resends a message under a forgotten nonce", async () => {
    const { clock, asked, pages, shown, stored, ports, head } = await setUp([
      UNANSWERED,
      UNANSWERED,
    ]);
    await deliver(await head(), ports);
    clock.advance(30_000);
    await deliver(await head(), ports);
    clock.advance(30_000); // the first attempt counts, not the last
    pages.push(shown("hello, Ada"));
    const found = { kind: "found", messageId: messageIdAt(clock.now()) };
    assert.deepEqual(await deliver(await head(), ports), found);
    assert.equal(asked.length, 2);
    assert.equal(stored()["state"], "sent");
    assert.equal(stored()["message_id"], found.messageId);
  });

  it("[D2] resends a surely missing message with the same nonce", async () => {
    const { clock, message, asked, pages, shown, stored, ports, head } = await setUp([
      UNANSWERED,
      CREATED,
    ]);
    await deliver(await head(), ports);
    const failingSince = clock.now();
    clock.advance(3_600_000);
    pages.push(shown("something else"));
    assert.deepEqual(await deliver(await head(), ports), { kind: "absent" });
    assert.equal((await head()).firstAttemptAt, undefined);
    assert.equal((await head()).failingSince, failingSince);
    assert.deepEqual(await deliver(await head(), ports), CREATED);
    assert.deepEqual(asked[1]?.message, message);
    assert.equal(stored()["first_attempt_at"], clock.now());
  });

  it("[D2] sends nothing while the history is unreadable", async () => {
    const { clock, asked, pages, stored, ports, head } = await setUp([UNANSWERED, CREATED]);
    await deliver(await head(), ports);
    clock.advance(60_000);
    const unread: Unread = { kind: "unread", why: "unreachable", reason: "no network" };
    pages.push(unread);
    assert.deepEqual(await deliver(await head(), ports), unread);
    assert.equal(stored()["state"], "sending");
    assert.equal(asked.length, 1);
  });

  it("[D5] counts the day from the first failed reading, if nothing failed before", async () => {
    const { clock, pages, ports, head } = await setUp([new Error("killed")]);
    await assert.rejects(deliver(await head(), ports));
    assert.equal((await head()).failingSince, undefined);
    clock.advance(60_000);
    pages.push({ kind: "unread", why: "unreachable", reason: "no network" });
    await deliver(await head(), ports);
    assert.equal((await head()).failingSince, clock.now());
  });

  it("[D2] sends no uncertain message", async () => {
    const { clock, asked, pages, stored, ports, head } = await setUp([UNANSWERED, CREATED]);
    await deliver(await head(), ports);
    clock.advance(60_000);
    pages.push({ kind: "page", messages: [], isLast: true });
    const blind = { ...ports, canReadHistory: () => Promise.resolve(false) };
    assert.equal((await deliver(await head(), blind)).kind, "uncertain");
    assert.equal(stored()["state"], "sending"); // the queue holds it
    assert.equal(asked.length, 1);
  });

  it("[D2] keeps the intent if the process dies during the request", async () => {
    const { clock, stored, ports, head } = await setUp([new Error("killed")]);
    await assert.rejects(deliver(await head(), ports), /killed/);
    assert.equal(stored()["state"], "sending");
    assert.equal(stored()["first_attempt_at"], clock.now());
  });

  for (const outcome of [REFUSED, UNSENT]) {
    it(`[D5] keeps a row that was ${outcome.kind} as an untried one`, async () => {
      const { clock, stored, ports, head } = await setUp([outcome, CREATED]);
      const row = await head();
      assert.deepEqual(await deliver(row, ports), outcome);
      assert.equal(stored()["state"], "pending");
      assert.deepEqual(await head(), { ...row, failingSince: clock.now() });

      clock.advance(86_400_000);
      assert.deepEqual(await deliver(await head(), ports), CREATED);
    });
  }

  it("[D2] remembers an attempt without an answer, despite a later refusal", async () => {
    const { clock, stored, ports, head } = await setUp([UNANSWERED, REFUSED]);
    const firstAttemptAt = clock.now();
    await deliver(await head(), ports);
    clock.advance(1_000);
    await deliver(await head(), ports);
    assert.equal((await head()).firstAttemptAt, firstAttemptAt);
    assert.equal(stored()["state"], "sending");
  });

  for (const outcome of [CREATED, { kind: "already_gone" }] as const) {
    it(`[D2] reports an echo that arrives before Discord says ${outcome.kind}`, async () => {
      const { outbox, stored, ports, head } = await setUp([outcome]);
      const row = await head();
      const create = async (...request: Parameters<Requesting["messages"]["create"]>) => {
        await outbox.markSent(row, messageId("77"));
        return await ports.messages.create(...request);
      };
      const echoed = { ...ports, messages: { ...ports.messages, create } };
      assert.deepEqual(await deliver(row, echoed), { ...outcome, wasEchoed: true });
      assert.equal(stored()["message_id"], "77");
    });
  }

  it("[D2] sends no row that the gateway's echo has settled", async () => {
    const { outbox, asked, stored, ports, head } = await setUp([UNANSWERED]);
    await deliver(await head(), ports);
    const row = await head();
    await outbox.markSent(row, messageId("77"));
    assert.deepEqual(await deliver(row, ports), { kind: "settled" });
    assert.equal(asked.length, 1);
    assert.equal(stored()["state"], "sent");
  });
});

describe("[R8] deliver(), for a row that replaces a draft", () => {
  const acting = async (action: OutboxAction, ...answers: readonly PostOutcome[]) => {
    const all = await setUp(answers);
    const head = async (): Promise<OutboxRow> => ({ ...await all.head(), action });
    return { ...all, head };
  };

  it("edits the draft, with a stored intent, until it succeeds", async () => {
    const { clock, message, asked, stored, ports, head } = await acting(
      { kind: "edit", messageId: messageId("70") },
      UNANSWERED,
      { kind: "created", messageId: messageId("70") },
    );
    await deliver(await head(), ports);
    clock.advance(3_600_000); // this needs no nonce and no history
    await deliver(await head(), ports);
    const request = { what: "edit", messageId: "70", message, files: [], state: "sending" };
    assert.deepEqual(asked, [request, request]);
    assert.equal(stored()["state"], "sent");
    assert.equal(stored()["message_id"], "70");
  });

  it("posts nothing in place of a draft that a moderator deleted", async () => {
    const { asked, stored, ports, head } = await acting(
      { kind: "edit", messageId: messageId("70") },
      { kind: "already_gone" },
    );
    await deliver(await head(), ports);
    assert.equal(stored()["state"], "sent");
    assert.equal(asked.length, 1);
  });

  it("deletes a draft", async () => {
    const { asked, stored, ports, head } = await acting(
      { kind: "delete", messageId: messageId("70") },
      { kind: "already_gone" },
    );
    await deliver(await head(), ports);
    assert.deepEqual(asked, [{ what: "delete", messageId: "70", state: "sending" }]);
    assert.equal(stored()["state"], "sent");
  });
});
