import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChannelId, GuildId } from "../../../src/core/discord/ids.ts";
import type { OutboxRow } from "../../../src/core/outbound/outbound.ts";
import type { RefusedChannel } from "../../../src/core/account/events.ts";
import { createParking, type ParkingOf } from "../../../src/flows/deliver/park.ts";
import { ACCOUNT, channelId, guildId, outboundMessage } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";

const OPS = channelId("1400000000000000002");
const DM = channelId("1400000000000000005");
const GUILD = guildId("1400000000000000010");
const OTHER_GUILD = guildId("1400000000000000020");
const HALF_HOUR_MS = 1_800_000;
const DENIED = "cannot post in #ops: Send Messages is denied for the role Krill";

function rowOf(channel: ChannelId, guild?: GuildId): OutboxRow {
  const message = outboundMessage({ channelId: channel, ...(guild && { guildId: guild }) });
  return { id: 1, message, fileCount: 0, action: { kind: "post" } };
}

function setUp(more: Partial<ParkingOf> = {}, stored: ReadonlyMap<ChannelId, string> = new Map()) {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const parked = new Map(stored);
  const told: RefusedChannel[] = [];
  const opened: ChannelId[] = [];
  const explained: ChannelId[] = [];
  const known = new Set<ChannelId>(stored.keys());
  const parking = createParking({
    accountId: ACCOUNT,
    outbox: {
      park(_account, channel, { reason }) {
        const isNews = !known.has(channel);
        known.add(channel);
        parked.set(channel, reason);
        return Promise.resolve(isNews);
      },
      unpark(_account, channels) {
        const before = parked.size;
        for (const channel of channels === "all" ? [...parked.keys()] : channels) {
          parked.delete(channel);
        }
        return Promise.resolve(before - parked.size);
      },
      parked: () =>
        Promise.resolve(
          [...parked].map(([channelId, reason]) => ({ channelId, reason, since: 0, waiting: 1 })),
        ),
    },
    explain({ message }) {
      explained.push(message.channelId);
      return Promise.resolve({ missing: "other", reason: DENIED });
    },
    now: clock.now,
    schedule: clock.schedule,
    log,
    events: { emit: { parked: (one) => told.push(one) } },
    ...more,
  }, (channels) => opened.push(...channels));
  async function pass(ms: number): Promise<void> {
    clock.advance(ms);
    await settle();
  }
  /** Parks the channel, as a queue does after a refusal. */
  async function refuse(row: OutboxRow, askedAt = clock.now()): Promise<void> {
    const { missing, reason = "Missing Permissions" } = await parking.explain(row, {
      reason: "Missing Permissions",
      code: 50013,
    });
    await parking.close(row, { missing, reason }, askedAt);
  }
  return { parking, clock, lines, parked, told, opened, explained, pass, refuse };
}

describe("[D5] createParking()", () => {
  const inOps = rowOf(OPS, GUILD);

  it("[R11] reports the missing permission once, and keeps the channel closed", async () => {
    const { parked, told, lines, opened, pass, refuse } = setUp();
    await refuse(inOps);
    await refuse(inOps);
    await pass(60_000);
    assert.deepEqual([...parked], [[OPS, DENIED]]);
    assert.deepEqual(told, [{ channelId: OPS, guildId: GUILD, reason: DENIED }]);
    assert.deepEqual(lines.map(({ level, fields }) => [level, fields["reason"]]), [
      ["error", DENIED],
    ]);
    assert.deepEqual(opened, []);
  });

  it("[R11] uses Discord's own words if it finds no better ones", async () => {
    const unknown: readonly ParkingOf["explain"][] = [
      () => Promise.reject(new Error("no network")),
      () => Promise.resolve({ missing: "unknown" }),
    ];
    for (const explain of unknown) {
      const { told, refuse } = setUp({ explain });
      await refuse(rowOf(DM));
      assert.deepEqual(told, [{ channelId: DM, reason: "Missing Permissions" }]);
    }
  });

  it("keeps no channel closed for ever if the disk fails", async () => {
    const { opened, pass, refuse } = setUp({
      outbox: {
        park: () => Promise.reject(new Error("disk I/O error")),
        unpark: () => Promise.resolve(1),
        parked: () => Promise.resolve([]),
      },
    });
    await assert.rejects(refuse(inOps), /disk/);
    await pass(HALF_HOUR_MS);
    assert.deepEqual(opened, [OPS]);
  });

  it("tries a channel again when its guild changes, and no other", async () => {
    const { parking, opened, parked, pass, refuse } = setUp();
    await refuse(inOps);
    await refuse(rowOf(DM));
    parking.permissionsChanged(OTHER_GUILD);
    await pass(0);
    assert.deepEqual(opened, []);
    parking.permissionsChanged(OTHER_GUILD);
    parking.permissionsChanged(GUILD);
    await pass(0);
    assert.deepEqual(opened, [OPS]);
    assert.deepEqual([...parked.keys()], [DM]);
  });

  it("tries a channel again when the bot will answer a person there", async () => {
    const { parking, opened, pass, refuse } = setUp();
    await refuse(rowOf(DM));
    parking.heardFrom(OPS);
    parking.heardFrom(DM);
    parking.heardFrom(DM);
    await pass(0);
    assert.deepEqual(opened, [DM]);
  });

  it("limits tries after changes, but misses no change", async () => {
    const { parking, opened, pass, refuse } = setUp();
    await refuse(inOps);
    let tried = 0;
    for (let second = 0; second < 600; second++) {
      parking.permissionsChanged(GUILD); // a role that keeps changing its colour
      await pass(1_000);
      if (opened.length > tried) {
        tried = opened.length;
        await refuse(inOps);
      }
    }
    assert.ok(tried >= 5 && tried <= 8, `${tried} tries in ten minutes`);
    await pass(300_000);
    assert.equal(opened.length, tried + 1);
  });

  it("tries once more if permissions changed during the refusal", async () => {
    const { parking, clock, opened, refuse, pass } = setUp();
    await refuse(inOps);
    parking.permissionsChanged(GUILD);
    await pass(0);
    const askedAt = clock.now();
    parking.permissionsChanged(GUILD); // after the request left
    await refuse(inOps, askedAt);
    await pass(5_000);
    assert.deepEqual(opened, [OPS, OPS]);
    await refuse(inOps);
    await pass(600_000);
    assert.equal(opened.length, 2);
  });

  it("tries closed channels every half hour, and sets no timer without any", async () => {
    const { parking, clock, opened, pass, refuse } = setUp();
    await refuse(inOps);
    await refuse(rowOf(DM));
    await pass(HALF_HOUR_MS - 1);
    assert.deepEqual(opened, []);
    await pass(1);
    assert.deepEqual(opened, [OPS, DM]);
    parking.delivered(OPS);
    await refuse(rowOf(DM));
    await pass(HALF_HOUR_MS);
    assert.deepEqual(opened, [OPS, DM, DM]);
    parking.delivered(DM);
    assert.equal(clock.pending, 0);
  });

  it("opens channels at the start that the last process left closed", async () => {
    const { parking, parked, told, refuse } = setUp({}, new Map([[OPS, DENIED]]));
    await parking.open();
    assert.equal(parked.size, 0);
    await refuse(inOps);
    assert.deepEqual([...parked], [[OPS, DENIED]]);
    assert.deepEqual(told, []);
  });

  it("retries an opening that the disk refused", async () => {
    const faults = [new Error("disk is full")];
    const unpark = () => {
      const fault = faults.shift();
      return fault ? Promise.reject(fault) : Promise.resolve(1);
    };
    const outbox = { park: () => Promise.resolve(true), unpark, parked: () => Promise.resolve([]) };
    const { parking, opened, lines, pass, refuse } = setUp({ outbox });
    await refuse(inOps);
    parking.heardFrom(OPS);
    await pass(0);
    assert.deepEqual(opened, []);
    assert.equal(lines.filter(({ level }) => level === "error").length, 2);
    parking.heardFrom(OPS);
    await pass(0);
    assert.deepEqual(opened, [OPS]);
  });
});
