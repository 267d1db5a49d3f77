import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { readConfig } from "../../src/cli/read_config.ts";
import { createReload, reloadAtHangup } from "../../src/cli/reload.ts";
import type { Loaded } from "../../src/config/load.ts";
import { recordingLog } from "../support/recording_log.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAx.GtestX.abcdefghijklmnopqrstuvwxyz0123456789ab";
const OTHER = "MTAwMDAwMDAwMDAwMDAwMDAx.GtestY.abcdefghijklmnopqrstuvwxyz0123456789ab";

/** A bot that was started with the first text; each later one is then in its file. */
async function running(first: string) {
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
  const told: string[] = [];
  const reload = createReload({
    read,
    running: loaded,
    onBegin: () => told.push("begin"),
    onEnd: () => told.push("end"),
    log,
  });
  return {
    async change(text: string) {
      write(text);
      lines.length = 0;
      await reload();
      return lines;
    },
    told,
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

const config = (more: object, token = TOKEN) =>
  JSON.stringify({ channels: { discord: { token, groupPolicy: "allowlist" } }, ...more });

describe("[C9] createReload()", () => {
  it("says that nothing has changed", async () => {
    using bot = await running(config({}));
    const lines = await bot.change(config({}));
    assert.ok(lines.every(({ level }) => level !== "error"));
    assert.match(lines.at(-1)?.event ?? "", /valid, and as it was/);
    assert.deepEqual(bot.told, ["begin", "end"]);
  });

  it("names the sections that have changed, and when they take effect", async () => {
    using bot = await running(config({}));
    const lines = await bot.change(config({ http: { port: 9 }, log: { level: "debug" } }));
    assert.match(lines.at(-1)?.event ?? "", /valid, and takes effect at the next start/);
    assert.equal(lines.at(-1)?.fields["changed"], "http, log");
  });

  it("sees that a token is another one, and tells neither", async () => {
    using bot = await running(config({}));
    const lines = await bot.change(config({}, OTHER));
    assert.equal(lines.at(-1)?.fields["changed"], "channels");
    assert.ok(!JSON.stringify(lines).includes("Gtest"));
  });

  it("says what is wrong with a file that no start would take, and keeps what runs", async () => {
    using bot = await running(config({}));
    const lines = await bot.change('{\n  "http": { "port": "x" }\n}\n');
    const error = lines.find(({ fields }) => fields["key"] === "http.port");
    assert.equal(error?.level, "error");
    assert.equal(error?.fields["line"], 2);
    assert.match(lines.at(-1)?.event ?? "", /not valid; the one that was read at the start stays/);
    assert.deepEqual(bot.told, ["begin", "end"]);

    const mended = await bot.change(config({}));
    assert.match(mended.at(-1)?.event ?? "", /valid, and as it was/);
  });

  it("ends nothing where the file cannot even be read", async () => {
    const { log, lines } = recordingLog();
    const told: string[] = [];
    const first = await running(config({}));
    first[Symbol.dispose]();
    const loaded = await readConfig(undefined, {});
    assert.ok(loaded.kind === "loaded");
    await createReload({
      read: () => Promise.reject(new Error("stale NFS handle")),
      running: loaded,
      onBegin: () => told.push("begin"),
      onEnd: () => told.push("end"),
      log,
    })();
    assert.deepEqual(lines.map(({ level }) => level), ["error"]);
    assert.deepEqual(told, ["begin", "end"]);
  });

  it("reads once more, and not twice at once, for those that come meanwhile", async () => {
    const { log } = recordingLog();
    const loaded = await readConfig(undefined, {});
    assert.ok(loaded.kind === "loaded");
    const told: string[] = [];
    let atOnce = 0;
    const reload = createReload({
      async read() {
        told.push(`read ${++atOnce}`);
        await turn();
        atOnce--;
        return loaded;
      },
      running: loaded,
      onBegin: () => told.push("begin"),
      onEnd: () => told.push("end"),
      log,
    });
    await Promise.all([reload(), reload(), reload()]);
    assert.deepEqual(told, ["begin", "read 1", "read 1", "end"]);
    await reload();
    assert.deepEqual(told.slice(4), ["begin", "read 1", "end"]);
  });
});

describe("[C9] reloadAtHangup()", () => {
  it("reads again at each SIGHUP, and ends nothing once it is off", async () => {
    let reloads = 0;
    const before = process.listenerCount("SIGHUP");
    const stop = reloadAtHangup(() => {
      reloads++;
      return Promise.resolve();
    });
    assert.equal(process.listenerCount("SIGHUP"), before + 1);
    const hangUp = async (expected: number) => {
      process.kill(process.pid, "SIGHUP");
      for (let looks = 0; reloads < expected && looks < 200; looks++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    await hangUp(1);
    assert.equal(reloads, 1);
    stop();
    await hangUp(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(reloads, 1);
    process.removeAllListeners("SIGHUP");
  });
});
