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
  it("lists each channel with permissions and rules, and names first", () =>
    withSimulation(LISTED, async (scene) => {
      const { code, rows, stderr } = await probe(scene);
      assert.match(stderr, /^Not running: no (?:bot runs|data directory)/m);
      assert.equal(code, 0, "the audit is the result: no bot runs");
      const [krill] = scene.simulator.world.guilds.values();
      const id = krill?.id;
      assert.match(rows, new RegExp(`^ok +guild +krill-co +${id} \\(Krill & Co\\)`, "m"));
      assert.match(rows, /^ok +channel +help +\d+ \(help\)/m);
      assert.match(rows, /^skip +guild +nowhere +not audited: no match/m);
      assert.match(rows, /^skip +channel +lost +not audited: no match/m);
      assert.match(rows, new RegExp(`^Krill & Co \\(${id}\\)$`, "m"));
      assert.match(rows, /^ok +#general +8 of 8 permissions +answers everyone, when mentioned \(/m);
      assert.match(rows, /^ok +#help +8 of 8 permissions +answers everyone, each message$/m);
      assert.match(rows, /^skip +#off-topic .* +answers no one \(channel-not-listed: channels\./m);
      assert.match(rows, /^skip +not audited: .*guilds\.nowhere: the bot is in no such guild; /m);
      assert.match(rows, /^skip +not audited: .*channels\.lost: the bot sees no such channel /m);
      assert.match(rows, /^skip +not audited: Elsewhere: the config lets the bot answer no one/m);
      assert.ok(rows.indexOf("krill-co") < rows.indexOf("#general"), "names come first");
    }));

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

  const CASES: readonly (readonly [
    name: string,
    env: Readonly<Record<string, string>>,
    code: number,
    words: RegExp,
  ])[] = [
    [
      "an unreachable Discord",
      { DISCORD_API_URL: "http://127.0.0.1:9" },
      75,
      /not audited: .*(?:could not reach|no answer from) Discord/,
    ],
    [
      "a refused token",
      { DISCORD_BOT_TOKEN: "MTIz.nobody.knows" },
      77,
      /not audited: .*not accept the token; `/,
    ],
    ["no token", { DISCORD_BOT_TOKEN: "" }, 75, /not audited: there is no bot token/],
    ["a wrong address", { DISCORD_API_URL: "nowhere" }, 78, /DISCORD_API_URL/],
  ];
  for (const [name, env, code, words] of CASES) {
    it(`says that ${name} keeps it from looking`, () =>
      withSimulation({ mayRefuse: ({ status }) => status === 401, env }, async (scene) => {
        const ran = await scene.cli("status", "--probe");
        assert.equal(ran.code, code);
        const all = [...ran.stdout, ...ran.stderr].join("\n");
        assert.match(all, words);
        assert.doesNotMatch(all, /\bat \S+:\d+:\d+/, "no stack");
      }));
  }

  it("audits no account that is switched off", () =>
    withSimulation({ discord: () => ({ enabled: false }) }, async (scene) => {
      const { rows } = await probe(scene);
      assert.doesNotMatch(rows, /Permissions/);
    }));
});
