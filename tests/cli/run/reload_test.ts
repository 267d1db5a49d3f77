import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { readConfig } from "../../../src/cli/shared/read_config.ts";
import { createReload } from "../../../src/cli/run/reload.ts";
import type { Setup } from "../../../src/bot.ts";
import type { AccountChange } from "../../../src/config/changes.ts";
import type { ConfigState } from "../../../src/http/snapshot.ts";
import type { Loaded } from "../../../src/config/load.ts";
import type { Problem } from "../../../src/config/text/problem.ts";
import { type LogLine, recordingLog } from "../../support/recording_log.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAx.GtestX.abcdefghijklmnopqrstuvwxyz0123456789ab";
const OTHER = "MTAwMDAwMDAwMDAwMDAwMDAx.GtestY.abcdefghijklmnopqrstuvwxyz0123456789ab";

/** A bot that started with the first text; its file then has each later one. */
async function running(first: string, inTheWay: readonly Problem[] = []) {
  const directory = tempDirectory();
  const folder = join(directory.path, "config");
  mkdirSync(folder, { mode: 0o700 });
  const file = join(folder, "config.jsonc");
  const write = (text: string) => writeFileSync(file, text, { mode: 0o600 });
  write(first);
  const read = (): Promise<Loaded> => readConfig(file, { HOME: folder });
  const loaded = await read();
  assert.ok(loaded.kind === "loaded");
  const { log, lines } = recordingLog();
  const applied: (readonly AccountChange[])[] = [];
  const states: ConfigState[] = [];
  const setup = {} as Setup;
  const reload = createReload(
    {
      setConfig: (state) => void states.push(state),
      apply(_, accounts) {
        applied.push(accounts);
        return Promise.resolve({ connected: Promise.resolve() });
      },
    },
    loaded,
    read,
    () =>
      Promise.resolve(
        inTheWay.length > 0 ? { kind: "problems", problems: inTheWay } : { kind: "setup", setup },
      ),
    () => {},
    log,
  );
  return {
    async change(text: string) {
      write(text);
      lines.length = 0;
      await reload();
      return lines;
    },
    applied,
    states: () => states.slice(1), // without that of the start
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

/** The changes that the log names. */
const changesIn = (lines: readonly LogLine[]) =>
  lines.filter(({ event }) => event === "The config has changed")
    .map(({ fields }) => [fields["key"], fields["from"], fields["to"], fields["takesEffect"]]);

const config = (more: object, token = TOKEN) =>
  JSON.stringify({ channels: { discord: { token, groupPolicy: "allowlist" } }, ...more });

describe("[C9] createReload()", () => {
  it("logs each change, and those that apply from the next start", async () => {
    using bot = await running(config({}));
    const lines = await bot.change(config({ http: { port: 9 }, log: { level: "debug" } }));
    assert.deepEqual(changesIn(lines).sort(), [
      ["http.port", "8787", "9", "restart"],
      ["log.level", '"info"', '"debug"', "now"],
    ]);
    assert.equal(lines.at(-1)?.event, "The config applies");
    assert.equal(lines.at(-1)?.fields["atTheNextStart"], "http.port");
    assert.equal(bot.applied.length, 1);
  });

  it("warns of a part without its secret once", async () => {
    const search = { search: { kind: "brave", apiKey: { file: "brave" } } };
    using bot = await running(config({}));
    const warned = async (more: object) =>
      (await bot.change(config(more))).filter(({ fields }) =>
        fields["key"] === "search.apiKey" && "hint" in fields
      )
        .length;
    assert.equal(await warned(search), 1);
    assert.equal(await warned({ ...search, log: { level: "debug" } }), 0);
    assert.equal(await warned({}), 0);
    assert.equal(await warned(search), 1);
  });

  it("reports the keys that wait for a restart, until they are as at the start again", async () => {
    using bot = await running(config({}));
    await bot.change(config({ http: { port: 9 } }));
    await bot.change(config({ http: { port: 9 }, log: { level: "debug" } }));
    await bot.change(config({ http: { port: "x" } }));
    await bot.change(config({}));
    assert.deepEqual(
      bot.states().map(({ atTheNextStart, problem }) => [atTheNextStart, problem !== undefined]),
      [[["http.port"], false], [["http.port"], false], [["http.port"], true], [[], false]],
    );
  });

  it("restarts the account of a changed token, and logs neither token", async () => {
    using bot = await running(config({}));
    const lines = await bot.change(config({}, OTHER));
    assert.deepEqual(bot.applied, [[
      { accountId: "default", does: "restart" },
    ]]);
    assert.match(String(lines.at(-1)?.fields["accounts"]), /default/);
    assert.ok(!JSON.stringify(lines).includes("Gtest"));
  });

  it("[P1] updates the lines of unchanged rules", async () => {
    const text = (head: string, policy: string) =>
      `{${head}"channels":{"discord":{"token":"${TOKEN}","accounts":{` +
      `"work":{"token":"${OTHER}","dm":{"policy":"${policy}"}}}}}}`;
    using bot = await running(text("", "pairing"));
    await bot.change(text("\n\n", "allowlist"));
    await bot.change(text("\n\n", "allowlist"));
    assert.deepEqual(bot.applied, [[
      { accountId: "default", does: "apply" },
      { accountId: "work", does: "apply" },
    ]]);
  });

  it("applies nothing if a resource is missing, and retries on the next request", async () => {
    const inTheWay: Problem = { severity: "error", path: "", message: "Another Barnacle runs" };
    using bot = await running(config({}), [inTheWay]);
    for (const _ of ["once", "twice"]) {
      const lines = await bot.change(config({ log: { level: "debug" } }));
      assert.ok(lines.some(({ level, event }) => level === "error" && event === inTheWay.message));
      assert.ok(lines.some(({ fields }) => fields["key"] === "log.level"));
    }
    assert.deepEqual(bot.states().map(({ problem }) => problem), [
      "Another Barnacle runs",
      "Another Barnacle runs",
    ]);
  });

  it("compares the next change with the current config", async () => {
    using bot = await running(config({}));
    await bot.change(config({ log: { level: "debug" } }));
    const lines = await bot.change(config({ log: { level: "warn" } }));
    assert.deepEqual(changesIn(lines), [["log.level", '"debug"', '"warn"', "now"]]);
  });

  it("keeps the bot running if the file cannot be read", async () => {
    const { log, lines } = recordingLog();
    const problems: (string | undefined)[] = [];
    const read = () => Promise.reject(new Error("stale NFS handle"));
    await createReload(
      { setConfig: ({ problem }) => void problems.push(problem), apply: () => assert.fail() },
      ...[await bare(), read, () => assert.fail(), () => assert.fail(), log] as const,
    )();
    assert.deepEqual(lines.map(({ level }) => level), ["error"]);
    assert.deepEqual(problems, [undefined, "cannot be read"]);
  });

  it("reads once more for all requests during a read", async () => {
    const { log } = recordingLog();
    const loaded = await bare();
    let [reads, atOnce] = [0, 0];
    async function read() {
      assert.equal(++atOnce, 1);
      reads++;
      await turn();
      atOnce--;
      return loaded;
    }
    const reload = createReload(
      { setConfig() {}, apply: () => assert.fail() },
      ...[loaded, read, () => assert.fail(), () => assert.fail(), log] as const,
    );
    await Promise.all([reload(), reload(), reload()]);
    assert.equal(reads, 2);
    await reload();
    assert.equal(reads, 3);
  });
});

/** The config without a file. */
async function bare() {
  const loaded = await readConfig(undefined, {});
  assert.ok(loaded.kind === "loaded");
  return loaded;
}
