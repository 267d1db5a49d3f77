import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { accept, startInbound } from "../../../src/flows/inbound/accept.ts";
import { stopPluralkit } from "../../../src/flows/inbound/pluralkit.ts";
import { proxiedUsers } from "../../../src/flows/judging/judge.ts";
import type { InboundEvent, InboundMessage } from "../../../src/core/inbound/inbound.ts";
import {
  ACCOUNT,
  guildMessage,
  messageId,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { testAccount } from "../../support/bot/test_account.ts";

const ADA = userId("123456789012345678");
const original = guildMessage({ id: messageId("1400000000000000499"), text: "A: hello" });
const webhook = guildMessage({
  id: messageId("1400000000000000500"),
  sender: sender({
    id: userId("777"),
    username: "Aria",
    automaton: "webhook",
    applicationId: "466378653216014359" as NonNullable<InboundMessage["sender"]["applicationId"]>,
  }),
});
const FOUND = {
  id: webhook.id,
  original: original.id,
  sender: ADA,
  channel: webhook.channelId,
  member: { id: "abcde", name: "Aria" },
  system: { name: "The Crew" },
};
const ORIGINAL_MS = 2_000;
const { fetch } = globalThis;
afterEach(() => {
  globalThis.fetch = fetch;
});

/** An account that answers all. PluralKit answers as given. */
async function build(answer: () => object | number | Promise<Response> = () => FOUND) {
  const asked: string[] = [];
  globalThis.fetch = ((url: string) => {
    asked.push(url.replace(/.*\//, ""));
    const body = answer();
    if (body instanceof Promise) return body;
    const isStatus = typeof body === "number";
    return Promise.resolve(Response.json(body, { status: isStatus ? body : 200 }));
  }) as typeof fetch;
  const scene = await testAccount({
    discord: { guilds: { "*": { requireMention: false } }, pluralkit: { enabled: true } },
  });
  const { account, rows, store } = scene;
  let ticket = 0;
  return {
    ...{ ...scene, asked },
    /** Starts, and knows Ada as a proxied person. */
    async start() {
      await store.inbox.noteProxied(ACCOUNT, ADA, 0);
      await startInbound(account);
    },
    async arrive(...events: readonly InboundEvent[]) {
      const at = { accountId: ACCOUNT, bytes: 1, guilds: [] };
      accept(account, { ...at, ticket: ++ticket, seq: ticket, arrivedAt: ticket, events });
      await scene.quiet();
      await scene.quiet();
    },
    /** The verdicts by message, in the order of the messages. */
    verdicts: () =>
      rows("SELECT message_id, why FROM decision ORDER BY message_id").map(({ message_id, why }) =>
        `${message_id === webhook.id ? "webhook" : "original"} ${why}`
      ),
    answered: () =>
      rows("SELECT message FROM inbox WHERE state = 'answered'").map(({ message }) =>
        JSON.parse(String(message)) as InboundMessage
      ),
  };
}

const deleted = {
  kind: "messages_deleted",
  channelId: original.channelId,
  messageIds: [messageId("1"), original.id],
} as const;

describe("[P13] a webhook's message", () => {
  it("becomes its member's turn, and the original gets none, whichever comes first", async () => {
    for (const events of [[original, webhook], [webhook, original]]) {
      const { start, arrive, verdicts, answered, asked, pass, rows } = await build();
      await start();
      for (const event of events) await arrive(event);
      await pass(ORIGINAL_MS);
      assert.deepEqual(asked, [webhook.id]);
      assert.deepEqual(verdicts(), ["original pk-original", "webhook mention-not-required"]);
      const [{ sender } = webhook, ...more] = answered();
      assert.deepEqual(more, []);
      const { automaton, pluralkit, id } = sender;
      assert.deepEqual([id, automaton, pluralkit?.name, pluralkit?.system], [
        ...[ADA, undefined, "Aria", "The Crew"],
      ]);
      assert.deepEqual(rows("SELECT count(*) AS n FROM undecided"), [{ n: 0 }]);
    }
  });

  const bots: readonly (readonly [what: string, answer: object | number])[] = [
    ["that PluralKit does not know", 404],
    ["of which it does not tell", 403],
    ["of another channel", { ...FOUND, channel: "1" }],
    ["that is another's", { ...FOUND, id: original.id }],
  ];
  for (const [what, answer] of bots) {
    it(`[SEC-R33] counts as a bot's message: ${what}`, async () => {
      const { account, arrive, verdicts, answered } = await build(() => answer);
      await arrive(webhook);
      assert.deepEqual([verdicts(), answered()], [["webhook webhook"], []]);
      assert.ok(!proxiedUsers(account).has(ADA));
    });
  }

  it("counts as a bot's message, and asks no one, if PluralKit was switched off since", async () => {
    const { account, arrive, verdicts, asked, reload, quiet, start } = await build(() =>
      new Promise(() => {})
    );
    await arrive(webhook);
    account.live.length = 0; // another process
    await reload({ pluralkit: { enabled: false } });
    await start();
    await quiet();
    assert.deepEqual([verdicts(), asked], [["webhook webhook"], [webhook.id]]);
  });

  it("marks its author as proxied from then on, also for the next process", async () => {
    const { account, arrive, store } = await build();
    await arrive(webhook);
    assert.ok(proxiedUsers(account).has(ADA));
    assert.deepEqual(await store.inbox.proxied(ACCOUNT), [ADA]);
  });

  it("[X2] is decided once the store accepts it, in the same order", async () => {
    const { start, arrive, verdicts, store, pass } = await build();
    await start();
    await arrive(original);
    const { retract } = store.inbox;
    Object.assign(store.inbox, { retract: () => Promise.reject(new Error("disk full")) });
    await arrive(webhook);
    await pass(ORIGINAL_MS);
    assert.deepEqual(verdicts(), ["original pluralkit-original", "webhook pluralkit"]);
    Object.assign(store.inbox, { retract });
    await pass(60_000);
    assert.deepEqual(verdicts(), ["original pk-original", "webhook mention-not-required"]);
  });
});

describe("[P13] the original", () => {
  it("waits two seconds, and gets a turn if no message replaces it", async () => {
    const { start, arrive, answered, pass } = await build();
    await start();
    await arrive(original);
    await pass(ORIGINAL_MS - 1);
    assert.deepEqual(answered(), []);
    await pass(1);
    assert.deepEqual(answered().map(({ id }) => id), [original.id]);
  });

  it("is ignored as soon as it is deleted, or if it was deleted before", async () => {
    for (const events of [[original, deleted], [deleted, original]]) {
      const { start, arrive, verdicts, clock, rows } = await build();
      await start();
      for (const event of events) await arrive(event);
      assert.deepEqual(verdicts(), ["original pk-original"]);
      const [{ rule, facts } = {}] = rows("SELECT rule, facts FROM decision");
      assert.equal(rule, "channels.discord.pluralkit.enabled");
      assert.match(String(facts), /"isProxied":true/);
      assert.equal(clock.pending, 0);
    }
  });
});

describe("[P13] a message that waits over a restart", () => {
  it("is decided, and an original waits anew", async () => {
    const { account, start, arrive, verdicts, quiet, pass } = await build(() =>
      new Promise(() => {})
    );
    await start();
    await arrive(original);
    await arrive(webhook);
    await stopPluralkit(account);
    account.live.length = 0; // another process
    globalThis.fetch = (() => Promise.resolve(Response.json(404, { status: 404 }))) as typeof fetch;
    await start();
    await quiet();
    await pass(ORIGINAL_MS - 1);
    assert.deepEqual(verdicts(), ["original pluralkit-original", "webhook webhook"]);
    await pass(1);
    assert.equal(verdicts()[0], "original mention-not-required");
  });

  it("is left to the next process by a stop, which leaves no timer", async () => {
    const answer = Promise.withResolvers<Response>();
    const { account, start, arrive, verdicts, lines, pass, clock } = await build(() =>
      answer.promise
    );
    await start();
    await arrive(webhook);
    await arrive(original);
    await stopPluralkit(account);
    answer.resolve(Response.json(FOUND));
    await pass(ORIGINAL_MS);
    await arrive(deleted, { ...original, id: messageId("1400000000000000501") });
    assert.deepEqual(verdicts().slice(0, 2), ["original pluralkit-original", "webhook pluralkit"]);
    assert.deepEqual(lines.filter(({ event }) => event.startsWith("A webhook's")), []);
    assert.equal(clock.pending, 0);
  });
});
