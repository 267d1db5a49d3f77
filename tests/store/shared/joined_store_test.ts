import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { joinStores, type PartStore } from "../../../src/store/shared/joined_store.ts";
import { elsewherePart, readPart } from "../../../src/store/shared/part_reads.ts";
import { ownNothing, refusingOthers } from "../../../src/store/shared/store_elsewhere.ts";
import {
  ACCOUNT,
  channelId,
  guildId,
  guildMessage,
  messageId,
} from "../../support/discord/builders.ts";
import type { Store } from "../../../src/core/store/store.ts";
import { cases } from "../../support/long_form.ts";
import { seeded } from "../../support/seeded.ts";
import { found, frozen, ignored, openTestStore } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);

/** Partitions of which another process has all but the first. */
function openFleet(count: number) {
  const { parts } = openParts(count);
  const [first] = parts;
  assert.ok(first);
  const down = new Set<number>();
  const lacking: number[] = [];
  // A method that goes to the base would show the rows of the first partition.
  const base = new Proxy(first.store, {
    get(target, name) {
      const part: unknown = Reflect.get(target, name);
      if (typeof part !== "object" || part === null) return part;
      return Object.fromEntries(
        Object.keys(part).map((method) => [method, () => {
          throw new Error(`${String(name)}.${method} is read nowhere`);
        }]),
      );
    },
  });
  const all = parts.map(({ partition, store }, index): PartStore =>
    index === 0 ? { partition, store } : {
      partition,
      isElsewhere: true,
      store: elsewherePart(base, (name, args) => {
        if (down.has(index)) return Promise.reject(new Error(`partition ${index} is down`));
        return readPart(store, name, JSON.parse(JSON.stringify(args)));
      }),
    }
  );
  const there = joinStores(first.store, () => all, ({ index }) => lacking.push(index));
  const elsewhere = parts.map(({ partition, store }): PartStore => ({
    partition,
    isElsewhere: true,
    store: elsewherePart(
      ownNothing(() => 7),
      (name, args) =>
        down.has(partition.index)
          ? Promise.reject(new Error(`partition ${partition.index} is down`))
          : readPart(store, name, JSON.parse(JSON.stringify(args))),
    ),
  }));
  const nothing = elsewhere[0]?.store ?? first.store;
  return {
    parts,
    here: joinStores(first.store, () => parts),
    there,
    /** As a process without a partition sees it. */
    without: refusingOthers(joinStores(nothing, () => elsewhere)),
    down,
    lacking,
  };
}

function openParts(count: number) {
  const parts = Array.from({ length: count }, (_, index) => {
    const partition = { index, count };
    return { partition, store: openTestStore({ partition }).store };
  });
  const [first] = parts;
  assert.ok(first);
  return { parts, joined: joinStores(first.store, () => parts) };
}

describe("[O16] joinStores()", () => {
  it("pages through the verdicts of all partitions, each once, the newest first", async () => {
    for (let seed = 0; seed < cases(8, 200); seed++) {
      const dice = seeded(seed);
      const { parts, joined } = openParts(1 + dice.upTo(4));
      const expected: string[] = [];
      for (let step = 0; step < 30; step++) {
        const { store } = dice.pick(parts);
        const message = guildMessage({ id: messageId(`14000000000000${10_000 + step}`) });
        expected.push(message.id);
        // Some come within the same millisecond.
        await store.inbox.acceptBatch(found({ judged: [ignored(message)] }), NOW + (step >> 1));
      }
      const shown: string[] = [];
      let before: number | undefined;
      for (;;) {
        const page = await joined.received.newestVerdicts(7, before);
        shown.push(...page.map(({ messageId }) => messageId));
        const times = page.map(({ at }) => at);
        assert.deepEqual(times, times.toSorted((one, other) => other - one));
        before = page.at(-1)?.id;
        if (page.length < 7) break;
      }
      assert.deepEqual(shown.toSorted(), expected.toSorted(), `seed ${seed}`);
    }
  });

  it("lists equally new rows in one order, whichever partition a process has", async () => {
    const { parts } = openParts(3);
    for (const { store, partition: { index } } of parts) {
      const place = { channelId: channelId(`140000000000000200${index}`) };
      await store.outbox.addAll([frozen(place)], NOW);
    }
    const orders = parts.map(async (_, first) => {
      const own = [...parts.slice(first), ...parts.slice(0, first)];
      const { outbox } = joinStores(own[0]?.store ?? assert.fail(), () => own);
      return (await outbox.open(ACCOUNT)).map(({ channelId }) => channelId);
    });
    const [one, two, three] = await Promise.all(orders);
    assert.equal(one?.length, 3);
    assert.deepEqual([two, three], [one, one]);
  });

  it("finds a message's record wherever it is", async () => {
    const { parts, joined } = openParts(3);
    const message = guildMessage();
    await parts[2]?.store.inbox.acceptBatch(found({ judged: [ignored(message)] }), NOW);
    const record = await joined.received.messageRecordOf({ messageId: message.id });
    assert.equal(record?.decisions.length, 1);
    assert.equal(await joined.received.messageRecordOf({ messageId: messageId("5") }), undefined);
  });

  it("numbers messages to send by partition, and releases the right one", async () => {
    const { parts, joined } = openParts(2);
    for (const { store, partition: { index } } of parts) {
      const place = { channelId: channelId(`140000000000000010${index}`), nonce: `n${index}` };
      await store.outbox.addAll([frozen(place)], NOW + index);
    }
    const rows = await joined.outbox.open(ACCOUNT);
    assert.deepEqual(rows.map(({ id }) => id), [2, 3]);
    const [added] = await joined.outbox.addAll([frozen({ nonce: "other" })], NOW + 5);
    assert.equal(added?.id, 4);
    const results = await joined.outbox.sendResultsOf([3, 4, 2, 9]);
    assert.deepEqual(results.map(({ id }) => id), [3, 4, 2]);
    assert.equal(await joined.outbox.release(3, "drop"), true);
    assert.deepEqual((await joined.outbox.open(ACCOUNT)).map(({ id }) => id), [2, 4]);
    assert.equal(await joined.outbox.release(99, "drop"), false);
  });
});

describe("[O16] joinStores() over partitions of other processes", () => {
  it("reads the same from them as from its own ones", async () => {
    const { parts, here, there, without } = openFleet(3);
    for (const [index, { store }] of parts.entries()) {
      const message = guildMessage({ id: messageId(`14000000000000${10_000 + index}`) });
      await store.inbox.acceptBatch(found({ judged: [ignored(message)] }), NOW + index);
      const place = { channelId: channelId(`140000000000000010${index}`), nonce: `n${index}` };
      await store.outbox.addAll([frozen(place)], NOW + index);
    }
    const ids = (await here.received.newestVerdicts(2)).map(({ id }) => id);
    const reads: readonly ((store: Store) => Promise<unknown>)[] = [
      ({ received }) => received.newestVerdicts(2),
      ({ received }) => received.newestVerdicts(2, ids.at(-1)),
      ({ received }) => received.messageRecordOf({ messageId: messageId("1400000000000010002") }),
      ({ received }) => received.messageRecordOf({ messageId: messageId("5") }),
      ({ received }) => received.recentTurns(5),
      ({ received }) => received.askersNames(),
      ({ received }) => received.directChannels(ACCOUNT),
      ({ outbox }) => outbox.open(ACCOUNT),
      ({ outbox }) => outbox.sendResultsOf([3, 4, 5]),
      ({ outbox }) => outbox.parked(ACCOUNT, NOW),
      ({ gateway }) => gateway.guildsOf(ACCOUNT),
      ({ gateway }) => gateway.accountIds(),
      ({ turns }) => turns.stepsOf(messageId("1400000000000010001")),
      ({ sessions }) => sessions.list(),
      ({ sessions }) => sessions.newestOf("none", 3),
      ({ sessions }) => sessions.checkpointsOf("none"),
      ({ sessions }) => sessions.foldedOf("none"),
      ({ schedules }) => schedules.list(ACCOUNT),
      ({ schedules }) => schedules.find(4),
      ({ schedules }) => schedules.runsOf(4, 5),
      ({ actions }) => actions.runsOf(messageId("1400000000000010001")),
      ({ sources }) => sources.trace(messageId("1400000000000010001"), channelId("5")),
      ({ upkeep }) => upkeep.extent().then(({ oldestMessageAt }) => oldestMessageAt),
    ];
    for (const read of reads) {
      // JSON has no `undefined`.
      const expected = sameJson(await read(here));
      assert.deepEqual(sameJson(await read(there)), expected, read.toString());
      assert.deepEqual(sameJson(await read(without)), expected, read.toString());
    }
    for (
      const read of [
        ({ gateway }) => gateway.loadAccount(ACCOUNT),
        ({ pairing }) => pairing.paired(ACCOUNT),
        ({ settings }) => settings.pauseOf(ACCOUNT),
        ({ usage }) => usage.sum(0),
        ({ notes }) => notes.all(),
      ] satisfies readonly ((store: Store) => Promise<unknown>)[]
    ) assert.deepEqual(sameJson(await read(without)), sameJson(await read(here)), read.toString());
    assert.equal(without.writes(), 7);
    await assert.rejects(
      without.calls.find(messageId("5")),
      /owns no data of the bot, so it cannot do this/,
    );
    await assert.rejects(without.pairing.wasAsked(ACCOUNT, guildId("5")), /owns no data/);
  });

  it("lists without a partition that cannot be read, and says so", async () => {
    const { parts, there, down, lacking } = openFleet(3);
    for (const { store, partition: { index } } of parts) {
      const message = guildMessage({ id: messageId(`14000000000000${10_000 + index}`) });
      await store.inbox.acceptBatch(found({ judged: [ignored(message)] }), NOW + index);
    }
    down.add(1);
    const page = await there.received.newestVerdicts(5);
    assert.deepEqual(page.map(({ messageId }) => messageId), [
      "1400000000000010002",
      "1400000000000010000",
    ]);
    assert.deepEqual(lacking, [1]);
  });

  it("fails if none can be read: an empty list would look like an empty store", async () => {
    const { without, down } = openFleet(2);
    assert.deepEqual(await without.received.newestVerdicts(5), []);
    for (const index of [0, 1]) down.add(index);
    await assert.rejects(without.received.newestVerdicts(5), /partition \d is down/);
  });

  it("finds a named row although another partition cannot be read, and never denies it", async () => {
    const { parts, there, down } = openFleet(3);
    const message = guildMessage();
    await parts[2]?.store.inbox.acceptBatch(found({ judged: [ignored(message)] }), NOW);
    down.add(1);
    const record = await there.received.messageRecordOf({ messageId: message.id });
    assert.equal(record?.decisions.length, 1);
    await assert.rejects(
      there.received.messageRecordOf({ messageId: messageId("5") }),
      /partition 1 is down/,
    );
  });
});

/** A map as its entries, and without `undefined`. */
function sameJson(value: unknown): unknown {
  const plain = value instanceof Map ? [...value] : value;
  return plain === undefined ? undefined : JSON.parse(JSON.stringify(plain));
}
