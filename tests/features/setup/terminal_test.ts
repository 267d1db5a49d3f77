/** Plays whole setups on a terminal: each question is answered by keys once it is shown. */

import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { startModelServer } from "../../../simulator/model/server.ts";
import { startSimulator } from "../../../simulator/simulator.ts";
import { offerSetup, setUp } from "../../../src/features/setup/setup.ts";
import type { Env } from "../../../src/lib/env.ts";
import { recordingIo } from "../../cli/io.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const [ENTER, ESCAPE, CTRL_C, DOWN, SPACE] = ["\r", "\x1b", "\x03", "\x1b[B", " "] as const;
/** In place of keys: the terminal is closed. */
const GONE = "gone";

type Keys = readonly (readonly [shown: RegExp, keys: string])[];

/** Plays with a terminal in place of the process's own. */
async function onTerminal<Result>(keys: Keys, play: () => Promise<Result>) {
  const left = [...keys];
  let isRaw = false;
  let screen = "";
  let since = 0;
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (wanted: boolean) => void (isRaw = wanted),
  });
  const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 200 });
  stderr.on("data", (chunk) => {
    screen += chunk;
    const [next] = left;
    if (!next?.[0].test(screen.slice(since))) return;
    since = screen.length;
    left.shift();
    setImmediate(() => next[1] === GONE ? stdin.end() : stdin.write(next[1]));
  });
  const own = Object.getOwnPropertyDescriptors(process);
  Object.defineProperties(process, {
    stdin: { value: stdin, configurable: true },
    stderr: { value: stderr, configurable: true },
  });
  try {
    const result = await play();
    assert.deepEqual(left, [], screen);
    return { result, screen, isRaw: () => isRaw };
  } finally {
    const { stdin, stderr } = own;
    Object.defineProperties(process, { ...stdin && { stdin }, ...stderr && { stderr } });
  }
}

describe("[O3] a setup on a terminal", () => {
  /** A bot in two servers, and a model on this machine. */
  async function inWorld(
    test: (world: { config: string; data: string; token: string; env: Env }) => Promise<void>,
  ) {
    using directory = tempDirectory();
    const [simulator, model] = await Promise.all([startSimulator(), startModelServer()]);
    Object.assign(simulator.application, { privilegedIntents: 0 });
    const env = {
      DISCORD_API_URL: simulator.apiUrl,
      OLLAMA_HOST: new URL(model.baseUrl).host,
      HOME: directory.path,
    };
    const [config = "", data = ""] = ["config.jsonc", "data"].map((one) =>
      join(directory.path, one)
    );
    try {
      await test({ config, data, token: simulator.token, env });
    } finally {
      await simulator.close();
      await model.close();
    }
  }

  it("asks, goes back, and writes after a yes; a second one finds its answers in the config", () =>
    inWorld(async ({ config, data, token, env }) => {
      const begun = recordingIo(env);
      const chosen: Keys = [[/Which model/, ENTER], [/tools: no[^]*Choose another one/, "n"]];
      const { result, screen, isRaw } = await onTerminal([
        [/Set the bot up now/, ENTER],
        [/Paste the bot token/, ENTER],
        [/No text came/, token + ENTER],
        [/Turn Message Content and Server Members on now/, ESCAPE],
        [/Paste the bot token/, token + ENTER],
        [/Turn Message Content and Server Members on now/, ENTER],
        [/Members: on[^]*In which one/, ENTER],
        [/Where on/, DOWN + ENTER],
        [/Which ones/, SPACE + ENTER],
        [/Are you @ada/, ENTER],
        ...chosen,
        [/Write these files/, "n"],
        ...chosen,
        [/Write these files/, ENTER],
        [/How shall the bot run/, DOWN + ENTER],
      ], () => offerSetup({ config, data, json: false }, begun));
      assert.deepEqual(result, { code: 0, start: "later", runs: undefined }, screen);
      assert.deepEqual([begun.stdout, begun.stderr], [[], []]);
      assert.ok(!screen.includes(token) && screen.includes("Wrote AGENTS.md and SOUL.md"));
      for (const [path, mode] of [["", 0o700], ["AGENTS.md", 0o600], ["SOUL.md", 0o600]] as const) {
        assert.equal(statSync(join(data, "agents", "main", path)).mode & 0o777, mode);
      }
      assert.match(screen, /#\w+: can read, answer, attach and react/);
      assert.equal(isRaw(), false);
      assert.match(screen, /Done\. {2}\S+ run --config \S+ --data \S+ · \S+ status/);
      assert.match(screen, /will create .*config\.jsonc {2}\(mode 0600, \d+ lines, below\)/);
      assert.match(screen, /Wrote .*config\.jsonc\n[^]*config check: 0 errors, \d warnings/);
      assert.deepEqual(screen.match(/(?<=^│\n)\d {2}.*$/gm), [
        ...["1  Discord bot", "2  Your server", "3  You"],
        ...["4  Model", "5  Write and start", "4  Model", "5  Write and start"],
      ]);
      const text = readFileSync(config, "utf8");
      const kept: Keys = [
        [/Token from the config[^]*Server Members are on[^]*In which one/, ENTER],
        [/Where on/, ENTER],
        [/Which ones/, ENTER],
        [/Are you @ada/, ENTER],
        [/Which model answers[^]*Keep ollama/, ENTER],
        [/Choose another one/, ENTER],
      ];
      const again = recordingIo(env);
      const second = await onTerminal([
        ...kept,
        [/has these answers already[^]*How shall the bot run/, CTRL_C],
      ], () => setUp({ config, data, json: true, dryRun: false }, again));
      assert.equal(second.result.code, 0);
      assert.deepEqual(again.stdout, [JSON.stringify({ ok: true, config, start: "later" })]);
      assert.equal(readFileSync(config, "utf8"), text);
      const dry = recordingIo(env);
      await onTerminal(kept, () => setUp({ config, data, json: false, dryRun: true }, dry));
      assert.deepEqual(dry.stdout, [text.trimEnd()]);
    }));

  for (const [name, key] of [["Ctrl-C", CTRL_C], ["the end of the terminal", GONE]] as const) {
    it(`ends at once by ${name}, at a question and during work, and leaves nothing behind`, () =>
      inWorld(async ({ config, data, token, env }) => {
        const waiting: Keys = [
          [/Paste the bot token/, token + ENTER],
          [/on now/, "n"],
          [/Unchanged[^]*In which one/, DOWN.repeat(3) + ENTER],
        ];
        const listeners = process.listenerCount("SIGINT");
        for (const keys of [[], waiting]) {
          const io = recordingIo(env);
          const at = keys.length === 0 ? /Paste the bot token/ : /Invite the bot/;
          const { result } = await onTerminal(
            [...keys, [at, key]],
            () => setUp({ config, data, json: false, dryRun: false }, io),
          );
          assert.deepEqual(result, { code: 1 });
          assert.deepEqual(io.stderr, key === GONE ? [] : ["Stopped. Nothing was written."]);
          assert.ok(!existsSync(config));
        }
        assert.equal(process.listenerCount("SIGINT"), listeners);
      }));
  }
});
