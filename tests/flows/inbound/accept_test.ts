import assert from "node:assert/strict";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { describe, it } from "node:test";
import { catchUpOf } from "../../../src/flows/catch_up/catch_up.ts";
import { accept, acceptHistory, flushInbound } from "../../../src/flows/inbound/accept.ts";
import { changedByCommand } from "../../../src/bot/account/running.ts";
import { duplicateDoubt } from "../../../src/flows/preflight/duplicates.ts";
import type { AcceptedBatch, Verdict } from "../../../src/core/inbound/inbox.ts";
import type {
  InboundBatch,
  InboundEvent,
  InboundMessage,
  PostedMessage,
} from "../../../src/core/inbound/inbound.ts";
import {
  ACCOUNT,
  channelId,
  directMessage,
  guildId,
  guildMessage,
  guildPlace,
  messageId,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { type Given, runBeside, SELF, testAccount } from "../../support/bot/test_account.ts";
import {
  ADA,
  CHANNEL,
  GUILD as HOME,
  guildData,
  messageData,
} from "../../support/discord/payloads.ts";
import { sameData } from "../../support/same_data.ts";
import { settle } from "../../support/settle.ts";

const GRACE = { id: "1900000000000000009", username: "grace" };
const GUILD = guildPlace().guild.id;
const STARTED: InboundEvent = {
  kind: "session_started",
  session: { sessionId: "s1", resumeUrl: "wss://resume", seq: 1 },
  self: SELF,
};
const chatter = (id: string, fields: Partial<InboundMessage> = {}): InboundMessage =>
  guildMessage({ id: messageId(id), text: "to nobody", ...fields });
const question = (id: string, fields: Partial<InboundMessage> = {}): InboundMessage =>
  chatter(id, { mention: "user", text: "bot?", ...fields });
const own = (id: string, nonce?: string) =>
  ({
    kind: "own_message",
    accountId: ACCOUNT,
    id: messageId(id),
    channelId: channelId("5"),
    ...(nonce !== undefined && { nonce }),
  }) satisfies PostedMessage;
const batch = (seq: number, ...events: readonly InboundEvent[]): InboundBatch => ({
  accountId: ACCOUNT,
  ticket: seq,
  arrivedAt: 1_000 + seq,
  seq,
  bytes: 1_000,
  events,
  guilds: [],
});

/** A passive agent beside the usual one. */
const WATCHED = {
  agents: { list: [{ id: "main" }, { id: "watcher" }] },
  router: {
    assignments: {
      watcher: { role: "passive", channels: ["help"], triggers: [{ pattern: "spam" }] },
    },
  },
};

/** An account whose store notes its steps, and refuses those that a test names. */
async function build(given: Given = {}) {
  const scene = await testAccount({ discord: { guilds: { [GUILD]: {} } }, ...given });
  const { account, store } = scene;
  const steps: string[] = [];
  const stored: AcceptedBatch[] = [];
  const world = { refuses: undefined as RegExp | undefined };
  const step = (name: string) => {
    if (world.refuses?.test(name)) throw new Error("disk full");
    steps.push(name);
  };
  const { acceptBatch } = store.inbox;
  const { startSession, openGap } = store.gateway;
  Object.assign(store.inbox, {
    async acceptBatch(accepted: AcceptedBatch, at: number) {
      const ids = accepted.judged.map(({ message }) => message.id);
      step(["T1", ...ids, ...accepted.guilds.map(({ guildId }) => guildId)].join(" "));
      stored.push(accepted);
      return await acceptBatch(accepted, at);
    },
  });
  Object.assign(store.gateway, {
    async startSession(...[id, ...session]: Parameters<typeof startSession>) {
      step(`T0 ${session[0].sessionId}`);
      await startSession(id, ...session);
    },
    async openGap(...of: Parameters<typeof openGap>) {
      step("gap");
      await openGap(...of);
    },
  });
  const told = (name: string) => () => void steps.push(name);
  const committed = (ticket: number) => void steps.push(`committed ${ticket}`);
  Object.assign(account, { connection: { committed } });
  Object.assign(catchUpOf(account), {
    sessionDue: told("due"),
    sessionStarting: told("starting"),
    sessionStarted: told("started"),
  });
  return {
    ...scene,
    ...{ steps, stored, world },
    accept: (one: InboundBatch) => accept(account, one),
    flush: () => flushInbound(account),
    states: () => scene.rows("SELECT state FROM inbox ORDER BY id").map(({ state }) => state),
  };
}

describe("accept()", () => {
  it("logs why an event fails, and takes the others of its batch", async () => {
    const { account, accept, lines, states, quiet } = await build();
    runBeside(account, toAccountId("b"), { userId: () => assert.fail("poison") });
    accept(batch(1, chatter("10", { sender: sender({ automaton: "bot" }) }), question("20")));
    await quiet();
    assert.deepEqual(states(), ["answered"]);
    const [failed] = lines.filter(({ event }) => event === "Cannot take an event of Discord");
    assert.match(String(failed?.fields["error"]), /poison/);
  });

  it("[D1] stores a message that gets an answer at once, with its seq", async () => {
    const { accept, steps, stored, posted, quiet } = await build();
    accept(batch(7, question("11")));
    await quiet();
    assert.deepEqual(steps, ["T1 11", "committed 7"]);
    assert.deepEqual(stored[0]?.heard, 7);
    assert.equal(stored[0]?.judged[0]?.route?.agentId, "main");
    assert.deepEqual(posted(), ["fine"]);
  });

  it("throws on a READY after other events: their sequence numbers belong to another session", async () => {
    const { accept } = await build();
    assert.throws(() => accept(batch(7, chatter("11"), STARTED)), TypeError);
  });

  it("[P1] logs and stores why a message gets no answer, without its text in the log", async () => {
    const { account, accept, flush, lines, stored } = await build();
    accept(batch(1, chatter("11")));
    await flush();
    await acceptHistory(account, [chatter("12")]);
    const [line] = lines.filter(({ event }) => event === "A message is not answered");
    const { channelId, sender: { id: authorId } } = guildMessage();
    const rule = line?.fields["rule"];
    const fields = { messageId: "11", channelId, authorId, why: "no-mention", rule };
    assert.deepEqual(line?.fields, fields);
    assert.doesNotMatch(JSON.stringify(lines), /to nobody/);
    const facts = stored.flatMap(({ judged }) => judged.map(({ policyId }) => policyId));
    assert.deepEqual(facts, [account.policy().id, account.policy().id]);
  });

  it("[X4] passes the limits of waiting turns with messages that the bot may answer", async () => {
    const { accept, flush, stored, pass } = await build({
      beside: { messages: { queue: { perUser: 2 } } },
    });
    accept(batch(1, chatter("11")));
    await flush();
    assert.ok(stored[0] && !("waiting" in stored[0]));
    accept(batch(2, question("13")));
    accept(batch(3, directMessage({ id: messageId("14") }))); // a stranger's
    await flush();
    assert.deepEqual(stored.slice(1).map(({ waiting }) => waiting?.perUser), [2, 2]);
    await pass(0);
  });

  it("[X4] shows a person in a flood that further messages wait for nothing", async () => {
    const { accept, requests, quiet } = await build({ says: () => new Promise(() => {}) });
    const ids = Array.from({ length: 30 }, (_, at) => String(1400000000000000100n + BigInt(at)));
    accept(batch(1, ...ids.map((id) => question(id))));
    await quiet();
    const signs = requests.filter(({ path }) => path.includes("/reactions/%E2%8F%B3"));
    assert.equal(signs.length, 1);
  });

  it("keeps the order: an urgent message overtakes none", async () => {
    const { accept, steps, quiet } = await build();
    accept(batch(1, chatter("11")));
    accept(batch(2, question("12")));
    await quiet();
    assert.deepEqual(steps, ["T1 11 12", "committed 2"]);
  });

  it("stores a message that arrives some microtasks after another, without waiting", async () => {
    const { accept, stored, quiet } = await build();
    const ids: string[] = [];
    for (let ticks = 0; ticks < 20; ticks++) {
      ids.push(`1${ticks}1`, `1${ticks}2`);
      accept(batch(1, question(`1${ticks}1`)));
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      accept(batch(2, question(`1${ticks}2`)));
      await settle();
      await quiet();
    }
    const found = stored.flatMap(({ judged }) => judged.map(({ message }) => message.id));
    assert.deepEqual(found, ids);
  });

  it("[H6] stores an edit at once, and a preview of a link with the next messages", async () => {
    const { accept, stored, states, quiet, pass } = await build({
      says: () => new Promise(() => {}),
    });
    accept(batch(1, question("11")));
    await quiet();
    accept(batch(2, { kind: "message_edited", message: question("11") }));
    await quiet();
    assert.equal(stored.length, 1);
    await pass(250);
    assert.deepEqual([stored.length, states()], [2, ["running"]]);
    const edited = chatter("11", { revision: 1 });
    accept(batch(3, { kind: "message_edited", message: edited }));
    await quiet();
    assert.deepEqual([stored.length, states()], [3, ["cancelled"]]);
  });

  it("[H6] [N1] ends the turn of a deleted message, and that of a passive agent beside it", async () => {
    const { accept, states, quiet } = await build({
      says: () => new Promise(() => {}),
      beside: WATCHED,
    });
    const { id: messageId, channelId } = guildMessage();
    accept(batch(1, question(messageId, { text: "spam?" })));
    await quiet();
    assert.equal(states().length, 2);
    accept(batch(2, { kind: "messages_deleted", channelId, messageIds: [messageId] }));
    await quiet();
    assert.deepEqual(states(), ["cancelled", "cancelled"]);
  });

  it("[N1] leaves no record of a passive agent's run for a person who may not talk", async () => {
    const discord = { guilds: { [GUILD]: { users: ["5"] } } };
    const { accept, rows, pass } = await build({ discord, beside: WATCHED });
    accept(batch(1, question("11", { text: "spam?" })));
    await pass(250);
    assert.deepEqual(rows("SELECT message_id FROM decision"), [{ message_id: "11" }]);
  });

  it("[S5] stops a turn by a word in direct messages, and its request to the model", async () => {
    const asked: AbortSignal[] = [];
    const { dm, states, posted } = await build({
      discord: { dm: { policy: "open", allowFrom: ["*"] } },
      model: {
        id: "test/model",
        async *generate(_, signal) {
          asked.push(signal);
          yield await new Promise<never>(() => {});
        },
      },
    });
    await dm("what is two and two?");
    await dm("Stop!");
    assert.deepEqual(states(), ["stopped", "stopped"]);
    assert.equal(posted().length, 1);
    assert.deepEqual(asked.map(({ aborted }) => aborted), [true]);
  });

  it("[H5] keeps a reaction, but none of another account's bot", async () => {
    const { account, accept, stored, quiet, pass } = await build();
    const { id, channelId, place, sender } = guildMessage();
    const reaction = { channelId, messageId: id, place, sender, accountId: ACCOUNT };
    const done = { ...reaction, guildId: GUILD, on: "unknown", emoji: "✅" } as const;
    accept(batch(1, question(id)));
    await quiet();
    accept(batch(2, { kind: "reaction", change: "added", ...done }));
    await pass(250);
    assert.deepEqual(stored.at(-1)?.reactions?.length, 1);
    runBeside(account, toAccountId("b"), { userId: () => done.sender.id });
    accept(batch(3, { kind: "reaction", change: "added", ...done }));
    await pass(250);
    assert.equal(stored.at(-1)?.reactions, undefined, "ours says nothing");
  });

  it("[D2] passes the gateway's echoes to the outbox", async () => {
    const { accept, flush, stored } = await build();
    accept(batch(3, own("77", "n1"), { ...own("78", "n2"), toInteraction: true }));
    accept(batch(4, own("77")));
    await flush();
    sameData(stored[0]?.echoes, [
      { messageId: "77", channelId: "5", nonce: "n1", heardAt: 1_003 },
      { messageId: "77", channelId: "5", heardAt: 1_004 },
    ]);
  });

  it("[G11] suspects another program of an own message that it has not sent", async () => {
    const { account, accept, flush } = await build();
    accept(batch(1, STARTED, own("77")));
    await flush();
    assert.match(duplicateDoubt(account)?.evidence ?? "", /Message 77 in channel 5 is by this bot/);
  });

  it("[G5] stores a new session between the events of the last and its own, outdated guilds before it", async () => {
    const { accept, steps, stored, flush } = await build();
    const guilds = [{ guildId: guildId("33"), text: "awaited" }];
    accept(batch(90, chatter("11")));
    accept({ ...batch(1, STARTED, question("12")), guilds });
    await flush();
    assert.deepEqual(steps, [
      ...["T1 11", "committed 90"],
      ...["starting", "T1 33", "T0 s1", "started"],
      ...["T1 12 33", "committed 1"],
    ]);
    assert.equal(stored[1]?.heard, undefined, "guilds do not change the new session's seq");
  });

  it("[X2] loses nothing while the disk is full, and commits no seq of it", async () => {
    const { accept, flush, lines, steps, world, quiet, pass } = await build();
    world.refuses = /./;
    accept(batch(1, question("11")));
    await quiet();
    accept(batch(2, question("12")));
    await quiet();
    assert.deepEqual(steps, []);
    assert.ok(lines.some(({ level }) => level === "error"));
    await assert.rejects(flush(), /disk full/);
    world.refuses = undefined;
    await pass(5_000);
    assert.deepEqual(steps, ["T1 11 12", "committed 2"]);
  });

  it("[G6] stores replayed events by themselves, with the limits of a replay", async () => {
    const { accept, flush, steps, stored } = await build();
    accept({ ...batch(2, chatter("12")), isReplayed: true });
    accept({ ...batch(3, question("13")), isReplayed: true });
    await flush();
    accept({ ...batch(4, chatter("14")), isReplayed: true });
    accept(batch(5, question("15")));
    await flush();
    const limits = stored.map(({ waiting }) => waiting?.perUser === Infinity);
    assert.deepEqual(limits, [true, false, false]);
    assert.deepEqual(steps.filter((one) => one.startsWith("T1")), ["T1 12 13", "T1 14", "T1 15"]);
    assert.deepEqual(stored.map(({ heard }) => heard), [3, 4, 5]);
  });

  it("[G5b] stores a gap before the events after a hole, once", async () => {
    const { accept, flush, steps, world } = await build();
    accept(batch(1, question("11")));
    await flush();
    accept({ ...batch(2, question("12")), afterHole: true });
    accept(batch(3, question("13")));
    world.refuses = /T1/;
    await assert.rejects(flush());
    await assert.rejects(flush());
    world.refuses = undefined;
    await flush();
    const [first, gap] = [["T1 11", "committed 1"], ["due", "gap"]];
    const rest = ["T1 12", "committed 2", "T1 13", "committed 3"];
    assert.deepEqual(steps, [...first, ...gap, ...rest]);
  });

  it("[G5] [G11] stores and reports a session once, after any refusal of the store", async () => {
    for (const refused of [/T1/, /./]) {
      const { accept, steps, world, quiet, pass } = await build();
      world.refuses = refused;
      accept(batch(1, STARTED, question("12")));
      await quiet();
      await pass(5_000);
      world.refuses = undefined;
      await pass(5_000);
      const once = steps.filter((step) => step !== "starting");
      assert.deepEqual(once, ["T0 s1", "started", "T1 12", "committed 1"]);
    }
  });

  it("[G5] commits no lower seq if a RESUME repeats earlier events", async () => {
    const { accept, pass, stored, steps } = await build();
    accept({ ...batch(9, chatter("19")), ticket: 1 });
    accept({ ...batch(5, chatter("15")), ticket: 2 });
    await pass(250);
    assert.deepEqual(stored.map(({ heard }) => heard), [9]);
    assert.deepEqual(steps.at(-1), "committed 2");
  });
});

it("[I1] the intent filter follows a conversation without mentions, and stays out of all others", async () => {
  const { account, write, pass, rows } = await build({
    discord: { guilds: { "*": { requireMention: false, intentFilter: { enabled: true } } } },
  });
  const mentions = [{ id: SELF.userId, username: "barnacle" }];
  for (
    const [text, fields, expected] of [
      ["anyone seen the game yesterday", { author: GRACE }, "not-for-bot"],
      [`<@${SELF.userId}> what is two and two?`, { mentions }, "mentioned"],
      ["and what is three and three?", {}, "intent"],
      ["ok thanks", {}, "no-reply-needed"],
      [`<@${ADA.id}> lunch?`, { author: GRACE, mentions: [ADA] }, "to-others"],
      [`<@${SELF.userId}> what is four and four?`, { mentions }, "mentioned"],
      ["and what is five and five?", {}, "not-for-bot"], // after a `/forget`
    ] as const
  ) {
    if (expected === "not-for-bot") changedByCommand(account, "forgetting", userId("7"));
    await write(text, fields);
    await pass(5_000, 1_000);
    assert.equal(rows("SELECT why FROM decision ORDER BY id DESC")[0]?.["why"], expected, text);
  }
});

describe("[G6] acceptHistory()", () => {
  it("stores all messages in one T1 that leaves the gateway's seq unchanged", async () => {
    const { account, steps, stored, posted, quiet } = await build();
    const history = [
      question("11"),
      chatter("12"),
      question("13", { mention: "reply", text: "stop" }),
    ];
    const accepted = await acceptHistory(account, history);
    assert.deepEqual(accepted.accepted.map(({ message }) => message.id), ["11", "13"]);
    assert.deepEqual(steps, ["T1 11 12 13"], "and no ticket goes back");
    assert.equal(stored[0]?.heard, undefined);
    assert.equal(stored[0]?.waiting?.perChannel, Infinity, "with the limits of a history");
    await quiet();
    assert.equal(posted()[0], "fine", "turns are woken, and an old request stops nothing");
  });

  it("lets the caller change a verdict, and routes no message that is not accepted", async () => {
    const { account, stored } = await build();
    const tooOld: Verdict = { kind: "ignore", why: "too-old", rule: "r", keepAsContext: true };
    await acceptHistory(
      account,
      [question("11"), question("12", { revision: 1 })],
      (message, verdict) => message.id === "11" ? tooOld : verdict,
    );
    const [{ judged, changes } = { judged: [], changes: [] }] = stored;
    assert.deepEqual(judged.map(({ verdict: { why }, route }) => [why, route !== undefined]), [
      ["too-old", false],
      ["mentioned", true],
    ]);
    assert.deepEqual(changes?.map(({ kind }) => kind), ["edited"]);
  });

  it("[D2] [G11] settles own messages with a nonce, and reports none as foreign", async () => {
    const { account, stored } = await build();
    const history = [own("77", "n1"), own("78"), own("79", "stranger")];
    const { foreign } = await acceptHistory(account, history);
    assert.deepEqual(stored[0]?.echoes.map(({ nonce }) => nonce), ["n1", "stranger"]);
    assert.deepEqual([foreign, duplicateDoubt(account)], [[], undefined]);
  });
});

describe("[M2] a reply whose original Discord has left out", () => {
  const to = (id: string) => ({ type: 19, message_reference: { message_id: id } });

  it("is one to the bot if the bot has sent that message, and batches keep their order", async () => {
    const { receive, write, rows, states, pass } = await build({
      discord: { groupPolicy: "open", allowBots: true },
    });
    const mentions = [{ id: SELF.userId, username: "barnacle" }];
    await write(`<@${SELF.userId}> hi`, { mentions });
    const id = String(rows("SELECT message_id FROM outbox")[0]?.["message_id"]);
    void write("and you?", to(id));
    await write("to nobody");
    await write("to another", to("1400000000000000007"));
    const bot = { id: "9", username: "bot", bot: true };
    await receive(
      "MESSAGE_CREATE",
      messageData({ id: "1400000000000000055", author: bot, ...to(id) }),
    );
    assert.deepEqual(states(), ["answered", "answered"]);
    await pass(250);
    const verdicts = rows("SELECT why FROM decision ORDER BY id").map(({ why }) => why);
    const none = "no-mention";
    assert.deepEqual(verdicts, ["mentioned", "mentioned", none, none, none]);
  });

  it("[P5] counts as none if the look-up fails; a group has its name", async () => {
    const group = { guild_id: undefined, member: undefined, channel_type: 3 };
    for (const hasFailed of [false, true]) {
      const { account, store, write, stored, pass } = await build({
        discord: {
          dm: {
            policy: "open",
            allowFrom: ["*"],
            groupEnabled: true,
            groupChannels: ["Book Club", "1400000000000000088"],
          },
        },
        answer: ({ path, method }) =>
          method === "GET" && /^\/channels\/\d+$/.test(path)
            ? { id: "1", type: 3, name: "Book Club" }
            : undefined,
      });
      if (hasFailed) Object.assign(store.outbox, { known: () => Promise.reject(new Error("x")) });
      await write("hello", { ...group, ...to("1400000000000000007") });
      await pass(250);
      const place = stored.at(-1)?.judged[0]?.message.place;
      assert.deepEqual(
        place,
        hasFailed ? { kind: "group_dm" } : { kind: "group_dm", name: "Book Club" },
      );
      assert.ok(account);
    }
  });

  it("is stored by a flush, too, which waits for the look-up", async () => {
    const { store, write, flush, stored } = await build();
    const known = Promise.withResolvers<Set<string>>();
    Object.assign(store.outbox, { known: () => known.promise });
    await write("hello", to("1400000000000000007"));
    const flushed = flush();
    known.resolve(new Set());
    await flushed;
    assert.equal(stored.length, 1);
  });

  it("[P9] has the rules of its channel, also before Discord has told of its thread", async () => {
    const { receive, write, states, rows, pass } = await build({
      discord: { guilds: { [HOME]: { channels: { [CHANNEL]: { requireMention: false } } } } },
      answer: ({ path, method }) =>
        method === "GET" && path === "/channels/1400000000000000088"
          ? {
            id: "1400000000000000088",
            type: 12,
            name: "quiet",
            guild_id: HOME,
            parent_id: CHANNEL,
          }
          : undefined,
    });
    await receive("GUILD_CREATE", guildData());
    await write("hello", { channel_id: "1400000000000000088" });
    await pass(250);
    assert.deepEqual(states(), ["answered"]);
    await write("hello", { channel_id: "1400000000000000089" }); // its look-up fails
    await pass(250);
    assert.equal(rows("SELECT 1 FROM decision WHERE verdict = 'ignore'").length, 1);
  });
});
