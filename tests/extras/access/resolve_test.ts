import assert from "node:assert/strict";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { afterEach, describe, it } from "node:test";
import type { Env } from "../../../src/lib/env.ts";
import { accessResolve, type ResolveFlags } from "../../../src/extras/access/resolve.ts";
import { loadConfig } from "../../../src/config/load.ts";
import type { ResolvedName } from "../../../src/core/names.ts";
import { type DemoWorld, demoWorld } from "../../../simulator/actions/demo_world.ts";
import { type Simulator, startSimulator } from "../../../simulator/simulator.ts";
import { ACCOUNT, userId } from "../../support/discord/builders.ts";
import { batch } from "../../support/store/store.ts";
import {
  createDataFixture,
  type DataFixture,
  GUILD,
  GUILD_SNAPSHOT,
  HELP,
  removeDataFixtures,
} from "../../cli/data_fixture.ts";
import { recordingIo } from "../../cli/io.ts";

afterEach(removeDataFixtures);

async function resolve(fixture: DataFixture, flags: Partial<ResolveFlags> = {}, env: Env = {}) {
  const io = { ...recordingIo(env), cwd: fixture.data };
  const code = await accessResolve(
    { ...fixture.flags, write: false, offline: false, ...flags },
    io,
  );
  return { code, out: io.stdout.join("\n"), err: io.stderr.join("\n") };
}

/** A demo world, and a bot's token for it. */
async function withDiscord(
  play: (demo: DemoWorld, env: Env, simulator: Simulator) => Promise<void>,
): Promise<void> {
  const demo = demoWorld();
  const simulator = await startSimulator({ world: demo.world, rateLimits: false });
  try {
    const env = { DISCORD_API_URL: simulator.apiUrl, DISCORD_BOT_TOKEN: simulator.token };
    await play(demo, env, simulator);
  } finally {
    await simulator.close();
  }
}

const NAMES = {
  dm: { allowFrom: ["grace", "nobody-at-all"] },
  guilds: { "krill-co": { users: ["ada"], channels: { "off-topic": {} } } },
};

describe("[P12] barnacle access resolve", () => {
  it("finds guilds, channels and users at Discord before the first start", async () => {
    await withDiscord(async ({ people, krill, channels }, env) => {
      const fixture = createDataFixture({ channels: { discord: NAMES } });
      const { code, out } = await resolve(fixture, { json: true }, env);
      assert.equal(code, 3, "one name has no match");
      const { names }: { names: readonly { typed: string; id?: string }[] } = JSON.parse(out);
      assert.deepEqual(Object.fromEntries(names.map(({ typed, id }) => [typed, id])), {
        grace: people.grace.id,
        "nobody-at-all": undefined,
        "krill-co": krill.id,
        ada: people.ada.id,
        "off-topic": channels.offTopic.id,
      });
    });
  });

  it("prints each name with its id, or the reason for having none", async () => {
    await withDiscord(async ({ people }, env) => {
      const { out } = await resolve(createDataFixture({ channels: { discord: NAMES } }), {}, env);
      assert.match(
        out,
        new RegExp(
          `^ok +user +grace +channels.discord.dm.allowFrom\\[0\\] +${people.grace.id} \\(grace\\)$`,
          "m",
        ),
      );
      assert.match(out, /^NO +user +nobody-at-all .*no match$/m);
    });
  });

  it("changes nothing without --write", async () => {
    await withDiscord(async (_demo, env) => {
      const fixture = createDataFixture({ channels: { discord: NAMES } });
      const before = fixture.text();
      await resolve(fixture, {}, env);
      assert.equal(fixture.text(), before);
    });
  });

  it("[C10] writes nothing if the file has changed meanwhile", async () => {
    await withDiscord(async (_demo, env, simulator) => {
      const fixture = createDataFixture({
        channels: { discord: { dm: { allowFrom: ["grace"] } } },
      });
      const resolving = resolve(fixture, { write: true }, env);
      const asked = () => simulator.requests.records().length > 0 || undefined;
      await simulator.until(asked, AbortSignal.timeout(60_000));
      const meanwhile = '{"channels":{"discord":{"dm":{"allowFrom":["123456789012345678"]}}}}';
      writeFileSync(fixture.flags.config, meanwhile);
      const { code, err } = await resolving;
      assert.equal(fixture.text(), meanwhile, "a look-up must not replace a changed entry");
      assert.equal(code, 75);
      assert.match(err, /has changed since it was read/);
    });
  });

  it("[C10] writes ids with the names as comments, and leaves mode and a copy", async () => {
    await withDiscord(async ({ people, krill, channels }, env) => {
      const fixture = createDataFixture(`{
  "channels": { "discord": {
    "dm": { "allowFrom": ["grace"] }, // friends
    "guilds": {
      "krill-co": {
        "users": ["ada"],
        "channels": { "off-topic": {} },
      },
    },
  } },
}
`);
      const before = fixture.text();
      const { code, err } = await resolve(fixture, { write: true }, env);
      assert.equal(code, 0);
      assert.match(err, /Replaced 4 names by ids/);
      const text = fixture.text();
      assert.match(text, new RegExp(`\\["${people.grace.id}" /\\* grace \\*/\\] \\}, // friends`));
      assert.match(text, new RegExp(`"${krill.id}": \\{ // krill-co`));
      assert.match(text, new RegExp(`"${channels.offTopic.id}"`));
      assert.equal(statSync(fixture.config).mode & 0o777, 0o600);
      assert.ok(existsSync(`${fixture.config}.bak`));
      const { kind } = await loadConfig({ file: fixture.config, text }, {
        env: {},
        readFile: () => Promise.resolve(undefined),
      });
      assert.equal(kind, "loaded");
      assert.notEqual(text, before);
      const again = await resolve(fixture, { write: true }, env);
      assert.equal(again.code, 0);
      assert.match(again.err, /No names to resolve/);
      assert.equal(fixture.text(), text);
    });
  });

  it("keeps ids that the bot has resolved, also if another user took the name later", async () => {
    await withDiscord(async ({ people }, env) => {
      const fixture = createDataFixture({
        channels: { discord: { dm: { allowFrom: ["grace"] } } },
      });
      const first: ResolvedName = {
        kind: "user",
        id: userId("5"),
        typed: "grace",
        name: "grace",
        at: 1,
      };
      await fixture.fill((store) => store.pairing.saveNames(ACCOUNT, [first]));
      const { out } = await resolve(fixture, { json: true }, env);
      const [{ id }] = JSON.parse(out).names;
      assert.equal(id, "5");
      assert.notEqual(id, people.grace.id);
    });
  });

  it("reports that it did not ask Discord", async () => {
    const fixture = createDataFixture({ channels: { discord: { dm: { allowFrom: ["grace"] } } } });
    await fixture.fill((store) => store.inbox.acceptBatch(batch({ guilds: [GUILD_SNAPSHOT] }), 1));
    const { code, out } = await resolve(fixture, { offline: true });
    assert.equal(code, 3);
    assert.match(out, /Discord was not asked for members/);
  });

  it("names the missing intent if Discord forbids the member search", async () => {
    await withDiscord(async (demo, env) => {
      Object.assign(demo.barnacle, { privilegedIntents: 0 });
      const fixture = createDataFixture({ channels: { discord: NAMES } });
      const { code, out } = await resolve(fixture, {}, env);
      assert.equal(code, 3);
      assert.match(out, /^NO +user +grace .*Server Members Intent in the developer portal$/m);
      assert.match(out, /^ok +guild +krill-co/m, "what needs no members is found all the same");
    });
  });

  it("knows guilds, channels and roles from the store, without Discord", async () => {
    const fixture = createDataFixture({
      channels: {
        discord: {
          guilds: { "friends-of-barnacle": { users: ["role:Crew"], channels: { help: {} } } },
        },
      },
    });
    await fixture.fill((store) => store.inbox.acceptBatch(batch({ guilds: [GUILD_SNAPSHOT] }), 1));
    const { code, out } = await resolve(fixture, { offline: true, json: true });
    assert.equal(code, 0);
    const ids = JSON.parse(out).names.map(({ id }: { id?: string }) => id);
    assert.deepEqual(new Set(ids), new Set([GUILD, HELP, "1400000000000000030"]));
  });

  it("[O7] exits with 77 if Discord rejects the token", async () => {
    await withDiscord(async (_demo, env) => {
      const fixture = createDataFixture({ channels: { discord: NAMES } });
      const wrong = {
        ...env,
        DISCORD_BOT_TOKEN: "MTIzNDU2Nzg5MDEyMzQ1Njc4.G1abcd.wrong-wrong-wrong-wrong-wrong-w",
      };
      const { code, err } = await resolve(fixture, {}, wrong);
      assert.equal(code, 77);
      assert.match(err, /cannot ask Discord for names/);
    });
  });
});
