/** Tests `doctor` and `invite`, as the operator of a silent bot runs them. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Finding } from "../../../src/core/finding.ts";
import { doctor, type DoctorFlags } from "../../../src/features/diagnose/doctor.ts";
import { recordingIo } from "../../cli/io.ts";
import {
  API_KEY,
  type Ran,
  type Scene,
  type SceneOptions,
  withSimulation,
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
    { config, data, json: true, ...(only && { only }), network: false, alerts: false, fix, yes },
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

  it("[G14] never sends the token of a local server through a proxy", () =>
    withSimulation({}, async (scene) => {
      const { code } = await diagnose(scene, { only: ["discord"] }, {
        HTTP_PROXY: "http://127.0.0.1:9",
        ALL_PROXY: "http://127.0.0.1:9",
      });
      assert.equal(code, 0);
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
      assert.match(right.rows, /^ok +channel +help +\d+ \(help\) /m);
      assert.match(right.rows, /^skip +channel +lost +not audited: the bot has not found it/m);
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
});
