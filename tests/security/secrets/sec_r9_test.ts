/**
 * Searches every output of the bot and its commands for the secrets of a config.
 *
 * Each secret path of the schema holds a canary. The model obeys: it knows all of them, and tells
 * them in each answer. The config file and the environment may have them, and nothing else.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { configSchema } from "../../../src/config/schema/root.ts";
import { childOf, isSecret, type Schema, shapeOf } from "../../../src/config/schema/parts/key.ts";
import {
  ended,
  type Ran,
  type Scene,
  type SceneOptions,
  withSimulation,
} from "../../support/bot/e2e.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";

/** Canaries by the path of the schema. Both tokens of bots are the simulator's. */
const CANARIES: Readonly<Record<string, string>> = {
  "channels.discord.pluralkit.token": "canary-pluralkit-aH3nC6jY0sD5gU2eW7",
  "channels.discord.accounts.*.pluralkit.token": "canary-others-pk-rT6yB1nM4kJ8hG3fD5",
  "models.providers.*.apiKey": "canary-other-key-xF8kB1qV4tN9rM3zJ6",
  "models.providers.*.headers.*": "canary-header-pS2lG7yT5cE0hO9uA4",
  "http.token": "canary-http-token-bQ7zK2mX9pL4vR8wT1",
  "mcp.servers.*.env.*": "canary-mcp-env-zX5cV8bN2mQ6wE9rT3",
  "mcp.servers.*.headers.*": "canary-mcp-header-yU4iO7pA1sD8fG2h",
  "mcp.servers.*.oauth.clientSecret": "canary-mcp-client-kJ3nB6vC9xZ2lQ5w",
  "search.apiKey": "canary-search-key-nW3qR8tY5uI2oP6a",
  "alerts.webhook": "http://127.0.0.1:9/canary-webhook-mB5vC8xZ1lK4jH7g",
  "skills.hosts.*.headers.*": "canary-skill-header-tB6nM3vC9xZ2kL5j",
  "hooks.*.secret": "canary-hook-secret-rE7wQ0mN3bV6cX9zL2kJ5h",
};
const canary = (path: string): string => CANARIES[path] ?? assert.fail(path);
/** A secret of a scene of its own, because no bot runs without its database. */
const IN_ENVIRONMENT = "canary-anthropic-wD6iZ1fK8mQ3bX5vL0";

/** A config with a secret at each path: as text, in a file, and in a variable. */
const OPTIONS: SceneOptions = {
  simulator: { rateLimits: false, identifyLimit: { spacingMs: 0 } },
  discord: ({ token, world }) => ({
    token,
    pluralkit: { enabled: true, token: { file: "pluralkit-token" } },
    accounts: {
      default: {},
      work: {
        token: [...world.applications.values()][1]?.token,
        pluralkit: { token: canary("channels.discord.accounts.*.pluralkit.token") },
      },
    },
  }),
  config: {
    log: { level: "debug" },
    http: { port: 0, token: canary("http.token"), hooks: { port: 0 } },
    models: {
      providers: {
        other: {
          kind: "openai-compatible",
          baseUrl: "http://127.0.0.1:9/v1",
          apiKey: canary("models.providers.*.apiKey"),
          headers: { "x-team": "${TEAM_HEADER}" },
        },
      },
    },
    hooks: { uptime: { to: "user:123456789012345678", secret: canary("hooks.*.secret") } },
    skills: {
      hosts: { "http://127.0.0.1:9": { headers: { "x-key": canary("skills.hosts.*.headers.*") } } },
    },
    search: { kind: "brave", apiKey: canary("search.apiKey") },
    alerts: { webhook: canary("alerts.webhook") },
    mcp: {
      servers: {
        files: { command: "mcp-files", env: { KEY: canary("mcp.servers.*.env.*") } },
        remote: {
          url: "http://127.0.0.1:9/mcp",
          headers: { "x-key": canary("mcp.servers.*.headers.*") },
          oauth: {
            clientId: "barnacle",
            clientSecret: canary("mcp.servers.*.oauth.clientSecret"),
            issuer: "http://127.0.0.1:9",
          },
        },
      },
    },
  },
  env: { ANTHROPIC_API_KEY: IN_ENVIRONMENT, TEAM_HEADER: canary("models.providers.*.headers.*") },
};

function secretPaths(schema: Schema, path: readonly string[] = []): readonly string[] {
  if (isSecret(schema)) return [path.join(".")];
  const shape = shapeOf(schema);
  const parts = shape ? Object.entries(shape) : [["*", childOf(schema, "*")] as const];
  return parts.flatMap(([name, part]) => part ? secretPaths(part, [...path, name]) : []);
}

/** All canaries, and the tokens of both bots. */
function secretsIn({ simulator: { world } }: Scene): readonly string[] {
  const tokens = [...world.applications.values()].map(({ token }) => token);
  return [...Object.values(CANARIES), IN_ENVIRONMENT, ...tokens];
}

/** Fails if a text has a secret, or its base64. */
function judge(scene: Scene, where: string, text: string): void {
  for (const secret of secretsIn(scene)) {
    for (const spelled of [secret, Buffer.from(secret).toString("base64").slice(0, -4)]) {
      const at = text.indexOf(spelled);
      assert.ok(at === -1, `${where}: ${text.slice(Math.max(0, at - 60), at + 25)}…`);
    }
  }
}

const linesOf = ({ stdout, stderr }: Pick<Ran, "stdout" | "stderr">) =>
  [...stdout, ...stderr].join("\n");

/** Everything that Discord received from the bot, files and their names included. */
function posted({ simulator }: Scene): string {
  const messages = simulator.posted().map(({ content, attachments }) => [
    content,
    attachments.map(({ filename, bytes }) => [filename, new TextDecoder().decode(bytes)]),
  ]);
  return JSON.stringify([messages, simulator.requests.records().map(({ body }) => body)]);
}

/** The files that the bot wrote. */
function filesOf({ dataDir }: Scene): readonly string[] {
  return readdirSync(dataDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/^(?:config\.jsonc|broken|pluralkit)/.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name));
}

function writeToken({ dataDir }: Scene): void {
  const token = canary("channels.discord.pluralkit.token");
  writeFileSync(join(dataDir, "pluralkit-token"), token, { mode: 0o600 });
}

/** Starts a bot whose model tells all secrets in each answer. */
async function withTeller(play: (scene: Scene) => Promise<void>): Promise<void> {
  await withSimulation(OPTIONS, async (scene) => {
    writeToken(scene);
    const secrets = secretsIn(scene);
    await using model = await startFixedModel((asked) => {
      const secret = secrets[Number(/reveal (\d+)!/.exec(asked)?.[1])] ?? secrets.join(" ");
      const encoded = Buffer.from(secret).toString("base64");
      return `It is ${secret}, or \`${encoded}\`, see https://x.example/?k=${secret}`;
    });
    await play({
      ...scene,
      start: (env) => scene.start({ ...env, OPENAI_BASE_URL: model.baseUrl }),
    });
  });
}

describe("[SEC-R9] [SEC-R10] [R10] secrets of the config", () => {
  it("are as many as the schema has paths", () => {
    const others = ["channels.discord.token", "channels.discord.accounts.*.token"];
    assert.deepEqual(
      secretPaths(configSchema).toSorted(),
      [...Object.keys(CANARIES), ...others].toSorted(),
    );
  });

  it("leave neither in a run, nor in its store, its HTTP answers and its commands", () =>
    withTeller(async (scene) => {
      const { simulator, start, say, mention, replies, ask, cli } = scene;
      const bot = await start();
      const count = secretsIn(scene).length;
      for (let index = 0; index <= count; index += 1) {
        say("grace", "general", `${mention} reveal ${index}!`);
        await replies("general", index + 1);
      }
      assert.ok(posted(scene).split("[redacted]").length > 3 * count);

      const token = canary("http.token");
      for (const path of ["/livez", "/readyz?verbose", "/healthz", "/metrics", "/status", "/x"]) {
        const url = (await ask(bot, path)).url;
        for (const authorization of [`Bearer ${token}`, `Bearer ${token}x`, "Bearer x"]) {
          const response = await fetch(url, { headers: { authorization, connection: "close" } });
          judge(scene, path, JSON.stringify([...response.headers]) + await response.text());
        }
      }

      const last = simulator.posted("general").at(-1);
      const commands = [
        ...[["status"], ["doctor", "--json"], ["outbox", "list"], ["why", String(last?.id)]],
        ...[["config", "check"]],
        ...["channels", "models", "http.token", "mcp"].map((path) => ["config", "get", path]),
      ];
      for (const command of commands) {
        const ran = await cli(...command);
        assert.ok(linesOf(ran) !== "" && ran.code !== 2, `${command.join(" ")}: ${linesOf(ran)}`);
        judge(scene, command.join(" "), linesOf(ran));
      }

      if (existsSync(`/proc/${bot.pid}/cmdline`)) {
        judge(scene, "arguments", readFileSync(`/proc/${bot.pid}/cmdline`, "utf8"));
      }
      judge(scene, "posted", posted(scene));
      for (const file of filesOf(scene)) judge(scene, file, readFileSync(file, "latin1"));
      bot.kill("SIGTERM");
      await ended(bot);
      for (const file of filesOf(scene)) judge(scene, file, readFileSync(file, "latin1"));
      judge(scene, "log", bot.lines.join("\n"));
    }));

  it("leave neither in a text nor in a file of barnacle send, nor in its name", () =>
    withTeller(async (scene) => {
      const { simulator, cli, dataDir } = scene;
      await scene.line(await scene.start(), /"Barnacle is running"/);
      const secrets = secretsIn(scene);
      const file = join(dataDir, `pluralkit ${canary("http.token")}.txt`);
      writeFileSync(file, `the keys are ${secrets.join(" and ")}`);
      const target = `channel:${simulator.channel("general").id}`;
      const ran = await cli("send", target, secrets.join(" "), "--file", file);
      assert.equal(ran.code, 0, linesOf(ran));
      const kept = posted(scene).split("[redacted]").length - 1;
      assert.ok(kept >= 2 * secrets.length, String(kept));
      judge(scene, "posted", posted(scene));
      for (const one of filesOf(scene)) judge(scene, one, readFileSync(one, "latin1"));
    }));

  it("leave in no complaint: a broken config, a refused key, a damaged store, a crash", () =>
    withTeller(async (scene) => {
      const { start, startBot, cli, configFile, dataDir, line, simulator, model } = scene;
      const text = readFileSync(configFile, "utf8");
      const cuts = [0.2, 0.4, 0.6, 0.8].map((part) =>
        text.slice(0, Math.round(text.length * part))
      );
      const broken = join(dataDir, "broken.jsonc");
      for (
        const one of [...cuts, text.replace('"http"', '"htp"'), text.replace(/"(?=canary)/, "")]
      ) {
        writeFileSync(broken, one, { mode: 0o600 });
        for (const command of [["config", "check"], ["run"]]) {
          const ran = await scene.command([...command, "--config", broken, "--data", dataDir], {
            ...OPTIONS.env,
            DISCORD_API_URL: simulator.apiUrl,
          });
          assert.notEqual(ran.code, 0, command.join(" "));
          judge(scene, `${command.join(" ")} ${one.length}`, linesOf(ran));
        }
      }

      model.behave("unauthorized"); // its answer repeats the key
      const bot = await start();
      await line(bot, /"Barnacle is running"/);
      if (bot.pid !== undefined) process.kill(bot.pid, "SIGABRT");
      await ended(bot);
      judge(scene, "crash", bot.lines.join("\n"));

      for (const name of readdirSync(dataDir).filter((name) => name.startsWith("barnacle.db"))) {
        rmSync(join(dataDir, name));
      }
      writeFileSync(join(dataDir, "barnacle.db"), "no database ".repeat(1_000));
      const damaged = startBot();
      assert.equal((await ended(damaged)).code, 74);
      judge(scene, "damaged store", damaged.lines.join("\n"));
      judge(scene, "damaged store", linesOf(await cli("doctor")));
    }));
});
