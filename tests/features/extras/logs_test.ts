/** Tests `barnacle logs` beside a running bot. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { withSimulation } from "../../support/bot/e2e.ts";

describe("[O2] barnacle logs", () => {
  it("reads log.file, and finds the lines of an answered message", () =>
    withSimulation({ config: { log: { file: "logs.jsonl" } } }, async (scene) => {
      await scene.start();
      const asked = scene.say("grace", "general", `${scene.mention} Hello?`);
      await scene.replies("general", 1);
      await scene.eventually("the answer is in the log", async () => {
        const { stdout } = await scene.cli("logs", "--grep", "The model answered");
        return stdout.length === 1;
      });
      const all = await scene.cli("logs", "--json", "--since", "1h");
      assert.equal(all.code, 0, all.stderr.join("\n"));
      assert.ok(all.stdout.some((line) => /began a new session/.test(JSON.parse(line).event)));
      const named = await scene.cli("logs", "-g", asked.id);
      assert.match(named.stdout.join("\n"), /info {2}turns: The model answered .*messageId=/);
      const raw = readFileSync(join(scene.dataDir, "logs.jsonl"), "utf8");
      for (const line of raw.trimEnd().split("\n")) JSON.parse(line);
    }));

  it("names the account of each line, but for `default`, and chooses by it", () =>
    withSimulation({}, async (scene) => {
      const { simulator } = scene;
      const squid = simulator.addBot({ username: "Squid", guilds: ["Krill & Co"] });
      scene.rewrite({
        config: { log: { file: "logs.jsonl" } },
        discord: () => ({ accounts: { squid: { token: "${SQUID_TOKEN}" } } }),
      });
      await scene.start({ SQUID_TOKEN: squid.token });
      const online = ["--grep", "began a new session", "--json"];
      await scene.eventually("both accounts are online", async () => {
        return (await scene.cli("logs", ...online)).stdout.length === 2;
      });
      const accountsOf = async (...more: readonly string[]) =>
        (await scene.cli("logs", ...online, ...more)).stdout
          .map((line) => JSON.parse(line).fields?.accountId);
      assert.deepEqual(await accountsOf("--account", "squid"), ["squid"]);
      assert.deepEqual(await accountsOf("--account", "default"), [undefined]);
    }));
});
