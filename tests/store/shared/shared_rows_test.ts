import assert from "node:assert/strict";
import { join } from "node:path";
import { setImmediate as otherWork } from "node:timers/promises";
import type { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import type { ExecRule } from "../../../src/core/exec/command.ts";
import type { NewNote } from "../../../src/core/notes/note.ts";
import type { Charge } from "../../../src/core/spending/usage.ts";
import { FORGOTTEN, type OrderedChange } from "../../../src/core/partitions/shared_rows.ts";
import type { Store } from "../../../src/core/store/store.ts";
import { createExchange } from "../../../src/cli/standby/exchange.ts";
import { ACCOUNT, channelId, guildId, messageId, userId } from "../../support/discord/builders.ts";
import { cases } from "../../support/long_form.ts";
import { seeded } from "../../support/seeded.ts";
import {
  challenged,
  codeNumber,
  pairingService,
  strangersMessage,
} from "../../support/discord/pairing.ts";
import { found, openTestStore } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import type { CommitOptions } from "../../../src/store/database/durability.ts";
import { openStore } from "../../support/store/open_database.ts";

const NOW = Date.UTC(2026, 10, 20);
const PEOPLE = ["1400000000000000001", "1400000000000000002", "1400000000000000003"].map(userId);

/** The changes in PostgreSQL, and the stores of all partitions. */
function openFleet(count: number) {
  const log: OrderedChange[] = [];
  const confirmed = new Map<number, number>();
  const forgottenBy: number[] = [];
  const remote = {
    append(changes: readonly Omit<OrderedChange, "sequence">[], position: number) {
      const isForgetting = (one: OrderedChange) =>
        one.name === FORGOTTEN && one.sequence > position;
      if (log.some(isForgetting)) return Promise.resolve(false);
      for (const change of changes) {
        if (log.some(({ id }) => id === change.id)) continue;
        log.push({ ...change, sequence: log.length + 1 });
      }
      return Promise.resolve(true);
    },
    confirm(partition: number, position: number) {
      confirmed.set(partition, position);
      return Promise.resolve();
    },
    changes: (after: number) =>
      Promise.resolve(log.filter(({ sequence }) => sequence > after).slice(0, 3)),
  };
  const partitions = Array.from({ length: count }, (_, index) => {
    const { database, store } = openTestStore({ partition: { index, count } });
    const events = {
      wake() {},
      onApplied() {},
      onForgotten: () => Promise.resolve(void forgottenBy.push(index)),
    };
    const newExchange = () => createExchange(index, remote, store, events, () => 0);
    return { database, store, exchange: newExchange(), newExchange };
  });
  return { log, remote, partitions, confirmed, forgottenBy };
}

/** The rows that all partitions share. */
function sharedIn(database: DatabaseSync, store: Store): unknown {
  store.catchUp();
  const all = (sql: string) => database.prepare(sql).all().map((row) => ({ ...row }));
  return {
    settings: all("SELECT * FROM setting WHERE account_id <> '' ORDER BY account_id, scope, name"),
    paired: all("SELECT * FROM paired ORDER BY account_id, user_id"),
    told: all("SELECT * FROM told_budget ORDER BY day, user_id"),
    notes: all("SELECT * FROM note ORDER BY id"),
    sources: all("SELECT * FROM note_source ORDER BY message_id, note_row"),
    words: all("SELECT rowid FROM note_words WHERE note_words MATCH 'tea' ORDER BY rowid"),
    rules: all("SELECT path, args, allowed_by, allowed_at FROM exec_rule ORDER BY path, args"),
    usage: all(
      "SELECT * FROM usage ORDER BY day, user_id, channel_id, guild_id, agent_id, model, kind",
    ),
  };
}

/** A note by a person in the guild of a partition. */
const noteOf = (guild: number, user: number, callKey: string): NewNote => ({
  agentId: "main",
  scope: "member",
  scopeKey: `member:${guild}:${user}`,
  space: `guild:140000000000000020${guild}`,
  authorId: PEOPLE[user] ?? userId("1400000000000000004"),
  text: "likes tea",
  sources: [messageId("1400000000000000301")],
  callKey,
});

const ruleOf = (path: string): Required<ExecRule> => ({
  path,
  contentHash: "c",
  cwd: "/",
  filesHash: "f",
  args: ["-l"],
  isPattern: false,
});

const charge = (guild: number, user: number, tokens: number): Charge => ({
  userId: PEOPLE[user] ?? "",
  channelId: channelId(`140000000000000010${guild}`),
  guildId: guildId(`140000000000000020${guild}`),
  agentId: "main",
  model: "test/model",
  kind: "answer",
  inputTokens: tokens,
  cachedTokens: 0,
  outputTokens: 1,
  ms: 5,
  audioSec: 0,
  at: NOW,
});

describe("[O16] rows that hold over all partitions", () => {
  it("reach each partition, and end with the same values everywhere", async () => {
    for (let seed = 0; seed < cases(10, 300); seed++) {
      const dice = seeded(seed);
      const { partitions, log } = openFleet(2 + dice.upTo(3));
      for (let step = 0; step < 60; step++) {
        const at = dice.upTo(partitions.length);
        const one = partitions[at];
        assert.ok(one);
        const { store } = one;
        const person = dice.pick(PEOPLE);
        const number = 1 + dice.upTo(6);
        switch (dice.upTo(13)) {
          case 0:
            await store.settings.change(ACCOUNT, "account", "model", `m${step}`, NOW + step);
            break;
          case 1:
            await store.settings.change(ACCOUNT, "account", "model", undefined, NOW + step);
            break;
          case 2:
            await store.settings.changePause(ACCOUNT, { to: "other", by: "cli" }, NOW + step);
            break;
          case 3:
            store.usage.add([charge(at, dice.upTo(3), step)]);
            break;
          case 4:
            await store.pairing.revoke(ACCOUNT, person, NOW + step);
            break;
          case 5:
            one.database.prepare(
              `INSERT OR REPLACE INTO paired (account_id, user_id, username, paired_at, paired_by)
               VALUES (?, ?, 'ada', ?, 'cli')`,
            ).run(ACCOUNT, person, NOW + step);
            break;
          case 6:
            one.exchange = one.newExchange(); // the process dies: it sends again what may be sent
            break;
          case 7:
            await store.notes.save(noteOf(at, dice.upTo(3), `${seed}-${step}`), NOW + step);
            break;
          case 8:
            await store.notes.update(number, `tea ${step}`, [messageId(`${step}`)], NOW + step);
            break;
          case 9:
            await store.notes.remove(number);
            break;
          case 10:
            await store.questions.addExecRule("main", ruleOf(`/${number}`), person, NOW + step);
            break;
          default:
            await one.exchange.run(log.length);
        }
      }
      for (let round = 0; round < 3; round++) {
        for (const { exchange } of partitions) await exchange.run(log.length);
        for (const { exchange } of partitions) await exchange.run(log.length);
      }
      const [first, ...others] = partitions.map(({ database, store }) => sharedIn(database, store));
      for (const other of others) assert.deepEqual(other, first, `seed ${seed}`);
      for (const { store } of partitions) assert.equal(await store.sharedRows?.isWaiting(), false);
    }
  });

  it("pause a partition whose people know nothing of it, and count for its budgets", async () => {
    const { partitions: [one, other], log } = openFleet(2);
    assert.ok(one && other);
    await one.store.settings.changePause(ACCOUNT, { to: true, by: "cli" }, NOW);
    one.store.usage.add([charge(0, 0, 41)]);
    one.store.catchUp();
    const by = { ...charge(0, 0, 0), roleIds: [] };
    assert.equal((await other.store.usage.spentBy(by, NOW)).total.day.tokens, 0);
    await one.exchange.run(log.length);
    await other.exchange.run(log.length);
    assert.deepEqual(await other.store.settings.pauseOf(ACCOUNT), { by: "cli", since: NOW });
    assert.equal((await other.store.usage.spentBy(by, NOW)).total.day.tokens, 42);
  });

  it("forget a person in all partitions, and in what waits to be sent", async () => {
    const { partitions: [one, other], log, forgottenBy } = openFleet(2);
    assert.ok(one && other);
    const [person, second] = PEOPLE;
    assert.ok(person && second);
    const session = `agent:main:discord:direct:${person}`;
    other.store.usage.add([charge(1, 0, 41)]);
    one.store.usage.add([charge(0, 0, 3)]);
    await one.store.settings.change(ACCOUNT, session, "model", "m", NOW);
    await other.store.notes.save(noteOf(1, 0, "theirs"), NOW);
    const about = { ...noteOf(1, 1, "another's"), text: `tea for <@${person}>` };
    await other.store.notes.save(about, NOW);
    const all = async () => {
      for (let round = 0; round < 3; round++) {
        await one.exchange.run(log.length);
        await other.exchange.run(log.length);
      }
    };
    await all();
    assert.match(JSON.stringify(sharedIn(one.database, one.store)), new RegExp(person));
    const before = log.length;
    await one.store.forgetting.forget(person, false);
    await all();
    const rows = sharedIn(other.database, other.store);
    assert.deepEqual(rows, sharedIn(one.database, one.store));
    assert.doesNotMatch(JSON.stringify(rows), new RegExp(person));
    assert.match(JSON.stringify(rows), /tea for/); // another's note stays, without the id
    const naming = log.slice(before).filter((one) => JSON.stringify(one).includes(person));
    assert.deepEqual(naming.map(({ name }) => name), [FORGOTTEN]);
    assert.deepEqual(forgottenBy, [1], "its process forgets the files");
    for (const { database } of [one, other]) {
      assert.deepEqual(database.prepare("SELECT * FROM shared_change").all(), []);
    }
  });

  it("send nothing of a person whom another partition has forgotten meanwhile", async () => {
    const { partitions: [one, other], log } = openFleet(2);
    assert.ok(one && other);
    const [person] = PEOPLE;
    assert.ok(person);
    other.store.usage.add([charge(1, 0, 41)]);
    other.store.catchUp();
    await other.store.settings.change(ACCOUNT, "account", "model", "m", NOW);
    await one.store.forgetting.forget(person, false);
    await one.exchange.run(log.length);
    await other.exchange.run(0); // it has not seen the number of that change
    assert.deepEqual(log.map(({ name }) => name), [FORGOTTEN]);
    for (let round = 0; round < 2; round++) {
      await other.exchange.run(log.length);
      await one.exchange.run(log.length);
    }
    assert.deepEqual(log.map(({ name }) => name), [FORGOTTEN, "setting"]);
    assert.equal(await one.store.settings.settingOf(ACCOUNT, "account", "model"), "m");
    other.store.catchUp();
    assert.deepEqual(other.database.prepare("SELECT * FROM usage").all(), []);
  });

  it("have a person's request wherever an owner approves it", async () => {
    const { partitions: [zero, other], log } = openFleet(2);
    assert.ok(zero && other);
    const message = strangersMessage(0);
    const pairing = pairingService();
    await zero.store.inbox.acceptBatch(found({ judged: [challenged(message)], pairing }), NOW);
    await zero.exchange.run(log.length);
    await other.exchange.run(log.length);
    const requests = await other.store.pairing.requests(ACCOUNT, NOW);
    assert.deepEqual(requests.map(({ userId }) => userId), [message.sender.id]);
    const outcome = await other.store.pairing.decide({
      accountId: ACCOUNT,
      by: { code: codeNumber(0) },
      how: "approve",
      decidedBy: "cli",
      now: NOW,
      notify: [],
    });
    assert.equal(outcome.kind, "approved");
    await other.exchange.run(log.length);
    await zero.exchange.run(log.length);
    assert.equal(await zero.store.pairing.isPaired(ACCOUNT, message.sender.id), true);
    assert.deepEqual(await zero.store.pairing.requests(ACCOUNT, NOW), []);
    const channels = zero.database.prepare("SELECT channel_id FROM direct_channel").all();
    assert.deepEqual(channels.map((row) => row["channel_id"]), [message.channelId]);
  });

  it("drop a rule's earlier arguments, which may have been words of a person", async () => {
    const { partitions: [one, other], log } = openFleet(2);
    assert.ok(one && other);
    await one.store.questions.addExecRule("main", ruleOf("/bin/ls"), undefined, NOW);
    await one.exchange.run(log.length);
    await other.exchange.run(log.length);
    one.database.prepare("UPDATE exec_rule SET args = '[]'").run();
    await one.exchange.run(log.length);
    await other.exchange.run(log.length);
    const rules = await other.store.questions.execRules("main");
    assert.deepEqual(rules.map(({ args }) => args), [[]]);
  });

  it("count requests without a place in each partition by itself", async () => {
    const { partitions: [zero, other], log } = openFleet(2);
    assert.ok(zero && other);
    const vectors = { ...charge(0, 0, 5), userId: "", channelId: "", guildId: undefined };
    for (const { store, exchange } of [zero, other, zero]) {
      store.usage.add([vectors]);
      store.catchUp();
      await exchange.run(log.length);
    }
    await other.exchange.run(log.length);
    const tokens = async ({ store }: typeof zero) => (await store.usage.sum(0)).inputTokens;
    assert.deepEqual([await tokens(zero), await tokens(other)], [10, 5]);
  });

  it("give a note a number that no other partition gives", async () => {
    const { partitions } = openFleet(3);
    const numbers: (number | undefined)[] = [];
    for (let step = 0; step < 12; step++) {
      const { store } = partitions[step % 3] ?? {};
      numbers.push((await store?.notes.save(noteOf(0, step % 3, `${step}`), NOW))?.id);
    }
    assert.equal(new Set(numbers).size, numbers.length);
    assert.deepEqual(numbers.slice(0, 6), [3, 1, 2, 6, 4, 5]);
    await partitions[0]?.store.notes.remove(12);
    assert.equal((await partitions[0]?.store.notes.save(noteOf(0, 0, "again"), NOW))?.id, 15);
  });

  it("tell how far they are by commits that no takeover undoes, once a minute", async () => {
    const { partitions: [one, other], log, confirmed } = openFleet(2);
    assert.ok(one && other);
    await one.store.settings.change(ACCOUNT, "account", "model", "m", NOW);
    await one.exchange.run(log.length);
    await other.exchange.run(log.length);
    assert.deepEqual([...confirmed], [[0, 0], [1, 1]]);
    await one.exchange.run(log.length);
    assert.equal(confirmed.get(0), 0, "a minute has not passed");
    await one.newExchange().run(log.length);
    assert.equal(confirmed.get(0), 1);
  });

  it("leave their store only once the copy on another machine has them", async () => {
    const gate = Promise.withResolvers<void>();
    const follower = {
      committed() {},
      confirmed: ({ durability }: CommitOptions) =>
        durability === "full" ? gate.promise : undefined,
    };
    const { store } = openTestStore({ partition: { index: 1, count: 2 }, follower });
    store.usage.add([charge(1, 0, 5)]); // of normal durability
    const done: string[] = [];
    const waiting = store.sharedRows?.waiting().then(() => done.push("waiting"));
    const position = store.sharedRows?.confirmedPosition().then(() => done.push("position"));
    await store.sharedRows?.apply([]); // of normal durability, in the same commit
    await otherWork();
    assert.deepEqual(done, []);
    gate.resolve();
    await Promise.all([waiting, position]);
    assert.deepEqual(done.toSorted(), ["position", "waiting"]);
  });

  it("keep a newer value of their own, which comes later in the order", async () => {
    const { store } = openTestStore({ partition: { index: 1, count: 2 } });
    const rows = store.sharedRows;
    assert.ok(rows);
    const model = () => store.settings.settingOf(ACCOUNT, "account", "model");
    await store.settings.change(ACCOUNT, "account", "model", "ours", NOW);
    const [ours] = await rows.waiting();
    assert.ok(ours);
    const value = ours.value?.replace("ours", "theirs") ?? null;
    await rows.apply([{ ...ours, id: "another", value, sequence: 1 }]);
    assert.equal(await model(), "ours");
    assert.deepEqual(await rows.waiting(), [ours]);
    await rows.apply([{ ...ours, sequence: 2 }]);
    assert.deepEqual([await model(), await rows.waiting()], ["ours", []]);
    await rows.apply([{ ...ours, id: "a third", value, sequence: 3 }]);
    assert.equal(await model(), "theirs");
    await rows.apply([{ ...ours, sequence: 2 }]);
    assert.equal(await model(), "theirs", "a change that it has changes nothing");
  });

  it("leave the file a store that opens again, with the changes that wait", async () => {
    using folder = tempDirectory();
    const path = join(folder.path, "barnacle.db");
    const options = { now: NOW, elapsed: () => 0, partition: { index: 1, count: 2 } };
    const before = openStore(path, options);
    await before.settings.change(ACCOUNT, "account", "model", "m", NOW);
    before.close();
    const after = openStore(path, options);
    assert.equal(await after.sharedRows?.isWaiting(), true);
    after.close();
    openStore(path, { now: NOW, elapsed: () => 0 }).close();
  });

  it("are no business of a store of a whole bot", () => {
    const { store, rows } = openTestStore();
    assert.equal(store.sharedRows, undefined);
    assert.deepEqual(rows("SELECT name FROM sqlite_schema WHERE name LIKE 'shared%'"), []);
  });
});
