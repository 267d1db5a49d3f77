import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import type { Env } from "../../../src/lib/env.ts";
import { parseSnowflake, toAccountId } from "../../../src/core/discord/ids.ts";
import type { Tool } from "../../../src/core/turn/tool.ts";
import { accessTest, type AccessTestFlags } from "../../../src/extras/access/try.ts";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { startSimulator } from "../../../simulator/simulator.ts";
import { toolNamed } from "../../support/model/tools.ts";
import { ACCOUNT, directMessage, sender, userId } from "../../support/discord/builders.ts";
import { batch, frozen, part, ROUTE } from "../../support/store/store.ts";
import {
  createDataFixture,
  type DataFixture,
  GUILD,
  GUILD_SNAPSHOT,
  removeDataFixtures,
} from "../../cli/data_fixture.ts";
import { recordingIo } from "../../cli/io.ts";

afterEach(removeDataFixtures);

const ADA = "123456789012345678";

/** Flags of a command line without options. */
const UNSAID = {
  user: ADA,
  channel: "help",
  reply: false,
  mention: false,
  bot: false,
  manager: false,
  event: "message",
  on: "own",
  needs: "everyone",
  offline: false,
} as const;

async function fixture(discord: object, more: object = {}): Promise<DataFixture> {
  const fixture = createDataFixture({ channels: { discord }, ...more });
  await fixture.fill((store) =>
    store.inbox.acceptBatch(batch({ guilds: [GUILD_SNAPSHOT] }), Date.now())
  );
  return fixture;
}

async function attempt(
  where: DataFixture,
  flags: Partial<AccessTestFlags> = {},
  env: Env = {},
  tools: readonly Tool[] = [],
) {
  const io = { ...recordingIo(env), cwd: where.data };
  const code = await accessTest({ ...UNSAID, ...where.flags, ...flags }, io, tools);
  return { code, out: io.stdout.join("\n"), err: io.stderr.join("\n") };
}

const OPEN = { guilds: { [GUILD]: {} } };

describe("[P1] barnacle access test", () => {
  it("prints the verdict, with each check and the place of its rule", async () => {
    const { code, out } = await attempt(await fixture(OPEN), { mention: true });
    assert.equal(code, 0);
    assert.match(out, /^Would be answered: it addresses the bot.*config\.jsonc:5\)$/m);
    assert.match(out, /^ {2}ok {2}mention .*config\.jsonc:5\)$/m);
  });

  it("[O7] exits with 1 if the bot would not answer", async () => {
    const { code, out } = await attempt(await fixture(OPEN));
    assert.equal(code, 1);
    assert.match(out, /^Would not be answered: it does not mention the bot/);
  });

  it("[M2] finds a mention in the text, and knows a reply to the bot", async () => {
    const place = await fixture(OPEN);
    const session = { sessionId: "s", resumeUrl: "wss://127.0.0.1", seq: 1 };
    const applicationId = parseSnowflake<"application">("43");
    assert.ok(applicationId);
    const self = { userId: userId("42"), applicationId, username: "krill" };
    await place.fill((store) => store.gateway.startSession(ACCOUNT, 0, session, self, 1));
    assert.equal((await attempt(place, { text: "hey <@42>" })).code, 0);
    assert.equal((await attempt(place, { text: "hey <@43>" })).code, 1);
    assert.equal((await attempt(place, { reply: true })).code, 0);
    assert.equal((await attempt(place, { reply: true, bot: true })).code, 1, "bots are ignored");
    assert.equal(
      (await attempt(place, { text: "<@&1400000000000000032> hi" })).code,
      0,
      "its role",
    );
    assert.equal(
      (await attempt(place, { text: "<@&1400000000000000030> hi" })).code,
      1,
      "another's",
    );
  });

  it("[P14] accepts roles by name or id, and reports unknown roles if a list needs them", async () => {
    const place = await fixture({ guilds: { [GUILD]: { users: ["role:Crew"] } } });
    assert.equal((await attempt(place, { mention: true, role: ["Crew"] })).code, 0);
    assert.equal((await attempt(place, { mention: true, role: ["1400000000000000030"] })).code, 0);
    assert.equal((await attempt(place, { mention: true, role: ["Guest"] })).code, 1);
    const unknown = await attempt(place, { mention: true });
    assert.equal(unknown.code, 3);
    assert.match(unknown.err, /unknown roles of the sender, which a rule here needs/);
    const duplicates = await attempt(place, { mention: true, role: ["Twin"] });
    assert.equal(duplicates.code, 2);
    assert.match(duplicates.err, /several roles have this name/);
    const nobody = await attempt(place, { role: ["Captain"] });
    assert.equal(nobody.code, 2);
    assert.match(nobody.err, /no role has this name/);
  });

  it("[P4] reports an unknown id or name that may be the reason", async () => {
    const byId = await attempt(await fixture({ guilds: { [GUILD]: { users: [ADA] } } }), {
      user: "ada",
      mention: true,
    });
    assert.equal(byId.code, 3);
    assert.match(byId.out, /"ada" \(id not known\)/);
    assert.match(byId.err, /unknown id of ada/);
    const byName = await attempt(await fixture({ guilds: { [GUILD]: { users: ["ada"] } } }), {
      mention: true,
    });
    assert.equal(byName.code, 3);
    assert.match(byName.err, /unknown username of the sender/);
  });

  it("[O7] exits with 1 if unknown facts make no difference", async () => {
    const place = await fixture({ guilds: { [GUILD]: { users: ["ada", ADA] } } });
    const { code, err } = await attempt(place);
    assert.equal(code, 1);
    assert.match(err, /unknown username of the sender/);
  });

  it("[M2] does not count a bot's reply as a mention", async () => {
    const place = await fixture({ ...OPEN, allowBots: true });
    assert.equal((await attempt(place, { bot: true, mention: true })).code, 0);
    assert.equal((await attempt(place, { bot: true, reply: true })).code, 1);
  });

  it("[P12] uses names that the bot has resolved", async () => {
    const place = await fixture({ guilds: { [GUILD]: { users: ["ada"] } } });
    const name = { kind: "user", id: userId(ADA), typed: "ada", name: "ada", at: 1 } as const;
    await place.fill((store) => store.pairing.saveNames(ACCOUNT, [name]));
    assert.equal((await attempt(place, { mention: true })).code, 0);
    assert.equal(
      (await attempt(place, { mention: true, user: "ada" })).code,
      0,
      "who bore the name",
    );
    const taker = "123456789012345679";
    assert.notEqual((await attempt(place, { mention: true, user: taker })).code, 0);
  });

  it("[P3] distinguishes paired users from those who would get a code", async () => {
    const place = await fixture({});
    const unknownSender = await attempt(place, { channel: "dm" });
    assert.notEqual(unknownSender.code, 0);
    assert.match(
      unknownSender.out,
      /^Would not be answered, but the sender would get a pairing code/,
    );
    const judged = {
      message: directMessage({ sender: sender({ id: userId(ADA), username: "ada" }) }),
      verdict: { kind: "challenge", why: "pairing", rule: "r" },
      route: ROUTE,
    } as const;
    const pairing = {
      newCode: () => "ABCDEFGH",
      newButton: () => "b",
      challenge: () => [frozen({ of: part(judged.message.id, { kind: "challenge" }) })],
    };
    await place.fill(async (store) => {
      await store.inbox.acceptBatch(batch({ judged: [judged], pairing }), Date.now());
      await store.pairing.decide({
        accountId: ACCOUNT,
        by: { code: "ABCDEFGH" },
        how: "approve",
        decidedBy: "cli",
        now: Date.now(),
        notify: [],
      });
    });
    const paired = await attempt(place, { channel: "dm" });
    assert.equal(paired.code, 0);
    assert.match(paired.out, /^Would be answered: a direct message from a paired user/);
  });

  it("[P16] tests other events, too", async () => {
    const place = await fixture(OPEN, { commands: { ownerAllowFrom: [ADA] } });
    assert.equal((await attempt(place, { event: "reaction" })).code, 0);
    assert.notEqual((await attempt(place, { event: "reaction", on: "other" })).code, 0);
    assert.equal((await attempt(place, { event: "slash", needs: "owner" })).code, 0);
    const other = { event: "slash", user: "123456789012345679" } as const;
    assert.notEqual((await attempt(place, { ...other, needs: "owner" })).code, 0);
    assert.notEqual((await attempt(place, { ...other, needs: "session" })).code, 0);
    assert.equal((await attempt(place, { ...other, needs: "session", manager: true })).code, 0);
  });

  it("[C6] uses the rules of one account", async () => {
    const place = await fixture({
      ...OPEN,
      accounts: { default: {}, work: { guilds: { [GUILD]: { requireMention: false } } } },
    });
    assert.equal((await attempt(place)).code, 1);
    await place.fill((store) =>
      store.inbox.acceptBatch(
        batch({ accountId: toAccountId("work"), guilds: [GUILD_SNAPSHOT] }),
        1,
      )
    );
    assert.equal((await attempt(place, { account: "work" })).code, 0);
    assert.equal((await attempt(place, { account: "play" })).code, 2);
  });

  it("[O10] prints everything as JSON", async () => {
    const { code, out } = await attempt(await fixture(OPEN), { json: true });
    assert.equal(code, 1);
    const { verdict, why, place, checks, unknown } = JSON.parse(out);
    assert.deepEqual([verdict, why, place.line], ["ignore", "no-mention", 5]);
    assert.equal(checks.at(-1).passed, false);
    assert.deepEqual(unknown, []);
  });

  it("exits with 2 on an unknown place, and works without a store", async () => {
    assert.equal((await attempt(await fixture(OPEN), { channel: "nowhere" })).code, 2);
    const bare = createDataFixture({ channels: { discord: OPEN } });
    assert.equal((await attempt(bare, { channel: "nowhere" })).code, 2);
    const link = `https://discord.com/channels/${GUILD}/1400000000000000011`;
    assert.equal((await attempt(bare, { channel: link, mention: true })).code, 0);
  });
});

describe("[T2] barnacle access test › tools", () => {
  const TOOLS = [toolNamed("remind"), toolNamed("web_fetch"), toolNamed("exec")];
  const mentioned = { mention: true } as const;

  it("prints each tool with the config path that decided", async () => {
    const guilds = { [GUILD]: { toolsBySender: { [ADA]: { deny: ["web_fetch"] } } } };
    const { code, out } = await attempt(
      await fixture({ guilds }, { commands: { ownerAllowFrom: ["5"] } }),
      mentioned,
      {},
      TOOLS,
    );
    assert.equal(code, 0);
    assert.match(out, /^Tools of the turn:$/m);
    assert.match(out, /^ {2}ok {2}remind +everyone has it by default {2}\(tools\.allow/m);
    const deny = `channels\\.discord\\.guilds\\.${GUILD}\\.toolsBySender\\.${ADA}\\.deny`;
    assert.match(
      out,
      new RegExp(`^ {2}NO {2}web_fetch +denied {2}\\(${deny}, config\\.jsonc:\\d+\\)$`, "m"),
    );
    assert.match(out, /^ {2}NO {2}exec +only owners have it by default {2}\(commands\.owner/m);
  });

  it("prints an owner's tools, and none if the bot would not answer", async () => {
    const place = await fixture(OPEN, { commands: { ownerAllowFrom: [ADA] }, exec: {} });
    const { out } = await attempt(place, mentioned, {}, TOOLS);
    assert.match(out, /^ {2}ok {2}exec +owners have it by default {2}\(commands\.owner/m);
    assert.doesNotMatch((await attempt(place, {}, {}, TOOLS)).out, /Tools of the turn/);
    assert.doesNotMatch((await attempt(place, mentioned)).out, /Tools of the turn/);
  });

  it("names the missing section of tools that do not exist without it", async () => {
    const place = await fixture(OPEN, { commands: { ownerAllowFrom: [ADA] } });
    const all = ["exec", "process", "web_search", "draw", "remind"].map(toolNamed);
    const { out } = await attempt(place, mentioned, {}, all);
    const sections = [["exec", "exec"], ["process", "exec"], ["web_search", "search"]];
    for (const [name, section] of [...sections, ["draw", "tools.draw"]]) {
      const line = `^ {2}NO {2}${name} +the config has no section for it {2}\\(${section}\\b`;
      assert.match(out, new RegExp(line, "m"));
    }
    assert.match(out, /^ {2}ok {2}remind/m);
  });

  it("reports unknown roles and owners if tools depend on them", async () => {
    const byRole = { guilds: { [GUILD]: { toolsBySender: { "role:Crew": { deny: ["exec"] } } } } };
    const place = await fixture(byRole);
    const { code, err } = await attempt(place, mentioned, {}, TOOLS);
    assert.equal(code, 0);
    assert.match(err, /unknown roles of the sender/);
    assert.match(err, /unknown owners of the bot/);
    const crew = await attempt(place, { ...mentioned, role: ["Crew"] }, {}, TOOLS);
    assert.match(crew.out, /^ {2}NO {2}exec +denied {2}\(.*"role:Crew"\.deny/m);
  });

  it("[O10] prints the decisions as JSON", async () => {
    const place = await fixture(OPEN, { tools: { allow: ["remind"] } });
    const { out } = await attempt(place, { ...mentioned, json: true, offline: true }, {}, TOOLS);
    const { tools } = JSON.parse(out);
    assert.deepEqual(
      tools.map((
        { name, isAllowed, why, rule }: Record<string, unknown>,
      ) => [name, isAllowed, why, rule]),
      [
        ["remind", true, "allowed", "tools.allow"],
        ["web_fetch", false, "not-allowed", "tools.allow"],
        ["exec", false, "not-allowed", "tools.allow"],
      ],
    );
  });
});

describe("[P1] barnacle access test, with a token", () => {
  it("asks Discord for an id and for roles, and asks nothing with --offline", async () => {
    const { world, krill, helpers, channels, people } = demoWorld();
    const simulator = await startSimulator({ world, rateLimits: false });
    try {
      const place = createDataFixture({
        channels: { discord: { guilds: { [krill.id]: { users: [`role:${helpers.id}`] } } } },
      });
      const env = { DISCORD_API_URL: simulator.apiUrl, DISCORD_BOT_TOKEN: simulator.token };
      const channel = `https://discord.com/channels/${krill.id}/${channels.general.id}`;
      const grace = await attempt(place, { user: "Grace", channel, mention: true }, env);
      assert.equal(grace.code, 0, grace.err);
      assert.match(grace.out, new RegExp(`"grace" \\(${people.grace.id}\\) is on the list`));
      const ada = await attempt(place, { user: people.ada.id, channel, mention: true }, env);
      assert.notEqual(ada.code, 0);
      const asked = simulator.requests.records().length;
      assert.ok(asked >= 3);
      const offline = { user: "grace", channel, mention: true, offline: true };
      assert.equal((await attempt(place, offline, env)).code, 3);
      assert.equal(simulator.requests.records().length, asked);
    } finally {
      await simulator.close();
    }
  });

  it("[P10] finds the owners of the bot", async () => {
    const { world, krill, channels, people } = demoWorld();
    const simulator = await startSimulator({ world, rateLimits: false });
    try {
      const place = createDataFixture({ channels: { discord: { guilds: { [krill.id]: {} } } } });
      const env = { DISCORD_API_URL: simulator.apiUrl, DISCORD_BOT_TOKEN: simulator.token };
      const channel = `https://discord.com/channels/${krill.id}/${channels.general.id}`;
      const asked = { channel, event: "slash", needs: "owner" } as const;
      assert.equal((await attempt(place, { ...asked, user: people.ada.id }, env)).code, 0);
      assert.notEqual((await attempt(place, { ...asked, user: people.grace.id }, env)).code, 0);
    } finally {
      await simulator.close();
    }
  });
});
