import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Refusal } from "../../../../src/core/outbound/outbound.ts";
import type { InboundMessage } from "../../../../src/core/inbound/inbound.ts";
import type { AcceptReason } from "../../../../src/core/inbound/verdict.ts";
import { type AckRules, createAcks } from "../../../../src/flows/turn/progress/acks.ts";
import { directMessage, guildMessage, messageId } from "../../../support/discord/builders.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { recordingLog } from "../../../support/recording_log.ts";
import { settle } from "../../../support/settle.ts";

class Refused extends Error {
  readonly why: Refusal | undefined;

  constructor(why: Refusal | undefined) {
    super("Discord says no");
    this.why = why;
  }
}

class NoEmoji extends Refused {}

/** @param add Discord's answer to each reaction. */
function setUp(rules: Partial<AckRules> = {}, add: () => Promise<void> = async () => {}) {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const asked: string[] = [];
  const acks = createAcks({
    rules: () => ({
      ackReaction: "👀",
      ackReactionScope: "all",
      removeAckAfterReply: false,
      ...rules,
    }),
    reactions: {
      add(_channelId, message, emoji) {
        asked.push(`+${emoji} ${message.slice(-1)}`);
        return add();
      },
      remove(_channelId, message, emoji) {
        asked.push(`-${emoji} ${message.slice(-1)}`);
        return Promise.resolve();
      },
    },
    refusalOf: (error) => error instanceof Refused ? error.why : undefined,
    isNoEmoji: (error) => error instanceof NoEmoji,
    schedule: clock.schedule,
    now: clock.now,
    log,
  });
  return { acks, clock, asked, lines };
}

const MESSAGE = guildMessage({ id: messageId("1400000000000000001"), mention: "user" });
const NEXT = guildMessage({ id: messageId("1400000000000000002"), mention: "user" });
const refusal = (why: Refusal | undefined) => () => Promise.reject(new Refused(why));

describe("[R7] createAcks()", () => {
  it("marks a message as read after 250 ms", () => {
    const { acks, clock, asked } = setUp();
    acks.accepted(MESSAGE, "mentioned");
    clock.advance(249);
    assert.deepEqual(asked, []);
    clock.advance(1);
    assert.deepEqual(asked, ["+👀 1"]);
    assert.equal(clock.pending, 0);
  });

  for (const kind of ["reply", "failure", "draft"] as const) {
    it(`adds no reaction if the answer was faster: ${kind}`, () => {
      const { acks, clock, asked } = setUp({ removeAckAfterReply: true });
      acks.accepted(MESSAGE, "mentioned");
      clock.advance(249);
      acks.answered(MESSAGE.id, kind);
      clock.advance(60_000);
      assert.deepEqual(asked, []);
    });
  }

  const group = { ...directMessage(), place: { kind: "group_dm" as const } };
  const places: readonly [what: string, message: InboundMessage, why: AcceptReason][] = [
    ["a direct message", directMessage(), "dm-allowed"],
    ["a guild's, by mention", MESSAGE, "mentioned"],
    ["a guild's, by a pattern", guildMessage(), "mentioned"],
    ["a guild's, unmentioned", guildMessage(), "mention-not-required"],
    ["a guild's message, with a mention that is not required", MESSAGE, "mention-not-required"],
    ["a group's, by mention", { ...group, mention: "reply" }, "dm-allowed"],
    ["a group's, unmentioned", group, "dm-allowed"],
  ];
  const scopes: readonly [AckRules["ackReactionScope"], readonly boolean[]][] = [
    ["off", [false, false, false, false, false, false, false]],
    ["all", [true, true, true, true, true, true, true]],
    ["direct", [true, false, false, false, false, false, false]],
    ["group-all", [false, true, true, true, true, true, true]],
    ["group-mentions", [false, true, true, false, true, true, false]],
  ];
  for (const [scope, expected] of scopes) {
    for (const [index, [what, message, why]] of places.entries()) {
      it(`${scope}: ${what} is ${expected[index] ? "" : "not "}marked`, () => {
        const { acks, clock, asked } = setUp({ ackReactionScope: scope });
        acks.accepted(message, why);
        clock.advance(250);
        assert.equal(asked.length, expected[index] ? 1 : 0);
      });
    }
  }

  it("marks nothing without an emoji", () => {
    const clock = new FakeClock();
    const never = () => Promise.reject(new Error("asked"));
    const acks = createAcks({
      rules: () => ({ ackReactionScope: "all", removeAckAfterReply: false }),
      reactions: { add: never, remove: never },
      refusalOf: () => undefined,
      isNoEmoji: () => false,
      schedule: clock.schedule,
      now: clock.now,
      log: recordingLog().log,
    });
    acks.accepted(MESSAGE, "mentioned");
    assert.equal(clock.pending, 0);
  });
});

describe("[R7] createAcks(), removeAckAfterReply", () => {
  const RULES = { removeAckAfterReply: true };

  it("removes the reaction once a reply is delivered, and only once", async () => {
    const { acks, clock, asked } = setUp(RULES);
    acks.accepted(MESSAGE, "mentioned");
    clock.advance(250);
    acks.answered(MESSAGE.id, "reply");
    acks.answered(MESSAGE.id, "reply"); // its second part
    await settle();
    assert.deepEqual(asked, ["+👀 1", "-👀 1"]);
  });

  it("keeps it if removeAckAfterReply is false", async () => {
    const { acks, clock, asked } = setUp();
    acks.accepted(MESSAGE, "mentioned");
    clock.advance(250);
    acks.answered(MESSAGE.id, "reply");
    await settle();
    assert.deepEqual(asked, ["+👀 1"]);
  });

  it("[Y] keeps it after a failed turn, and during a draft until the reply", async () => {
    const { acks, clock, asked } = setUp(RULES);
    acks.accepted(MESSAGE, "mentioned");
    acks.accepted(NEXT, "mentioned");
    clock.advance(250);
    acks.answered(MESSAGE.id, "failure");
    acks.answered(NEXT.id, "draft");
    await settle();
    assert.deepEqual(asked, ["+👀 1", "+👀 2"]);
    acks.answered(NEXT.id, "reply");
    await settle();
    assert.deepEqual(asked.at(-1), "-👀 2");
  });
});

describe("[D3] createAcks(), if Discord refuses", () => {
  it("sends no request for ten minutes in a channel that forbids it", async () => {
    const { acks, clock, asked, lines } = setUp({}, refusal("forbidden"));
    acks.accepted(MESSAGE, "mentioned");
    clock.advance(250);
    await settle();
    acks.accepted(NEXT, "mentioned");
    acks.accepted(directMessage({ id: messageId("1400000000000000003") }), "dm-allowed");
    clock.advance(250);
    assert.deepEqual(asked, ["+👀 1", "+👀 3"]);
    clock.advance(600_000);
    acks.accepted(guildMessage({ id: messageId("1400000000000000004") }), "mentioned");
    clock.advance(250);
    assert.deepEqual(asked.at(-1), "+👀 4");
    assert.deepEqual(lines.map(({ level }) => level), ["debug"]);
  });

  it("logs an unknown emoji once, and adds no more reactions", async () => {
    const { acks, clock, asked, lines } = setUp(
      { ackReaction: "eyes" },
      () => Promise.reject(new NoEmoji("rejected")),
    );
    for (const message of [MESSAGE, NEXT]) {
      acks.accepted(message, "mentioned");
      clock.advance(250);
      await settle();
    }
    assert.deepEqual(asked, ["+eyes 1"]);
    const [warning, ...more] = lines.filter(({ level }) => level === "warn");
    assert.match(warning?.event ?? "", /messages\.ackReaction/);
    assert.deepEqual(more, []);
  });
});
