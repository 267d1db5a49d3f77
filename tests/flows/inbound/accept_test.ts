import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ApplicationId, ChannelId } from "../../../src/core/discord/ids.ts";
import {
  type AcceptedBatch,
  type Foreign,
  type Judged,
  NOTHING_ACCEPTED,
} from "../../../src/core/inbound/inbox.ts";
import type { InboundBatch, InboundEvent } from "../../../src/core/inbound/events.ts";
import type { GatewaySession, PostedMessage, Self } from "../../../src/core/inbound/inbound.ts";
import { bareAccount } from "../../support/account.ts";
import type { Verdict } from "../../../src/core/inbound/verdict.ts";
import { createAcceptor } from "../../../src/flows/inbound/accept.ts";
import { createMissingFacts } from "../../../src/flows/inbound/missing_facts.ts";
import type { MessageOrigin } from "../../../src/core/inbound/waiting_limits.ts";
import {
  ACCOUNT,
  channelId,
  directMessage,
  guildId,
  messageId,
  pairingRequest,
  userId,
} from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";
import { sameData } from "../../support/same_data.ts";

const ACCEPT: Verdict = { kind: "accept", why: "dm-allowed", rule: "dm.allowFrom" };
const IGNORE: Verdict = { kind: "ignore", why: "no-mention", rule: "r", keepAsContext: true };
const CHALLENGE: Verdict = { kind: "challenge", why: "pairing", rule: "dm.policy" };
const UNDECIDED: Verdict = { kind: "undecided", why: "pluralkit", rule: "pluralkit.enabled" };
const VERDICTS: ReadonlyMap<string, Verdict> = new Map<string, Verdict>([
  ["bot?", ACCEPT],
  ["let me in", CHALLENGE],
  ["whose?", UNDECIDED],
]);
const WAITING = {
  perUser: 3,
  perChannel: 8,
  turnsPerChannel: 1,
  refusal: () => [],
  isOwner: () => false,
};
const REQUEST = pairingRequest();
const SELF: Self = {
  userId: userId("99"),
  applicationId: "99" as ApplicationId,
  username: "barnacle",
};
const SESSION: GatewaySession = { sessionId: "s1", resumeUrl: "wss://resume", seq: 1 };
const STARTED: InboundEvent = { kind: "session_started", session: SESSION, self: SELF };

const chatter = (id: string): PostedMessage =>
  directMessage({ id: messageId(id), text: "to nobody" });
const stranger = (id: string): PostedMessage =>
  directMessage({ id: messageId(id), text: "let me in" });
const webhook = (id: string): PostedMessage => directMessage({ id: messageId(id), text: "whose?" });
const question = (id: string): PostedMessage => directMessage({ id: messageId(id), text: "bot?" });
const ownMessage = (id: string): PostedMessage => ({
  kind: "own_message",
  accountId: ACCOUNT,
  id: messageId(id),
  channelId: channelId("5"),
});
const batch = (seq: number, ...events: readonly InboundEvent[]): InboundBatch => ({
  accountId: ACCOUNT,
  shardId: 0,
  ticket: seq,
  arrivedAt: 1_000 + seq,
  seq,
  bytes: 1_000,
  events,
  guilds: [],
});

/** A store that keeps everything in order, and refuses on demand. */
function setUp() {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const steps: string[] = [];
  const stored: AcceptedBatch[] = [];
  const foreign: Foreign[] = [];
  const undecided: Judged[] = [];
  const challenged: ChannelId[] = [];
  const wake = (channels: readonly ChannelId[] = []) => challenged.push(...channels);
  const connection = { committed: (seq: number) => steps.push(`committed ${seq}`) };
  const account = bareAccount({ log, connection: connection as never }, { channels: wake });
  const refused: ChannelId[] = [];
  const sources: string[] = [];
  /** The origins for which the limits of waiting turns were asked. */
  const origins: MessageOrigin[] = [];
  /** Unix times in milliseconds of the stored sessions and gaps. */
  const began: number[] = [];
  /** Events in the order of their handling. */
  const handled: string[] = [];
  const world = {
    isFull: false,
    isGapRefused: false,
    isT1Full: false,
    accepted: 0,
    settled: 0,
    isShared: true,
  };
  const acceptor = createAcceptor({
    store: {
      gateway: {
        startSession(_account, shardId, { sessionId }, _self, now) {
          if (world.isFull) return Promise.reject(new Error("disk full"));
          began.push(now);
          steps.push(`T0 ${shardId} ${sessionId}`);
          return Promise.resolve();
        },
        openGap(_account, shardId, now) {
          if (world.isFull || (world.isGapRefused && steps.includes(`started ${shardId}`))) {
            return Promise.reject(new Error("disk full"));
          }
          began.push(now);
          steps.push(`gap ${shardId}`);
          return Promise.resolve();
        },
      },
      inbox: {
        acceptBatch(accepted) {
          if (world.isFull || world.isT1Full) return Promise.reject(new Error("disk full"));
          const ids = accepted.judged.map(({ message }) => message.id);
          steps.push(["T1", ...ids, ...accepted.guilds.map(({ guildId }) => guildId)].join(" "));
          stored.push(accepted);
          const of = (kind: Verdict["kind"]) =>
            accepted.judged.filter(({ verdict }) => verdict.kind === kind);
          return Promise.resolve({
            ...NOTHING_ACCEPTED,
            accepted: of("accept"),
            undecided: of("undecided"),
            challenged: accepted.pairing ? of("challenge").map(() => REQUEST) : [],
            settled: accepted.echoes.length,
            settledIn: accepted.echoes.length > 0 ? [channelId("1400000000000000002")] : [],
            foreign: accepted.echoes
              .filter(({ nonce }) => nonce === undefined || nonce === "stranger")
              .map(({ messageId, channelId }) => ({ messageId, channelId, why: "unknown" })),
          });
        },
      },
    },
    judge({ id, text }, source) {
      if (text === "poison") throw new TypeError("poison");
      sources.push(source);
      handled.push(`message ${id}`);
      return { verdict: VERDICTS.get(text) ?? IGNORE, knownFacts: { isMuted: true }, policyId: 7 };
    },
    permitReaction: ({ emoji, ...reaction }) =>
      emoji === "👎" ? undefined : {
        change: reaction.change,
        channelId: reaction.channelId,
        messageId: reaction.messageId,
        userId: reaction.sender.id,
        tag: reaction.sender.username,
        emoji,
        onlyIf: {},
      },
    missingFacts: createMissingFacts({
      outbox: { known: () => assert.fail("no fact is missing") },
      self: () => undefined,
      groupName: () => assert.fail("no fact is missing"),
    }),
    turns: { accepted: () => world.accepted++ },
    account,
    waiting(origin) {
      origins.push(origin);
      return WAITING;
    },
    route: () => ({ agentId: "main", sessionKey: "agent:main:main" }),
    now: clock.now,
    schedule: clock.schedule,
    log,
    events: {
      emit: {
        sessionDue: (shardId) => steps.push(`due ${shardId}`),
        sessionStarting: (shardId) => steps.push(`starting ${shardId}`),
        sessionStarted: (shardId) => steps.push(`started ${shardId}`),
        foreign: (found) => foreign.push(...found),
        touched: () => {},
        accepted: () => {},
        undecided: (judged) => undecided.push(...judged),
        unanswered: (messages) => refused.push(...messages.map(({ channelId }) => channelId)),
        settled: (_, count) => world.settled += count,
      },
    },
    on: {
      own_message: ({ id }) => handled.push(`own_message ${id}`),
      button: ({ customId }) => handled.push(`button ${customId}`),
      select: ({ customId }) => handled.push(`select ${customId}`),
      modal: ({ customId }) => handled.push(`modal ${customId}`),
      slash: ({ name }) => handled.push(`/${name}`),
      typing: ({ name }) => handled.push(`typing /${name}`),
      messages_deleted: ({ messageIds }) => handled.push(`deleted ${messageIds}`),
      guild_joined: ({ guild }) => handled.push(`joined ${guild.id}`),
      thread_members_changed: ({ threadId }) => handled.push(`members ${threadId}`),
      permissions_changed: ({ guildId }) => handled.push(`permissions ${guildId}`),
      place_gone: ({ id }) => handled.push(`gone ${id}`),
    },
  });
  const seen = { began, undecided, challenged, refused, sources, origins, handled };
  return { acceptor, clock, foreign, lines, steps, stored, world, ...seen };
}

describe("createAcceptor()", () => {
  it("logs why an event fails, and takes the others of its batch", async () => {
    const { acceptor, lines, steps } = setUp();
    const poison = directMessage({ id: messageId("10"), text: "poison" });
    acceptor.accept(batch(1, poison, question("20")));
    await settle();
    assert.deepEqual(steps.filter((step) => step.startsWith("T1")), ["T1 20"]);
    const [failed] = lines.filter(({ event }) => event === "Cannot take an event of Discord");
    assert.match(String(failed?.fields?.["error"]), /poison/);
  });

  it("[D1] stores a message that gets an answer at once, with its seq", async () => {
    const { acceptor, steps, stored, world } = setUp();
    acceptor.accept(batch(7, question("11")));
    await settle();
    assert.deepEqual(steps, ["T1 11", "committed 7"]);
    assert.deepEqual(stored[0]?.heard, { shardId: 0, seq: 7 });
    assert.equal(world.accepted, 1);
    assert.deepEqual(stored[0]?.judged[0]?.route, {
      agentId: "main",
      sessionKey: "agent:main:main",
    });
  });

  it("judges messages and handles other events in their order", () => {
    const { acceptor, handled } = setUp();
    const guild = { id: guildId("33"), name: "Friends" };
    acceptor.accept(batch(
      7,
      { kind: "permissions_changed", guildId: guild.id },
      chatter("11"),
      { kind: "messages_deleted", channelId: channelId("1"), messageIds: [messageId("11")] },
      ownMessage("12"),
      question("13"),
      { kind: "guild_joined", guild },
    ));
    assert.deepEqual(handled, [
      "permissions 33",
      "message 11",
      "deleted 11",
      "own_message 12",
      "message 13",
      "joined 33",
    ]);
  });

  it("throws on a READY after other events: their sequence numbers belong to another session", () => {
    const { acceptor } = setUp();
    assert.throws(() => acceptor.accept(batch(7, chatter("11"), STARTED)), TypeError);
  });

  it("[P1] logs why a message gets no answer, without its text", async () => {
    const { acceptor, lines } = setUp();
    acceptor.accept(batch(1, chatter("11"), question("12")));
    await acceptor.flush();
    assert.deepEqual(lines.map(({ level, fields }) => ({ level, ...fields })), [{
      level: "debug",
      messageId: "11",
      channelId: directMessage().channelId,
      authorId: directMessage().sender.id,
      why: "no-mention",
      rule: "r",
    }]);
    assert.doesNotMatch(JSON.stringify(lines), /to nobody/);
  });

  it("[P1] stores the known facts of each message, and its policy", async () => {
    const { acceptor, stored, sources } = setUp();
    acceptor.accept(batch(1, chatter("11")));
    await acceptor.flush();
    await acceptor.acceptHistory([question("12")]);
    const facts = stored.flatMap(({ judged }) =>
      judged.map(({ knownFacts, policyId }) => [
        knownFacts,
        policyId,
      ])
    );
    assert.deepEqual(facts, [[{ isMuted: true }, 7], [{ isMuted: true }, 7]]);
    assert.deepEqual(sources, ["live", "history"]);
  });

  it("[P3] lets the store create a stranger's code in the message's transaction", async () => {
    const { acceptor, stored, challenged, lines, world } = setUp();
    acceptor.accept(batch(1, stranger("11")));
    await settle();
    assert.ok(stored[0]?.pairing, "at once: a person waits for it");
    assert.ok(stored[0]?.judged[0]?.route, "the store may find that they are paired");
    assert.deepEqual(challenged, [REQUEST.channelId]);
    assert.equal(world.accepted, 0);
    assert.deepEqual(lines.map(({ event }) => event), [
      "A message is not decided yet",
      "An unpaired sender got a pairing code: see `barnacle pairing list`",
    ]);
  });

  it("[X4] passes the limits of waiting turns with messages that the bot may answer", async () => {
    const { acceptor, stored, refused } = setUp();
    acceptor.accept(batch(1, chatter("11"), webhook("12")));
    await acceptor.flush();
    assert.ok(stored[0] && !("waiting" in stored[0]));
    acceptor.accept(batch(2, question("13")));
    acceptor.accept(batch(3, stranger("14")));
    await acceptor.flush();
    assert.deepEqual(stored.slice(1).map(({ waiting }) => waiting), [WAITING, WAITING]);
    assert.deepEqual(refused, []);
  });

  it("[P13] passes on undecided messages at once", async () => {
    const { acceptor, stored, undecided, world } = setUp();
    acceptor.accept(batch(1, webhook("11")));
    await settle();
    assert.deepEqual(undecided.map(({ message }) => message.id), ["11"]);
    assert.ok(stored[0]?.judged[0]?.route);
    assert.equal(world.accepted, 0);
  });

  it("keeps the order: an urgent message overtakes none", async () => {
    const { acceptor, steps } = setUp();
    acceptor.accept(batch(1, chatter("11")));
    acceptor.accept(batch(2, question("12")));
    await settle();
    assert.deepEqual(steps, ["T1 11 12", "committed 2"]);
  });

  for (let ticks = 0; ticks < 20; ticks++) {
    it(`stores a message that arrives ${ticks} microtasks after another, without waiting`, async () => {
      const { acceptor, stored } = setUp();
      acceptor.accept(batch(1, question("11")));
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      acceptor.accept(batch(2, question("12")));
      await settle();
      const ids = stored.flatMap(({ judged }) => judged.map(({ message }) => message.id));
      assert.deepEqual(ids, ["11", "12"]);
    });
  }

  it("[G5] stores a new gateway session before its events, and after those of the last", async () => {
    const { acceptor, steps } = setUp();
    acceptor.accept(batch(90, chatter("11")));
    acceptor.accept(batch(1, STARTED, question("12")));
    await settle();
    assert.deepEqual(steps, [
      "T1 11",
      "committed 90",
      "starting 0",
      "T0 0 s1",
      "started 0",
      "T1 12",
      "committed 1",
    ]);
  });

  it("[D2] passes the gateway's echoes to the outbox, and wakes its queues", async () => {
    const { acceptor, stored, world } = setUp();
    const own = { accountId: ACCOUNT, id: messageId("77"), channelId: channelId("5") };
    acceptor.accept(batch(3, { kind: "own_message", nonce: "n1", ...own }));
    acceptor.accept(batch(4, { kind: "own_message", ...own }));
    acceptor.accept(batch(5, { kind: "own_message", nonce: "n2", ...own }));
    await acceptor.flush();
    const echo = { messageId: "77", channelId: "5" };
    sameData(stored[0]?.echoes, [
      { nonce: "n1", ...echo, heardAt: 1_003 },
      { ...echo, heardAt: 1_004 },
      { nonce: "n2", ...echo, heardAt: 1_005 },
    ]);
    assert.equal(world.settled, 3, "rows, not channels");
  });

  it("[G11] reports own messages that another program sent", async () => {
    const { acceptor, foreign } = setUp();
    const own = { accountId: ACCOUNT, id: messageId("77"), channelId: channelId("5") };
    acceptor.accept(batch(3, { kind: "own_message", nonce: "n1", ...own }));
    acceptor.accept(batch(4, { kind: "own_message", nonce: "stranger", ...own }));
    await acceptor.flush();
    assert.deepEqual(foreign, [{ messageId: "77", channelId: "5", why: "unknown" }]);
  });

  it("[G6] stores outdated guilds before the session that made them outdated", async () => {
    const { acceptor, steps, stored } = setUp();
    const guilds = [{ guildId: guildId("33"), text: "awaited" }];
    acceptor.accept({ ...batch(1, STARTED, question("12")), guilds });
    await acceptor.flush();
    assert.deepEqual(steps.slice(0, 4), ["starting 0", "T1 33", "T0 0 s1", "started 0"]);
    assert.equal(stored[0]?.heard, undefined, "it does not change the new session's seq");
    assert.deepEqual(stored[1]?.guilds, guilds);
  });

  it("[G5] counts each shard on its own", async () => {
    const { acceptor, stored, steps } = setUp();
    acceptor.accept({ ...batch(90, chatter("11")), ticket: 1 });
    acceptor.accept({ ...batch(5, chatter("12")), shardId: 1, ticket: 2 });
    acceptor.accept({ ...batch(91, chatter("13")), ticket: 3 });
    await acceptor.flush();
    assert.deepEqual(stored.map(({ heard }) => heard), [
      { shardId: 0, seq: 90 },
      { shardId: 1, seq: 5 },
      { shardId: 0, seq: 91 },
    ]);
    assert.deepEqual(steps.filter((step) => step.startsWith("committed")), [
      "committed 1",
      "committed 2",
      "committed 3",
    ]);
  });

  it("[X2] loses nothing while the disk is full, and commits no seq of it", async () => {
    const { acceptor, clock, lines, steps, world } = setUp();
    world.isFull = true;
    acceptor.accept(batch(1, question("11")));
    await settle();
    acceptor.accept(batch(2, question("12")));
    await settle();
    assert.deepEqual(steps, []);
    assert.ok(lines.some(({ level }) => level === "error"));
    await assert.rejects(acceptor.flush(), /disk full/);

    world.isFull = false;
    clock.advance(5_000);
    await settle();
    assert.deepEqual(steps, ["T1 11 12", "committed 2"]);
  });

  it("[G6] stores replayed events by themselves, with the limits of a replay", async () => {
    const { acceptor, steps, stored, origins } = setUp();
    acceptor.accept({ ...batch(2, chatter("12")), isReplayed: true });
    acceptor.accept({ ...batch(3, question("13")), isReplayed: true });
    acceptor.accept(batch(4, question("14")));
    await acceptor.flush();
    assert.deepEqual(origins, ["replayed", "live"]);
    assert.deepEqual(steps.filter((step) => step.startsWith("T1")), ["T1 12 13", "T1 14"]);
    assert.deepEqual(stored.map(({ heard }) => heard?.seq), [3, 4]);
  });

  it("[G5b] stores a gap before the events after a hole, once", async () => {
    const { acceptor, steps, world } = setUp();
    acceptor.accept(batch(1, question("11")));
    acceptor.accept({ ...batch(2, question("12")), afterHole: true });
    acceptor.accept(batch(3, question("13")));
    world.isT1Full = true;
    await assert.rejects(acceptor.flush());
    world.isT1Full = false;
    await acceptor.flush();
    assert.deepEqual(steps, [
      "T1 11",
      "committed 1",
      "due 0",
      "gap 0",
      "T1 12 13",
      "committed 3",
    ]);
  });

  it("[G5] stores a session once, even if its events were refused", async () => {
    const { acceptor, clock, steps, world } = setUp();
    world.isT1Full = true;
    acceptor.accept(batch(1, STARTED, question("12")));
    await settle();
    world.isT1Full = false;
    clock.advance(5_000);
    await settle();
    assert.deepEqual(steps, ["starting 0", "T0 0 s1", "started 0", "T1 12", "committed 1"]);
  });

  it("[G11] reports a stored session once, even if the store refused it before", async () => {
    const { acceptor, clock, steps, world } = setUp();
    world.isFull = true;
    acceptor.accept(batch(1, STARTED, question("12")));
    await settle();
    clock.advance(5_000);
    await settle();
    world.isFull = false;
    clock.advance(5_000);
    await settle();
    const starting = ["starting 0", "starting 0", "starting 0"];
    assert.deepEqual(steps, [...starting, "T0 0 s1", "started 0", "T1 12", "committed 1"]);
  });

  it("[G5] commits no lower seq if a RESUME repeats earlier events", async () => {
    const { acceptor, clock, stored, steps } = setUp();
    acceptor.accept({ ...batch(9, chatter("19")), ticket: 1 });
    acceptor.accept({ ...batch(5, chatter("15")), ticket: 2 });
    clock.advance(250);
    await settle();
    assert.deepEqual(stored.map(({ heard }) => heard?.seq), [9]);
    assert.deepEqual(steps.at(-1), "committed 2");
  });
});

describe("[G6] createAcceptor().acceptHistory()", () => {
  it("stores all messages in one T1 that leaves the gateway's seq unchanged", async () => {
    const { acceptor, steps, stored, world, origins } = setUp();
    const accepted = await acceptor.acceptHistory([question("11"), chatter("12"), question("13")]);
    assert.deepEqual(accepted.accepted.map(({ message }) => message.id), ["11", "13"]);
    assert.deepEqual(steps, ["T1 11 12 13"], "and no ticket goes back");
    assert.equal(stored[0]?.heard, undefined);
    assert.deepEqual(origins, ["history"], "with the limits of a history");
    assert.equal(world.accepted, 1, "turns are woken");
  });

  it("lets the caller change a verdict, and routes no message that is not accepted", async () => {
    const { acceptor, stored } = setUp();
    const tooOld: Verdict = { kind: "ignore", why: "too-old", rule: "r", keepAsContext: true };
    await acceptor.acceptHistory(
      [question("11"), question("12")],
      (message, verdict) => message.id === "11" ? tooOld : verdict,
    );
    const judged = stored[0]?.judged ?? [];
    assert.deepEqual(judged.map(({ verdict: { why }, route }) => [why, route !== undefined]), [
      ["too-old", false],
      ["dm-allowed", true],
    ]);
  });

  it("[D2] [G11] settles own messages with a nonce, and reports none as foreign", async () => {
    const { acceptor, stored, foreign, world } = setUp();
    const own = { kind: "own_message", accountId: ACCOUNT, channelId: channelId("5") } as const;
    const { foreign: told } = await acceptor.acceptHistory([
      { ...own, id: messageId("77"), nonce: "n1" },
      { ...own, id: messageId("78") },
      { ...own, id: messageId("79"), nonce: "stranger" },
    ]);
    assert.deepEqual(stored[0]?.echoes.map(({ nonce }) => nonce), ["n1", "stranger"]);
    assert.deepEqual([told, foreign], [[], []]);
    assert.equal(world.settled, 2);
  });
});
