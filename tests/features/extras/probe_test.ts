/** Tests `status --probe`: the bot's permissions channel by channel, as an operator reads them. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ProbedAccount } from "../../../src/extras/diagnose/probe.ts";
import { type Scene, type SceneOptions, withSimulation } from "../../support/bot/e2e.ts";

const LISTED: SceneOptions = {
  discord: () => ({
    guilds: {
      "krill-co": { channels: { general: {}, help: { requireMention: false }, lost: {} } },
      "nowhere": {},
    },
  }),
};

async function probe(scene: Scene) {
  const { code, stdout, stderr } = await scene.cli("status", "--probe");
  return { code, rows: stdout.join("\n"), stderr: stderr.join("\n") };
}

describe("[O3] barnacle status --probe", () => {
  it("names each missing permission with the rule that denies it, and fails", () =>
    withSimulation(LISTED, async (scene) => {
      const bot = await scene.start();
      await scene.line(bot, /"Barnacle is running"/);
      const right = await probe(scene);
      assert.equal(right.code, 0, right.rows + right.stderr);
      assert.match(right.rows, /^(Healthy|Works)/, "the bot's own report comes first");
      const { permit } = scene.simulator;
      permit({ to: "Barnacle", what: "sendMessages", as: "denied", in: "general" });
      permit({ to: "@everyone", what: "embedLinks", as: "denied", in: "help" });
      const { code, rows } = await probe(scene);
      assert.equal(code, 1);
      assert.match(
        rows,
        /^FAIL +#general +\d of 8 permissions; lacks Send Messages \(the role Barn/m,
      );
      assert.match(rows, /^warn +#help +7 of 8 permissions; lacks Embed Links \(@everyone\)/m);
    }));

  it("has the same in --json, with the bot's report", () =>
    // Discord refuses the question about a hidden channel, which is the answer.
    withSimulation({ ...LISTED, mayRefuse: ({ status }) => status === 403 }, async (scene) => {
      const bot = await scene.start();
      await scene.line(bot, /was resolved to an id.*"typed":"help"/);
      scene.simulator.permit({ to: "Barnacle", what: "all", as: "denied", in: "help" });
      const { stdout, code } = await scene.cli("status", "--probe", "--json");
      assert.equal(stdout.length, 1);
      const report: { readonly status: string; readonly probe: readonly ProbedAccount[] } = JSON
        .parse(stdout[0] ?? "");
      assert.notEqual(report.status, undefined);
      assert.equal(code, 1);
      const [account] = report.probe;
      assert.equal(account?.account, "default");
      const help = account?.guilds?.[0]?.channels.find(({ name }) => name === "help");
      assert.deepEqual([help?.status, help?.granted, help?.missing.map((one) => one.permission)], [
        "fail",
        [],
        ["View Channel"],
      ]);
      const general = account?.guilds?.[0]?.channels.find(({ name }) => name === "general");
      assert.ok(general?.granted.includes("Send Messages"));
      assert.equal(account?.notAudited?.length, 3);
    }));
});
