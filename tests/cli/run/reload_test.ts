import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { readConfig } from "../../../src/cli/shared/read_config.ts";
import { createReload } from "../../../src/cli/run/reload.ts";
import type { ReloadPlan } from "../../../src/config/changes.ts";
import type { Loaded } from "../../../src/config/load.ts";
import type { Problem } from "../../../src/config/text/problem.ts";
import { recordingLog } from "../../support/recording_log.ts";
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
  const calls: string[] = [];
  const applied: ReloadPlan[] = [];
  const states: (string | undefined)[] = [];
  const later: (readonly string[] | undefined)[] = [];
  const reload = createReload({
    read,
    running: loaded,
    apply(_loaded, plan) {
      if (inTheWay.length === 0) applied.push(plan);
      return Promise.resolve(inTheWay);
    },
    onState: (problem, atTheNextStart) => {
      states.push(problem);
      later.push(atTheNextStart);
    },
    onBegin: () => void calls.push("begin"),
    onEnd: () => void calls.push("end"),
    log,
  });
  return {
    async change(text: string) {
      write(text);
      lines.length = 0;
      await reload();
      return lines;
    },
    applied,
    states,
    later,
    calls,
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

const config = (more: object, token = TOKEN) =>
  JSON.stringify({ channels: { discord: { token, groupPolicy: "allowlist" } }, ...more });

describe("[C9] createReload()", () => {
  it("logs each change, and those that apply from the next start", async () => {
    using bot = await running(config({}));
    const lines = await bot.change(config({ http: { port: 9 }, log: { level: "debug" } }));
    const changes = lines.filter(({ event }) => event === "The config has changed")
      .map(({ fields }) => [fields["key"], fields["from"], fields["to"], fields["takesEffect"]]);
    assert.deepEqual(changes.sort(), [
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
    assert.deepEqual(bot.later, [["http.port"], ["http.port"], undefined, []]);
  });

  it("restarts the account of a changed token, and logs neither token", async () => {
    using bot = await running(config({}));
    const lines = await bot.change(config({}, OTHER));
    assert.deepEqual(bot.applied.map(({ accounts }) => accounts), [[
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
    assert.deepEqual(bot.applied.map(({ accounts }) => accounts), [[
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
    assert.deepEqual(bot.states, ["Another Barnacle runs", "Another Barnacle runs"]);
  });

  it("compares the next change with the current config", async () => {
    using bot = await running(config({}));
    await bot.change(config({ log: { level: "debug" } }));
    await bot.change(config({ log: { level: "warn" } }));
    assert.deepEqual(
      bot.applied.map(({ changes }) => changes.map(({ from, to }) => [from, to])),
      [[['"info"', '"debug"']], [['"debug"', '"warn"']]],
    );
  });

  it("keeps the bot running if the file cannot be read", async () => {
    const { log, lines } = recordingLog();
    const calls: string[] = [];
    const loaded = await readConfig(undefined, {});
    assert.ok(loaded.kind === "loaded");
    await createReload({
      read: () => Promise.reject(new Error("stale NFS handle")),
      running: loaded,
      apply: () => Promise.resolve([]),
      onState: (problem) => void calls.push(problem ?? "well"),
      onBegin: () => void calls.push("begin"),
      onEnd: () => void calls.push("end"),
      log,
    })();
    assert.deepEqual(lines.map(({ level }) => level), ["error"]);
    assert.deepEqual(calls, ["begin", "cannot be read", "end"]);
  });

  it("reads once more for all requests during a read", async () => {
    const { log } = recordingLog();
    const loaded = await readConfig(undefined, {});
    assert.ok(loaded.kind === "loaded");
    const calls: string[] = [];
    let atOnce = 0;
    const reload = createReload({
      async read() {
        calls.push(`read ${++atOnce}`);
        await turn();
        atOnce--;
        return loaded;
      },
      running: loaded,
      apply: () => Promise.resolve([]),
      onState: () => {},
      onBegin: () => void calls.push("begin"),
      onEnd: () => void calls.push("end"),
      log,
    });
    await Promise.all([reload(), reload(), reload()]);
    assert.deepEqual(calls, ["begin", "read 1", "read 1", "end"]);
    await reload();
    assert.deepEqual(calls.slice(4), ["begin", "read 1", "end"]);
  });
});
