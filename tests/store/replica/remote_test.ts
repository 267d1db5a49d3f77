import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { COMMIT_OPTIONS, UNNAMED } from "../../../src/store/database/durability.ts";
import { lackingPages, openCopy } from "../../../src/store/replica/copy.ts";
import { createOwner, type Moment } from "../../../src/store/replica/owner.ts";
import { inTransaction } from "../../../src/store/replica/dial.ts";
import { createRemote, type Lease, type Remote } from "../../../src/store/replica/remote.ts";
import { RemoteError } from "../../../src/store/replica/remote_error.ts";
import { PAGE_BYTES, type PageChange } from "../../../src/store/replica/wal.ts";
import { schedule } from "../../../src/lib/clock.ts";
import { cases } from "../../support/long_form.ts";
import { startCutProxy } from "../../support/network/cut_proxy.ts";
import { freePort } from "../../support/network/free_port.ts";
import { NEEDS_POSTGRES, type Postgres, startPostgres } from "../../support/store/postgres.ts";
import { settle } from "../../support/settle.ts";
import { skipUnless } from "../../support/skip.ts";
import { openRandom, playStep, randomStep } from "../../support/store/random_history.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const NEEDS_IPV6 = skipUnless(
  Object.values(networkInterfaces()).flat().some((one) => one?.address === "::1"),
  "no address ::1",
);
const HERE = { owner: "here", place: "host:/here", bots: ["abc"] };
const THERE = { owner: "there", place: "host:/there", bots: ["abc"] };
const moment = (): Moment => ({ elapsed: performance.now(), now: Date.now() });
const page = (fill: number) => Buffer.alloc(PAGE_BYTES, fill);
const change = (...fills: readonly number[]): PageChange => ({
  pages: new Map(fills.map((fill, index) => [index + 1, page(fill)])),
  pageCount: fills.length,
});

async function leaseOf(remote: Remote, who = HERE): Promise<Lease> {
  const { epoch } = await remote.look();
  const lease = await remote.take(who, epoch);
  assert.ok(lease);
  return lease;
}

describe("the store in PostgreSQL", NEEDS_POSTGRES, () => {
  let server: Postgres;
  before(async () => void (server = await startPostgres()));
  after(() => server.close());

  async function opened(url = server.create()) {
    const remote = createRemote(url);
    await remote.open();
    return Object.assign(remote, { [Symbol.asyncDispose]: () => remote.close() });
  }

  const bytesIn = async (remote: Remote) => {
    const pages = await remote.changedSince({ sequence: 0, number: 0 });
    return [...pages].sort((one, other) => one.number - other.number).map(({ bytes }) => bytes[0]);
  };

  it("[O15] fails a transaction whose connection breaks, and nothing else", async () => {
    const url = server.create();
    await using proxy = await startCutProxy(server.port);
    await using remote = await opened(url.replace(`:${server.port}/`, `:${proxy.port}/`));
    const isAsked = Promise.withResolvers<void>();
    const failed = remote.use((sql) =>
      inTransaction(sql, async (own) => {
        await own`SELECT pg_advisory_xact_lock(1)`;
        isAsked.resolve();
        await own`SELECT pg_sleep(60)`;
      })
    );
    await isAsked.promise;
    proxy.turnTo(server.port); // ends all connections
    await assert.rejects(
      failed,
      (error) => error instanceof RemoteError && error.kind === "unreachable",
    );
    // The client would write its ROLLBACK to no socket by now, which ends the process.
    for (let turn = 0; turn < 10; turn++) await settle();
    assert.equal((await remote.look()).pageCount, 0);
  });

  it("[O15] refuses pages of a process whose lease another one has taken", async () => {
    await using remote = await opened();
    const first = await leaseOf(remote);
    const sequence = await remote.push(first, change(1, 2));
    assert.equal(sequence, 1);
    assert.equal(await remote.take(THERE, first.epoch), undefined, "the lease has not ended");
    await remote.release(first);
    const second = await remote.take(THERE, first.epoch);
    assert.ok(second && second.epoch > first.epoch);
    assert.equal(second.pageCount, 2);
    assert.equal(await remote.push({ ...first, sequence: 1 }, change(9)), undefined);
    assert.deepEqual(await bytesIn(remote), [1, 2]);
    assert.equal(await remote.push(second, change(3)), 2);
    assert.deepEqual(await bytesIn(remote), [3], "pages beyond the end are gone");
  });

  it("[O15] refuses a statement that arrives after a later one", async () => {
    await using remote = await opened();
    const lease = await leaseOf(remote);
    await remote.push(lease, change(1));
    assert.equal(await remote.push(lease, change(7)), undefined);
    assert.deepEqual(await bytesIn(remote), [1]);
  });

  it("[O15] gives the lease to one of many that ask at once", async () => {
    const url = server.create();
    await using remote = await opened(url);
    const { epoch } = await remote.look();
    const others = await Promise.all(Array.from({ length: 6 }, () => opened(url)));
    const taken = await Promise.all(
      others.map((other, index) => other.take({ owner: `${index}`, place: "", bots: [] }, epoch)),
    );
    assert.equal(taken.filter(Boolean).length, 1);
    await Promise.all(others.map((other) => other.close()));
  });

  it("[O15] stores a change of many statements whole", async () => {
    await using remote = await opened();
    const lease = await leaseOf(remote);
    const many = { pages: new Map<number, Uint8Array>(), pageCount: 2_500 };
    for (let number = 1; number <= 2_500; number++) many.pages.set(number, page(number % 251));
    assert.equal(await remote.push(lease, many), 3);
    using directory = tempDirectory();
    const copy = openCopy(join(directory.path, "copy"), remote);
    await copy.compare(0);
    copy.finish(2_500);
    copy.close();
    const expected = Buffer.concat([...many.pages.values()]);
    assert.ok(readFileSync(join(directory.path, "copy")).equals(expected));
  });

  it("[O15] makes the copy byte-equal after any history", async () => {
    const url = server.create();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(randomStep, fc.boolean()), { minLength: 1, maxLength: 20 }),
        async (steps) => {
          using directory = tempDirectory();
          await using remote = await opened(url); // the pages of the run before are still there
          const path = join(directory.path, "notes.db");
          openRandom(path).close();
          const { epoch, sequence } = await remote.look();
          const copyPath = join(directory.path, "copy");
          let copy = openCopy(copyPath, remote);
          await copy.compare(sequence);
          const lease = await remote.take(HERE, epoch);
          assert.ok(lease);
          const owner = createOwner({
            remote,
            lease,
            takenAt: moment(),
            moment,
            schedule,
            onLost: () => assert.fail("lost"),
            onTrouble: (error) => assert.equal(error, undefined),
          });
          const stored = (await remote.look()).pageCount;
          for await (const lacking of lackingPages(path, remote, stored)) {
            await owner.store(lacking);
          }
          owner.follow(path);
          const database = openRandom(path);
          for (const [step, updates] of steps) {
            playStep(database, step);
            owner.committed();
            if (step.rows % 3 === 0) await owner.confirmed(COMMIT_OPTIONS.T4);
            if (updates) await copy.update();
            if (step.rows % 17 === 0) { // a standby that starts again
              copy.close();
              const { sequence } = await remote.look();
              copy = openCopy(copyPath, remote);
              await copy.compare(sequence);
            }
          }
          database.close();
          assert.equal(await owner.handOver(10_000), true);
          await copy.update();
          copy.finish((await remote.look()).pageCount);
          copy.close();
          assert.ok(readFileSync(copyPath).equals(readFileSync(path)));
          assert.ok(await remote.take(THERE, lease.epoch), "the lease is free");
          await remote.release({ epoch: lease.epoch + 1 });
          rmSync(copyPath);
        },
      ),
      { numRuns: cases(8, 200) },
    );
  });

  it("[O15] lets commits wait while the server restarts, and loses none", async () => {
    await using remote = await opened();
    const lease = await leaseOf(remote);
    using directory = tempDirectory();
    const path = join(directory.path, "notes.db");
    openRandom(path).close();
    const troubles: (string | undefined)[] = [];
    const owner = createOwner({
      remote,
      lease,
      takenAt: moment(),
      moment,
      schedule,
      onLost: () => assert.fail("lost"),
      onTrouble: (error) => void troubles.push(error?.kind),
    });
    for await (const lacking of lackingPages(path, remote, 0)) await owner.store(lacking);
    owner.follow(path);
    const database = openRandom(path);
    await server.stop("SIGQUIT");
    playStep(database, { kind: "insert", rows: 30 });
    owner.committed();
    assert.equal(owner.confirmed(UNNAMED), undefined, "a commit that may be lost does not wait");
    let isStored = false;
    const stored = owner.confirmed(COMMIT_OPTIONS.T4)?.then(() => isStored = true);
    await assert.rejects(
      owner.confirmed(COMMIT_OPTIONS.PROBE) ?? Promise.resolve(),
      /PostgreSQL does not answer/,
    );
    assert.equal(isStored, false);
    await server.start();
    await stored;
    database.close();
    assert.equal(await owner.handOver(10_000), true);
    const { pageCount } = await remote.look();
    assert.deepEqual(await Array.fromAsync(lackingPages(path, remote, pageCount)), []);
    assert.deepEqual(troubles, ["unreachable", undefined]);
  });

  it("[O15] asks PostgreSQL before it acts, once the lease may have ended", async () => {
    await using remote = await opened();
    const lease = await leaseOf(remote);
    let slept = 0;
    const lost = Promise.withResolvers<void>();
    const owner = createOwner({
      remote,
      lease,
      takenAt: moment(),
      moment: () => ({ elapsed: performance.now() + slept, now: Date.now() + slept }),
      schedule,
      onLost: () => lost.resolve(),
      onTrouble: (error) => assert.equal(error, undefined),
    });
    await owner.mayAct();
    slept = 60_000;
    await owner.mayAct(); // no other process has taken it meanwhile
    await remote.release(lease);
    assert.ok(await remote.take(THERE, lease.epoch));
    slept = 120_000;
    const acts = owner.mayAct().then(() => "acts");
    assert.equal(await Promise.race([acts, lost.promise.then(() => "lost")]), "lost");
    assert.equal(await Promise.race([acts, "waits"]), "waits");
    await owner.handOver(1);
  });

  const clocks: readonly (readonly [string, { elapsed: number; now: number }])[] = [
    ["has slept for 30 s, by both clocks", { elapsed: 30_000, now: 30_000 }],
    ["has slept for 30 s, while its own clock stood still", { elapsed: 0, now: 30_000 }],
    ["was stopped for 30 s, by the clock that never jumps", { elapsed: 30_000, now: 0 }],
    ["has a clock that was set by 5 minutes", { elapsed: 0, now: 300_000 }],
    ["has a clock that was set back by 5 minutes", { elapsed: 0, now: -300_000 }],
  ];
  for (const [what, jump] of clocks) {
    it(`[O15] an owner that ${what} acts only if it still has the lease`, async () => {
      await using remote = await opened();
      const lease = await leaseOf(remote);
      const jumped = { elapsed: 0, now: 0 };
      const lost = Promise.withResolvers<string>();
      let pushes = 0;
      const owner = createOwner({
        remote: { ...remote, push: (...args) => (pushes += 1, remote.push(...args)) },
        lease,
        takenAt: moment(),
        moment: () => {
          const { elapsed, now } = moment();
          return { elapsed: elapsed + jumped.elapsed, now: now + jumped.now };
        },
        schedule: () => () => {}, // no renewal: the process slept
        onLost: (why) => lost.resolve(why),
        onTrouble: (error) => assert.equal(error, undefined),
      });
      await owner.mayAct();
      assert.equal(pushes, 0, "its clocks tell that the lease holds");
      jumped.elapsed += jump.elapsed;
      jumped.now += jump.now;
      await owner.mayAct();
      assert.equal(pushes, 1, "it has asked, and goes on");
      await remote.release(lease);
      assert.ok(await remote.take(THERE, lease.epoch));
      jumped.elapsed += jump.elapsed;
      jumped.now += jump.now;
      const acts = owner.mayAct().then(() => "acts");
      assert.equal(await Promise.race([acts, lost.promise]), "taken");
    });
  }

  for (const [what, isTaken] of [["acts again", false], ["ends", true]] as const) {
    const whether = isTaken ? "another one has" : "no other process has";
    it(`[O15] an owner that the network cut off ${what} if ${whether} the lease then`, async () => {
      const url = server.create();
      await using other = await opened(url);
      await using proxy = await startCutProxy(server.port);
      await using remote = await opened(url.replace(`:${server.port}/`, `:${proxy.port}/`));
      const lease = await leaseOf(remote);
      let cutMs = 0;
      const lost = Promise.withResolvers<string>();
      const owner = createOwner({
        remote,
        lease,
        takenAt: moment(),
        moment: () => ({ elapsed: performance.now() + cutMs, now: Date.now() + cutMs }),
        schedule,
        onLost: (why) => lost.resolve(why),
        onTrouble: () => {},
      });
      proxy.cut();
      void owner.store(change(1)).catch(() => {});
      cutMs = 60_000;
      const acts = owner.mayAct().then(() => "acts");
      if (isTaken) {
        await other.release(lease);
        assert.ok(await other.take(THERE, lease.epoch));
      }
      assert.equal(
        await Promise.race([acts, lost.promise, other.look().then(() => "waits")]),
        "waits",
      );
      assert.deepEqual(await bytesIn(other), []);
      proxy.mend();
      assert.equal(await Promise.race([acts, lost.promise]), isTaken ? "taken" : "acts");
      assert.deepEqual(await bytesIn(other), isTaken ? [] : [1], "the late change");
      await owner.handOver(1);
    });
  }

  describe("a wrong address", () => {
    const rows: (readonly [string, () => string | Promise<string>, string, RegExp])[] = [
      ["a wrong password", () => server.address("bot", "no"), "refused", /password authentication/],
      ["an unknown user", () => server.address("eve"), "refused", /password authentication/],
      [
        "an unknown database",
        () => server.address(undefined, undefined, "none"),
        "absent",
        /"none" does not exist/,
      ],
      [
        "a closed port",
        async () => `postgres://bot@127.0.0.1:${await freePort()}/x`,
        "unreachable",
        /ECONNREFUSED/,
      ],
      [
        "an unknown host",
        () => "postgres://bot@barnacle.invalid/x",
        "unreachable",
        /barnacle\.invalid/,
      ],
      ["a missing socket", () => "postgres://bot@%2Fnowhere/x", "unreachable", /ENOENT/],
    ];
    const rightless = () => {
      const url = new URL(server.create());
      server.sql(url.href, "CREATE ROLE eva LOGIN PASSWORD 'eva'");
      return Object.assign(url, { username: "eva", password: "eva" }).href;
    };
    const readOnly = () => {
      const url = server.create();
      const name = new URL(url).pathname.slice(1);
      server.sql(url, `ALTER DATABASE ${name} SET default_transaction_read_only = on`);
      return url;
    };
    const crowded = () => {
      const url = new URL(server.create());
      server.sql(url.href, "CREATE ROLE ida LOGIN PASSWORD 'ida' CONNECTION LIMIT 0");
      return Object.assign(url, { username: "ida", password: "ida" }).href;
    };
    rows.push(
      ["a server without a free connection", crowded, "crowded", /too many connections for role/],
      ["a user without rights", rightless, "forbidden", /permission denied for database/],
      ["a server that takes no changes", readOnly, "replica", /takes no changes/],
    );
    for (const [what, url, kind, words] of rows) {
      it(`[O15] names ${what}`, async () => {
        const remote = createRemote(await url());
        await assert.rejects(remote.open(), (error: unknown) => {
          assert.ok(error instanceof RemoteError);
          assert.equal(error.kind, kind, error.message);
          assert.match(error.message, words);
          return true;
        });
        await remote.close();
      });
    }

    it("[O15] names a server that is no PostgreSQL", async () => {
      const other = createServer((socket) => {
        socket.on("error", () => {});
        socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
      });
      const port = await freePort();
      await new Promise<void>((resolve) => other.listen(port, "127.0.0.1", resolve));
      const remote = createRemote(`postgres://bot@127.0.0.1:${port}/x`);
      await assert.rejects(remote.open(), RemoteError);
      await remote.close();
      other.close();
    });
  });

  it("[O15] refuses a server that is too old, and tables of another version", async () => {
    const url = server.create();
    const old = createRemote(url, { oldest: 99 });
    const unusable = (words: RegExp) => (error: unknown) => {
      assert.ok(error instanceof RemoteError);
      assert.equal(error.kind, "unusable");
      assert.match(error.message, words);
      return true;
    };
    await assert.rejects(old.open(), unusable(/^it is PostgreSQL \d+; use 99 or newer$/));
    await old.close();
    await using remote = await opened(url);
    server.sql(url, "UPDATE barnacle.store SET format = 1");
    await assert.rejects(remote.open(), unusable(/tables are of another version/));
  });

  it("[O15] never mixes two times: an owner ends once the server is older", async () => {
    const url = server.create();
    await using remote = await opened(url);
    const lease = await leaseOf(remote);
    const why: string[] = [];
    const ended = Promise.withResolvers<void>();
    const owner = createOwner({
      remote,
      lease,
      takenAt: moment(),
      moment,
      schedule,
      onLost(reason) {
        why.push(reason);
        ended.resolve();
      },
      onTrouble: (error) => assert.equal(error, undefined),
    });
    await owner.store(change(1, 1));
    server.sql(
      url,
      `CREATE TABLE public.old AS SELECT * FROM barnacle.pages;
       CREATE TABLE public.row AS SELECT * FROM barnacle.store`,
    );
    await owner.store({ pages: new Map([[1, page(2)]]) });
    assert.deepEqual(await bytesIn(remote), [2, 1]);
    server.sql(
      url,
      `DELETE FROM barnacle.pages; INSERT INTO barnacle.pages SELECT * FROM public.old;
       DELETE FROM barnacle.store; INSERT INTO barnacle.store SELECT * FROM public.row`,
    );
    void owner.store({ pages: new Map([[2, page(2)]]) });
    await ended.promise;
    assert.deepEqual(why, ["older"]);
    assert.deepEqual(await bytesIn(remote), [1, 1], "one time, not two");
    const again = await remote.take({ ...HERE, lastEpoch: 7 }, lease.epoch);
    assert.equal(again?.epoch, 8, "no epoch comes twice");
    assert.ok(Math.abs(again.since - (await remote.look()).ownedSince) < 1);
    await owner.handOver(1);
  });

  it("[O15] tells a full disk from other failures, and takes the pages once there is room", async () => {
    const url = server.create();
    await using remote = await opened(url);
    const lease = await leaseOf(remote);
    server.sql(
      url,
      `CREATE FUNCTION disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
       END $$;
       CREATE TRIGGER disk BEFORE INSERT ON barnacle.pages EXECUTE FUNCTION disk()`,
    );
    await assert.rejects(remote.push(lease, change(1)), (error: unknown) => {
      assert.ok(error instanceof RemoteError);
      assert.equal(error.kind, "full", error.message);
      return true;
    });
    server.sql(url, "DROP TRIGGER disk ON barnacle.pages");
    assert.equal(await remote.push(lease, change(1)), 1);
  });

  it("[O15] counts the owners, and tells an owner that ended from one that died", async () => {
    const url = server.create();
    await using remote = await opened(url);
    const first = await leaseOf(remote);
    assert.equal((await remote.look()).handOvers, 0);
    assert.ok(await remote.take(HERE, first.epoch), "a restart");
    const { epoch, handOvers, handedOverAt } = await remote.look();
    assert.deepEqual([handOvers, handedOverAt], [0, null]);
    await remote.release({ epoch });
    const second = await remote.take(THERE, epoch);
    assert.ok(second);
    const stopped = await remote.look();
    assert.deepEqual([stopped.handOvers, stopped.previous, stopped.wasReleased], [
      1,
      HERE.place,
      true,
    ]);
    assert.ok(Math.abs((stopped.handedOverAt ?? 0) - stopped.clockMs) < 60_000);
    server.sql(url, "UPDATE barnacle.store SET lease_ends = clock_timestamp() - interval '1 s'");
    assert.ok(await remote.take(HERE, second.epoch));
    const died = await remote.look();
    assert.deepEqual([died.handOvers, died.previous, died.wasReleased], [2, THERE.place, false]);
  });

  it("[O15] lists the processes with the changes that their copies lack", async () => {
    const url = server.create();
    const stranger = createRemote(url);
    assert.deepEqual(await stranger.inspect(), {
      version: (await stranger.inspect()).version,
      isTooOld: false,
      isReplica: false,
      mayLose: false,
      mayWrite: true,
      isForeign: false,
    });
    await stranger.close();
    await using remote = await opened(url);
    const lease = await leaseOf(remote);
    await remote.push(lease, change(1));
    await remote.report({ place: HERE.place, version: "1" });
    await remote.report({ place: "gone", version: "0" });
    server.sql(
      url,
      "UPDATE barnacle.processes SET seen = seen - interval '2 days' WHERE version = '0'",
    );
    const { processes } = await remote.report({
      place: THERE.place,
      version: "2",
      sequence: 0,
      isFit: true,
    });
    assert.deepEqual(processes.map(({ seenAt: _, ...rest }) => rest), [
      { place: HERE.place, version: "1", isFit: false },
      { place: THERE.place, version: "2", isFit: true, behind: 1 },
    ]);
    assert.equal(await remote.push({ ...lease, sequence: 1 }), 2, "the lease is renewed");
    const whole = await remote.report({ place: THERE.place, version: "2", sequence: 1 });
    assert.equal(whole.processes.at(-1)?.behind, 0, "no copy lacks a renewal");
    const { state } = await remote.inspect();
    assert.deepEqual([state?.epoch, state?.isFree, state?.sequence], [1, false, 2]);
  });

  it("[O15] finds another database that a process with the same bot uses", async () => {
    const open = async (bots: readonly string[], url = server.create()) => {
      const remote = createRemote(url, { bots });
      await remote.open();
      return Object.assign(remote, { [Symbol.asyncDispose]: () => remote.close() });
    };
    const url = server.create();
    await using first = await open(["aaaa"], url);
    await using same = await open(["aaaa"], url);
    assert.equal(await same.twin(), undefined);
    await using other = await open(["bbbb"]);
    assert.equal(await other.twin(), undefined);
    await using twin = await open(["bbbb", "aaaa"]);
    assert.match(await twin.twin() ?? "", /^test\d+$/);
    assert.ok(await first.look());
  });

  it("[O15] connects by TLS, and by a Unix socket", async () => {
    const url = server.create();
    await using encrypted = await opened(`${url}?sslmode=require`);
    assert.ok(await encrypted.look());
    const unproven = createRemote(`${url}?sslmode=verify-full`);
    await assert.rejects(unproven.open(), (error: unknown) => {
      assert.ok(error instanceof RemoteError);
      assert.equal(error.kind, "untrusted", error.message);
      return true;
    });
    await unproven.close();
    const { pathname, password } = new URL(url);
    const socket = encodeURIComponent(server.folder);
    await using local = await opened(
      `postgres://bot:${password}@${socket}:${server.port}${pathname}`,
    );
    assert.ok(await local.look());
    await using named = await opened(
      `postgres://bot:${password}@localhost:${server.port}${pathname}?host=${socket}`,
    );
    assert.ok(await named.look());
    await using socketWithMode = await opened(
      `postgres://bot:${password}@localhost:${server.port}${pathname}` +
        `?host=${socket}&sslmode=verify-full`,
    );
    assert.ok(await socketWithMode.look(), "it never leaves the machine");
  });

  it("[O15] connects to an IPv6 address, by TLS too", NEEDS_IPV6, async () => {
    const url = server.create().replace("127.0.0.1", "[::1]");
    for (const mode of ["disable", "prefer", "require"]) {
      await using remote = await opened(`${url}?sslmode=${mode}`);
      assert.ok(await remote.look(), mode);
    }
  });
});
