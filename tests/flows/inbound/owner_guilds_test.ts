import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Judged, NOTHING_ACCEPTED } from "../../../src/core/inbound/inbox.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { KnownFacts, OwnerInGuild } from "../../../src/core/inbound/facts.ts";
import type { Verdict } from "../../../src/core/inbound/verdict.ts";
import { createGuildNotices } from "../../../src/flows/inbound/guild_notices.ts";
import { createOwnerGuilds } from "../../../src/flows/inbound/owner_guilds.ts";
import { ACCOUNT, guildId, guildMessage, messageId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";

const RULE = "channels.discord.groupPolicy";
const WAITING: Verdict = { kind: "undecided", why: "owner-in-guild", rule: RULE };
const GUILD = { id: guildId("7"), name: "Kelp" };

const question = (id: string): InboundMessage =>
  guildMessage({
    id: messageId(id),
    place: { kind: "guild", guild: GUILD, channel: { id: guildMessage().channelId, name: "x" } },
  });
const undecided = (id: string): Judged => ({ message: question(id), verdict: WAITING });

function judge(_: InboundMessage, { ownerInGuild }: KnownFacts): Pick<Judged, "verdict"> {
  if (ownerInGuild === "member") {
    return { verdict: { kind: "accept", why: "mentioned", rule: RULE } };
  }
  const why = ownerInGuild === "absent" ? "owner-not-in-guild" : "owner-unknown";
  return { verdict: { kind: "ignore", why, rule: RULE, keepAsContext: false } };
}

function setUp(found: OwnerInGuild, { wasAsked = false, isNeeded = true } = {}) {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const steps: string[] = [];
  const told: string[] = [];
  const world = { found, wasAsked, failures: 0, isRefused: false };
  const notices = createGuildNotices(
    { log, random: () => 0, schedule: clock.schedule, texts: () => ({}) },
    {
      isFinal: (error) => error instanceof Error && error.message === "50007",
      tellOwners(text) {
        if (world.isRefused) return Promise.reject(new Error("50007"));
        if (world.failures-- > 0) return Promise.reject(new Error("no connection"));
        told.push(text);
        return Promise.resolve();
      },
    },
  );
  const guilds = createOwnerGuilds({
    notices,
    accountId: ACCOUNT,
    store: {
      inbox: {
        undecided: () =>
          Promise.resolve([
            { message: question("1"), why: "owner-in-guild", at: 0 },
            { message: question("2"), why: "pluralkit", at: 0 },
          ]),
        decide(judged) {
          steps.push(`decide ${judged.message.id} ${judged.verdict.why}`);
          const isAccepted = judged.verdict.kind === "accept" && judged.route !== undefined;
          return Promise.resolve({ ...NOTHING_ACCEPTED, accepted: isAccepted ? [judged] : [] });
        },
      },
      pairing: {
        wasAsked: () => Promise.resolve(world.wasAsked),
        noteAsked(_account, id) {
          world.wasAsked = true;
          steps.push(`noted ${id}`);
          return Promise.resolve();
        },
      },
    },
    isNeeded: () => isNeeded,
    ask: () => Promise.resolve(world.found),
    judge,
    route: () => ({ agentId: "main", sessionKey: "s" }),
    waiting: () => ({
      perUser: 3,
      perChannel: 8,
      turnsPerChannel: 1,
      refusal: () => [],
      isOwner: () => false,
    }),
    events: {
      emit: {
        accepted() {},
        refusedIn: () => {},
        unanswered: () => {},
      },
    },
    turns: {
      accepted: (judged) => steps.push(`accepted ${judged.map(({ message }) => message.id)}`),
    },
    guildsPath: () => "channels.discord.guilds",
    texts: () => ({}),
    now: clock.now,
    schedule: clock.schedule,
    random: () => 0,
    log,
  });
  return { guilds, clock, lines, steps, told, world };
}

describe("[P6] createOwnerGuilds()", () => {
  it("accepts a message in a guild with an owner", async () => {
    const { guilds, steps, told } = setUp("member");
    guilds.undecided([undecided("11")], "live");
    await settle();
    assert.deepEqual(steps, ["decide 11 mentioned", "accepted 11"]);
    assert.deepEqual(told, []);
  });

  it("refuses it elsewhere, and asks the owners once about several messages", async () => {
    const { guilds, steps, told } = setUp("absent");
    guilds.undecided([undecided("11"), undecided("12")], "live");
    await settle();
    guilds.undecided([undecided("13")], "live");
    await settle();
    assert.deepEqual(steps.filter((step) => step.startsWith("decide")), [
      "decide 11 owner-not-in-guild",
      "decide 12 owner-not-in-guild",
      "decide 13 owner-not-in-guild",
    ]);
    assert.equal(told.length, 1);
    assert.match(told[0] ?? "", /`Kelp` \(7\), because none of my owners is a member there/);
    assert.match(told[0] ?? "", /`barnacle config set channels\.discord\.guilds\.7 '\{\}'`/);
  });

  it("asks nothing about a guild that the last process has asked about", async () => {
    const { guilds, told } = setUp("unknown", { wasAsked: true });
    guilds.undecided([undecided("11")], "live");
    await settle();
    assert.deepEqual(told, []);
  });

  it("asks again after a failure, and notes the question only then", async () => {
    const { guilds, clock, steps, told, world } = setUp("absent");
    world.failures = 1;
    guilds.undecided([undecided("11")], "live");
    await settle();
    assert.ok(!world.wasAsked);
    clock.advance(60_000);
    await settle();
    assert.equal(told.length, 1);
    assert.equal(steps.at(-1), "noted 7");
  });

  it("asks once, and notes nothing, if Discord lets the bot write to no owner", async () => {
    const { guilds, clock, lines, steps, told, world } = setUp("absent");
    world.isRefused = true;
    guilds.undecided([undecided("11")], "live");
    await settle();
    world.isRefused = false;
    guilds.undecided([undecided("12")], "live");
    await settle();
    clock.advance(10 * 60_000);
    await settle();
    assert.equal(clock.pending, 0);
    assert.deepEqual(told, []);
    assert.ok(!steps.includes("noted 7"), "the next start tries again");
    const errors = lines.filter(({ level }) => level === "error");
    assert.match(JSON.stringify(errors[0]?.fields["texts"]), /`Kelp` \(7\).*config set/);
  });

  it("continues once with the messages that wait for this fact", async () => {
    const { guilds, steps } = setUp("member");
    guilds.ready();
    guilds.ready();
    await settle();
    assert.deepEqual(steps, ["decide 1 mentioned", "accepted 1"]);
  });

  const joins = [["absent", 1], ["unknown", 1], ["member", 0]] as const;
  for (const [found, count] of joins) {
    it(`sends ${count} questions about a guild that adds the bot, owner ${found}`, async () => {
      const { guilds, told } = setUp(found, { wasAsked: true });
      guilds.joined(GUILD);
      await settle();
      assert.equal(told.length, count);
    });
  }

  it("sends one message about many guilds at once, and notes each of them", async () => {
    const { guilds, clock, steps, told, world } = setUp("absent");
    const join = (from: number, to: number) => {
      for (let id = from; id <= to; id++) guilds.joined({ id: guildId(`${id}`), name: `G${id}` });
    };
    join(1, 1);
    await settle();
    join(2, 100);
    await settle();
    assert.equal(told.length, 1, "the first one at once");
    assert.match(told[0] ?? "", /in `G1` \(1\)/);
    world.failures = 1;
    clock.advance(10 * 60_000);
    await settle();
    assert.equal(told.length, 1);
    clock.advance(60_000);
    await settle();
    assert.equal(told.length, 2);
    assert.match(told[1] ?? "", /added to 99 servers .*: `G2` \(2\), .*`G6` \(6\), …\./);
    assert.equal(steps.filter((step) => step.startsWith("noted")).length, 100);
    clock.advance(60 * 60_000);
    await settle();
    assert.equal(told.length, 2);
  });
});
