/**
 * Makes each known cause of a silent bot, reads the line of `doctor` that names it, applies the
 * cure, and sees that the line is gone (O3).
 *
 * The causes are those of the connection guide's checklist, of the channel page's section on
 * troubleshooting, and those of a server at home.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { doctor } from "../../../src/features/diagnose/doctor.ts";
import type { SimulatedProcess } from "../../../src/features/demo/simulation/simulation.ts";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import type { DoctorPart } from "../../../src/features/diagnose/commands.ts";
import { OWN_TOKENS } from "../../../src/flows/preflight/model.ts";
import { recordingIo } from "../../cli/io.ts";
import {
  API_KEY,
  configOf,
  type Scene,
  type SceneOptions,
  withSimulation,
  writeConfig,
} from "../../support/bot/e2e.ts";

/** What a cause and its cure may touch. */
interface Hands {
  readonly scene: Scene;
  /** Variables of `doctor`, over the usual ones. */
  readonly env: Record<string, string>;
  /** Writes the config: keys of `channels.discord`, and keys beside `channels`. */
  config(discord: object, more?: object): void;
  /** Data directory of `doctor`. */
  dataDir: string;
  /** The printed rows, each with its fix. */
  diagnose(): Promise<string>;
  /** Starts a bot, and waits until it runs. */
  start(): Promise<SimulatedProcess>;
  /** The bots of {@link Hands.start}. */
  readonly bots: readonly SimulatedProcess[];
  /** Runs a command with the scene's config and data. */
  cli(...args: readonly string[]): Promise<void>;
}

interface Cause {
  readonly cause: string;
  /** Default: `host`. */
  readonly part?: DoctorPart;
  readonly options?: SceneOptions;
  readonly make: (hands: Hands) => unknown;
  /** The row; the fix stands behind " = ". */
  readonly line: RegExp;
  /** Default: the usual config. */
  readonly cure?: (hands: Hands) => unknown;
}

/** A scene's own guild. */
const krill = ({ simulator }: Scene) => {
  const [guild] = simulator.world.guilds.values();
  assert.ok(guild);
  return guild.id;
};
const guildOf = ({ scene, config }: Hands, rules: object) =>
  config({ guilds: { [krill(scene)]: rules } });
const usual = ({ config }: Hands) => config({});
const wrongToken = "MTUwMDAwMDAwMDAwMDAwMDAwMQ.Gwrong.abcdefghijklmnopqrstuvwxyz0123456789";
const refused: SceneOptions = { mayRefuse: ({ status }) => status === 401 };

const clear = ({ env }: Hands) => {
  for (const name of Object.keys(env)) delete env[name];
};

const GUIDE: readonly Cause[] = [
  {
    cause: "1. the token is wrong, or was reset",
    part: "discord",
    options: refused,
    make: ({ env }) => void (env["DISCORD_BOT_TOKEN"] = wrongToken),
    line: /^FAIL {2}Token .*does not accept this token.* = .*Reset Token/m,
    cure: clear,
  },
  {
    cause: "2. an intent is off in the portal",
    part: "discord",
    make: ({ scene: { simulator: { world, application } } }) =>
      world.applications.set(application.id, { ...application, privilegedIntents: 0 }),
    line: /^warn {2}Message Content Intent .*reads only mentions.* = tick .*doctor --fix/m,
    cure: ({ cli }) => cli("doctor", "--only", "discord", "--fix", "--yes"),
  },
  {
    cause: "2. an intent is missing in the config",
    make: ({ config }) => config({ gateway: { intents: ["guilds", "direct_messages"] } }),
    line: /Without the intent guild_messages, Discord sends the bot no messages of guilds/,
  },
  {
    cause: "3. the bot was never invited",
    part: "discord",
    make: ({ scene: { simulator } }) => {
      for (const { name } of simulator.world.guilds.values()) {
        simulator.kick({ who: "Barnacle", guild: name });
      }
    },
    line: /^warn {2}Guilds .*in no guild.* = invite it: https:/m,
    cure: ({ scene: { simulator } }) => simulator.invite({ who: "Barnacle", guild: "Krill & Co" }),
  },
  {
    cause: "6. Discord limits a channel for a day",
    options: { mayRefuse: ({ status }) => status === 429 },
    async make({ scene, start }) {
      await start();
      const rule = scene.simulator.faults.rest.add({
        method: "POST",
        route: "/channels/:id/messages",
        times: 1,
        fault: { kind: "rate_limit", retryAfterSec: 86_400, scope: "user" },
      });
      scene.say("grace", "general", `${scene.mention} hello`);
      await scene.until("the limit", () => rule.hits() > 0);
    },
    line: /^warn {2}Limits .*a request waits 86\d+ s = wait: it is sent then/m,
    async cure({ bots: [bot] }) {
      bot?.kill("SIGTERM");
      await bot?.exited;
    },
  },
  {
    cause: "6. a channel refuses messages while the bot runs",
    options: { mayRefuse: ({ status }) => status === 403 },
    async make({ scene, start }) {
      await start();
      scene.simulator.permit({ to: "Barnacle", what: "sendMessages", as: "denied", in: "help" });
      scene.say("grace", "help", `${scene.mention} hello`);
    },
    line: /^warn {2}Channel .* Send Messages is denied .* = give the bot's role/m,
    cure: ({ scene: { simulator } }) =>
      simulator.permit({ to: "Barnacle", what: "sendMessages", as: "allowed", in: "help" }),
  },
];

const CHANNEL_PAGE: readonly Cause[] = [
  {
    cause: "the config requires a mention",
    part: "discord",
    make: usual,
    line: /^ok {4}Answers in servers .*everyone, when mentioned \(channels\..*requireMention\)/m,
    cure: (hands) => guildOf(hands, { requireMention: false }),
  },
  {
    cause: "groupPolicy is an allow list, and no server is listed",
    part: "discord",
    make: ({ config }) => config({ guilds: undefined, groupPolicy: "allowlist" }),
    line:
      /^warn {2}Answers in servers .*answers no one in its servers.* = run `barnacle config set/m,
    cure: ({ scene, cli }) => cli("config", "set", `channels.discord.guilds.${krill(scene)}`, "{}"),
  },
  {
    cause: "the config names places and people by names",
    make: ({ config }) => config({ dm: { allowFrom: ["ada"] } }),
    line: /^warn {2}Allowlists .*"ada" .* = replace them by ids/m,
  },
  {
    cause: "a person is not approved yet",
    async make({ scene, start }) {
      await start();
      scene.say("grace", "dm", "may I?");
      await scene.eventually(
        "the request",
        async () =>
          (await scene.cli("pairing", "list")).stdout.some((row) => row.includes("grace")),
      );
    },
    line: /^ok {4}Direct messages .*; 1 wait for an approval = see `barnacle pairing list`/m,
    async cure({ scene, cli }) {
      const { stdout } = await scene.cli("pairing", "list", "--json");
      const [, code = ""] = /"code":"(\w+)"/.exec(stdout.join("")) ?? [];
      await cli("pairing", "approve", code);
    },
  },
  {
    cause: "approvals of commands are off",
    make: ({ config }) => config({}, { exec: { mode: "ask" } }),
    line: /No one can approve commands: without an approval, each is denied/,
    cure: ({ scene, config }) =>
      config(
        { execApprovals: { enabled: true, approvers: [scene.user("ada").id] } },
        { exec: { mode: "ask" } },
      ),
  },
];

const small = { contextWindow: 4_096 };
const windowOf = ({ scene, config }: Hands, abilities: object) =>
  config({}, {
    agents: { defaults: { model: "openai/barnacle-script" } },
    models: {
      providers: {
        openai: {
          kind: "openai-compatible",
          baseUrl: scene.model.baseUrl,
          models: { "barnacle-script": abilities },
        },
      },
    },
  });

const HOME: readonly Cause[] = [
  {
    cause: "the model has too small a window",
    part: "model",
    make: (hands) => windowOf(hands, small),
    line:
      /^FAIL {2}Model .*window of 4096 tokens \(from the config\) is too small.* = .*OLLAMA_CONTEXT_LENGTH/m,
    cure: (hands) => windowOf(hands, { contextWindow: 16_384 }),
  },
  {
    cause: "the backups are too old",
    async make({ start, cli, dataDir }) {
      const bot = await start();
      await cli("backup");
      bot.kill("SIGTERM");
      await bot.exited;
      const store = new DatabaseSync(join(dataDir, DATABASE_NAME));
      store.prepare(
        `UPDATE setting SET value = json_set(value, '$.made.at', :at, '$.since', :at)
         WHERE name = 'backups'`,
      ).run({ at: Date.now() - 3 * DAY_MS });
      store.close();
    },
    line:
      /^warn {2}Backups .*3 d \d+ h ago, .* = let the bot run at night, or run `barnacle backup`/m,
    cure: ({ cli }) => cli("backup"),
  },
];

async function play(
  { part = "host", options = {}, make, line, cure = usual }: Cause,
): Promise<void> {
  await withSimulation(options, async (scene) => {
    const env: Record<string, string> = {};
    const bots: SimulatedProcess[] = [];
    const usualEnv = () => ({
      DISCORD_API_URL: scene.simulator.apiUrl,
      DISCORD_BOT_TOKEN: scene.simulator.token,
      OPENAI_BASE_URL: scene.model.baseUrl,
      OPENAI_API_KEY: API_KEY,
      OPENAI_MODEL: scene.model.models[0],
      ...env,
    });
    const hands: Hands = {
      scene,
      env,
      bots,
      async start() {
        const bot = await scene.start();
        bots.push(bot);
        await scene.line(bot, /"Barnacle is running"/);
        return bot;
      },
      dataDir: scene.dataDir,
      config: (discord, more) =>
        writeConfig(
          scene,
          configOf(scene.simulator, {
            discord: () => ({ dm: { allowFrom: [scene.user("ada").id] }, ...discord }),
            config: { ...options.config, ...more },
          }),
        ),
      async diagnose() {
        return (await inProcess()).join("\n").replaceAll(/\n +(?==)/g, " ");
      },
      async cli(...args) {
        const { code, stdout, stderr } = await scene.cli(...args);
        assert.ok(code === 0 || code === 3, [...stdout, ...stderr].join("\n"));
      },
    };

    /** Its start is most of a command's time, and `doctor_test.ts` runs the command. */
    async function inProcess(): Promise<readonly string[]> {
      const io = recordingIo(usualEnv());
      const flags = { config: scene.configFile, data: hands.dataDir, json: false };
      await doctor({
        ...flags,
        only: [part],
        network: false,
        alerts: false,
        fix: false,
        yes: false,
      }, io);
      return [...io.stdout, ...io.stderr];
    }

    hands.config({});
    await make(hands);
    let rows = "";
    await scene.eventually("the row", async () => line.test(rows = await hands.diagnose()))
      .catch(() => assert.match(rows, line));
    await cure(hands);
    await scene.eventually("the row to go", async () => !line.test(await hands.diagnose()));
  });
}

for (
  const [from, causes] of [
    ["the guide's checklist", GUIDE],
    ["the channel page", CHANNEL_PAGE],
    ["a server at home", HOME],
  ] as const
) {
  describe(`[O3] barnacle doctor names the causes of ${from}`, () => {
    for (const cause of causes) it(cause.cause, () => play(cause));
  });
}

it("[O3] knows how many tokens the bot's own instructions and tools take", () =>
  withSimulation({}, async (scene) => {
    await scene.start();
    scene.say("grace", "general", `${scene.mention} hello`);
    await scene.replies("general", 1);
    const { tools, messages } = JSON.parse(scene.model.requests[0]?.body ?? "");
    const tokens = JSON.stringify([tools, messages]).length / 4;
    assert.ok(tokens > OWN_TOKENS * 0.8 && tokens < OWN_TOKENS * 1.2, `${tokens}`);
  }));
