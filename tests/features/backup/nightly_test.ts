import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, it } from "node:test";
import { serveNightly } from "../../../src/features/backup/nightly.ts";
import type { Served } from "../../../src/cli/run/served_parts.ts";
import { judgeBackups } from "../../../src/flows/preflight/host.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";
import { openTestStore } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const HOUR = 60 * 60_000;
/** A local time, as the hour of the config is one. */
const at = (day: number, hour: number, minute = 0) =>
  new Date(2026, 5, day, hour, minute).getTime();

function open(begin: number) {
  const directory = tempDirectory();
  const folder = join(directory.path, "backups");
  mkdirSync(folder);
  const clock = new FakeClock(begin);
  const { log, lines } = recordingLog();
  const { store } = openTestStore();
  const { settings } = store;
  const config = { backup: { enabled: true, hour: 3, keep: 2, folder: undefined } };
  const made: { path: string }[] = [];
  let fault: string | undefined;
  let botId: string | undefined = "7";
  const gateway = {
    accountIds: () => Promise.resolve(["default"]),
    loadAccount: () => Promise.resolve({ self: botId && { userId: botId } }),
  };
  const served = {
    ...{ dataDir: directory.path, env: {}, setup: { config }, store: { settings, gateway } },
    logging: { forPart: () => log },
  } as unknown as Served;
  const start = () =>
    serveNightly(served, clock, (path) => {
      made.push({ path });
      writeFileSync(path, "");
      const done = fault === undefined
        ? settings.recordBackup({ kind: "made", at: clock.now(), path, bytes: 1 })
        : Promise.resolve();
      return { ended: done.then(() => fault), kill: () => {} };
    });
  async function pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= HOUR / 6) {
      clock.advance(Math.min(left, HOUR / 6));
      for (let round = 0; round < 20; round++) await settle();
    }
  }
  return {
    ...{ directory, folder, config, settings, made, lines, pass, start },
    is: (id: string | undefined) => botId = id,
    fail: (why: string | undefined) => fault = why,
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

describe("[O11] serveNightly()", () => {
  it("makes it in backup.folder", async () => {
    using scene = open(at(1, 12));
    Object.assign(scene.config.backup, { folder: "elsewhere" });
    mkdirSync(join(scene.directory.path, "elsewhere"));
    const nightly = scene.start();
    await scene.pass(16 * HOUR);
    nightly.close?.();
    assert.equal(dirname(scene.made[0]?.path ?? ""), join(scene.directory.path, "elsewhere"));
  });

  it("makes a backup each night at the hour of the config", async () => {
    using scene = open(at(1, 12));
    const nightly = scene.start();
    await scene.pass(14 * HOUR); // 02:00
    assert.equal(scene.made.length, 0);
    await scene.pass(2 * HOUR);
    assert.equal(scene.made.length, 1);
    assert.match(basename(scene.made[0]?.path ?? ""), /^barnacle-nightly-7-2026-.*Z\.tar\.gz$/);
    await scene.pass(24 * HOUR);
    assert.equal(scene.made.length, 2);
    nightly.close?.();
    await scene.pass(48 * HOUR);
    assert.equal(scene.made.length, 2);
  });

  it("waits for the first connection, which tells the bot's id", async () => {
    using scene = open(at(1, 12));
    scene.is(undefined);
    scene.start();
    await scene.pass(16 * HOUR);
    assert.equal(scene.made.length, 0);
    scene.is("8");
    await scene.pass(HOUR);
    assert.match(basename(scene.made[0]?.path ?? ""), /^barnacle-nightly-8-/);
  });

  it("makes a missed night up at the next start, once", async () => {
    using scene = open(at(1, 12));
    scene.start();
    await scene.pass(HOUR);
    using later = open(at(5, 12));
    await later.settings.recordBackup({ kind: "first", at: at(1, 12) });
    later.start();
    await later.pass(HOUR);
    assert.equal(later.made.length, 1);
    await later.pass(10 * HOUR);
    assert.equal(later.made.length, 1);
  });

  it("keeps the newest nightly backups, and all others: by hand, and of bots in the same folder", async () => {
    using scene = open(at(1, 12));
    const others = [
      "barnacle-2020-01-01T00-00-00Z.tar.gz",
      "barnacle-nightly-70-2020-01-01T03-00-00Z.tar.gz",
    ];
    for (const name of others) writeFileSync(join(scene.folder, name), "");
    scene.start();
    await scene.pass(5 * 24 * HOUR);
    assert.equal(scene.made.length, 5);
    const kept = scene.made.slice(-2).map(({ path }) => basename(path));
    assert.deepEqual(readdirSync(scene.folder).toSorted(), [...others, ...kept].toSorted());
  });

  it("keeps the backup of this night, although a clock was ahead once", async () => {
    using scene = open(at(1, 12));
    const ahead = [1, 2, 3].map((day) => `barnacle-nightly-7-2099-01-0${day}T03-00-00Z.tar.gz`);
    for (const name of ahead) writeFileSync(join(scene.folder, name), "");
    scene.start();
    await scene.pass(3 * 24 * HOUR);
    assert.equal(scene.made.length, 3);
    const last = basename(scene.made[2]?.path ?? "");
    assert.deepEqual(readdirSync(scene.folder).toSorted(), [last, ...ahead.slice(-2)]);
  });

  it("makes tonight's, although the clock was ahead at the last", async () => {
    using scene = open(at(1, 12));
    await scene.settings.recordBackup({ kind: "made", at: at(29, 3), path: "/b", bytes: 1 });
    scene.start();
    await scene.pass(16 * HOUR);
    assert.equal(scene.made.length, 1);
  });

  it("reports a failure until a backup succeeds, and tries again each hour", async () => {
    using scene = open(at(1, 12));
    scene.start();
    scene.fail("the disk is full (ENOSPC); no backup was made");
    await scene.pass(15.5 * HOUR); // 03:30
    assert.equal(scene.made.length, 1);
    assert.ok(
      scene.lines.some(({ level, event }) =>
        level === "error" && event === "The nightly backup has failed; will try again in an hour"
      ),
    );
    assert.match((await scene.settings.backups()).failed?.why ?? "", /the disk is full/);
    await scene.pass(HOUR);
    assert.equal(scene.made.length, 2);
    scene.fail(undefined);
    await scene.pass(HOUR + HOUR / 2);
    assert.equal(scene.made.length, 3);
    assert.equal((await scene.settings.backups()).failed, undefined);
  });

  it("does nothing if it is off", async () => {
    using scene = open(at(1, 12));
    scene.config.backup.enabled = false;
    scene.start();
    await scene.pass(48 * HOUR);
    assert.equal(scene.made.length, 0);
  });
});

describe("[O11] judgeBackups()", () => {
  const now = at(10, 12);
  const state = (ms: number) => ({
    since: at(1, 1),
    made: { kind: "made" as const, at: now - ms, path: "/b", bytes: 2_000_000 },
  });
  const failed = { kind: "failed" as const, at: now - HOUR, why: "the disk is full" };
  const gone = / ago, 2 MB, \/b, which is not there now → .*run `barnacle backup`/;
  type Given = Parameters<typeof judgeBackups>[0];
  const rows: readonly (readonly [string, Given, isThere: boolean, judged: RegExp])[] = [
    ["a backup of the last two days", state(30 * HOUR), true, /^pass: 30 h 0 min ago, 2 MB, \/b →/],
    ["one whose file is gone, such as after `forget --delete-backups`", state(HOUR), false, gone],
    ["none, in a new bot", {}, false, /^pass: /],
    ["an old one", state(50 * HOUR), true, /^warn: /],
    ["none for days", { since: at(1, 1) }, true, /^warn: .* → .*or set `backup\.enabled`/],
    [
      "a failure",
      { ...state(30 * HOUR), failed },
      true,
      /^fail: failed at .*: the disk is full; the last one: 30 h/,
    ],
  ];
  for (const [what, given, isThere, judged] of rows) {
    it(`judges ${what}`, () => {
      const enabled = given.made !== undefined;
      const { status, why, fix } = judgeBackups(given, { enabled }, now, isThere);
      assert.match(`${status}: ${why} → ${fix}`, judged);
    });
  }
});
