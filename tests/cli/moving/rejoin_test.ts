/** Tests how the partitions of a real PostgreSQL become one file. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import { moveDivided } from "../../../src/cli/moving/divide.ts";
import {
  openFile,
  partFolders,
  type PartsOptions,
  withParts,
} from "../../../src/cli/moving/parts.ts";
import { moveJoined } from "../../../src/cli/moving/rejoin.ts";
import { EXIT, StartError } from "../../../src/cli/shared/exit_code.ts";
import { createArrivals } from "../../../src/store/replica/arrivals.ts";
import { createRemote } from "../../../src/store/replica/remote.ts";
import { endReturned, markReturned } from "../../../src/store/replica/tables.ts";
import { RemoteError } from "../../../src/store/replica/remote_error.ts";
import { StoreError } from "../../../src/store/database/store_error.ts";
import type { Store } from "../../../src/core/store/store.ts";
import { ACCOUNT, channelId, messageId } from "../../support/discord/builders.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { NEEDS_POSTGRES, type Postgres, startPostgres } from "../../support/store/postgres.ts";
import { frozen } from "../../support/store/store.ts";
import { insertRow } from "../../support/store/rows.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const NOW = Date.UTC(2026, 0, 2);
const COUNT = 2;

const rows = (path: string, sql: string): readonly string[] => {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database.prepare(sql).all().map((row) => Object.values(row).join(" "));
  } finally {
    database.close();
  }
};

describe("[O16] moveJoined()", NEEDS_POSTGRES, () => {
  let server: Postgres;
  before(async () => void (server = await startPostgres()));
  after(() => server.close());

  /** A database with the partitions of a bot that has stopped. */
  async function divided() {
    const url = server.create();
    const root = tempDirectory();
    const at = (name: string): PartsOptions => {
      const dataDir = join(root.path, name);
      mkdirSync(dataDir, { recursive: true, mode: 0o700 });
      return { url, dataDir, bots: ["abc"], partitions: COUNT, log: recordingLog().log };
    };
    const here = at("here");
    const store = openFile(join(here.dataDir, "barnacle.db"));
    await store.outbox.addAll([frozen({ nonce: "before" })], NOW);
    store.close();
    await moveDivided(here);
    return {
      url,
      at,
      here,
      /** Opens the partitions as their owner does, and works with them. */
      work: (work: (stores: readonly Store[]) => Promise<void>) => {
        const folders = partFolders(here);
        return withParts(here, folders, "there", async (parts) => {
          const stores = parts.map((part, index) =>
            openFile(join(folders[index] ?? "", "barnacle.db"), { index, count: COUNT }, part)
          );
          await work(stores);
          for (const one of stores) one.close();
        });
      },
      [Symbol.dispose]: () => root[Symbol.dispose](),
    };
  }

  const fileOf = ({ dataDir }: PartsOptions) => join(dataDir, "barnacle.db");

  /** Whether a start may use the database. */
  async function isUsable(url: string): Promise<boolean> {
    const remote = createRemote(url, { partitions: COUNT });
    try {
      await remote.open();
      return true;
    } catch (error) {
      assert.ok(error instanceof RemoteError && error.kind === "returned", String(error));
      return false;
    } finally {
      await remote.close();
    }
  }

  it("brings all rows into one file, on any machine, and keeps those of the database", async () => {
    using fleet = await divided();
    await fleet.work(async (stores) => {
      for (const [index, store] of stores.entries()) {
        const place = { channelId: channelId(`140000000000000010${index}`), nonce: `n${index}` };
        await store.outbox.addAll([frozen(place)], NOW + 1 + index);
      }
    });
    for (const name of ["here", "elsewhere"]) {
      const there = fleet.at(name);
      assert.ok(await moveJoined(there) > 0);
      assert.deepEqual(rows(fileOf(there), "SELECT nonce FROM outbox ORDER BY id"), [
        "before",
        "n0",
        "n1",
      ]);
      assert.equal(existsSync(join(there.dataDir, "partitions")), false);
      assert.equal(existsSync(join(there.dataDir, "barnacle.db.joining.numbers")), false);
      assert.equal(await isUsable(fleet.url), false);
    }
  });

  it("first lets the partitions take the changes of each other", async () => {
    using fleet = await divided();
    await fleet.work(async ([zero, one]) => {
      await one?.settings.change(ACCOUNT, "account", "model", "theirs", NOW);
      await one?.settings.change(ACCOUNT, "account", "quiet", "old", NOW);
      await zero?.settings.change(ACCOUNT, "account", "quiet", "new", NOW + 1);
      await zero?.settings.change(ACCOUNT, "one", "model", "gone", NOW);
    });
    await fleet.work(async ([zero]) => {
      await zero?.settings.change(ACCOUNT, "one", "model", undefined, NOW + 2);
    });
    await moveJoined(fleet.here);
    const settings = rows(fileOf(fleet.here), "SELECT name, value FROM setting ORDER BY name");
    assert.equal(settings[0], "model theirs");
    assert.equal(settings.length, 2);
    assert.deepEqual(
      rows(fileOf(fleet.here), "SELECT name FROM sqlite_schema WHERE name = 'shared_change'"),
      [],
    );
  });

  it("[W2] stores the events that no partition has stored, once", async () => {
    using fleet = await divided();
    const remote = createRemote(fleet.url, { partitions: COUNT });
    const { accept } = createArrivals(remote);
    for (const [index, partition] of [0, undefined, 1].entries()) {
      const event = {
        accountId: ACCOUNT,
        hook: "ci",
        senderId: `s${index}`,
        key: "",
        title: "",
        text: `${index}`,
        post: "",
        isEnd: false,
        messageId: messageId(`140000000000000000${index}`),
        receivedAt: NOW + index,
      };
      const channel = channelId(`140000000000000010${index}`);
      await accept({ event, channelId: channel, ...(partition !== undefined && { partition }) });
    }
    await remote.close();
    await moveJoined(fleet.here);
    assert.deepEqual(rows(fileOf(fleet.here), "SELECT text FROM hook_event ORDER BY id"), [
      "0",
      "1",
      "2",
    ]);
  });

  it("goes on after an interruption, also if the database has its mark by then", async () => {
    using fleet = await divided();
    const remote = createRemote(fleet.url, { partitions: COUNT, move: "back" });
    await remote.use(markReturned);
    await remote.close();
    assert.equal(await isUsable(fleet.url), false);
    for (const name of ["barnacle.db.joining", "barnacle.db.joining.numbers"]) {
      writeFileSync(join(fleet.here.dataDir, name), "half a file", { mode: 0o600 });
    }
    await moveJoined(fleet.here);
    assert.deepEqual(rows(fileOf(fleet.here), "SELECT nonce FROM outbox"), ["before"]);
  });

  it("leaves a database that processes can use if the rows cannot be joined", async () => {
    using fleet = await divided();
    const path = (index: number) => join(partFolders(fleet.here)[index] ?? "", "barnacle.db");
    for (const index of [0, 1]) {
      const database = new DatabaseSync(path(index));
      insertRow(database, "inbox", { message_id: "1", state: "answered", change: null });
      database.close();
    }
    await assert.rejects(moveJoined(fleet.here), (error) => {
      assert.ok(error instanceof StoreError, String(error));
      assert.match(error.message, /a row of the table inbox that an earlier partition has, too/);
      return true;
    });
    assert.equal(existsSync(fileOf(fleet.here)), false);
    assert.deepEqual(readdirSync(fleet.here.dataDir).filter((name) => /joining/.test(name)), []);
    assert.equal(await isUsable(fleet.url), true);
    await fleet.work(() => Promise.resolve());
  });

  it("leaves its mark when a later call from another machine fails", async () => {
    using fleet = await divided();
    await moveJoined(fleet.here);
    const remote = createRemote(fleet.url, { partitions: COUNT, move: "back" });
    await remote.use((sql) => endReturned(sql, false)); // as that call does
    await remote.close();
    assert.equal(await isUsable(fleet.url), false);
  });

  it("keeps a process from taking a lease that began to wait before", async () => {
    using fleet = await divided();
    const waiting = createRemote(fleet.url, { partition: 1, partitions: COUNT });
    const { epoch } = await waiting.open();
    await moveJoined(fleet.here);
    const state = await waiting.look();
    assert.equal(state.isFree, true);
    const taker = { owner: "other", place: "there", bots: ["abc"] };
    for (const known of [epoch, state.epoch]) {
      assert.equal(await waiting.take(taker, known), undefined);
    }
    await waiting.close();
  });

  describe("refuses", () => {
    type Fleet = Awaited<ReturnType<typeof divided>>;
    const refused = async (
      prepare: (fleet: Fleet) => Promise<unknown> | void,
      code: number,
      words: RegExp,
      options: Partial<PartsOptions> = {},
    ) => {
      using fleet = await divided();
      await prepare(fleet);
      await assert.rejects(moveJoined({ ...fleet.at("elsewhere"), ...options }), (error) => {
        assert.ok(error instanceof StartError, String(error));
        assert.equal(error.code, code, error.message);
        assert.match(error.message, words);
        return true;
      });
    };

    it("a partition whose lease another process has", () =>
      refused(
        async ({ url }) => {
          const remote = createRemote(url, { partition: 1, partitions: COUNT });
          const { epoch } = await remote.open();
          await remote.take({ owner: "other", place: "there", bots: ["abc"] }, epoch);
          await remote.close();
        },
        EXIT.tryAgain,
        /the process of there owns the store/,
      ));

    it("a process that runs, which would take over", () =>
      refused(
        async ({ url }) => {
          const remote = createRemote(url, { partitions: COUNT });
          await remote.meet({ place: "there", copied: [] });
          await remote.close();
        },
        EXIT.tryAgain,
        /a process of this bot runs at there/,
      ));

    it("a database that lacks a partition", () =>
      refused(
        ({ url }) =>
          server.sql(url, "UPDATE barnacle.store SET page_count = 0 WHERE partition = 1"),
        EXIT.config,
        /lacks the partitions 1 of 2/,
      ));

    it("another number of partitions", () =>
      refused(() => {}, EXIT.config, /store\.partitions: 2, and this process 3/, {
        partitions: 3,
      }));

    it("the store of another bot", () =>
      refused(() => {}, EXIT.config, /the store of another bot/, { bots: ["other"] }));

    it("a database that a store is being moved into", () =>
      refused(
        ({ url }) =>
          server.sql(
            url,
            "INSERT INTO barnacle.store (partition, format, page_bytes) VALUES (-1, 5, 4096)",
          ),
        EXIT.tryAgain,
        /has begun to bring a store there/,
      ));

    it("a data directory that has a store", () =>
      refused(
        ({ at }) => openFile(fileOf(at("elsewhere"))).close(),
        EXIT.config,
        /elsewhere has a store of its own/,
      ));

    it("a disk without room, before anything is written", () =>
      refused(
        ({ url }) => server.sql(url, "UPDATE barnacle.store SET page_count = 2147483647"),
        EXIT.io,
        /too little room in .*elsewhere/,
      ));
  });
});
