/** Attacks on the store: files that a disk or a program has damaged, and rows in them. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { list, release } from "../../src/features/delivery/outbox.ts";
import { DATABASE_NAME } from "../../src/host/files/data_dir.ts";
import { StoreError } from "../../src/store/database/database_files.ts";
import { openStore } from "../../src/store/store.ts";
import { recordingIo } from "../cli/io.ts";
import { ACCOUNT, channelId } from "../support/discord/builders.ts";
import { seeded } from "../support/seeded.ts";
import { frozen } from "../support/store/store.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const NOW = Date.UTC(2026, 10, 20, 8, 30);
const A = channelId("11");
const B = channelId("22");

const open = (data: string) => openStore(join(data, DATABASE_NAME), { now: NOW, elapsed: () => 0 });

/** A data directory with three messages: 1 and 2 in channel 11, 3 in channel 22. */
async function fill(data: string): Promise<void> {
  mkdirSync(data, { recursive: true });
  const store = open(data);
  for (const [nonce, channel] of [["a", A], ["b", A], ["c", B]] as const) {
    await store.outbox.add(frozen({ nonce, channelId: channel, content: `text ${nonce}` }), NOW);
  }
  store.close();
}

async function listed(data: string) {
  const io = recordingIo();
  const code = await list({ data, json: false }, io);
  return { code, stdout: io.stdout, stderr: io.stderr };
}

function sql(data: string, text: string): void {
  const database = new DatabaseSync(join(data, DATABASE_NAME));
  database.exec(text);
  database.close();
}

const change = (with_: string) => `UPDATE outbox SET message = replace(message, ${with_})`;

const DAMAGED_ROWS: Readonly<Record<string, string>> = {
  "half a message": `UPDATE outbox SET message = substr(message, 1, 40)`,
  "no message": `UPDATE outbox SET message = 'null'`,
  "a list": `UPDATE outbox SET message = '[]'`,
  "a number as its text": change(`'"text a"', '5'`),
  "no text": change(`'"content"', '"cintent"'`),
  "no pings": change(`'"pings"', '"pangs"'`),
  "another channel in its message": change(`'"11"', '"22"'`),
  "no id as its channel": `UPDATE outbox SET channel_id = char(27) || '[2J/../x'`,
  "another nonce": `UPDATE outbox SET nonce = 'x'`,
  "control characters in its message": change(`'text', char(7)`),
};

describe("[X2] [D2] a damaged row of the outbox", () => {
  for (const [what, text] of Object.entries(DAMAGED_ROWS)) {
    it(`${what}: is held as dead and shown, and later messages do not wait for it`, async () => {
      using folder = tempDirectory();
      const data = join(folder.path, "data");
      await fill(data);
      sql(data, `${text} WHERE id = 1`);
      const store = open(data);
      const heads = await store.outbox.heads(ACCOUNT);
      assert.deepEqual(heads.map(({ message }) => message.content), ["text b", "text c"]);
      assert.deepEqual((await store.outbox.heads(ACCOUNT, [A])).map(({ id }) => id), [2]);
      assert.equal((await store.health()).outbox.dead, 1);
      store.close();
      const { code, stdout, stderr } = await listed(data);
      assert.equal(code, 0);
      assert.deepEqual(stderr, []);
      assert.match(stdout[0] ?? "", /^ +1 +dead .*\(its record in the store is damaged\)$/);
      assert.doesNotMatch(stdout.join(""), /\p{C}/u);
      assert.equal(stdout.length, 3);
    });
  }

  it("can be dropped; sending it again holds it again", async () => {
    using folder = tempDirectory();
    const data = join(folder.path, "data");
    await fill(data);
    sql(data, "UPDATE outbox SET message = 'null' WHERE id = 1");
    const store = open(data);
    await store.outbox.heads(ACCOUNT);
    assert.equal(await store.outbox.release(1, "resend"), true);
    assert.deepEqual((await store.outbox.heads(ACCOUNT)).map(({ id }) => id), [2, 3]);
    store.close();
    assert.equal(await release("drop", { data, json: false }, [1], recordingIo()), 0);
    assert.equal((await listed(data)).stdout.length, 2);
  });

  it("can be dropped if the draft that it replaces is damaged", async () => {
    using folder = tempDirectory();
    const data = join(folder.path, "data");
    await fill(data);
    sql(
      data,
      `UPDATE outbox SET state = 'sent', message = 'null' WHERE id = 1;
       UPDATE outbox SET action = 'replace', draft_nonce = 'a' WHERE id = 2`,
    );
    assert.equal(await release("drop", { data, json: false }, [2], recordingIo()), 0);
  });
});

/** Makes a pipe that no process writes to: an open of it waits without a limit. */
function makePipe(path: string): void {
  execFileSync("mkfifo", [path]);
}

/** Opens and reads the store as the bot does. */
async function use(data: string): Promise<void> {
  const store = open(data);
  try {
    await store.outbox.heads(ACCOUNT);
    await store.outbox.add(frozen({ nonce: "new", channelId: B }), NOW);
  } finally {
    store.close();
  }
}

/** Checks that a command ends with 74 and one line, and that the bot gets a `StoreError`. */
async function assertRefused(data: string, pattern: RegExp): Promise<void> {
  const { code, stdout, stderr } = await listed(data);
  assert.equal(code, 74, stderr.join("\n"));
  assert.deepEqual(stdout, []);
  assert.equal(stderr.length, 1);
  assert.match(stderr[0] ?? "", pattern);
  assert.doesNotMatch(stderr[0] ?? "", /\p{C}/u);
  await assert.rejects(use(data), StoreError);
}

const FILES: Readonly<Record<string, readonly [damage: (path: string) => void, pattern: RegExp]>> =
  {
    "0 bytes beside a backup": [
      (path) => {
        copyFileSync(path, `${path}.schema1-20261120T083000000Z.bak`);
        truncateSync(path);
      },
      /has 0 bytes, although .*\.bak shows that it had content/,
    ],
    "0 bytes beside a log": [
      (path) => {
        truncateSync(path);
        writeFileSync(`${path}-wal`, "x".repeat(5_000));
      },
      /has 0 bytes, although .*-wal shows that it had content/,
    ],
    "1 byte": [(path) => truncateSync(path, 1), /is damaged: it has 1 bytes/],
    "half a header": [(path) => truncateSync(path, 60), /is damaged/],
    "half a page": [(path) => truncateSync(path, 2_000), /is damaged/],
    "the half": [(path) => truncateSync(path, 100_000), /is damaged/],
    "a folder in its place": [
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
      /Cannot use the database .*barnacle\.db is a folder/,
    ],
    "a log that is a folder": [
      (path) => mkdirSync(`${path}-wal`),
      /Cannot use the database .*barnacle\.db-wal is a folder/,
    ],
    "a pipe in its place": [
      (path) => {
        rmSync(path);
        makePipe(path);
      },
      /Cannot use the database .*barnacle\.db is a pipe, not a file; move it away/,
    ],
    "a log that is a pipe": [(path) => makePipe(`${path}-wal`), /barnacle\.db-wal is a pipe/],
    "a journal that is a pipe": [
      (path) => makePipe(`${path}-journal`),
      /barnacle\.db-journal is a pipe/,
    ],
    "a table less": [(path) => {
      const database = new DatabaseSync(path);
      database.exec("DROP TABLE parked_channel");
      database.close();
    }, /calls itself schema \d+, but has other columns/],
    "a broken definition": [(path) => {
      const bytes = readFileSync(path);
      const at = bytes.indexOf("message_id TEXT NOT NULL");
      assert.ok(at > 0);
      for (let one = at; one > 0; one = bytes.indexOf("message_id TEXT NOT NULL", one + 1)) {
        bytes.fill("(", one, one + 10);
      }
      writeFileSync(path, bytes);
    }, /is damaged \(malformed database schema/],
    "the log of another database": [(path) => {
      const other = new DatabaseSync(`${path}.other`);
      other.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (a)");
      copyFileSync(`${path}.other-wal`, `${path}-wal`);
      other.close();
    }, /belongs to another program/],
  };

describe("[X2] a damaged store", () => {
  for (const [what, [damage, pattern]] of Object.entries(FILES)) {
    it(`${what}: ends with 74 and one line, and keeps the file`, async () => {
      using folder = tempDirectory();
      const data = join(folder.path, "data");
      const path = join(data, DATABASE_NAME);
      await fill(data);
      damage(path);
      const before = statSync(path).isFile() ? readFileSync(path) : undefined;
      await assertRefused(data, pattern);
      if (before) assert.deepEqual(readFileSync(path), before);
    });
  }

  it("an index of the log that is a folder: a start names it, as a reader does not need it", async () => {
    using folder = tempDirectory();
    const data = join(folder.path, "data");
    await fill(data);
    mkdirSync(join(data, `${DATABASE_NAME}-shm`));
    await assert.rejects(use(data), {
      name: "StoreError",
      message: /barnacle\.db-shm is a folder/,
    });
  });

  it("0 bytes alone: a start that died at once left it, so it counts as new", async () => {
    using folder = tempDirectory();
    writeFileSync(join(folder.path, DATABASE_NAME), "");
    await use(folder.path);
  });

  it("damage that only a write finds: the store remembers it", async () => {
    using folder = tempDirectory();
    const data = join(folder.path, "data");
    await fill(data);
    const path = join(data, DATABASE_NAME);
    const bytes = readFileSync(path);
    bytes[20] = 0xff; // each page then seems to end with 255 reserved bytes
    writeFileSync(path, bytes);
    const store = open(data);
    assert.equal(store.failure(), undefined);
    const run = { runId: "one", startedAt: NOW };
    await assert.rejects(store.gateway.startRun(run), { name: "StoreError", kind: "damaged" });
    assert.deepEqual(store.failure(), { kind: "damaged", ageMs: 0 });
    store.close();
  });

  it("read-only: opens for its owner, or ends with 74 and one line", async () => {
    using folder = tempDirectory();
    const data = join(folder.path, "data");
    await fill(data);
    chmodSync(join(data, DATABASE_NAME), 0o400);
    const { code, stderr } = await listed(data);
    assert.ok(code === 0 || (code === 74 && stderr.length === 1), stderr.join("\n"));
  });

  it("any flipped bits: it opens, or ends with 74 and one line, never with a stack", async () => {
    using folder = tempDirectory();
    const good = join(folder.path, "good");
    await fill(good);
    const bytes = readFileSync(join(good, DATABASE_NAME));
    const random = seeded(20_261_121);
    for (let round = 0; round < 60; round++) {
      const data = join(folder.path, `${round}`);
      cpSync(good, data, { recursive: true });
      const damaged = new Uint8Array(bytes);
      for (let count = 0; count <= round % 20; count++) {
        const at = random.upTo(damaged.length);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << (round % 8));
      }
      writeFileSync(join(data, DATABASE_NAME), damaged);
      const { code, stderr } = await listed(data);
      assert.ok(
        code === 0 || (code === 74 && stderr.length === 1),
        `${round} ${stderr.join("\n")}`,
      );
      assert.doesNotMatch(stderr.join(""), /\p{C}/u);
      await use(data).catch((error: unknown) => assert.ok(error instanceof StoreError, `${error}`));
      rmSync(data, { recursive: true });
    }
  });
});
