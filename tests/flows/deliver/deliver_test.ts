import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nonceOf } from "../../../src/core/outbound/outbound.ts";
import type { OutboxAction, OutboxRow, PostOutcome } from "../../../src/core/outbound/outbound.ts";
import type { Posted } from "../../../src/core/outbound/delivery.ts";
import { RestError } from "../../../src/discord/rest/exchange/rest_error.ts";
import { deliver } from "../../../src/flows/deliver/deliver.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import {
  ACCOUNT,
  messageId,
  messageIdAt,
  outboundMessage,
} from "../../support/discord/builders.ts";
import { frozen, part } from "../../support/store/store.ts";
import {
  BOT,
  GUILD,
  guildAnswer,
  type Lacks,
  page,
  restAnswer,
} from "../support/channel_queues.ts";

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
  it("[D2] counts a message that a person deleted meanwhile as delivered", async () => {
    const { asked, stored, deliver, heads } = await setUp([{ kind: "already_gone" }]);
    await deliver();
    assert.equal(stored()["state"], "sent");
    assert.equal(stored()["message_id"], null);
    assert.deepEqual(await heads(), []);
    assert.equal(asked.length, 1);
  });

  it("[D2] reads the history before it resends a message under a forgotten nonce", async () => {
    const { clock, asked, pages, shown, stored, deliver } = await setUp([UNANSWERED, UNANSWERED]);
    await deliver();
    clock.advance(30_000);
    await deliver();
    clock.advance(30_000); // the first attempt counts, not the last
    pages.push([shown("hello, Ada")]);
    const found = { kind: "found", messageId: messageIdAt(clock.now()) };
    assert.deepEqual(await deliver(), found);
    assert.equal(asked.length, 2);
    assert.equal(stored()["state"], "sent");
    assert.equal(stored()["message_id"], found.messageId);
  });

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

  it("[D2] sends nothing while the history is unreadable", async () => {
    const { clock, asked, pages, stored, deliver } = await setUp([UNANSWERED, CREATED]);
    await deliver();
    clock.advance(60_000);
    pages.push("unread");
    assert.equal((await deliver()).kind, "unread");
    assert.equal(stored()["state"], "sending");
    assert.equal(asked.length, 1);
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

  it("[D2] sends no uncertain message", async () => {
    const { clock, asked, world, stored, deliver } = await setUp([UNANSWERED, CREATED]);
    await deliver();
    clock.advance(60_000);
    world.lacks = "history";
    assert.equal((await deliver()).kind, "uncertain");
    assert.equal(stored()["state"], "sending"); // the queue holds it
    assert.equal(asked.length, 1);
  });

  it("[D2] keeps the intent if the process dies during the request", async () => {
    const { clock, stored, deliver } = await setUp([new Error("killed")]);
    await assert.rejects(deliver(), /killed/);
    assert.equal(stored()["state"], "sending");
    assert.equal(stored()["first_attempt_at"], clock.now());
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

  it("[D2] sends no row that the gateway's echo has settled", async () => {
    const { outbox, asked, stored, deliver, head } = await setUp([UNANSWERED]);
    await deliver();
    const row = await head();
    await outbox.markSent(row, messageId("77"));
    assert.deepEqual(await deliver(row), { kind: "settled" });
    assert.equal(asked.length, 1);
    assert.equal(stored()["state"], "sent");
  });
});

describe("[R8] deliver(), for a row that replaces a draft", () => {
  const acting = async (action: OutboxAction, ...answers: readonly PostOutcome[]) => {
    const all = await setUp(answers);
    return { ...all, deliver: async () => await all.deliver({ ...await all.head(), action }) };
  };

  it("edits the draft, with a stored intent, until it succeeds", async () => {
    const { clock, asked, stored, deliver } = await acting(
      { kind: "edit", messageId: messageId("70") },
      UNANSWERED,
      { kind: "created", messageId: messageId("70") },
    );
    await deliver();
    clock.advance(3_600_000); // this needs no nonce and no history
    await deliver();
    const request = { request: "PATCH 70", nonce: undefined, state: "sending" };
    assert.deepEqual(asked, [request, request]);
    assert.equal(stored()["state"], "sent");
    assert.equal(stored()["message_id"], "70");
  });

  it("posts nothing in place of a draft that a moderator deleted", async () => {
    const { asked, stored, deliver } = await acting(
      { kind: "edit", messageId: messageId("70") },
      { kind: "already_gone" },
    );
    await deliver();
    assert.equal(stored()["state"], "sent");
    assert.equal(asked.length, 1);
  });

  it("deletes a draft", async () => {
    const { asked, stored, deliver } = await acting(
      { kind: "delete", messageId: messageId("70") },
      { kind: "already_gone" },
    );
    await deliver();
    assert.deepEqual(asked, [{ request: "DELETE 70", nonce: undefined, state: "sending" }]);
    assert.equal(stored()["state"], "sent");
  });
});
