import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createdAtMs } from "../../../src/core/discord/ids.ts";
import { NOTHING_ACCEPTED } from "../../../src/core/inbound/inbox.ts";
import { createChannelReading } from "../../../src/flows/catch_up/gap_tasks.ts";
import { MAX_PAGES, type Page } from "../../../src/flows/catch_up/missed_reading.ts";
import { createUnreadable } from "../../../src/flows/catch_up/unreadable.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { Verdict } from "../../../src/core/inbound/verdict.ts";
import { guildMessage, guildPlace, messageId } from "../../support/discord/builders.ts";
import { recordingLog } from "../../support/recording_log.ts";

const PLACE = guildPlace();
const CHANNEL = { id: PLACE.channel.id, guildId: PLACE.guild.id, place: PLACE };

const ACCEPTED: Verdict = { kind: "accept", why: "mentioned", rule: "" };
const IGNORED: Verdict = { kind: "ignore", why: "no-mention", rule: "", keepAsContext: true };

class Refused extends Error {}

function setUp(
  pages: (request: number) => Page | Error,
  { missing = [], now = 0, policy = () => ACCEPTED }: {
    readonly missing?: readonly string[];
    readonly now?: number;
    readonly policy?: (message: InboundMessage) => Verdict;
  } = {},
) {
  const { log, lines } = recordingLog();
  const isRefused = (error: unknown) => error instanceof Refused;
  let requests = 0;
  const told: string[] = [];
  const unreadable = createUnreadable({
    readPermissions: () => Promise.resolve(() => missing),
    isRefused,
    log,
  });
  const tally = { read: 0, answered: 0, tooOld: 0, tooMany: 0 };
  const reading = createChannelReading(CHANNEL, { from: 10_000, tally }, unreadable, {
    readPage() {
      const page = pages(++requests);
      return page instanceof Error ? Promise.reject(page) : Promise.resolve(page);
    },
    acceptHistory: (events, judgeAs) => {
      for (const event of events) {
        if (event.kind === "message") judgeAs?.(event, policy(event));
      }
      return Promise.resolve(NOTHING_ACCEPTED);
    },
    isRecorded: () => Promise.resolve(false),
    limits: { maxAgeMs: Infinity, maxPerChannel: 1 },
    now: () => now,
    tellUnread: (channel, before, key) => {
      told.push(`${channel.id} before ${before} for ${key}`);
      return Promise.resolve();
    },
    isRefused,
    log,
  });
  return { reading, unreadable, lines, told, requests: () => requests };
}

/** A page with one message, and more before it. */
const page = (request: number): Page => {
  const id = messageId(String(1_400_000_000_000_000_000n - BigInt(request)));
  return { events: [guildMessage({ id })], oldest: id, isLast: false };
};

describe("[G6] createChannelReading()", () => {
  it("logs that it missed more messages than it records, and tells the channel", async () => {
    const { reading, lines, told } = setUp(page);
    assert.equal(await reading.first(), true);
    await reading.rest();
    const oldest = page(1 + MAX_PAGES).oldest;
    assert.deepEqual(told, [`${CHANNEL.id} before ${oldest} for ${CHANNEL.id}:10000:${oldest}`]);
    assert.match(lines[0]?.event ?? "", /Missed more messages in #help than Barnacle records/);
    assert.equal(lines[0]?.fields["messages"], MAX_PAGES * 100);
  });

  it("[X4] does not tell it if all of them are older than a day", async () => {
    const oldest = page(1 + MAX_PAGES).oldest ?? messageId("1");
    const day = 24 * 60 * 60_000;
    for (const [age, count] of [[day, 1], [day + 1, 0]] as const) {
      const { reading, told } = setUp(page, { now: createdAtMs(oldest) + age });
      await reading.first();
      await reading.rest();
      assert.equal(told.length, count);
    }
  });

  it("does not tell it if no one there expects an answer", async () => {
    const newest = page(1).oldest;
    for (const [accepted, count] of [[newest, 1], [undefined, 0]] as const) {
      const { reading, told } = setUp(page, {
        policy: ({ id }) => id === accepted ? ACCEPTED : IGNORED,
      });
      await reading.first();
      await reading.rest();
      assert.equal(told.length, count);
    }
  });

  it("finishes a channel that Discord refuses, at any page, and logs it once", async () => {
    const { reading, lines } = setUp((request) => request === 1 ? page(1) : new Refused());
    assert.equal(await reading.first(), true);
    await reading.rest();
    assert.deepEqual(lines.map(({ level }) => level), ["warn"]);
  });
});
