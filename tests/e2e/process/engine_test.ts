/** Tests the restart of the compiled bot with its engine's options. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { commandUnderTest, stopBot, withSimulation } from "../../support/bot/e2e.ts";

const SKIP = process.platform !== "linux"
  ? "only Linux shows a process's environment"
  : commandUnderTest().args.length > 0 && "only the compiled binary restarts";

/** Names and values of a process's environment, as its start had them. */
function environmentOf(pid: number | undefined): readonly string[] {
  return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
}

describe("[O4] the compiled bot's engine", { skip: SKIP }, () => {
  it("has a bot's options, and the bot keeps its process ID", () =>
    withSimulation({}, async ({ start }) => {
      const bot = await start();
      assert.ok(environmentOf(bot.pid).includes("BUN_JSC_useFTLJIT=false"));
      await stopBot(bot);
    }));

  it("has the operator's options instead, if there are any", () =>
    withSimulation({ env: { BUN_JSC_useFTLJIT: "true" } }, async ({ start }) => {
      const bot = await start();
      const names = environmentOf(bot.pid).filter((entry) => entry.startsWith("BUN_JSC_"));
      assert.deepEqual(names, ["BUN_JSC_useFTLJIT=true"]);
    }));
});
