/** Makes and restores backups of processes that share the partitions of a bot. */

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { backup } from "../../../src/cli/backup/backup.ts";
import { restore } from "../../../src/cli/backup/restore.ts";
import { verify } from "../../../src/cli/backup/verify.ts";
import { assertRestoredWhole } from "../../../src/cli/standby/refuse.ts";
import { partitionFolders } from "../../../src/host/files/data_dir.ts";
import { createCrashPoints } from "../../../src/host/process/crash_points.ts";
import { writeSharedRecord } from "../../../src/store/replica/record.ts";
import { noteForgotten } from "../../../src/store/forget/forget.ts";
import { openStore, openStoreReader } from "../../../src/store/store.ts";
import { ACCOUNT, guildMessage, messageId } from "../../support/discord/builders.ts";
import { accepted, batch } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { recordingIo } from "../io.ts";

const COUNT = 4;
const ALIVE = createCrashPoints(undefined);
const clock = { now: Date.now, elapsed: () => performance.now(), onRefused() {} };
const idOf = (index: number) => messageId(`140000000000000010${index}`);

/** The data directory of a process that owns some partitions, each with a message. */
async function makeProcess(dataDir: string, own: readonly number[]): Promise<void> {
  for (let index = 0; index < COUNT; index++) {
    const folder = join(dataDir, "partitions", `${index}`);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeSharedRecord(folder, { store: "s", owner: "o", epoch: 1 });
    if (!own.includes(index)) continue;
    const store = openStore(join(folder, "barnacle.db"), { ...clock, now: Date.now() });
    const message = guildMessage({ id: idOf(index) });
    await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), Date.now());
    store.close();
  }
  writeFileSync(join(dataDir, "partitions", "main"), `${own[0]}`);
}

async function ran(work: (io: ReturnType<typeof recordingIo>) => Promise<number>) {
  const io = recordingIo({ HOME: "/nonexistent" });
  const code = await work(io);
  return { code, out: io.stdout, err: io.stderr.join("\n") };
}

async function backUp(data: string): Promise<string> {
  const flags = { data, encrypt: false, json: false };
  const { code, out, err } = await ran((io) => backup(flags, io, undefined, ALIVE));
  assert.equal(code, 0, err);
  return out[0] ?? "";
}

const install = (file: string, data: string, force = false) =>
  ran((io) => restore({ data, json: false, force }, file, io, undefined, ALIVE));

/** The partitions that have the message of their number. */
async function restoredIn(dataDir: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const { index, path, hasStore } of partitionFolders(dataDir)) {
    if (!hasStore) continue;
    const store = openStoreReader(join(path, "barnacle.db"), { ...clock, hangs: true });
    const record = await store.received.messageRecordOf({ messageId: idOf(index) });
    store.close();
    if (record?.decisions.some(({ accountId }) => accountId === ACCOUNT)) found.push(index);
  }
  return found;
}

describe("[O11] [O16] backups of processes that share a bot", () => {
  it("have each the partitions of their process, and are restored into one directory", async () => {
    using folder = tempDirectory();
    const [here, there, data] = ["here", "there", "data"].map((name) => join(folder.path, name));
    assert.ok(here && there && data);
    await makeProcess(here, [0, 2]);
    await makeProcess(there, [1, 3]);
    const files = [await backUp(here), await backUp(there)] as const;
    const checked = await ran((io) => verify({ data: here, json: false }, files, io, undefined));
    assert.equal(checked.code, 0, checked.err);
    assert.match(checked.err, /partitions 0, 2 of 4[^]*partitions 1, 3 of 4/);

    const first = await install(files[0], data);
    assert.equal(first.code, 0, first.err);
    assert.deepEqual(await restoredIn(data), [0, 2]);
    assert.throws(() => assertRestoredWhole(data, COUNT), /lacks the partitions 1, 3 of 4/);
    const again = await install(files[0], data);
    assert.equal(again.code, 1);
    assert.match(again.err, /has restored partitions \(0, 2 of 4\).*--force/);
    assert.deepEqual(await restoredIn(data), [0, 2]);

    const second = await install(files[1], data);
    assert.equal(second.code, 0, second.err);
    assert.deepEqual(await restoredIn(data), [0, 1, 2, 3]);
    assertRestoredWhole(data, COUNT);
    assert.throws(() => assertRestoredWhole(data, 1), /set store.partitions: 4/);
  });

  it("are joined if a partition moved between them, with its newer copy", async () => {
    using folder = tempDirectory();
    const [here, there] = ["here", "there"].map((name) => join(folder.path, name));
    assert.ok(here && there);
    await makeProcess(here, [0, 1, 2]);
    const older = await backUp(here);
    await makeProcess(there, [2, 3]);
    const path = join(there, "partitions", "2", "barnacle.db");
    const store = openStore(path, { ...clock, now: Date.now() });
    const { sender } = guildMessage();
    assert.notEqual(await store.forgetting.forget(sender.id, false), "open turns"); // a change
    store.close();
    rmSync(join(there, "forgotten.jsonl"));
    const newer = await backUp(there);
    for (const files of [[older, newer], [newer, older]]) {
      const data = join(folder.path, `data${files.indexOf(older)}`);
      for (const file of files) {
        const { code, err } = await install(file, data);
        assert.equal(code, 0, err);
      }
      assertRestoredWhole(data, COUNT);
      assert.deepEqual(await restoredIn(data), [0, 1, 3]);
    }
  });

  it("replace a restored partition only by a newer copy", async () => {
    using folder = tempDirectory();
    const [here, there, data] = ["here", "there", "data"].map((name) => join(folder.path, name));
    assert.ok(here && there && data);
    await makeProcess(here, [0, 1, 2, 3]);
    const all = await backUp(here);
    await makeProcess(there, [2]);
    const path = join(there, "partitions", "2", "barnacle.db");
    const store = openStore(path, { ...clock, now: Date.now() });
    assert.notEqual(
      await store.forgetting.forget(guildMessage().sender.id, false),
      "open turns",
    );
    store.close();
    rmSync(join(there, "forgotten.jsonl"));
    const one = await backUp(there);
    for (const file of [all, one]) {
      const { code, err } = await install(file, data);
      assert.equal(code, 0, err);
    }
    assert.deepEqual(await restoredIn(data), [0, 1, 3]);
    const refused = await install(all, data);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /has no missing or newer partition of that bot/);
    assert.deepEqual(await restoredIn(data), [0, 1, 3]);
  });

  it("[X5] forget again in a restored partition whom a later backup names", async () => {
    using folder = tempDirectory();
    const [here, there, data] = ["here", "there", "data"].map((name) => join(folder.path, name));
    assert.ok(here && there && data);
    await makeProcess(here, [0, 1]);
    const first = await backUp(here);
    await makeProcess(there, [2, 3]);
    const { sender } = guildMessage();
    noteForgotten(join(there, "forgotten.jsonl"), sender.id, Date.now());
    const second = await backUp(there);
    assert.equal((await install(first, data)).code, 0);
    const { code, err } = await install(second, data);
    assert.equal(code, 0, err);
    for (const index of [0, 1]) {
      const path = join(data, "partitions", `${index}`, "barnacle.db");
      assert.ok(!readFileSync(path).includes(sender.id));
    }
  });

  it("are replaced by force by that of a whole bot", async () => {
    using folder = tempDirectory();
    const [here, whole, data] = ["here", "whole", "data"].map((name) => join(folder.path, name));
    assert.ok(here && whole && data);
    await makeProcess(here, [0, 2]);
    assert.equal((await install(await backUp(here), data)).code, 0);
    mkdirSync(whole, { mode: 0o700 });
    openStore(join(whole, "barnacle.db"), { ...clock, now: Date.now() }).close();
    const file = await backUp(whole);
    assert.equal((await install(file, data)).code, 1);
    const { code, err } = await install(file, data, true);
    assert.equal(code, 0, err);
    assertRestoredWhole(data, 1);
    assert.deepEqual(partitionFolders(data), []);
    const old = readdirSync(data).find((name) => name.startsWith("before-restore-")) ?? "";
    assert.deepEqual(await restoredIn(join(data, old)), [0, 2]);
  });

  it("[X5] forget again whom a partition has forgotten after the backup", async () => {
    using folder = tempDirectory();
    const [here, data] = ["here", "data"].map((name) => join(folder.path, name));
    assert.ok(here && data);
    await makeProcess(here, [0, 1, 2, 3]);
    const older = await backUp(here);
    const { sender } = guildMessage();
    const path = join(here, "partitions", "2", "barnacle.db");
    const partition = { index: 2, count: COUNT };
    const store = openStore(path, { ...clock, now: Date.now(), partition });
    assert.notEqual(await store.forgetting.forget(sender.id, false), "open turns");
    store.close();
    const newer = await backUp(here);

    assert.equal((await install(newer, data)).code, 0);
    const again = await install(older, data, true);
    assert.equal(again.code, 0, again.err);
    assert.match(again.err, /Forgot 1 person again/);
    for (const { path } of partitionFolders(data)) {
      assert.ok(!readFileSync(join(path, "barnacle.db")).includes(sender.id));
    }
  });

  it("are no backups of a process without a partition, and replace no shared store", async () => {
    using folder = tempDirectory();
    const [here, idle] = ["here", "idle"].map((name) => join(folder.path, name));
    assert.ok(here && idle);
    await makeProcess(here, [0, 1, 2, 3]);
    await makeProcess(idle, []);
    const file = await backUp(here);
    const flags = { data: idle, encrypt: false, json: false };
    const refused = await ran((io) => backup(flags, io, undefined, ALIVE));
    assert.notEqual(refused.code, 0);
    const shared = await install(file, here, true);
    assert.match(shared.err, /is shared by store.url/);
  });
});
