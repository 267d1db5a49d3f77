/** Makes and restores backups of a store, and gives the commands everything that is wrong. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, it } from "node:test";
import { backup } from "../../../src/features/backup/backup.ts";
import { configPlace, restore } from "../../../src/features/backup/restore.ts";
import { forget } from "../../../src/features/forget/cli.ts";
import { list } from "../../../src/features/sessions/sessions.ts";
import { MIGRATIONS } from "../../../src/store/database/migrations.ts";
import { acquireLock } from "../../../src/host/locks/lock.ts";
import { ACCOUNT, guildMessage, outboundMessage } from "../../support/discord/builders.ts";
import { accepted, batch, frozen } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { createDataFixture, type DataFixture, removeDataFixtures } from "../../cli/data_fixture.ts";
import { recordingIo } from "../../cli/io.ts";

afterEach(removeDataFixtures);

async function makeFixture(): Promise<DataFixture> {
  const fixture = createDataFixture();
  await fixture.fill((store) =>
    store.inbox.acceptBatch(batch({ judged: [accepted(guildMessage())] }), Date.now())
  );
  return fixture;
}

async function run(work: (io: ReturnType<typeof recordingIo>) => Promise<number>) {
  const io = recordingIo({ HOME: "/dev/null" }); // where no file can be
  const code = await work(io);
  return { code, out: io.stdout, err: io.stderr.join("\n") };
}

const backUp = (fixture: DataFixture, flags: object = {}) =>
  run((io) => backup({ ...fixture.flags, ...flags }, io));

const install = (file: string, data: string, flags: object = {}) =>
  run((io) => {
    const config = join(data, "..", "config.jsonc");
    return restore({ data, config, json: false, force: false, ...flags }, file, io);
  });

/** Makes a backup, and returns its path. */
async function made(fixture: DataFixture, flags: object = {}): Promise<string> {
  const { code, out, err } = await backUp(fixture, flags);
  assert.equal(code, 0, err);
  return out[0] ?? "";
}

/** What a new place has after a restore that works, and what the restore said. */
async function restoredFrom(path: string) {
  const other = tempDirectory();
  const data = join(other.path, "data");
  const { code, err } = await install(path, data);
  assert.equal(code, 0, err);
  return { data, err, [Symbol.dispose]: () => other[Symbol.dispose]() };
}

type Refusals<Given> = readonly (readonly [string, given: Given, code: number, says: RegExp])[];

const tar = (...args: readonly string[]) => execFileSync("tar", args, { encoding: "utf8" });

/** Writes a backup again after a change of its files. */
function rewritten(path: string, change: (folder: string) => void): string {
  using place = tempDirectory();
  tar("-xzf", path, "-C", place.path);
  change(place.path);
  const to = path.replace(".tar.gz", "-changed.tar.gz");
  tar("-czf", to, "-C", place.path, ...readdirSync(place.path));
  return to;
}

describe("[O11] barnacle backup", () => {
  it("makes an archive in the data directory that only this user can read", async () => {
    const fixture = await makeFixture();
    const path = await made(fixture);
    assert.match(path, /\/backups\/barnacle-\d{4}-\d\d-\d\dT[-\d]{12}Z\.tar\.gz$/);
    assert.deepEqual(readdirSync(join(fixture.data, "backups")), [path.split("/").at(-1)]);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(tar("-tzf", path).trim().split("\n"), [
      "backup.json",
      "data/barnacle.db",
      "config/config.jsonc",
    ]);
  });

  it("removes unfinished files of backups that died, and no others", async () => {
    const fixture = await makeFixture();
    const folder = join(fixture.data, "backups");
    mkdirSync(folder);
    const other = join(folder, `.copy-${process.ppid}.part`);
    writeFileSync(other, "of a process that runs");
    for (const name of [".copy-999999999.part", ".old.tar.gz-999999999.part"]) {
      writeFileSync(join(folder, name), "x");
    }
    await made(fixture);
    assert.deepEqual(readdirSync(folder).filter((name) => name.endsWith(".part")), [
      `.copy-${process.ppid}.part`,
    ]);
  });

  it("has no secret of the config, of logins, and of a workspace that surrounds both", async () => {
    const fixture = await makeFixture();
    const outside = join(fixture.data, "..", `${fixture.data.split("/").at(-1)}-around`);
    const data = join(outside, "data");
    const config = join(outside, "config.jsonc");
    cpSync(fixture.data, data, { recursive: true });
    writeFileSync(
      config,
      JSON.stringify({
        channels: { discord: { token: "token-in-config" } },
        agents: { defaults: { workspace: "." } },
      }),
    );
    writeFileSync(`${config}.bak`, "token-in-bak");
    mkdirSync(join(outside, "credentials"));
    writeFileSync(join(outside, "credentials", "key"), "token-in-file");
    mkdirSync(join(data, "mcp"));
    writeFileSync(join(data, "mcp", "shop.login.json"), "token-in-login");
    writeFileSync(join(outside, "notes.md"), "a note");
    try {
      const flags = { data, config };
      await made(fixture, flags);
      const path = await made(fixture, flags);
      assert.doesNotMatch(tar("-xzOf", path), /token-in/);
      assert.match(tar("-xzOf", path, "config/config.jsonc"), /"token":"REPLACE_ME"/);
      assert.match(tar("-tzf", path), /^workspaces\/main\/notes\.md$/m);
      assert.doesNotMatch(tar("-tzf", path), /^workspaces\/main\/(?!notes)/m);
      using restored = await restoredFrom(path);
      const note = join(restored.data, "workspaces", "main", "notes.md");
      assert.equal(readFileSync(note, "utf8"), "a note");
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  it("goes to backup.folder, which must exist", async () => {
    const fixture = await makeFixture();
    using home = tempDirectory();
    const disk = join(home.path, "disk");
    const config = join(home.path, "config.jsonc");
    writeFileSync(config, JSON.stringify({ backup: { folder: disk } }));
    const away = await backUp(fixture, { config });
    assert.deepEqual([away.code, away.out], [2, []]);
    assert.match(away.err, /there is no folder .*disk/);
    mkdirSync(disk);
    const { err } = await backUp(fixture, { config });
    assert.match(err, /Not in it: secrets, log files, older backups/);
    assert.equal(readdirSync(disk).length, 1);
  });

  const dir = "/nonexistent-folder";
  const refused: Refusals<(fixture: DataFixture) => object> = [
    [
      "a missing folder",
      () => ({ to: `${dir}/b.tar.gz` }),
      2,
      /is no folder \/nonexistent-folder; cr/,
    ],
    [
      "one on no stick",
      ({ data }) => ({ to: join(data, "stick") }),
      2,
      /there is no folder .*stick/,
    ],
    [
      "a file that exists",
      ({ config }) => ({ to: config }),
      2,
      /config\.jsonc exists already; choo/,
    ],
    ["no store", () => ({ data: dir }), 75, /no data directory \/nonexistent-folder/],
  ];
  for (const [what, flags, code, says] of refused) {
    it(`refuses ${what}`, async () => {
      const fixture = await makeFixture();
      const ran = await backUp(fixture, flags(fixture));
      assert.deepEqual([ran.code, ran.out], [code, []], ran.err);
      assert.match(ran.err, says);
    });
  }
});

describe("[O11] barnacle restore", () => {
  const store = (folder: string) => join(folder, "data", "barnacle.db");
  const refused: Refusals<(path: string, fixture: DataFixture) => string> = [
    [
      "half a file",
      (path) => cut(path, (size) => Math.floor(size / 2)),
      1,
      /is no backup, or damaged \(.*\); use another copy of it/,
    ],
    [
      "a file with changed bytes", // a single one may leave the unpacked content as it is
      (path) => {
        const bytes = readFileSync(path);
        const at = Math.floor(bytes.length / 2);
        writeFileSync(path, bytes.fill(0xff, at, at + 64));
        return path;
      },
      1,
      /is no backup, or damaged/,
    ],
    ["another file", (_, { config }) => config, 1, /config\.jsonc is no backup, or damaged/],
    ["a folder", (_, { data }) => data, 2, / is no file; name the backup in it/],
    ["a missing file", () => "/nonexistent/b", 2, /cannot read \/nonexistent\/b: there is no such/],
    [
      "another archive",
      (path) => rewritten(path, (folder) => rmSync(join(folder, "backup.json"))),
      1,
      /is no backup of Barnacle/,
    ],
    [
      "a store of a newer Barnacle",
      (path) =>
        rewritten(path, (folder) => {
          const database = new DatabaseSync(store(folder));
          database.exec("PRAGMA user_version = 99");
          database.close();
        }),
      1,
      /cannot be used: a newer Barnacle made it: its store has a newer schema/,
    ],
    [
      "a store with a damaged page",
      (path) =>
        rewritten(path, (folder) => {
          const bytes = readFileSync(store(folder));
          writeFileSync(store(folder), bytes.fill(0xff, 4_096 * 2, 4_096 * 3));
        }),
      1,
      /cannot be used: its store is damaged\. Use another backup/,
    ],
    [
      "a backup without a store",
      (path) => rewritten(path, (folder) => rmSync(store(folder))),
      1,
      /cannot be used: it has no store/,
    ],
  ];
  for (const [what, file, code, says] of refused) {
    it(`refuses ${what}, and changes nothing`, async () => {
      const fixture = await makeFixture();
      using other = tempDirectory();
      const data = join(other.path, "data");
      const restored = await install(file(await made(fixture), fixture), data);
      assert.deepEqual([restored.code, restored.out], [code, []], restored.err);
      assert.match(restored.err, says);
      assert.doesNotMatch(restored.err, /\n\s+at /);
      assert.deepEqual(existsSync(data) ? readdirSync(data) : ["lock"], ["lock"]);
    });
  }

  it("takes no file that a backup has not, and no link", async () => {
    const fixture = await makeFixture();
    const path = rewritten(await made(fixture), (folder) => {
      mkdirSync(join(folder, "data", "unknown"));
      for (const name of ["data/lock", "data/unknown/x", "old"]) {
        writeFileSync(join(folder, name), "strange");
      }
      mkdirSync(join(folder, "data", "media"));
      symlinkSync("/etc/passwd", join(folder, "data", "media", "link"));
    });
    using restored = await restoredFrom(path);
    const { data } = restored;
    assert.deepEqual(readdirSync(data).toSorted(), ["barnacle.db", "lock", "media"]);
    assert.deepEqual(readdirSync(join(data, "media")), []);
    assert.notEqual(readFileSync(join(data, "lock"), "utf8"), "strange");
  });

  it("refuses to replace data beside a running bot, and without --force", async () => {
    const fixture = await makeFixture();
    const path = await made(fixture);
    const refusal = await install(path, fixture.data);
    assert.equal(refusal.code, 1);
    assert.match(refusal.err, /has data already \(barnacle\.db\); --force replaces them/);
    const lock = await acquireLock(join(fixture.data, "lock"), Date.now());
    const beside = await install(path, fixture.data, { force: true });
    assert.equal(beside.code, 75);
    assert.match(beside.err, /a bot \(pid \d+\) runs with the data in .*; stop it first/);
    if (lock.kind === "held") lock.release();
  });

  it("ends open turns as restored, and looks for unsent messages", async () => {
    const fixture = createDataFixture();
    const { id } = guildMessage();
    await fixture.fill(async (store) => {
      await store.inbox.acceptBatch(batch({ judged: [accepted(guildMessage())] }), Date.now());
      await store.outbox.addAll([frozen({}), frozen({ nonce: "old" })], Date.now());
    });
    withStore(fixture.data, (database) =>
      database.exec(`
        UPDATE outbox SET created_at = 0 WHERE nonce = 'old';
        INSERT INTO gateway_session (account_id, session_id, alive_at, stored_up_to)
        VALUES ('${ACCOUNT}', 'secret', 1, 1)`));
    using restored = await restoredFrom(await made(fixture));
    const { data, err } = restored;
    assert.match(
      err,
      /^Ended: 1 open turn\nUnsent messages: 1 to look for in their channels, 1 held \(`barnacle outbox`\)$/m,
    );
    withStore(data, (database) => {
      const all = (sql: string) => database.prepare(sql).all().map((row) => ({ ...row }));
      const [turn] = all("SELECT message_id, state, failure FROM inbox");
      assert.deepEqual([turn?.["message_id"], turn?.["state"]], [id, "failed"]);
      assert.match(String(turn?.["failure"]), /^restored: the store is from a backup of 20/);
      assert.deepEqual(all("SELECT nonce, state FROM outbox ORDER BY id"), [
        { nonce: outboundMessage().nonce, state: "sending" },
        { nonce: "old", state: "uncertain" },
      ]);
      assert.deepEqual(all("SELECT 1 FROM gateway_session"), []);
    });
  });

  it("[W2] ends events of hooks, which the bot may have answered elsewhere", async () => {
    const fixture = createDataFixture();
    const event = { hook: "uptime", key: "", title: "", text: "x", post: "x", isEnd: false };
    await fixture.fill(async ({ hooks }) => {
      await hooks.accept({ ...event, accountId: ACCOUNT, senderId: "1" }, Date.now(), 1);
      await hooks.claim(ACCOUNT, "uptime", "", Date.now());
      await hooks.accept({ ...event, accountId: ACCOUNT, senderId: "2" }, Date.now(), 2);
    });
    using restored = await restoredFrom(await made(fixture));
    const { data, err } = restored;
    assert.match(err, /^Ended: 2 events of hooks$/m);
    withStore(data, (database) => {
      const rows = database.prepare("SELECT state, reason FROM hook_run").all();
      assert.equal(rows.length, 2);
      for (const { state, reason } of rows) {
        assert.equal(state, "refused");
        assert.match(String(reason), /^restored: the store is from a backup of 20/);
      }
      assert.deepEqual(database.prepare("SELECT 1 FROM hook_event WHERE run_id IS NULL").all(), []);
    });
  });

  it("[X7] restores the store of the first release, without a config", async () => {
    using other = tempDirectory();
    const old = join(other.path, "old");
    mkdirSync(old);
    const fixtures = join(import.meta.dirname ?? "", "..", "..", "store", "fixtures");
    withStore(old, (database) => {
      database.exec("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = OFF");
      const rows = readFileSync(join(fixtures, "schema_1.sql"), "utf8");
      database.exec((MIGRATIONS[0] ?? "") + rows);
    });
    const file = join(other.path, "old.tar.gz");
    const flags = { data: old, config: undefined, json: false, to: file };
    const copied = await run((io) => backup(flags, io));
    assert.equal(copied.code, 0);
    assert.match(copied.err, /^barnacle: no config was found, so the backup has none; --config/m);
    using restored = await restoredFrom(file);
    const { data, err } = restored;
    assert.match(err, /Ended: 3 open turns, 1 question$/m);
    assert.match(err, /^The backup has no config$/m);
    assert.deepEqual(readdirSync(data).toSorted(), ["barnacle.db", "lock"]);
  });

  it("[X5] is listed and deleted by forget, also the older ones that were made elsewhere", async () => {
    const fixture = await makeFixture();
    using stick = tempDirectory();
    const paths = [
      await made(fixture, { to: join(stick.path, "first.tar.gz") }),
      await made(fixture, { to: join(stick.path, "second.tar.gz") }),
      await made(fixture), // into the data directory: the newest one
    ];
    const forgetting = (deleteBackups: boolean) =>
      run((io) =>
        forget({ ...fixture.flags, yes: true, deleteBackups }, guildMessage().sender.id, io)
      );
    const listed = await forgetting(false);
    assert.equal(listed.code, 1);
    for (const path of paths) {
      assert.equal(listed.err.split(`the backup ${path} may still have their data`).length, 2);
    }
    assert.equal((await forgetting(true)).code, 0);
    assert.deepEqual(paths.filter((path) => existsSync(path)), []);
  });

  it("[X5] forgets again the people who were forgotten after the backup", async () => {
    const fixture = await makeFixture();
    const { sender } = guildMessage();
    const path = await made(fixture);
    await fixture.fill((store) => store.forgetting.forget(sender.id, false));
    const list = readFileSync(join(fixture.data, "forgotten.jsonl"), "utf8");
    assert.ok(!list.includes(sender.id));
    const { code, err } = await install(path, fixture.data, { force: true });
    assert.equal(code, 0, err);
    assert.match(err, /Forgot 1 person again, who asked for it after the backup/);
    assert.ok(!readFileSync(join(fixture.data, "barnacle.db")).includes(sender.id));
    assert.equal(
      readFileSync(join(fixture.data, "forgotten.jsonl"), "utf8").split("\n")[0],
      list.trim(),
    );

    using other = tempDirectory(); // a machine that never heard of that
    const elsewhere = join(other.path, "data");
    assert.equal((await install(path, elsewhere)).code, 0);
    assert.ok(readFileSync(join(elsewhere, "barnacle.db")).includes(sender.id));
    const newer = await made(fixture);
    assert.doesNotMatch((await install(newer, elsewhere, { force: true })).err, /Forgot/);
  });

  it("prints only what was, the places of config and old data, and the next step", async () => {
    const fixture = createDataFixture({ channels: { discord: { enabled: false } } });
    await fixture.fill(() => Promise.resolve());
    const path = await made(fixture);
    using other = tempDirectory();
    const data = join(other.path, "data");
    const config = join(other.path, "config.jsonc");
    mkdirSync(join(data, "restore.part"), { recursive: true, mode: 0o700 }); // of a process that died
    const first = await install(path, data);
    assert.deepEqual(readdirSync(data).toSorted(), ["barnacle.db", "lock"]);
    assert.deepEqual([first.code, first.out], [0, [`Restored to ${data}`]], first.err);
    const [made1, ...lines] = first.err.split("\n");
    assert.match(made1 ?? "", /^Made /);
    assert.deepEqual(lines, [
      `The config is in ${config}`,
      "Next: set the token and the other secrets again, which no backup has (`barnacle config " +
      "check` names them), and start the bot: `barnacle run`, or `barnacle service install`",
    ]);
    assert.equal(readFileSync(config, "utf8"), fixture.text());
    writeFileSync(config, "{}");
    const second = await install(path, data, { force: true });
    assert.match(second.err, /^The old data are in .*before-restore-/m);
    assert.match(second.err, /exists, and stays; that of the backup is config\.restored\.jsonc in/);
  });

  it("keeps the config beside the store if its place cannot be written", async () => {
    const fixture = await makeFixture();
    const path = await made(fixture);
    using other = tempDirectory();
    const data = join(other.path, "data");
    writeFileSync(join(other.path, "file"), "");
    const config = join(other.path, "file", "config.jsonc");
    const { code, err } = await install(path, data, { config });
    assert.equal(code, 0, err);
    const said = / cannot be written \((?:ENOTDIR|EEXIST)\); that .* is config\.restored\.jsonc/;
    assert.match(err, said);
    assert.equal(readFileSync(join(data, "config.restored.jsonc"), "utf8"), fixture.text());
  });

  it("puts the config where a bot with that directory reads it", () => {
    const at = (flag: string | undefined, dataDir: string, env: Record<string, string>) =>
      configPlace(flag, dataDir, { env, cwd: "/home/ada" });
    const env = { HOME: "/nonexistent" };
    assert.equal(at(undefined, "/var/lib/barnacle", env), "/etc/barnacle/config.jsonc");
    assert.equal(at("bot.jsonc", "/var/lib/barnacle", env), "/home/ada/bot.jsonc");
    assert.equal(at(undefined, "/x", env), "/nonexistent/.config/barnacle/config.jsonc");
    assert.equal(at(undefined, "/x", { ...env, BARNACLE_CONFIG: "/b.jsonc" }), "/b.jsonc");
  });
});

describe("[X2] a store that is empty, or lacks its log", () => {
  it("is named by commands, and stays as it is", async () => {
    const fixture = createDataFixture();
    const path = join(fixture.data, "barnacle.db");
    const listed = () => run((io) => list(fixture.flags, io));
    writeFileSync(path, "");
    const empty = await listed();
    assert.equal(empty.code, 74);
    assert.match(empty.err, /barnacle\.db is empty: no bot has run with it/);
    const copied = await backUp(fixture);
    assert.equal(copied.code, 74);
    assert.match(copied.err, /barnacle\.db is empty: no bot has run with it/);

    const database = new DatabaseSync(path);
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("CREATE TABLE x (y)");
    const copy = readFileSync(path); // the table is in the log alone
    database.close();
    for (const end of ["", "-wal", "-shm"]) rmSync(`${path}${end}`, { force: true });
    writeFileSync(path, copy);
    for (const attempt of [listed, () => backUp(fixture), listed]) { // none makes a log of its own
      const { code, err } = await attempt();
      assert.equal(code, 74);
      assert.match(err, /is a copy without its log: barnacle\.db-wal had its content/);
    }
    await assert.rejects(fixture.fill(() => Promise.resolve()), /is a copy without its log/);
    assert.deepEqual(readFileSync(path), copy);
  });
});

function cut(path: string, length: (size: number) => number): string {
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.subarray(0, length(bytes.length)));
  return path;
}

function withStore(data: string, work: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(join(data, "barnacle.db"));
  try {
    work(database);
  } finally {
    database.close();
  }
}
