import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Env } from "../../../src/lib/env.ts";
import { placeholdersIn } from "../../../src/config/checks/placeholders.ts";
import {
  mapToDemo,
  prepareConfig,
  type PreparedConfig,
  replaceIds,
} from "../../../src/extras/demo/prepare_config.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { recordingIo } from "../../cli/io.ts";
import { sameData } from "../../support/same_data.ts";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { configSchema } from "../../../src/config/schema/root.ts";

const OWN = `{
  // A comment, and a comma too many.
  "channels": { "discord": {
    "token": "very-secret-token",
    "dm": { "policy": "allowlist", "allowFrom": ["900000000000000003"] },
    "guilds": { "900000000000000001": { "requireMention": false } },
  } },
  "agents": {
    "defaults": { "model": "acme/large" },
    "list": [{ "id": "barney", "model": "acme/small" }],
  },
  "models": { "providers": { "acme": {
    "kind": "openai-compatible", "baseUrl": "https://acme.example/v1", "apiKey": "\${ACME_KEY}",
  } } },
  "http": { "port": 8787 },
}`;

const ENV = {
  PATH: "/bin",
  ACME_KEY: "acme-key",
  OPENAI_API_KEY: "openai-key",
  DISCORD_BOT_TOKEN: "real-token",
};

async function prepare(text: string | undefined, asksOwnModel = false, env: Env = ENV) {
  using directory = tempDirectory();
  const file = join(directory.path, "config.jsonc");
  if (text !== undefined) writeFileSync(file, text, { mode: 0o600 });
  const io = recordingIo(env);
  const prepared = await prepareConfig(text === undefined ? undefined : file, asksOwnModel, io);
  return { prepared, told: io.stderr.join("\n") };
}

function ready(prepared: PreparedConfig): Extract<PreparedConfig, { kind: "ready" }> {
  assert.ok(prepared.kind === "ready");
  return prepared;
}

describe("[O5] prepareConfig()", () => {
  it("uses the demo's own config by default", async () => {
    const { agents, notes, env } = ready((await prepare(undefined)).prepared);
    assert.deepEqual(agents.map(({ id }) => id), ["main", "pilot", "cook"]);
    assert.deepEqual(notes, []);
    assert.deepEqual(env, {});
  });

  it("cuts a hanging turn after a minute, unless the user's config names another time", async () => {
    const limitOf = async (text?: string) => {
      const { config } = ready((await prepare(text)).prepared);
      return (config as { agents: { turnTimeoutSec: number } }).agents.turnTimeoutSec;
    };
    assert.equal(await limitOf(), 60);
    assert.equal(await limitOf(OWN), 60);
    assert.equal(await limitOf('{ "agents": { "turnTimeoutSec": 90 } }'), 90);
  });

  it("keeps the user's rules, with ids of the demo", async () => {
    const { config, world, agents } = ready((await prepare(OWN)).prepared);
    assert.deepEqual(agents.map(({ id }) => id), ["barney"]);
    const { channels } = config as { channels: unknown };
    sameData(channels, {
      discord: {
        dm: { policy: "allowlist", allowFrom: [world.people.ada.id] },
        guilds: { [world.krill.id]: { requireMention: false } },
      },
    });
  });

  it("uses neither token, port nor model of the user's config", async () => {
    const { config, env, model, notes } = ready((await prepare(OWN)).prepared);
    const text = JSON.stringify(config) + JSON.stringify(env);
    for (const word of ["very-secret-token", "real-token", "openai-key", "acme/"]) {
      assert.ok(!text.includes(word), word);
    }
    assert.notEqual((config as { http?: { port?: number } }).http?.port, 8787);
    assert.equal(model, undefined);
    assert.match(notes.join("\n"), /without its model acme\/small; use BARNACLE_DEMO_MODEL=config/);
  });

  it("uses no token of an account, and plays the rules of the first one", async () => {
    const accounts = `{ "channels": { "discord": {
      "dm": { "policy": "allowlist" },
      "pluralkit": { "token": "pluralkit-token" },
      "accounts": {
        "off": { "token": "token-of-off", "enabled": false },
        "work": { "token": "token-of-work", "name": "Work", "dm": { "allowFrom": ["ada"] } },
        "home": { "token": "\${HOME_TOKEN}", "dm": { "policy": "disabled" } }
      }
    } } }`;
    const { prepared, told } = await prepare(accounts, false, {});
    const { config, notes } = ready(prepared);
    const { channels } = config as { channels: unknown };
    assert.deepEqual(channels, {
      discord: {
        dm: { policy: "allowlist", allowFrom: ["ada"] },
        name: "Work",
        pluralkit: {},
      },
    });
    assert.match(notes.join("\n"), /rules of the account work, as one bot/);
    assert.doesNotMatch(told, /HOME_TOKEN/, "a missing token is no problem");
    assert.doesNotMatch(JSON.stringify(config) + told, /token-of|pluralkit-token/);
  });

  it("plays the account default if the environment has its token", async () => {
    const text = '{ "channels": { "discord": { "accounts": { "work": { "token": "t", ' +
      '"groupPolicy": "open" } } } } }';
    const { prepared } = await prepare(text);
    const { channels } = ready(prepared).config as { channels: unknown };
    sameData(channels, { discord: {} });
  });

  it("[P12] plays an example with its placeholders", async () => {
    const text = '{ "channels": { "discord": { "guilds": { "YOUR_SERVER_ID": { "channels": ' +
      '{ "YOUR_CHANNEL_ID": {} } } }, "dm": { "allowFrom": ["YOUR_USER_ID"] } } } }';
    const { config } = ready((await prepare(text)).prepared);
    assert.deepEqual(placeholdersIn(config), []);
  });

  it("leaves a config without the section as it is", async () => {
    const { config } = ready((await prepare('{ "log": { "level": "info" } }')).prepared);
    assert.deepEqual(config, {
      log: { level: "info" },
      agents: { turnTimeoutSec: 60 },
      http: { port: 0, dashboard: true },
    });
  });

  it("uses the config's model on request, with its keys", async () => {
    const { config, env, model } = ready((await prepare(OWN, true)).prepared);
    assert.equal(model?.label, "acme/small");
    assert.match(JSON.stringify(config), /"model":"acme\/small"/);
    assert.equal((env as Record<string, string>)["ACME_KEY"], "acme-key");
    assert.ok(!JSON.stringify(env).includes("real-token"));
  });

  it("prints the problems of an invalid config, and does not use it", async () => {
    const { prepared, told } = await prepare('{ "channels": { "discrod": {} } }');
    assert.equal(prepared.kind, "refused");
    assert.match(told, /config\.jsonc:1:\d+: error: There is no key "discrod"/);
  });
});

const GUILD = "900000000000000001";
const CHANNEL = "900000000000000002";
const OWNER = "900000000000000003";
const FRIEND = "900000000000000004";
const ROLE = "900000000000000005";

function cast(discord: object) {
  const demo = demoWorld();
  configSchema.parse({ channels: { discord } });
  return { demo, ...mapToDemo(discord, demo) };
}

describe("[O5] mapToDemo()", () => {
  it("maps the config's guild, by id or by name", () => {
    for (const key of [GUILD, "my-server", "Our Place"]) {
      const { demo, ids, notes } = cast({ guilds: { "*": {}, [key]: {} } });
      assert.equal(ids.get(key), demo.krill.id);
      assert.match(notes.join(), /is the guild Krill & Co in the demo/);
    }
  });

  it("maps the people on the lists, the first of direct messages first", () => {
    const { demo, ids } = cast({
      dm: { allowFrom: [OWNER] },
      guilds: { [GUILD]: { users: [`<@${FRIEND}>`, `user:${OWNER}`, `role:${ROLE}`] } },
    });
    assert.equal(ids.get(OWNER), demo.people.ada.id);
    assert.equal(ids.get(FRIEND), demo.people.grace.id);
    assert.equal(ids.get(ROLE), demo.helpers.id);
  });

  it("never maps the unknown user", () => {
    const allowFrom = [0, 1, 2, 3, 4].map((digit) => `91000000000000000${digit}`);
    const { demo, ids } = cast({ dm: { allowFrom } });
    assert.ok(![...ids.values()].includes(demo.people.mallory.id));
  });

  it("maps channels by id, and renames channels for names", () => {
    const { demo, ids } = cast({
      guilds: { [GUILD]: { channels: { "*": {}, help: {}, [CHANNEL]: {}, "#lab": {} } } },
    });
    const names = [...demo.krill.channelIds].map((id) => demo.world.channels.get(id)?.name);
    assert.deepEqual(names.sort(), ["How do I feed krill?", "general", "help", "lab"]);
    assert.equal(ids.get(CHANNEL), demo.channels.general.id);
  });

  it("maps nothing in a config without ids", () => {
    const { ids, notes } = cast({ guilds: { "*": {} } });
    assert.equal(ids.size, 0);
    assert.deepEqual(notes, []);
  });
});

describe("[O5] replaceIds()", () => {
  it("replaces ids within strings, and names only as whole strings", () => {
    const ids = new Map([[OWNER, "1"], ["lab", "2"]]);
    assert.equal(
      replaceIds(`{"a": ["user:${OWNER}", "<@${OWNER}>"], "lab": {}, "label": "lab rat"}`, ids),
      '{"a": ["user:1", "<@1>"], "2": {}, "label": "lab rat"}',
    );
  });
});
