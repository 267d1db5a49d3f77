import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { lackingPages, openCopy } from "../../../src/store/replica/copy.ts";
import { createRemote, type Lease, type Remote } from "../../../src/store/replica/remote.ts";
import { PAGE_BYTES } from "../../../src/store/replica/wal.ts";
import { NEEDS_POSTGRES, type Postgres, startPostgres } from "../../support/store/postgres.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const HERE = { owner: "here", place: "host:/here", bots: ["abc"] };

/** Pages of the file of these tests: two whole parts, and a rest. */
const PAGES = 2_300;

function writePages(path: string, count: number): void {
  const pages = Array.from({ length: count }, (_, at) => Buffer.alloc(PAGE_BYTES, at % 251));
  writeFileSync(path, Buffer.concat(pages));
}

/** Takes the lease, and sends the file in parts; at most so many. */
async function send(remote: Remote, path: string, parts = Infinity): Promise<readonly number[]> {
  const { epoch, pageCount } = await remote.look();
  let lease: Lease | undefined = await remote.take(HERE, epoch);
  const sizes: number[] = [];
  for await (const change of lackingPages(path, remote, pageCount)) {
    assert.ok(lease);
    const sequence: number | undefined = await remote.push(lease, change);
    assert.ok(sequence !== undefined);
    lease = { ...lease, sequence };
    if (sizes.push(change.pages.size) === parts) break;
  }
  return sizes;
}

describe("the first copy of a store", NEEDS_POSTGRES, () => {
  let server: Postgres;
  before(async () => void (server = await startPostgres()));
  after(() => server.close());

  it("[O15] comes in parts, is no store before the last one, and goes on where it was", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "notes.db");
    writePages(path, PAGES);
    const remote = createRemote(server.create());
    try {
      await remote.open();
      assert.deepEqual(await send(remote, path, 2), [1_000, 1_000]);
      assert.equal((await remote.look()).pageCount, 0);
      assert.deepEqual(await send(remote, path), [300], "the first 2,000 pages are there");
      const { pageCount, sequence } = await remote.look();
      assert.equal(pageCount, PAGES);
      const copy = openCopy(join(directory.path, "copy"), remote);
      await copy.compare(sequence);
      copy.finish(pageCount);
      copy.close();
      assert.ok(readFileSync(join(directory.path, "copy")).equals(readFileSync(path)));
    } finally {
      await remote.close();
    }
  });

  it("[O15] a later difference is one change, also without any page", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "notes.db");
    writePages(path, PAGES);
    const remote = createRemote(server.create());
    try {
      await remote.open();
      await send(remote, path);
      assert.deepEqual(await send(remote, path), [], "both are equal");
      writeFileSync(path, Buffer.alloc(1_500 * PAGE_BYTES, 7));
      assert.deepEqual(await send(remote, path), [1_500 - 6], "six pages had these bytes already");
      assert.equal((await remote.look()).pageCount, 1_500);
      writeFileSync(path, Buffer.alloc(1_200 * PAGE_BYTES, 7));
      assert.deepEqual(await send(remote, path), [0], "the file is shorter");
      assert.equal((await remote.look()).pageCount, 1_200);
    } finally {
      await remote.close();
    }
  });
});
