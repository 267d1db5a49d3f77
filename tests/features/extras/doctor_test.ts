/** Tests `doctor` and `invite`, as the operator of a silent bot runs them. */

import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import type { ModelBehaviour } from "../../../simulator/model/server.ts";
import type { Finding } from "../../../src/core/finding.ts";
import { doctor, type DoctorFlags } from "../../../src/extras/diagnose/doctor.ts";
import type { ProbedAccount } from "../../../src/extras/diagnose/probe.ts";
import { recordingIo } from "../../cli/io.ts";
import {
  API_KEY,
  type Ran,
  type Scene,
  type SceneOptions,
  withSimulation,
  writeConfig,
} from "../../support/bot/e2e.ts";

const envOf = ({ simulator, model }: Scene) => ({
  DISCORD_API_URL: simulator.apiUrl,
  DISCORD_BOT_TOKEN: simulator.token,
  OPENAI_BASE_URL: model.baseUrl,
  OPENAI_API_KEY: API_KEY,
  OPENAI_MODEL: String(model.models[0]),
});

/** Runs a command with the simulation's config, data and Discord. */
function barnacle(
  scene: Scene,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const { command, configFile, dataDir } = scene;
  return command([...args, "--config", configFile, "--data", dataDir], { ...envOf(scene), ...env });
}

interface Diagnosis {
  readonly code: number | null;
  readonly findings: readonly Finding[];
  readonly stderr: string;
  /** The failing and warning checks, such as `"discord.token fail"`. */
  readonly troubles: readonly string[];
}

/** Diagnoses in this process, because a command's start is most of its time. */
async function diagnose(
  scene: Scene,
  { only, fix = false, yes = false }: Partial<Pick<DoctorFlags, "only" | "fix" | "yes">> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<Diagnosis> {
  const io = recordingIo({ ...envOf(scene), ...env });
  const { configFile: config, dataDir: data } = scene;
  const code = await doctor(
    { config, data, json: true, ...(only && { only }), network: false, fix, yes },
    io,
  );
  return read({ ...io, code });
}

/** Reads the JSON of `doctor`. */
function read({ code, stdout, stderr }: Pick<Ran, "code" | "stdout" | "stderr">): Diagnosis {
  assert.equal(stdout.length, 1, stderr.join("\n"));
  const { findings, exitCode }: { findings: readonly Finding[]; exitCode: number } = JSON.parse(
    stdout[0] ?? "",
  );
  assert.equal(exitCode, code);
  // How busy this machine is does not count here; doctor_causes_test.ts has that row.
  const troubles = findings.filter(({ id }) => id !== "process:eventLoopLag")
    .filter(({ status }) => status === "warn" || status === "fail")
    .map(({ id, status }) => `${id} ${status}`);
  return { code, findings, stderr: stderr.join("\n"), troubles };
}

const identifies = ({ simulator }: Scene): number => simulator.account().identifies.length;

/** A scene whose lists contain ids only, because a name in one is a warning. */
const BY_ID: SceneOptions = {
  discord: ({ world }) => ({
    dm: {
      allowFrom: [...world.users.values()].filter(({ username }) => username === "ada")
        .map(({ id }) => id),
    },
  }),
};

describe("[O3] [G13] barnacle doctor", () => {
  it("reports no problem on a healthy system, and never identifies", () =>
    withSimulation(BY_ID, async (scene) => {
      const ran = await barnacle(scene, ["doctor", "--json"]);
      const { code, findings, troubles } = read(ran);
      assert.deepEqual(troubles, []);
      assert.equal(code, 0);
      const passed = new Set(findings.map(({ id }) => id));
      for (
        const id of [
          "config",
          "host.data",
          "host.store",
          "host.bot",
          "network.rest.http",
          "network.gateway.websocket",
          "network.clock",
          "discord.token",
          "discord.intents",
          "discord.guilds",
          "discord.permissions",
          "discord.identifies",
          "model",
        ]
      ) {
        assert.ok(passed.has(id), `no row ${id}`);
      }
      assert.equal(identifies(scene), 0);
    }));

  it("[G11] does not mistake its own hanging bot for another instance", () =>
    withSimulation({}, async (scene) => {
      const bot = await scene.start();
      assert.ok(bot.pid !== undefined);
      await scene.eventually(
        "it to listen",
        () => Promise.resolve(/Barnacle is running/.test(bot.lines.join("\n"))),
      );
      process.kill(bot.pid, "SIGSTOP");
      try {
        const { findings } = await diagnose(scene, { only: ["host"] });
        const found = (id: string) => findings.find((one) => one.id === id);
        assert.equal(found("host.bot")?.status, "fail");
        assert.match(
          found("host.bot")?.why ?? "",
          /and does not answer: no response from .* within 3 s$/,
        );
        assert.equal(found("host.instance")?.status, "pass");
      } finally {
        process.kill(bot.pid, "SIGCONT");
      }
    }));

  const refusing: SceneOptions = { mayRefuse: ({ status }) => status === 401 };
  it("[O7] exits with 77 if Discord refuses the token, and sends it once", () =>
    withSimulation(refusing, async (scene) => {
      const token = "MTUwMDAwMDAwMDAwMDAwMDAwMQ.Gwrong.abcdefghijklmnopqrstuvwxyz0123456789";
      const { code, findings } = await diagnose(scene, {}, { DISCORD_BOT_TOKEN: token });
      assert.equal(code, 77);
      const found = findings.find(({ id }) => id === "discord.token");
      assert.match(found?.fix ?? "", /Reset Token/);
      assert.doesNotMatch(JSON.stringify(findings), /Gwrong/);
      const refused = scene.simulator.requests.records().filter(({ status }) => status === 401);
      const withToken = refused.filter(({ path }) => path.includes("@me"));
      assert.equal(withToken.length, 1);
    }));

  it("[O7] exits with 78 if the config is invalid, or has no token", () =>
    withSimulation({}, async (scene) => {
      const none = await diagnose(scene, { only: ["discord"] }, { DISCORD_BOT_TOKEN: "" });
      assert.equal(none.code, 78);
      writeConfig(scene, { chanels: {} });
      const { code, findings } = await diagnose(scene);
      assert.equal(code, 78);
      assert.match(findings[0]?.where ?? "", /:1 chanels$/);
      assert.doesNotMatch(findings[0]?.why ?? "", /jsonc/);
    }));

  it("[G14] never sends the token of a local server through a proxy", () =>
    withSimulation({}, async (scene) => {
      const { code } = await diagnose(scene, { only: ["discord"] }, {
        HTTP_PROXY: "http://127.0.0.1:9",
        ALL_PROXY: "http://127.0.0.1:9",
      });
      assert.equal(code, 0);
    }));
});

describe("[O3] [SEC-R34] barnacle doctor, about permissions", () => {
  const listed: SceneOptions = {
    discord: () => ({ guilds: { "krill-co": { channels: { general: {}, help: {} } } } }),
  };
  const rowsOf = ({ findings }: Diagnosis, id: string) =>
    findings.filter((one) => one.id === id).map(({ status, why }) => `${status} ${why}`);

  it("names each missing permission of a listed channel, and who denies it", () =>
    withSimulation(listed, async (scene) => {
      const { permit } = scene.simulator;
      const right = await diagnose(scene, { only: ["discord"] });
      assert.deepEqual(rowsOf(right, "discord.permissions"), [
        "pass can post in 2 of 2 channels of Krill & Co",
      ]);
      permit({ to: "Barnacle", what: "sendMessages", as: "denied", in: "general" });
      permit({ to: "@everyone", what: "attachFiles", as: "denied", in: "help" });
      const wrong = await diagnose(scene, { only: ["discord"] });
      assert.equal(wrong.code, 1);
      assert.deepEqual(rowsOf(wrong, "discord.permissions"), [
        "fail can post in 1 of 2 channels of Krill & Co; not in #general: Send Messages missing " +
        "(the role Barnacle); in #help: Attach Files missing (@everyone)",
      ]);
    }));
});

describe("[O3] [L3] barnacle doctor, about the model", () => {
  async function aboutModel(scene: Scene, env?: Readonly<Record<string, string>>) {
    const { code, findings, stderr } = await diagnose(scene, { only: ["model"] }, env);
    const found = findings.find(({ what }) => what === "Model");
    assert.ok(found, stderr);
    assert.doesNotMatch(JSON.stringify(findings), new RegExp(API_KEY));
    return { code, ...found };
  }

  const faults: readonly (readonly [ModelBehaviour, status: string, why: RegExp, fix: RegExp])[] = [
    ["unauthorized", "fail", /refuses the API key/, /API key of the provider openai/],
    ["html", "fail", /web page/, /baseUrl/],
    ["redirect", "fail", /redirects requests to 127\.0\.0\.1:\d+ \(http\)/, /baseUrl/],
    ["server_error", "fail", /answered 500/, /baseUrl/],
    ["rate_limited", "warn", /answered 429/, /wait/],
    ["not_found", "warn", /does not list .*it lists "another-script"/, /model's name/],
  ];
  it("reports each fault of its server", () =>
    withSimulation({}, async (scene) => {
      for (const [behaviour, status, why, fix] of faults) {
        scene.model.behave(behaviour);
        const found = await aboutModel(scene);
        assert.equal(found.status, status, behaviour);
        assert.match(found.why, why);
        assert.match(found.fix ?? "", fix);
        assert.equal(found.code, status === "fail" ? 1 : 3);
      }
    }));
});

describe("[G13] barnacle doctor --network", () => {
  it("probes the path to Discord, with times", () =>
    withSimulation({}, async (scene) => {
      const { code, stdout } = await barnacle(scene, ["doctor", "--network", "--json"]);
      assert.equal(code, 0, stdout.join("\n"));
      const { findings }: { findings: readonly Finding[] } = JSON.parse(stdout[0] ?? "");
      const timed = findings.filter(({ ms }) => ms !== undefined).map(({ id }) => id);
      assert.deepEqual(timed, [
        "network.rest.tcp",
        "network.rest.http",
        "network.gateway.tcp",
        "network.gateway.websocket",
      ]);
      const asked = scene.simulator.requests.records().map(({ path }) => path);
      assert.deepEqual(asked, ["/gateway"], "it needs no token, and shows none");
      assert.equal(identifies(scene), 0);
    }));
});

describe("[O3] barnacle invite", () => {
  it("prints only the link, so that it can be piped", () =>
    withSimulation({}, async (scene) => {
      const { code, stdout, stderr } = await barnacle(scene, ["invite"]);
      assert.equal(code, 0);
      const { id } = scene.simulator.application;
      assert.deepEqual(stdout, [
        `https://discord.com/oauth2/authorize?client_id=${id}&scope=bot+applications.commands` +
        "&permissions=309237763136",
      ]);
      assert.match(stderr.join("\n"), /View Channels +to receive/);
    }));
});

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
