import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { judgeAudience, judgeDirect } from "../../../src/flows/preflight/audience.ts";
import type { SeenGuild } from "../../../src/flows/preflight/permissions.ts";
import { loadTestConfig } from "../../support/config.ts";
import { channelId, guildId } from "../../support/discord/builders.ts";

const named = (...names: readonly string[]): SeenGuild => ({
  id: guildId("100"),
  name: "Krill & Co",
  risky: [],
  details: {
    channels: names.map((name, at) => ({ id: channelId(`${at + 1}`), name, missing: [] })),
  },
});
const KRILL = named("help", "ops", "general");

/** `"pass why"` of each row. */
async function rows(discord: object, guilds: readonly SeenGuild[] = [KRILL]) {
  const { access } = (await loadTestConfig(discord)).discord;
  return judgeAudience(access, guilds).map(({ status, why }) => `${status} ${why}`);
}

const G = "channels.discord.guilds";

describe("[O3] judgeAudience()", () => {
  const CASES: readonly (readonly [name: string, discord: object, row: string])[] = [
    [
      "all channels under one rule",
      { guilds: { 100: {} } },
      `pass Krill & Co: answers everyone, when mentioned (${G}.100.requireMention), ` +
      "in all 3 channels",
    ],
    [
      "a channel with a rule of its own",
      { guilds: { 100: { channels: { "*": {}, help: { requireMention: false } } } } },
      `pass Krill & Co: answers everyone, when mentioned (${G}.100.requireMention), ` +
      "in #ops, #general; answers everyone, each message, in #help",
    ],
    [
      "channels that are not listed",
      { guilds: { 100: { channels: { help: {} } } } },
      `pass Krill & Co: answers no one (channel-not-listed: ${G}.100.channels), in #ops, ` +
      `#general; answers everyone, when mentioned (${G}.100.requireMention), in #help`,
    ],
    [
      "lists of people",
      { guilds: { 100: { users: ["5"], requireMention: false } } },
      `pass Krill & Co: answers only the people of ${G}.100.users, each message, ` +
      "in all 3 channels",
    ],
    [
      "an intent filter",
      { guilds: { 100: { requireMention: false, intentFilter: { enabled: true } } } },
      "pass Krill & Co: answers everyone, if the intent filter takes the message for the bot, " +
      "in all 3 channels",
    ],
    [
      "no listed server",
      { groupPolicy: "allowlist" },
      'warn the bot answers no one in its servers ("Krill & Co"): ' +
      'channels.discord.groupPolicy is "allowlist", and no server is listed',
    ],
    [
      "another listed server",
      { guilds: { 200: {} } },
      'warn the bot answers no one in its servers ("Krill & Co"): ' +
      `${G} lists none of them`,
    ],
    [
      "a choice of the operator",
      { groupPolicy: "disabled" },
      "pass the bot answers no one in servers: channels.discord.groupPolicy is " +
      '"disabled"',
    ],
  ];
  for (const [name, discord, row] of CASES) {
    it(`tells ${name}`, async () => assert.deepEqual(await rows(discord), [row]));
  }

  it("has no row without servers, or without their channels", async () => {
    assert.deepEqual(await rows({ guilds: { 100: {} } }, []), []);
    const unread: SeenGuild = { id: guildId("100"), name: "Krill & Co", risky: [] };
    assert.deepEqual(await rows({ guilds: { 100: {} } }, [unread]), []);
  });

  it("counts what a row has no room for", async () => {
    const names = Array.from({ length: 9 }, (_, at) => `c${at}`);
    const [row = ""] = await rows({ guilds: { 100: {} } }, [named(...names)]);
    assert.match(row, /in all 9 channels$/);
    const guilds = Array.from({ length: 7 }, (_, at): SeenGuild => ({
      ...KRILL,
      id: guildId(`${at + 100}`),
    }));
    const [many = ""] = await rows({ groupPolicy: "open" }, guilds);
    assert.match(many, /; and 2 more$/);
  });
});

describe("[O3] judgeDirect()", () => {
  const CASES: readonly (readonly [dm: object, row: string])[] = [
    [{ policy: "open", allowFrom: ["*"] }, "pass the bot answers everyone"],
    [
      { policy: "allowlist", allowFrom: ["5"] },
      "pass the bot answers only the people of channels.discord.dm.allowFrom (1)",
    ],
    [
      { policy: "allowlist", allowFrom: [] },
      'warn the bot answers no one: channels.discord.dm.policy is "allowlist", and the list is ' +
      "empty",
    ],
    [{ policy: "disabled" }, 'pass the bot ignores them: channels.discord.dm.policy is "disabled"'],
    [{ enabled: false }, "pass the bot ignores them: channels.discord.dm.enabled is false"],
    [
      {},
      "pass the bot answers the people of channels.discord.dm.allowFrom (0) and those that are " +
      "paired (2); 1 wait for an approval",
    ],
  ];
  for (const [dm, row] of CASES) {
    it(`tells ${JSON.stringify(dm)}`, async () => {
      const { access } = (await loadTestConfig({ dm })).discord;
      const { status, why } = judgeDirect(access, { paired: 2, waiting: 1 });
      assert.equal(`${status} ${why}`, row);
    });
  }
});
