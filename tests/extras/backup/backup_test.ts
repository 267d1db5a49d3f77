/** Makes, checks and restores backups of a store, and gives the commands everything that is wrong. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, it } from "node:test";
import { backup } from "../../../src/extras/backup/backup.ts";
import { MANIFEST_NAME, STORE_PATH } from "../../../src/extras/backup/manifest.ts";
import type { AskHidden } from "../../../src/extras/backup/passphrase.ts";
import { unpackBackup } from "../../../src/extras/backup/read_backup.ts";
import { restoredLines } from "../../../src/extras/backup/report.ts";
import { restore } from "../../../src/extras/backup/restore.ts";
import { configPlace, type PlacedConfig } from "../../../src/extras/backup/restored_config.ts";
import { hashing, sumLine } from "../../../src/extras/backup/sums.ts";
import { verify } from "../../../src/extras/backup/verify.ts";
import { forget } from "../../../src/extras/sessions/forget.ts";
import { list } from "../../../src/extras/sessions/sessions.ts";
import { readSealed, writeSealed } from "../../../src/extras/backup/archive/sealed_file.ts";
import { type FileToArchive, readTar, writeTar } from "../../../src/extras/backup/archive/tar.ts";
import { createCrashPoints } from "../../../src/host/process/crash_points.ts";
import { MIGRATIONS } from "../../../src/store/database/migrations.ts";
import { acquireLock } from "../../../src/host/locks/lock.ts";
import { ACCOUNT, guildMessage, outboundMessage } from "../../support/discord/builders.ts";
import { accepted, batch, frozen } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { createDataFixture, type DataFixture, removeDataFixtures } from "../../cli/data_fixture.ts";
import { recordingIo } from "../../cli/io.ts";

afterEach(removeDataFixtures);

const PASSPHRASE = "correct horse battery staple";
/** Work factor of encrypted backups: a real one costs half a second at each use. */
const LOG_N = 10;
const ALIVE = createCrashPoints(undefined);

async function makeFixture(): Promise<DataFixture> {
  const fixture = createDataFixture();
  await fixture.fill((store) =>
    store.inbox.acceptBatch(batch({ judged: [accepted(guildMessage())] }), Date.now())
  );
  return fixture;
}

interface Ran {
  readonly code: number;
  readonly out: readonly string[];
  readonly err: string;
}

async function run(work: (io: ReturnType<typeof recordingIo>) => Promise<number>): Promise<Ran> {
  const io = recordingIo({ HOME: "/nonexistent" });
  const code = await work(io);
  return { code, out: io.stdout, err: io.stderr.join("\n") };
}

const backUp = (fixture: DataFixture, flags: object = {}, ask?: AskHidden) =>
  run((io) => backup({ ...fixture.flags, encrypt: false, ...flags }, io, ask, ALIVE, LOG_N));

const check = (file: string, data: string, flags: object = {}, ask?: AskHidden) =>
  run((io) => verify({ data, json: false, ...flags }, [file], io, ask));

const install = (file: string, data: string, flags: object = {}, ask?: AskHidden) =>
  run((io) =>
    restore(
      { data, config: join(data, "..", "config.jsonc"), json: false, force: false, ...flags },
      file,
      io,
      ask,
      ALIVE,
    )
  );

/** Makes a backup, and returns its path. */
async function made(
  fixture: DataFixture,
  flags: object = {},
  ask?: AskHidden,
): Promise<string> {
  const { code, out, err } = await backUp(fixture, flags, ask);
  assert.equal(code, 0, err);
  return out[0] ?? "";
}

/** Writes a backup again, with other files in it. */
async function rewritten(
  path: string,
  change: (name: string, content: Buffer) => Buffer | undefined,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  async function* files(): AsyncGenerator<FileToArchive> {
    let sums = "";
    for await (const file of readTar(readSealed(path, () => Promise.resolve(undefined)))) {
      const parts: Uint8Array[] = [];
      for await (const part of file.content) parts.push(part);
      const isSums = file.path === "SHA256SUMS";
      for (const [path, text] of isSums ? Object.entries(more) : []) {
        const added = hashing({ path, size: text.length, content: [Buffer.from(text)] });
        yield added;
        sums += sumLine(path, added.digest());
      }
      const content = change(file.path, isSums ? Buffer.from(sums) : Buffer.concat(parts));
      if (!content) continue;
      const hashed = hashing({ path: file.path, size: content.length, content: [content] });
      yield hashed;
      if (!isSums) sums += sumLine(file.path, hashed.digest());
    }
  }
  const to = `${path}.changed`;
  await writeSealed({ path: to, part: `${to}.part` }, writeTar(files(), 0));
  return to;
}

describe("[O11] barnacle backup", () => {
  it("makes a file in the data directory, which verify accepts", async () => {
    const fixture = await makeFixture();
    const path = await made(fixture);
    assert.match(path, /\/backups\/barnacle-\d{4}-\d\d-\d\dT[-\d]{8}Z\.tar\.zst$/);
    assert.deepEqual(readdirSync(join(fixture.data, "backups")), [path.split("/").at(-1)]);
    const { code, err } = await check(path, fixture.data);
    assert.equal(code, 0, err);
    assert.match(err, /Made .* by Barnacle .*, schema \d+/);
  });

  it("takes the place as an argument, too, as verify and restore do", async () => {
    const fixture = await makeFixture();
    const place = join(fixture.data, "typed.tar.zst");
    assert.equal(await made(fixture, { place }), place);
  });

  it("verify removes the store that a killed verify has left", async () => {
    const fixture = await makeFixture();
    const path = await made(fixture);
    const left = join(fixture.data, ".verify-4194304-abc"); // no process has such a high id
    mkdirSync(left);
    writeFileSync(join(left, "barnacle.db"), "messages");
    assert.equal((await check(path, fixture.data)).code, 0);
    assert.deepEqual(readdirSync(fixture.data).filter((name) => name.startsWith(".verify")), []);
  });

  it("asks twice for a passphrase on a terminal", async () => {
    const fixture = await makeFixture();
    const questions: string[] = [];
    const ask: AskHidden = (question) => {
      questions.push(question);
      return Promise.resolve(PASSPHRASE);
    };
    const { code, out } = await backUp(fixture, { encrypt: true }, ask);
    assert.equal(code, 0);
    assert.deepEqual(questions, ["Passphrase of the backup: ", "The same again: "]);
    assert.match(out[0] ?? "", /\.tar\.zst\.age$/);
    assert.equal((await check(out[0] ?? "", fixture.data, {}, ask)).code, 0);
  });

  it("removes unfinished files of backups that died", async () => {
    const fixture = await makeFixture();
    const folder = join(fixture.data, "backups");
    mkdirSync(folder);
    for (const name of [".copy-999999999.part", ".old.tar.zst-999999999.part"]) {
      writeFileSync(join(folder, name), "x");
    }
    await made(fixture);
    assert.ok(!readdirSync(folder).some((name) => name.endsWith(".part")));
  });

  it("has no secret of a workspace that surrounds the config, its secrets and the data", async () => {
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
      const names: string[] = [];
      for await (const file of readTar(readSealed(path, () => Promise.resolve(undefined)))) {
        names.push(file.path);
        const parts: Uint8Array[] = [];
        for await (const part of file.content) parts.push(part);
        assert.doesNotMatch(Buffer.concat(parts).toString("latin1"), /token-in/, file.path);
      }
      assert.deepEqual(names.filter((name) => name.startsWith("workspaces/")), [
        "workspaces/main/notes.md",
      ]);
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  it("goes to backup.folder, and has the token that setup wrote only if it is encrypted", async () => {
    const fixture = await makeFixture();
    using home = tempDirectory();
    const disk = join(home.path, "disk");
    const config = join(home.path, "config.jsonc");
    const token = { file: "discord_token" };
    writeFileSync(
      config,
      JSON.stringify({ channels: { discord: { token } }, backup: { folder: disk } }),
    );
    mkdirSync(join(home.path, "credentials"));
    writeFileSync(join(home.path, "credentials", "discord_token"), "a-token", { mode: 0o600 });
    const away = await backUp(fixture, { config });
    assert.deepEqual([away.code, away.out], [2, []]);
    assert.match(away.err, /there is no folder .*disk/);
    mkdirSync(disk);
    const open = await backUp(fixture, { config });
    assert.match(open.err, /Without the secret channels.discord.token/);
    assert.match(open.err, /Not in it: log files, older backups/);
    const ask = () => Promise.resolve(PASSPHRASE);
    const sealed = await backUp(fixture, { config, encrypt: true }, ask);
    assert.doesNotMatch(sealed.err, /Without the secret/);
    assert.deepEqual(readdirSync(disk).length, 2);
    for (const [made, mode] of [[open, undefined], [sealed, 0o600]] as const) {
      using other = tempDirectory();
      const there = { config: join(other.path, "config.jsonc") };
      const { code, err } = await install(made.out[0] ?? "", join(other.path, "data"), there, ask);
      assert.equal(code, 0, err);
      const path = join(other.path, "credentials", "discord_token");
      const stats = statSync(path, { throwIfNoEntry: false });
      assert.equal(stats && stats.mode & 0o777, mode);
      if (stats) assert.equal(readFileSync(path, "utf8"), "a-token");
    }
  });

  const dir = "/nonexistent-folder";
  const refused: readonly {
    readonly what: string;
    readonly flags: (fixture: DataFixture) => object;
    readonly ask?: AskHidden;
    readonly code: number;
    readonly says: RegExp;
  }[] = [
    {
      what: "no terminal for a passphrase",
      flags: () => ({ encrypt: true }),
      code: 2,
      says: /without a terminal, --passphrase-file must name the file/,
    },
    {
      what: "two passphrases that differ",
      flags: () => ({ encrypt: true }),
      ask: (question) => Promise.resolve(question + PASSPHRASE),
      code: 2,
      says: /the two passphrases differ; nothing was written/,
    },
    {
      what: "a short passphrase",
      flags: () => ({ encrypt: true }),
      ask: () => Promise.resolve("hunter2"),
      code: 2,
      says: /the passphrase has 7 characters; it needs at least 12/,
    },
    {
      what: "an empty passphrase file",
      flags: ({ data }) => {
        writeFileSync(join(data, "p"), "\n");
        return { passphraseFile: join(data, "p") };
      },
      code: 2,
      says: /the passphrase is empty/,
    },
    {
      what: "a missing passphrase file",
      flags: () => ({ passphraseFile: `${dir}/p` }),
      code: 2,
      says: /cannot read the passphrase file .*: there is no such file/,
    },
    {
      what: "a passphrase file that is a folder",
      flags: ({ data }) => ({ passphraseFile: data }),
      code: 2,
      says: /cannot read the passphrase file .*: it is a folder/,
    },
    {
      what: "a folder that does not exist",
      flags: () => ({ to: `${dir}/b.tar.zst` }),
      code: 2,
      says: /there is no folder \/nonexistent-folder/,
    },
    {
      what: "a folder of a stick that is not mounted",
      flags: ({ data }) => ({ to: join(data, "stick") }),
      code: 2,
      says: /there is no folder .*stick; make it, or name a file that ends in \.tar\.zst/,
    },
    {
      what: "a folder that cannot be",
      flags: () => ({ to: `/${"x".repeat(300)}/b.tar.zst` }),
      code: 74,
      says: /may not write into \/x+ \(ENAMETOOLONG\); no backup was made/,
    },
    {
      what: "a file that exists",
      flags: ({ config }) => ({ to: config }),
      code: 2,
      says: /config\.jsonc exists already; choose another name/,
    },
    {
      what: "two places",
      flags: ({ data }) => ({ place: data, to: join(data, "b.tar.zst") }),
      code: 2,
      says: /the argument and --to name two places; leave one out/,
    },
    {
      what: "a directory without a store",
      flags: () => ({ data: dir }),
      code: 75,
      says: /no data directory \/nonexistent-folder/,
    },
  ];
  for (const { what, flags, ask, code, says } of refused) {
    it(`refuses ${what}`, async () => {
      const fixture = await makeFixture();
      const ran = await backUp(fixture, flags(fixture), ask);
      assert.deepEqual([ran.code, ran.out], [code, []], ran.err);
      assert.match(ran.err, says);
      assert.ok(!existsSync(join(fixture.data, "backups")));
    });
  }

  it("names a file that stands in the place of its folder", async () => {
    const fixture = await makeFixture();
    writeFileSync(join(fixture.data, "backups"), "mine");
    const { code, err } = await backUp(fixture);
    assert.equal(code, 74);
    assert.match(err, /backups is no folder, so no backup was made; move that file away/);
    assert.equal(readFileSync(join(fixture.data, "backups"), "utf8"), "mine");
  });

  it("does not disturb a second one at the same time", async () => {
    const fixture = await makeFixture();
    const folder = join(fixture.data, "backups");
    mkdirSync(folder);
    const other = join(folder, `.copy-${process.ppid}.part`);
    writeFileSync(other, "of a process that runs");
    assert.equal((await check(await made(fixture), fixture.data)).code, 0);
    assert.equal(readFileSync(other, "utf8"), "of a process that runs");
  });
});

describe("[O11] barnacle verify", () => {
  it("checks each of several backups, asks for one passphrase, and fails with the first fault", async () => {
    const fixture = await makeFixture();
    const plain = await made(fixture);
    const ask = () => Promise.resolve(PASSPHRASE);
    const encrypted = await sealed(plain);
    const asked: string[] = [];
    const all = (files: readonly string[]) =>
      run((io) =>
        verify({ data: fixture.data, json: false }, files, io, (question) => {
          asked.push(question);
          return ask();
        })
      );
    const files = [plain, encrypted, encrypted];
    const whole = await all(files);
    assert.deepEqual([whole.code, whole.out], [0, files.map((one) => `Whole: ${one}`)]);
    assert.equal(asked.length, 1);
    const { code, out, err } = await all([fixture.config, plain, "/nonexistent"]);
    assert.deepEqual([code, out], [1, [`Whole: ${plain}`]]);
    assert.match(err, /config\.jsonc cannot be used[\s\S]*\/nonexistent/);
  });
});

describe("[O11] barnacle verify and restore", () => {
  const dir = "/nonexistent-folder";
  const refused: readonly {
    readonly what: string;
    readonly file: (path: string, fixture: DataFixture) => string | Promise<string>;
    readonly flags?: object;
    readonly ask?: AskHidden;
    readonly code: number;
    readonly says: RegExp;
  }[] = [
    {
      what: "half a file",
      file: (path) => cut(path, (size) => Math.floor(size / 2)),
      code: 1,
      says: /is damaged: its end is missing\. Copy it again from where it was made, or use another/,
    },
    {
      what: "a file without its last bytes",
      file: (path) => cut(path, (size) => size - 1),
      code: 1,
      says: /is damaged: /,
    },
    {
      what: "a file with a changed byte",
      file(path) {
        const bytes = readFileSync(path);
        bytes.writeUInt8(bytes.readUInt8(2_000) ^ 1, 2_000);
        writeFileSync(path, bytes);
        return path;
      },
      code: 1,
      says: /is damaged: a part of it is missing or changed/,
    },
    {
      what: "another file",
      file: (_, { config }) => config,
      code: 1,
      says: /config\.jsonc cannot be used: it is no backup of Barnacle/,
    },
    {
      what: "an empty file",
      file(path) {
        writeFileSync(path, "");
        return path;
      },
      code: 1,
      says: /cannot be used: it is no backup of Barnacle/,
    },
    {
      what: "a folder",
      file: (_, { data }) => data,
      code: 1,
      says: / is a folder; name the backup in it/,
    },
    {
      what: "a newer format",
      file: (path) =>
        rewritten(
          path,
          (name, content) =>
            name === MANIFEST_NAME
              ? Buffer.from(content.toString().replace('"format": 1', '"format": 2'))
              : content,
        ),
      code: 1,
      says: /Barnacle \S+ made this backup in a newer format; use that version or a newer one/,
    },
    {
      what: "a manifest that is none",
      file: (path) =>
        rewritten(path, (name, content) => name === MANIFEST_NAME ? Buffer.from("{}") : content),
      code: 1,
      says: /cannot be used: it is no backup of Barnacle/,
    },
    {
      what: "a store of a newer Barnacle",
      file: (path, { data }) =>
        rewritten(
          path,
          (name, content) =>
            name === STORE_PATH
              ? withDatabase(data, content, (database) => database.exec("PRAGMA user_version = 99"))
              : content,
        ),
      code: 1,
      says: /cannot be used: a newer Barnacle made it: its store has a newer schema/,
    },
    {
      what: "a store with a damaged page",
      file: (path) =>
        rewritten(path, (name, content) => {
          if (name === STORE_PATH) content.fill(0xff, 4_096 * 2, 4_096 * 3);
          return content;
        }),
      code: 1,
      says: /cannot be used: its store is damaged\. Use another backup/,
    },
    {
      what: "a backup without a store",
      file: (path) => rewritten(path, (name, content) => name === STORE_PATH ? undefined : content),
      code: 1,
      says: /cannot be used: it has no store/,
    },
    ...["data/backups/old.tar.zst", "data/lock", "data/restore.ready/x", "old"].map((name) => ({
      what: `a file that a backup has not: ${name}`,
      file: (path: string) => rewritten(path, (_, content) => content, { [name]: "strange" }),
      code: 1,
      says: /cannot be used: \S+ is not at its place/,
    })),
    ...[
      ["config/a", "config/a/b"],
      ["workspaces/main/a/b/c", "workspaces/main/a"],
      ["config/a", "config/a"],
    ].map((names) => ({
      what: `a place that is a file and a folder, or twice a file: ${names.join(", ")}`,
      file: async (path: string) => {
        const once = await rewritten(path, (_, content) => content, { [names[0] ?? ""]: "one" });
        return await rewritten(once, (_, content) => content, { [names[1] ?? ""]: "two" });
      },
      code: 1,
      says: /cannot be used: \S+ is not at its place/,
    })),
    {
      what: "a file with another checksum",
      file: (path) =>
        rewritten(
          path,
          (name, content) =>
            name === "SHA256SUMS" ? Buffer.from(content.toString().replace(/[0-9]/, "a")) : content,
        ),
      code: 1,
      says: /is damaged: a file in it has another checksum/,
    },
    {
      what: "a wrong passphrase",
      file: sealed,
      ask: () => Promise.resolve("another passphrase"),
      code: 1,
      says: /\.age: the passphrase is wrong/,
    },
    {
      what: "no passphrase",
      file: sealed,
      code: 2,
      says: /\.age is encrypted; --passphrase-file names the file with its passphrase/,
    },
    {
      what: "half an encrypted file",
      file: async (path) => cut(await sealed(path), (size) => Math.floor(size / 2)),
      ask: () => Promise.resolve(PASSPHRASE),
      code: 1,
      says: /is damaged: a part of it is missing or changed/,
    },
  ];
  for (const { what, file, flags, ask, code, says } of refused) {
    it(`refuse ${what}`, async () => {
      const fixture = await makeFixture();
      using other = tempDirectory();
      const data = join(other.path, "data");
      const path = await file(await made(fixture), fixture);
      const verified = await check(path, data, flags, ask);
      assert.deepEqual([verified.code, verified.out], [code, []], verified.err);
      assert.match(verified.err, says);
      assert.doesNotMatch(verified.err, /\n\s+at /);
      const restored = await install(path, data, flags, ask);
      assert.deepEqual([restored.code, restored.out], [code, []], restored.err);
      assert.match(restored.err, says);
      assert.deepEqual(existsSync(data) ? readdirSync(data) : ["lock"], ["lock"]);
    });
  }

  it("take a backup of many files, whose list of checksums is long", async () => {
    const fixture = await makeFixture();
    const folders = Array.from({ length: 19 }, () => "f".repeat(200)).join("/");
    const more = Object.fromEntries(
      Array.from({ length: 4_400 }, (_, at) => [`workspaces/main/${folders}/${at}`, ""]),
    );
    const path = await rewritten(await made(fixture), (_, content) => content, more);
    const { code, err } = await check(path, fixture.data);
    assert.equal(code, 0, err);
  });

  it("stop before a backup that is larger than its list says fills the disk", async () => {
    const fixture = await makeFixture();
    const more = { "workspaces/main/zeros": "\0".repeat(24 * 1024 * 1024) };
    const path = await rewritten(await made(fixture), (_, content) => content, more);
    using other = tempDirectory();
    let looks = 0;
    const unpacked = unpackBackup(path, () => Promise.resolve(undefined), {
      folder: other.path,
      isWanted: () => true,
      onManifest: ({ bytes }) => assert.ok(bytes < 4 * 1024 * 1024),
      async assertRoom() {
        if (++looks === 2) throw await Promise.resolve(new Error("no room"));
      },
    });
    await assert.rejects(unpacked, { message: "no room" });
    const { size } = statSync(join(other.path, "workspaces/main/zeros"));
    assert.ok(size <= 17 * 1024 * 1024, String(size));
  });

  it("name a missing file", async () => {
    using other = tempDirectory();
    assert.match((await check(`${dir}/b`, other.path)).err, /there is no file .*\/b$/m);
    assert.match(
      (await install(`${dir}/b`, other.path)).err,
      /there is no file \/nonexistent-folder/,
    );
  });

  it("refuse to replace data beside a running bot, and without --force", async () => {
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
});

describe("[O11] barnacle restore", () => {
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
        INSERT INTO unanswered (account_id, message_id, channel_id, author_id, why, at)
        VALUES ('${ACCOUNT}', '1', '1', '1', 'queue-full', 1);
        INSERT INTO gateway_session (account_id, shard_id, session_id, alive_at, stored_up_to)
        VALUES ('${ACCOUNT}', 0, 'secret', 1, 1)`));
    const path = await made(fixture);
    using other = tempDirectory();
    const data = join(other.path, "data");
    const { code, err } = await install(path, data);
    assert.equal(code, 0, err);
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
      assert.deepEqual(all("SELECT 1 FROM unanswered"), [], "no sender learns it twice");
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
    const path = await made(fixture);
    using other = tempDirectory();
    const data = join(other.path, "data");
    const { code, err } = await install(path, data);
    assert.equal(code, 0, err);
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
    const file = join(other.path, "old.tar.zst");
    const flags = { data: old, config: undefined, json: false, encrypt: false, to: file };
    const copied = await run((io) => backup(flags, io, undefined, ALIVE));
    assert.equal(copied.code, 0);
    assert.match(copied.err, /^barnacle: no config was found, so the backup has none; --config/m);
    const data = join(other.path, "data");
    const { code, err } = await install(file, data);
    assert.equal(code, 0, err);
    assert.match(err, /Ended: 3 open turns, 1 question$/m);
    assert.match(err, /^The backup has no config$/m);
    assert.deepEqual(readdirSync(data).toSorted(), ["barnacle.db", "lock"]);
  });

  it("[X5] is listed and deleted by forget, also the older ones that were made elsewhere", async () => {
    const fixture = await makeFixture();
    using stick = tempDirectory();
    const paths = [
      await made(fixture, { to: join(stick.path, "first.tar.zst") }),
      await made(fixture, { to: join(stick.path, "second.tar.zst") }),
      await made(fixture), // into the data directory: the newest one
    ];
    const forgetting = (deleteBackups: boolean) =>
      run((io) =>
        forget(
          { ...fixture.flags, yes: true, deleteBackups },
          guildMessage().sender.id,
          io,
          undefined,
        )
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

  it("prints only what was, the config's place, and the next step", async () => {
    const fixture = createDataFixture({ channels: { discord: { enabled: false } } });
    await fixture.fill(() => Promise.resolve());
    const path = await made(fixture);
    using other = tempDirectory();
    const data = join(other.path, "data");
    const config = join(other.path, "config.jsonc");
    const first = await install(path, data);
    assert.deepEqual([first.code, first.out], [0, [`Restored to ${data}`]], first.err);
    const [made1, ...lines] = first.err.split("\n");
    assert.match(made1 ?? "", /^Made /);
    assert.deepEqual(lines, [
      `The config is in ${config}`,
      "Without the secret channels.discord.token: it comes from DISCORD_BOT_TOKEN, which is no " +
      "part of the backup",
      `Next: set the secrets above again, then start the bot: \`barnacle run --config ${config} ` +
      `--data ${data}\`, or as a service: \`barnacle service install --config ${config} ` +
      `--data ${data}\``,
    ]);
    assert.equal(readFileSync(config, "utf8"), fixture.text());
    writeFileSync(config, "{}");
    const second = await install(path, data, { force: true });
    assert.ok(
      second.err.includes(
        `The config ${config} exists, and stays; that of the backup is ` +
          join(data, "config.restored.jsonc"),
      ),
      second.err,
    );
  });

  it("names the file of each secret that must be written again", async () => {
    const fixture = createDataFixture({
      channels: {
        discord: { token: { file: "discord_token" }, pluralkit: { token: "pk-secret" } },
      },
      search: { kind: "brave", apiKey: { file: "/run/keys/search" } },
      http: { token: "${HTTP_TOKEN}" },
    });
    await fixture.fill(() => Promise.resolve());
    const copied = await backUp(fixture);
    const key = (name: string) => `Without the secret ${name}: `;
    const kept = "which is no part of the backup";
    assert.deepEqual(
      copied.err.split("\n").filter((line) => line.startsWith("Without")).toSorted(),
      [
        `${key("channels.discord.pluralkit.token")}set it again after a restore`,
        `${key("channels.discord.token")}it comes from discord_token, ${kept}`,
        `${key("http.token")}it comes from HTTP_TOKEN, ${kept}`,
        `${key("search.apiKey")}it comes from /run/keys/search, ${kept}`,
      ],
    );
    using other = tempDirectory();
    const config = join(other.path, "config.jsonc");
    const { err } = await install(copied.out[0] ?? "", join(other.path, "data"));
    assert.deepEqual(err.split("\n").filter((line) => line.startsWith("Without")).toSorted(), [
      `${key("channels.discord.pluralkit.token")}write it into ${config}`,
      `${key("channels.discord.token")}write it into ${other.path}/credentials/discord_token, ` +
      "readable by the bot's user only",
      `${key("http.token")}it comes from HTTP_TOKEN, ${kept}`,
      `${key("search.apiKey")}write it into /run/keys/search, readable by the bot's user only`,
    ]);

    // Beside its old place, the token is there already.
    using beside = tempDirectory();
    mkdirSync(join(beside.path, "credentials"));
    writeFileSync(join(beside.path, "credentials", "discord_token"), "token");
    const { err: again } = await install(copied.out[0] ?? "", join(beside.path, "data"));
    assert.doesNotMatch(again, /channels\.discord\.token/);
    assert.match(again, /Without the secret search\.apiKey/);
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
    const said =
      / cannot be written \((?:ENOTDIR|EEXIST)\); the config is .*config\.restored\.jsonc/;
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

  it("ends with the next step of the machine's service", () => {
    const manifest = {
      format: 1,
      barnacle: "1.0.0",
      schema: 1,
      createdAt: 0,
      accounts: [],
      bytes: 0,
      hasSecrets: true,
      setAgain: [],
      logins: [],
      workspaces: {},
      left: [],
    };
    const ended = { turns: 0, questions: 0, events: 0, looked: 0, held: 0 };
    const last = (config: PlacedConfig) =>
      restoredLines(
        { dataDir: "/var/lib/barnacle", manifest, ended, forgotten: 0, config },
        {},
      ).slice(1);
    const place = "/etc/barnacle/config.jsonc";
    assert.deepEqual(last({ kind: "new", path: place }), [
      "The config is in /etc/barnacle/config.jsonc",
      "Next: start the bot: `sudo barnacle service install`",
    ]);
    assert.deepEqual(
      last({ kind: "beside", path: "config.restored.jsonc", place, why: "EACCES" }),
      [
        "/etc/barnacle/config.jsonc cannot be written (EACCES); the config is " +
        "/var/lib/barnacle/config.restored.jsonc",
        "Next: start the bot: `sudo barnacle service install --config " +
        "/var/lib/barnacle/config.restored.jsonc`",
      ],
    );
  });

  it("finishes a restore that was interrupted before", async () => {
    const fixture = await makeFixture();
    const path = await made(fixture);
    using other = tempDirectory();
    const data = join(other.path, "data");
    assert.equal((await install(path, data)).code, 0);
    const again = await install(path, data, { force: true });
    assert.equal(again.code, 0, again.err);
    assert.match(again.err, /The old data are in .*before-restore-/);
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

/** Encrypts a backup again, and returns the new file's path. */
async function sealed(path: string): Promise<string> {
  const to = `${path}.age`;
  const content = readSealed(path, () => Promise.resolve(undefined));
  await writeSealed(
    { path: to, part: `${to}.part`, passphrase: PASSPHRASE, logN: LOG_N },
    content,
  );
  return to;
}

function withStore(data: string, work: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(join(data, "barnacle.db"));
  try {
    work(database);
  } finally {
    database.close();
  }
}

/** Changes the bytes of a database. */
function withDatabase(
  folder: string,
  content: Buffer,
  work: (database: DatabaseSync) => void,
): Buffer {
  const path = join(folder, "changed.db");
  writeFileSync(path, content);
  const database = new DatabaseSync(path);
  work(database);
  database.close();
  return readFileSync(path);
}
