/** Tests catch-up from a gap in the store to the rows of the missed messages, with a whole account. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { catchUpOf } from "../../../src/flows/catch_up/catch_up.ts";
import { turnDelayOf } from "../../../src/flows/turn/turns.ts";
import { SELF, testAccount } from "../../support/bot/test_account.ts";
import { refused } from "../../support/discord/answers.ts";
import { ACCOUNT, messageIdAt } from "../../support/discord/builders.ts";
import { guildData, messageData } from "../../support/discord/payloads.ts";

const START = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const HALF_MINUTE = 30_000;
const KRILL = "1600000000000000001";
const ELSEWHERE = "1600000000000000002";
const GENERAL = "1700000000000000001";
const HELP = "1700000000000000002";
const LOUNGE = "1700000000000000003";
const DM = "1700000000000000004";
const CLOSED = "1700000000000000005";
const CHANNELS = { [KRILL]: [GENERAL, HELP, CLOSED], [ELSEWHERE]: [LOUNGE] };
const READABLE = 1024n + 65_536n;

type World = Readonly<Record<string, readonly number[]>>;

/**
 * A minute after the session has begun.
 *
 * @param said Milliseconds after that at which people wrote in a channel.
 */
async function setUp(said: World, { gateway = {}, rules = {}, unnamed = [] as string[] } = {}) {
  const world: Record<string, readonly number[]> = { ...said };
  const failing = new Map<string, Error | []>();
  const denied = new Map<string, bigint>();
  const t = await testAccount({
    discord: {
      dm: { policy: "open", allowFrom: ["*"] },
      groupPolicy: "open",
      guilds: {
        "*": { requireMention: false, channels: { [CLOSED]: { enabled: false }, "*": {} } },
      },
      gateway: { catchUp: gateway },
      ...rules,
    },
    answer({ method, path }) {
      const [, id = "", query] = /^\/channels\/(\d+)\/messages\?(.*)$/.exec(path) ?? [];
      const before = new URLSearchParams(query).get("before");
      const fault = failing.get(id);
      if (fault) return fault;
      if (query) {
        return (world[id] ?? []).map((ms) => String(messageIdAt(START + ms)))
          .filter((one) => before === null || BigInt(one) < BigInt(before))
          .slice(-100).toReversed().map((one) =>
            messageData({ id: one, channel_id: id, guild_id: undefined, member: undefined })
          );
      }
      if (method !== "GET") return undefined;
      const [, guild = "", rest = ""] = /^\/guilds\/(\d+)(.*)$/.exec(path) ?? [];
      if (rest === "/channels") {
        return (CHANNELS[guild as keyof typeof CHANNELS] ?? []).map((id) => ({
          ...{ id, type: 0, name: id },
          permission_overwrites: [{ id: guild, allow: "0", deny: String(denied.get(id) ?? 0n) }],
        }));
      }
      if (rest.startsWith("/members/")) {
        return { user: { id: SELF.userId, username: "b" }, roles: [] };
      }
      if (guild) return { owner_id: "1", roles: [{ id: guild, permissions: String(READABLE) }] };
      return undefined;
    },
  });
  const { account, clock, receive, rows, store } = t;
  const catchUp = catchUpOf(account);
  const session = { sessionId: "s", resumeUrl: "wss://resume", seq: 1 };
  const begin = () => store.gateway.startSession(ACCOUNT, session, SELF, clock.now());
  /** A guild is there, with the last messages of its channels. */
  const come = (guild: keyof typeof CHANNELS) =>
    receive(
      "GUILD_CREATE",
      guildData({
        id: guild,
        threads: [],
        channels: CHANNELS[guild].map((id) => {
          const last = world[id]?.at(-1);
          const last_message_id = last === undefined ? null : messageIdAt(START + last);
          return {
            id,
            type: 0,
            name: `c${id.at(-1)}`,
            ...!unnamed.includes(id) && { last_message_id },
          };
        }),
      }),
    );
  await begin();
  clock.advance(MINUTE);
  return {
    ...t,
    catchUp,
    delayed: turnDelayOf(account).delayedChannels,
    come,
    denied,
    failing,
    world,
    leave: (guild: string) => receive("GUILD_DELETE", { id: guild, unavailable: true }),
    /** The next process begins with the gap since {@link START}. */
    async restart() {
      await begin();
      catchUp.resume(await store.gateway.loadAccount(ACCOUNT));
      await t.quiet();
    },
    /** A session is lost, and the next one begins. */
    async lose() {
      catchUp.sessionStarting();
      await begin();
      catchUp.sessionStarted();
      await t.quiet();
    },
    isOpen: () => rows("SELECT catch_up_from AS gap FROM gateway_session")[0]?.["gap"] !== null,
    /** Pages of the missed messages that were read: the last digits of their channels. */
    reads: () =>
      t.requests.flatMap(({ path }) =>
        /(\d)\/messages\?(?:.*&)?limit=100(?!\d)/.exec(path)?.[1] ?? []
      ).join(""),
    stored: () =>
      rows("SELECT channel_id, message_id FROM inbox ORDER BY id").map((row) =>
        `${String(row["channel_id"]).at(-1)}:${
          Number(BigInt(String(row["message_id"])) >> 22n) + 1_420_070_400_000 - START
        }`
      ),
    warnings: () => t.lines.filter(({ level }) => level === "warn").map(({ event }) => event),
  };
}

/** Both guilds are there; the last process has ended. */
async function both(...given: Parameters<typeof setUp>) {
  const t = await setUp(...given);
  await t.come(KRILL);
  await t.come(ELSEWHERE);
  return t;
}

describe("[G6] a gap", () => {
  it("is read in channels with new messages, direct messages first, and closes", async () => {
    const t = await both({ [GENERAL]: [1_000, 2_000], [LOUNGE]: [1_500], [HELP]: [-MINUTE] });
    await t.dm("hi", { channel_id: DM, id: messageIdAt(START - MINUTE) });
    t.world[DM] = [3_000];
    await t.restart();
    assert.deepEqual(t.stored().slice(1), ["4:3000", "1:1000", "1:2000", "3:1500"]);
    assert.deepEqual([t.reads(), t.isOpen(), t.catchUp.pending()], ["413", false, 0]);
    const [line] = t.lines.filter(({ event }) => event === "Caught up on missed messages");
    const figures = { channels: 3, read: 4, answered: 4, tooOld: 0, tooMany: 0, unreadable: 0 };
    assert.deepEqual(line?.fields, { ...figures, seconds: 0 });
  });

  it("is read in channels without a known last message, and not where the bot may not act", async () => {
    const world = { [GENERAL]: [-MINUTE], [CLOSED]: [1_000] };
    const t = await both(world, { unnamed: [GENERAL], rules: { dm: { enabled: false } } });
    await t.restart();
    assert.deepEqual([t.reads(), t.stored(), t.isOpen()], ["1", [], false]);
  });

  it("waits for a guild with an outage", async () => {
    const t = await both({ [GENERAL]: [1_000] });
    await t.leave(ELSEWHERE);
    await t.restart();
    assert.deepEqual([t.reads(), t.catchUp.pending(), t.isOpen()], ["1", 1, true]);
    assert.equal(t.delayed(), "all", "a guild is still to come");
    t.world[LOUNGE] = [9_000];
    await t.come(ELSEWHERE);
    assert.deepEqual([t.reads(), t.isOpen(), t.delayed()], ["13", false, []]);
  });

  it("[D5] [X2] is tried as long as Discord does not answer, and others do not wait", async () => {
    const t = await both({ [GENERAL]: [1_000], [HELP]: [2_000] });
    t.failing.set(GENERAL, new Error("503"));
    await t.restart();
    await t.pass(20 * MINUTE, MINUTE);
    assert.deepEqual([t.stored(), t.isOpen()], [["2:2000"], true]);
    assert.ok(t.reads().split("1").length > 10, t.reads());
    const lines = t.warnings().length;
    assert.ok(lines > 2 && lines < 8, `${lines} lines: those of the tries 1, 2, 4, 8, …`);
    t.failing.clear();
    await t.pass(MINUTE);
    assert.deepEqual([t.stored(), t.isOpen()], [["2:2000", "1:1000"], false]);
  });

  it("is read once more after another lost session, also while a channel keeps failing", async () => {
    const t = await both({ [GENERAL]: [1_000], [HELP]: [2_000] });
    t.failing.set(GENERAL, new Error("503"));
    await t.restart();
    t.world[HELP] = [2_000, 40_000];
    await t.lose();
    await t.pass(5 * MINUTE, MINUTE);
    assert.deepEqual(t.stored(), ["2:2000", "2:40000"]);
    assert.deepEqual([t.catchUp.pending(), t.isOpen()], [1, true]);
    t.failing.clear();
    await t.pass(MINUTE);
    assert.deepEqual([t.stored().at(-1), t.isOpen(), t.catchUp.pending()], ["1:1000", false, 0]);
  });

  it("is not closed by the reading before a loss that has just made it larger", async () => {
    const t = await both({ [HELP]: [1_000] });
    t.failing.set(HELP, new Error("503"));
    await t.restart();
    t.catchUp.sessionStarting(); // T0 is under way
    t.failing.clear();
    await t.pass(MINUTE);
    assert.equal(t.isOpen(), true);
    t.world[GENERAL] = [20_000];
    await t.come(KRILL);
    await t.lose();
    assert.deepEqual([t.stored(), t.isOpen()], [["1:20000", "2:1000"], false]);
  });

  it("stays open if the process stops before the end", async () => {
    const t = await both({ [GENERAL]: [1_000] });
    t.failing.set(GENERAL, new Error("503"));
    await t.restart();
    await t.catchUp.stop();
    await t.pass(MINUTE);
    assert.deepEqual([t.reads(), t.isOpen(), t.delayed()], ["1", true, []]);
  });

  it("is closed unread if catch-up is disabled, with a line in the log, and delays no turn", async () => {
    const t = await both({ [GENERAL]: [1_000] }, { gateway: { enabled: false } });
    await t.restart();
    t.catchUp.sessionDue();
    t.catchUp.sessionStarting();
    assert.deepEqual(t.delayed(), []);
    assert.deepEqual([t.reads(), t.isOpen()], ["", false]);
    assert.deepEqual(t.warnings(), ["Not reading missed messages: catchUp.enabled is false"]);
  });
});

describe("[G6] turns", () => {
  it("wait in channels that are still to be read, and begin after half a minute", async () => {
    const t = await both({ [GENERAL]: [1_000], [HELP]: [1_000] });
    t.failing.set(GENERAL, new Error("503"));
    await t.restart();
    await t.pass(2_000);
    assert.deepEqual(t.delayed(), [GENERAL]);
    await t.write("and now?", { id: messageIdAt(START + MINUTE) });
    assert.equal(t.posted().length, 1, "the answer in the other channel");
    await t.pass(HALF_MINUTE, 1_000);
    assert.equal(t.posted().length, 2);
    assert.deepEqual([t.delayed(), t.isOpen()], [[], true]);
  });

  it("all wait for at most half a minute while the store refuses a session", async () => {
    const { catchUp, delayed, clock } = await setUp({});
    catchUp.sessionStarting();
    clock.advance(HALF_MINUTE - 1);
    catchUp.sessionStarting();
    assert.equal(delayed(), "all");
    clock.advance(1);
    catchUp.sessionStarting();
    assert.deepEqual(delayed(), []);
  });

  it("[G5b] all wait again at a session that was due for longer than that", async () => {
    const t = await both({ [GENERAL]: [1_000] });
    t.catchUp.sessionDue();
    assert.equal(t.delayed(), "all");
    await t.pass(HALF_MINUTE);
    assert.deepEqual(t.delayed(), []);
    t.catchUp.sessionStarting();
    assert.equal(t.delayed(), "all");
    await t.lose();
    assert.deepEqual(t.delayed(), []);
    t.catchUp.sessionDue();
    assert.equal(t.delayed(), "all", "another one has its own time");
  });

  it("[G5b] all wait while a session is due after a restart, and its gap is read meanwhile", async () => {
    const t = await both({ [GENERAL]: [1_000] });
    t.database.exec(
      "UPDATE gateway_session SET has_hole = 1, catch_up_from = stored_up_to, lost_at = 1",
    );
    t.catchUp.resume(await t.store.gateway.loadAccount(ACCOUNT));
    await t.pass(5_000);
    assert.deepEqual([t.stored(), t.delayed()], [["1:1000"], "all"]);
  });

  it("wait for the list of channels for five seconds at most, also at a second loss", async () => {
    const t = await both({ [GENERAL]: [1_000] });
    await t.leave(ELSEWHERE);
    await t.restart();
    for (let loss = 0; loss < 2; loss++) {
      await t.pass(4_999);
      assert.equal(t.delayed(), "all");
      await t.pass(1);
      assert.deepEqual(t.delayed(), []);
      await t.pass(60 * MINUTE);
      await t.lose();
    }
  });
});

describe("[G6] an unreadable channel", () => {
  it("is named with the missing permission if Discord returns no message", async () => {
    const t = await both({ [GENERAL]: [1_000], [HELP]: [2_000] });
    for (const id of [GENERAL, HELP]) t.failing.set(id, []);
    t.denied.set(GENERAL, 65_536n);
    await t.restart();
    const missing = ["Read Message History"];
    assert.deepEqual(t.catchUp.unreadable(), [{ channelId: GENERAL, name: "#c1", missing }]);
    const looks = t.requests.filter(({ path }) => path === `/guilds/${KRILL}/channels`);
    assert.deepEqual([looks.length, t.isOpen()], [1, false], "one look does");
    const [warning] = t.lines.filter(({ level }) => level === "warn");
    assert.match(warning?.event ?? "", /Cannot read the missed messages in #c1/);
    assert.match(String(warning?.fields["fix"]), /Grant .*"Read Message History" in #c1/);
    t.failing.clear();
    t.denied.clear();
    await t.lose();
    assert.deepEqual([t.catchUp.unreadable(), t.stored()], [[], ["1:1000", "2:2000"]]);
  });

  it("costs one refusal for a whole guild, and a hidden one is not wrong", async () => {
    const t = await both({ [GENERAL]: [1_000], [HELP]: [2_000] });
    for (const id of [GENERAL, HELP]) {
      t.failing.set(id, refused(403, 50_001));
      t.denied.set(id, 1_024n);
    }
    await t.restart();
    assert.deepEqual([t.reads(), t.isOpen(), t.warnings()], ["1", false, []]);
    assert.deepEqual(t.catchUp.unreadable(), []);
  });
});

describe("[G6] [X4] more messages than Barnacle records", () => {
  const crowd = Array.from({ length: 1_200 }, (_, at) => 1_000 + at);
  const cases: readonly [string, number, object, number][] = [
    ["are told to the channel, once", 0, {}, 1],
    ["are not told after a day", 24 * 60 * MINUTE, {}, 0],
    ["are not told where no one expects an answer", 0, { guilds: { "*": {} } }, 0],
  ];
  for (const [what, later, rules, count] of cases) {
    it(what, async () => {
      const t = await both({ [GENERAL]: crowd }, { rules, gateway: { maxPerChannel: 1 } });
      t.clock.advance(later);
      await t.restart();
      const told = t.posted().filter((text) => /have not read the messages before/.test(text));
      assert.equal(told.length, count, told.join());
      await t.lose();
      assert.equal(t.posted().filter((text) => /have not read/.test(text)).length, count);
      assert.ok(t.lines.some(({ event }) => /Missed more messages in #c1 than/.test(event)));
    });
  }
});
