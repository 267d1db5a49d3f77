/** Tests events of hooks that arrive at any process, over a real PostgreSQL and the stores of partitions. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createEventRouter } from "../../../src/cli/standby/arrivals.ts";
import type { ChannelId, GuildId } from "../../../src/core/discord/ids.ts";
import type { NewHookEvent } from "../../../src/core/hooks/hook.ts";
import { type Arrivals, createArrivals } from "../../../src/store/replica/arrivals.ts";
import { createRemote } from "../../../src/store/replica/remote.ts";
import { RemoteError } from "../../../src/store/replica/remote_error.ts";
import { ACCOUNT, channelId, guildId } from "../../support/discord/builders.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { NEEDS_POSTGRES, type Postgres, startPostgres } from "../../support/store/postgres.ts";
import { openTestStore } from "../../support/store/store.ts";

const COUNT = 2;
const NOW = Date.UTC(2026, 10, 25);
/** A channel for each partition, and one that the bot does not see. */
const [EVEN, ODD, HIDDEN] = ["1400000000000000010", "1400000000000000011", "1400000000000000012"]
  .map(channelId);
const GUILDS = new Map<ChannelId | undefined, GuildId>([
  [EVEN, guildId(`${2n << 22n}`)],
  [ODD, guildId(`${3n << 22n}`)],
]);

function event(fields: Partial<NewHookEvent> = {}): NewHookEvent {
  return {
    accountId: ACCOUNT,
    hook: "uptime",
    key: "",
    title: "",
    text: "web is down",
    post: "web is down",
    isEnd: false,
    ...fields,
  };
}

describe("[O16] [W2] events of hooks with several partitions", NEEDS_POSTGRES, () => {
  let server: Postgres;
  before(async () => void (server = await startPostgres()));
  after(() => server.close());

  /** Two processes on one database; `stores` has those of the partitions. */
  async function openFleet() {
    const url = server.create();
    const remotes = [0, 1].map(() => createRemote(url, { partitions: COUNT }));
    let isDown = false;
    const stores = [0, 1].map((index) => openTestStore({ partition: { index, count: 2 } }).store);
    const processes = [];
    for (const remote of remotes) {
      await remote.open();
      const rows = createArrivals(remote);
      let elapsed = 0;
      const asked: string[] = [];
      const router = (changed: Partial<Arrivals> = {}) =>
        createEventRouter({
          rows: { ...rows, ...changed },
          count: COUNT,
          guildOf(_accountId, channel) {
            asked.push(channel);
            return isDown
              ? Promise.reject(new Error("down"))
              : Promise.resolve(GUILDS.get(channel));
          },
          wake: () => {},
          elapsed: () => elapsed,
          now: () => NOW,
          log: recordingLog().log,
        });
      const pass = (ms: number) => void (elapsed += ms);
      processes.push({ ...router(), router, rows, remote, asked, pass });
    }
    const [here, there] = processes;
    const [zero, one] = stores;
    assert.ok(here && there && zero && one);
    return {
      url,
      here,
      there,
      zero,
      one,
      down: (next: boolean) => void (isDown = next),
      async [Symbol.asyncDispose]() {
        for (const remote of remotes) await remote.close();
      },
    };
  }

  const textsIn = async ({ hooks }: ReturnType<typeof openTestStore>["store"], hook = "uptime") => {
    const run = await hooks.claim(ACCOUNT, hook, "", NOW);
    return run ? (await hooks.eventsOf(run.messageId, 9)).map(({ text }) => text) : [];
  };

  it("reach the partition of their place once, in their order, whichever process takes them", async () => {
    await using fleet = await openFleet();
    const { here, there, zero, one } = fleet;
    const first = await here.accept(event({ text: "1" }), ODD, 1);
    await here.idle();
    await there.accept(event({ text: "2" }), ODD, 2);
    await there.idle();
    await here.accept(event({ text: "3" }), ODD, 3);
    await here.accept(event({ text: "direct", hook: "dm" }), undefined, 4);
    assert.deepEqual((await here.remote.meet({ place: "p", copied: [] })).arrived, {
      partitions: [0, 1],
      isUnplaced: false,
    });
    assert.equal(await there.take(1, one), true);
    assert.equal(await there.take(1, one), false);
    assert.equal(await here.take(0, zero), true);
    const found = await one.hooks.find(first?.messageId ?? "0" as never);
    assert.deepEqual([found?.event.text, found?.event.receivedAt], ["1", NOW]);
    assert.deepEqual(await textsIn(one), ["1", "2", "3"]);
    assert.deepEqual(await textsIn(zero, "dm"), ["direct"]);
    assert.deepEqual(await textsIn(zero), []);
    assert.deepEqual([here.asked, there.asked], [[ODD], [ODD]]); // each process asks Discord once
  });

  it("are known everywhere if their sender repeats them, before and after they are stored", async () => {
    await using fleet = await openFleet();
    const { here, there, one } = fleet;
    const repeated = event({ senderId: "s" });
    const answers = await Promise.all([
      here.accept(repeated, ODD, 1),
      there.accept(repeated, ODD, 2),
    ]);
    const ids = new Set(answers.map((answer) => answer?.messageId));
    assert.equal(ids.size, 1);
    assert.deepEqual(answers.map((answer) => answer?.isRepeated).sort(), [false, true]);
    await here.idle();
    await there.idle();
    await there.take(1, one);
    assert.equal((await there.accept(repeated, ODD, 3))?.isRepeated, true);
    assert.equal((await there.accept({ ...repeated, hook: "other" }, ODD, 4))?.isRepeated, false);
    assert.deepEqual(await textsIn(one), ["web is down"]);
  });

  it("are stored once if the owner ends between its commit and the row", async () => {
    await using fleet = await openFleet();
    const { here, there, one } = fleet;
    await here.accept(event(), ODD, 1);
    await here.idle();
    const dying = here.router({ stored: () => Promise.reject(new RemoteError("failed", "cut")) });
    await assert.rejects(dying.take(1, one), RemoteError);
    assert.equal(await there.take(1, one), true);
    assert.deepEqual(await textsIn(one), ["web is down"]);
    assert.deepEqual(await textsIn(one), []);
  });

  it("wait while Discord does not tell their guild, and then keep their order", async () => {
    await using fleet = await openFleet();
    const { here, there, one, down } = fleet;
    await there.accept(event({ hook: "other" }), ODD, 9); // it learns the guild
    await there.idle();
    down(true);
    assert.equal((await here.accept(event({ text: "1" }), ODD, 1))?.isRepeated, false);
    await here.idle();
    assert.equal((await here.remote.meet({ place: "p", copied: [] })).arrived.isUnplaced, true);
    here.placeAll(); // too soon
    await here.idle();
    assert.deepEqual(here.asked, [ODD]);
    down(false);
    await there.accept(event({ text: "2" }), ODD, 3);
    await there.take(1, one);
    assert.deepEqual(await textsIn(one), ["1", "2"]);
    here.pass(5_000);
    here.placeAll();
    await here.idle();
    assert.deepEqual(here.asked, [ODD]); // nothing waits
  });

  it("go to partition 0 if the bot does not see their channel, which is asked for again", async () => {
    await using fleet = await openFleet();
    const { here, zero } = fleet;
    for (const number of [1, 2]) {
      await here.accept(event(), HIDDEN, number);
      await here.idle();
    }
    await here.take(0, zero);
    assert.deepEqual(await textsIn(zero), ["web is down", "web is down"]);
    assert.deepEqual(here.asked, [HIDDEN, HIDDEN]);
  });

  it("are refused if too many of their hook wait, and keep no other hook's waiting", async () => {
    await using fleet = await openFleet();
    const { here, url, zero } = fleet;
    const few = here.router(createArrivals(here.remote, 200));
    await few.accept(event({ hook: "flood" }), EVEN, 1);
    await few.idle();
    server.sql(
      url,
      `INSERT INTO barnacle.arrivals (message_id, account, hook, channel, partition, event, at)
       SELECT (7000000 + n)::text, account, hook, channel, partition,
              replace(event, message_id, (7000000 + n)::text), at
       FROM barnacle.arrivals, generate_series(2, 200) AS n`,
    );
    assert.equal(await few.accept(event({ hook: "flood" }), EVEN, 2), undefined);
    assert.equal((await few.accept(event(), EVEN, 3))?.isRepeated, false);
    assert.deepEqual((await here.rows.waiting(0)).map(({ hook }) => hook).at(-1), "uptime");
    await few.take(0, zero);
    assert.equal(
      (await zero.hooks.waiting(ACCOUNT)).find(({ hook }) => hook === "flood")?.count,
      200,
    );
    assert.equal((await few.accept(event({ hook: "flood" }), EVEN, 4))?.isRepeated, false);
  });
});
