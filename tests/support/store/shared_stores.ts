/**
 * Gives each store of a test an owner that sends its pages to PostgreSQL, and compares the file with a
 * copy from PostgreSQL once the test has closed the store, or has ended.
 *
 * A test opens a store without waiting. So leases of some databases are held in advance, and each store
 * has a database until it is compared.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Store } from "../../../src/store/store.ts";
import { schedule } from "../../../src/lib/clock.ts";
import { openDatabase } from "../../../src/store/database/database.ts";
import { toStoreError } from "../../../src/store/database/store_error.ts";
import { openCopy } from "../../../src/store/replica/copy.ts";
import { createOwner, type Moment, type Owner } from "../../../src/store/replica/owner.ts";
import { createRemote, type Lease, type Remote } from "../../../src/store/replica/remote.ts";
import { PAGE_BYTES, type PageChange } from "../../../src/store/replica/wal.ts";
import { createStore, openStore, type StoreOptions } from "../../../src/store/store.ts";

/** One of so many copies is opened as a store, too: that takes longest. */
const OPENED = 8;
const HAND_OVER_MS = 20_000;
const HERE = { owner: "here", place: "host:/here", bots: ["abc"] };

const moment = (): Moment => ({ elapsed: performance.now(), now: Date.now() });

/** A database whose lease this process has. */
interface Shared {
  readonly remote: Remote;
  lease: Lease;
  /** What PostgreSQL has of the last store. */
  bytes: Buffer;
}

/** An open store with an owner. */
interface Followed {
  readonly path: string;
  readonly shared: Shared;
  readonly owner: Owner;
  readonly stores: Set<Pick<Store, "close">>;
}

/**
 * Creates it. The function is long because its inner functions share one state: the stores of the test
 * that runs.
 *
 * @param urls Empty databases of a running server: that many stores of one test have a copy, the first
 * ones; a property may open hundreds of them.
 * @param folder For files.
 */
export async function createSharedStores(urls: readonly string[], folder: string) {
  const free: Shared[] = [];
  const open = new Map<string, Followed>();
  const files = new WeakMap<DatabaseSync, string>();
  const comparing = new Set<Promise<void>>();
  const template = join(folder, "template.db");
  const differences: string[] = [];
  let count = 0;
  let compared = 0;
  let left = 0;
  let inTest = 0;

  openDatabase(template, 0).close();
  const empty = readFileSync(template);

  for (const url of urls) {
    const remote = createRemote(url);
    await remote.open();
    free.push({ remote, lease: await leaseOf(remote), bytes: Buffer.alloc(0) });
  }

  async function leaseOf(remote: Remote): Promise<Lease> {
    const { epoch } = await remote.look();
    const lease = await remote.take(HERE, epoch);
    assert.ok(lease, "no other process has the lease");
    return lease;
  }

  const isFull = () => inTest === urls.length;

  /** The follower of the store in a file; `undefined` if all databases are in use. */
  function follow(path: string): Followed | undefined {
    const followed = open.get(path);
    if (followed) return followed;
    const shared = isFull() ? undefined : free.pop();
    if (!shared) {
      left += 1;
      return undefined;
    }
    inTest += 1;
    const owner = createOwner({
      remote: shared.remote,
      lease: shared.lease,
      takenAt: moment(),
      moment,
      schedule,
      onLost: (why) => void differences.push(`${path}: the lease is lost: ${why}`),
      onTrouble: (error) => error && void differences.push(`${path}: ${error.message}`),
    });
    const lacking = changed(shared.bytes, readFileSync(path));
    if (lacking) owner.store(lacking).catch(() => {}); // the end of the test tells
    owner.follow(path);
    owner.committed();
    const fresh = { path, shared, owner, stores: new Set<Pick<Store, "close">>() };
    open.set(path, fresh);
    return fresh;
  }

  /** The store closes its file, and is compared then. */
  function closing(followed: Followed | undefined, create: () => Store): Store {
    const store = create();
    if (!followed) return store;
    followed.stores.add(store);
    const { close } = store;
    return Object.assign(store, {
      close() {
        followed.stores.delete(store);
        close();
        if (!existsSync(`${followed.path}-wal`)) end(followed);
      },
    });
  }

  function over(database: DatabaseSync, name: string, options: StoreOptions): Store {
    const path = files.get(database) ?? name;
    const followed = existsSync(path) ? follow(path) : undefined;
    const follower = followed?.owner;
    return closing(followed, () => createStore(database, name, { ...options, follower }));
  }

  function end(followed: Followed): void {
    if (!open.delete(followed.path)) return;
    const bytes = existsSync(followed.path) ? readFileSync(followed.path) : undefined;
    const work = compare(followed, bytes).catch((error: unknown) => {
      differences.push(`${followed.path}: ${error}`);
    }).finally(() => comparing.delete(work));
    comparing.add(work);
  }

  /** @param bytes Absent: the test has deleted the file. */
  async function compare({ shared, owner }: Followed, bytes?: Buffer): Promise<void> {
    const { remote } = shared;
    assert.ok(await owner.handOver(HAND_OVER_MS), "PostgreSQL has everything");
    const { pageCount, sequence } = await remote.look();
    const path = join(folder, `copy${++count}.db`);
    const copy = openCopy(path, remote);
    await copy.compare(sequence);
    copy.finish(pageCount);
    copy.close();
    shared.bytes = readFileSync(path);
    shared.lease = await leaseOf(remote);
    free.push(shared);
    if (!bytes) left += 1;
    else {
      const pages = [...changed(shared.bytes, bytes)?.pages.keys() ?? []];
      assert.deepEqual(pages, [], "pages that differ");
      assert.equal(shared.bytes.length, bytes.length);
      compared += 1;
      if (compared % OPENED === 1) await read(path);
    }
    for (const end of ["", "-wal", "-shm"]) rmSync(`${path}${end}`, { force: true });
  }

  return {
    /** A new database in a file; `undefined` if the test has enough of them. */
    openDatabase(): DatabaseSync | undefined {
      if (isFull()) {
        left += 1;
        return undefined;
      }
      const path = join(folder, `store${++count}.db`);
      writeFileSync(path, empty);
      const database = openDatabase(path, 0);
      files.set(database, path);
      return database;
    },
    over,
    open(path: string, options: StoreOptions & { readonly now: number }): Store {
      const database = openDatabase(path, options.now);
      try {
        return over(database, path, options);
      } catch (thrown) {
        database.close();
        throw toStoreError(thrown, path);
      }
    },
    /** Closes the stores that a test has left open, and compares all of its stores. */
    async endTest(title: string): Promise<void> {
      for (const followed of open.values()) {
        for (const store of [...followed.stores].reverse()) {
          try {
            store.close();
          } catch {
            // the test has closed the database, or another store has
          }
        }
        end(followed);
      }
      inTest = 0;
      const before = differences.length;
      await Promise.all(comparing);
      for (let at = before; at < differences.length; at += 1) {
        differences[at] = `${title}: ${differences[at]}`;
      }
    },
    differences,
    figures: () => ({ compared, left }),
    async close(): Promise<void> {
      await Promise.all(free.map(({ remote }) => remote.close()));
    },
  };
}

/** Opens a copy as a process does after a takeover, and reads it. */
async function read(path: string): Promise<void> {
  const store = openStore(path, { now: 0, elapsed: () => 0 });
  try {
    await store.health();
  } finally {
    store.close();
  }
}

/** The pages in which a file differs from another one; `undefined` if none does. */
function changed(old: Buffer, bytes: Buffer): PageChange | undefined {
  const pages = new Map<number, Uint8Array>();
  for (let at = 0; at < bytes.length; at += PAGE_BYTES) {
    const page = bytes.subarray(at, at + PAGE_BYTES);
    if (!page.equals(old.subarray(at, at + PAGE_BYTES))) pages.set(at / PAGE_BYTES + 1, page);
  }
  if (pages.size === 0 && bytes.length === old.length) return undefined;
  return { pages, pageCount: bytes.length / PAGE_BYTES };
}

/** Stores with copies in PostgreSQL. */
export type SharedStores = Awaited<ReturnType<typeof createSharedStores>>;
