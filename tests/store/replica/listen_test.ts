import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { COUNTS } from "../../../src/core/partitions/shared_rows.ts";
import { createArrivals } from "../../../src/store/replica/arrivals.ts";
import { createRemote } from "../../../src/store/replica/remote.ts";
import { ACCOUNT, channelId, messageId } from "../../support/discord/builders.ts";
import { NEEDS_POSTGRES, type Postgres, startPostgres } from "../../support/store/postgres.ts";

const OWNER = { owner: "here", place: "host:/here", bots: ["abc"] };

describe("[O16] notices of PostgreSQL", NEEDS_POSTGRES, () => {
  let server: Postgres;
  before(async () => void (server = await startPostgres()));
  after(() => server.close());

  /** A process that listens, and another one that changes rows. */
  async function opened() {
    const url = server.create();
    const [here, there] = [createRemote(url), createRemote(url)];
    await here.open();
    let next: (() => void) | undefined;
    let wake = Promise.withResolvers<void>();
    let heard = 0;
    let due = Promise.withResolvers<void>();
    const listener = here.listen({
      place: "here",
      onNotice() {
        heard += 1;
        wake.resolve();
      },
      schedule(run) {
        next = run;
        due.resolve();
        return () => {};
      },
    });
    await due.promise;
    return {
      url,
      there,
      /** Number of notices so far. */
      heard: () => heard,
      /** Waits for one more notice after a change. */
      async notices(change: () => Promise<unknown>): Promise<void> {
        wake = Promise.withResolvers<void>();
        await change();
        await wake.promise;
      },
      /** Plays the next check. */
      async check(): Promise<void> {
        due = Promise.withResolvers<void>();
        next?.();
        await due.promise;
      },
      async [Symbol.asyncDispose]() {
        await listener.close();
        await here.close();
        await there.close();
      },
    };
  }

  it("wake the other processes for changes, events and leases that end", async () => {
    await using fleet = await opened();
    const { there, notices } = fleet;
    await notices(() => there.append([{ id: "a", name: "paired", key: "[]", value: null }], 0));
    const event = {
      accountId: ACCOUNT,
      hook: "uptime",
      key: "",
      title: "",
      text: "",
      post: "",
      isEnd: false,
      messageId: messageId("7"),
      receivedAt: 0,
    };
    const rows = createArrivals(there);
    const channel = channelId("1400000000000000010");
    await notices(() => rows.accept({ event, channelId: channel }));
    await notices(() => rows.place({ accountId: ACCOUNT, channelId: channel }, 0));
    const lease = await there.take(OWNER, 0);
    assert.ok(lease);
    await notices(() => there.release(lease));
    await fleet.check(); // its own notice has come back
    await notices(() => there.append([{ id: "b", name: "paired", key: "[]", value: null }], 0));
  });

  it("do not wake for the use of models, which changes with each reply", async () => {
    await using fleet = await opened();
    const { there, notices, heard } = fleet;
    const before = heard();
    await there.append([{ id: "u", name: COUNTS, key: "[]", value: "{}" }], 0);
    await notices(() => there.append([{ id: "d", name: "paired", key: "[]", value: null }], 0));
    assert.equal(heard() - before, 1, "notices come in the order of their commits");
  });

  it("come again after the connection is lost, and wake once for those that were missed", async () => {
    await using fleet = await opened();
    const { url, there, notices, check } = fleet;
    await notices(async () => {
      server.sql(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ILIKE 'listen%'",
      );
      await check(); // finds that its notice does not come back, unless it listens again already
      await check();
    });
    await notices(() => there.append([{ id: "c", name: "paired", key: "[]", value: null }], 0));
  });
});
