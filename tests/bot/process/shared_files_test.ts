import assert from "node:assert/strict";
import { mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { openSharedFiles, type SharedFiles } from "../../../src/bot/process/shared_files.ts";
import type { MessageId, Snowflake, UserId } from "../../../src/core/discord/ids.ts";
import type { WorkspacePort } from "../../../src/core/turn/ports/host.ts";
import type { HostCommands } from "../../../src/core/exec/command.ts";
import { checkFolder, forgetWaiting } from "../../../src/files/place_record.ts";
import { createHostCommands } from "../../../src/exec/jobs.ts";
import { PROGRAM_BOUNDS } from "../../../src/host/limits/program_bounds.ts";
import { EXEC_LIMITS } from "../../../src/lib/program_limits.ts";
import { createWorkspacePort } from "../../../src/workspace/guarded.ts";
import { botConfigOf } from "../../config/support.ts";
import { S3_BUCKET, S3_KEYS, type S3Server, startS3 } from "../../support/files/s3_server.ts";
import { type LogLine, recordingLog } from "../../support/recording_log.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

/** A process of a bot, as tools of its agent see it. */
interface Machine {
  readonly dataDir: string;
  readonly root: string;
  readonly shared: SharedFiles;
  readonly files: WorkspacePort;
  readonly commands: HostCommands;
  readonly lines: readonly LogLine[];
}

async function machineAt(endpoint: string, dataDir: string): Promise<Machine> {
  mkdirSync(dataDir);
  const config = await botConfigOf(
    JSON.stringify({
      files: {
        url: `s3://${S3_BUCKET}/bot`,
        endpoint,
        accessKeyId: "${ID}",
        secretAccessKey: { env: "SECRET" },
      },
    }),
    { env: { ID: S3_KEYS.accessKeyId, SECRET: S3_KEYS.secretAccessKey } },
  );
  const { log, lines } = recordingLog();
  const now = () => Date.now();
  const shared = openSharedFiles({ config, dataDir, isBusy: () => false, now, log });
  assert.ok(shared);
  const root = join(dataDir, "agents", "main");
  const workspace = () => shared.workspaceOf("main");
  return {
    dataDir,
    root,
    shared,
    lines,
    files: createWorkspacePort(
      () => root,
      () => ({ dataDir, skillFolders: [], workspaces: [root] }),
      workspace,
    ),
    commands: createHostCommands({
      workspace: () => root,
      assertApart: () => Promise.resolve(),
      maySkipSandbox: () => true,
      limits: () => EXEC_LIMITS,
      bounds: PROGRAM_BOUNDS,
      shared: workspace,
    }),
  };
}

async function play(
  act: (one: Machine, two: Machine, s3: S3Server) => Promise<void>,
): Promise<void> {
  using directory = tempDirectory();
  await using s3 = await startS3();
  const one = await machineAt(s3.endpoint, join(directory.path, "one"));
  const two = await machineAt(s3.endpoint, join(directory.path, "two"));
  try {
    await act(one, two, s3);
    assert.deepEqual(s3.refused, []);
  } finally {
    s3.fault = undefined;
    await Promise.all([one.shared.stop(), two.shared.stop()]);
  }
}

async function run({ commands }: Machine, ...argv: readonly string[]) {
  const command = await commands.resolve({ argv: [...argv], cwd: "" });
  return await commands.run(command, 20_000, new AbortController().signal);
}

describe("[O17] a folder that all processes mount", () => {
  it("forgets a person once it is mounted again", async () => {
    using directory = tempDirectory();
    const [dataDir, path] = [join(directory.path, "data"), join(directory.path, "shared")];
    for (const folder of [dataDir, path]) mkdirSync(folder);
    const url = `file://${path}`;
    checkFolder(url, dataDir);
    const config = await botConfigOf(JSON.stringify({ files: { url } }));
    const parts = { isBusy: () => false, now: () => Date.now(), log: recordingLog().log };
    const shared = openSharedFiles({ config, dataDir, ...parts });
    assert.ok(shared);
    const [messageId, fileId] = ["1300000000000000001", "1"] as [
      MessageId,
      Snowflake<"attachment">,
    ];
    const authorId = "810000000000000001" as UserId;
    await shared.media.keep({ messageId, authorId, fileId }, "png", new Uint8Array(1));
    assert.equal(shared.problem(), undefined);
    renameSync(path, `${path}.away`);
    await shared.media.forget(authorId);
    const place = { messageId, authorId, fileId };
    await assert.rejects(shared.media.keep(place, "png", new Uint8Array(1)));
    assert.match(shared.problem() ?? "", /mount/);
    await shared.stop();
    assert.deepEqual(readdirSync(join(dataDir, "files", "forget")), [authorId]);
    renameSync(`${path}.away`, path);
    await forgetWaiting(dataDir, path);
    assert.deepEqual(readdirSync(join(path, "media")), []);
    assert.deepEqual(readdirSync(join(dataDir, "files", "forget")), []);
  });
});

describe("[O17] tools of two processes", () => {
  it("see each other's files at once", async () => {
    await play(async (one, two) => {
      assert.equal(await one.files.write("notes/plan.md", "tea at five"), undefined);
      assert.equal(await two.files.read("notes/plan.md"), "tea at five");
      const { entries } = await two.files.list("", true);
      assert.deepEqual(entries.map(({ path }) => path), ["notes", "notes/plan.md"]);
      assert.equal((await two.files.readBytes("notes/plan.md", 100)).length, 11);
    });
  });

  it("tell the model if both have changed one file, and lose neither", async () => {
    await play(async (one, two) => {
      await one.files.write("plan.md", "old");
      assert.equal(await two.files.read("plan.md"), "old");
      await one.files.write("plan.md", "of one");
      const note = await two.files.write("plan.md", "of two"); // it has read the old one
      const beside = /^Another process has changed "plan\.md", too: the other version is "(.+)"\.$/
        .exec(note ?? "")?.[1] ?? "";
      const texts = [await one.files.read("plan.md"), await one.files.read(beside)];
      assert.deepEqual(texts.sort(), ["of one", "of two"]);
      assert.ok(two.lines.some(({ event }) => /both versions are kept/.test(event)));
      assert.equal(await two.files.write("plan.md", "again"), undefined, "it is told once");
    });
  });

  it("say that the store is away, and read nothing old", async () => {
    await play(async (one, two, s3) => {
      await one.files.write("a", "1");
      s3.fault = () => ({ status: 503, code: "SlowDown" });
      await assert.rejects(
        one.files.read("a"),
        /cannot be used now, because the file store answers/,
      );
      assert.match(
        await one.files.write("b", "2") ?? "",
        /on this machine only, because .* sent later/,
      );
      assert.match(one.shared.problem() ?? "", /the file store answers SlowDown/);
      s3.fault = undefined;
      await assert.rejects(two.files.read("b"), /there is no file/);
      assert.equal(two.shared.problem(), undefined);
      await one.shared.stop();
      assert.equal(await two.files.read("b"), "2");
    });
  });

  const NO_PROGRAMS = { skip: process.platform === "win32" && "commands do not run on Windows" };

  it("bring what a command has written", NO_PROGRAMS, async () => {
    await play(async (one, two) => {
      await one.files.write("in.txt", "tea");
      const { end, note } = await run(two, "cp", "in.txt", "out.txt");
      assert.deepEqual([end?.code, note], [0, undefined]);
      assert.equal(await one.files.read("out.txt"), "tea");
    });
  });

  it("bring what a job has written by its end", NO_PROGRAMS, async () => {
    await play(async (one, two) => {
      await one.files.write("in.txt", "tea");
      const command = await two.commands.resolve({ argv: ["cp", "in.txt", "out.txt"], cwd: "" });
      const job = await two.commands.start(command, "grace", 20_000, () => {});
      while (!two.commands.poll(job, "grace")?.end) {
        await new Promise((next) => setTimeout(next, 10));
      }
      assert.equal(await one.files.read("out.txt"), "tea");
    });
  });

  it("say which files stay on their machine, once", NO_PROGRAMS, async () => {
    await play(async (one) => {
      await one.files.write("a", "1");
      symlinkSync("/etc/passwd", join(one.root, "link"));
      assert.match(
        await one.files.write("b", "2") ?? "",
        /^These stay on this machine, and may be gone later: "link \(a link\)"\.$/,
      );
      assert.equal(await one.files.write("b", "3"), undefined);
    });
  });

  it("have instructions that a person has edited, with the next look", async () => {
    await play(async (one, two) => {
      await one.files.write("a", "1");
      writeFileSync(join(one.root, "AGENTS.md"), "Be kind.");
      await one.shared.workspaceOf("main").pull();
      assert.equal(await two.files.read("AGENTS.md"), "Be kind.");
    });
  });
});
