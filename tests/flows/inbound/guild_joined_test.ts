import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ClosedGuild, createGuildJoined } from "../../../src/flows/inbound/guild_joined.ts";
import { guildId } from "../../support/discord/builders.ts";
import { recordingLog } from "../../support/recording_log.ts";

const ID = guildId("1400000000000000010");

/** A guild in which the bot may answer. */
const OPEN = guildId("1400000000000000099");

function setUp(closed: ClosedGuild, path = "channels.discord.guilds") {
  const { log, lines } = recordingLog();
  const told: string[] = [];
  const joined = createGuildJoined({ texts: () => ({}), log }, {
    closed: ({ id }) => id === OPEN ? undefined : closed,
    guildsPath: () => path,
    notices: { add: ({ text }) => void told.push(text) },
  });
  return { joined, lines, told };
}

const UNLISTED: ClosedGuild = { why: "guild-not-listed", rule: "channels.discord.guilds" };
const OFF: ClosedGuild = { why: "guilds-disabled", rule: "channels.discord.groupPolicy" };

describe("[P6a] createGuildJoined()", () => {
  it("sends name, id, rule and command to the owner once, and to the log", () => {
    const { joined, lines, told } = setUp(UNLISTED);
    joined({ id: ID, name: "Friends" });
    const command = `barnacle config set channels.discord.guilds.${ID} '{}'`;
    assert.deepEqual(told, [
      `I was added to \`Friends\` (${ID}), but my config (\`channels.discord.guilds\`) keeps me ` +
      `silent there. To allow it: \`${command}\``,
    ]);
    assert.deepEqual(lines.map(({ level, fields }) => ({ level, ...fields })), [{
      level: "warn",
      guildId: ID,
      guild: "Friends",
      why: "guild-not-listed",
      rule: "channels.discord.guilds",
      command,
    }]);
  });

  it("names the account's own list, if it has one", () => {
    const { joined, told } = setUp(UNLISTED, "channels.discord.accounts.work.guilds");
    joined({ id: ID, name: "Friends" });
    assert.match(
      told[0]!,
      new RegExp(`config set channels\\.discord\\.accounts\\.work\\.guilds\\.${ID} `),
    );
  });

  it("opens no other guild by the command if guilds are switched off", () => {
    const { joined, told } = setUp(OFF);
    joined({ id: ID, name: "Friends" });
    assert.match(
      told[0]!,
      /guilds\.\d+ '\{\}' && barnacle config set channels\.discord\.groupPolicy allowlist`$/,
    );
  });

  it("reports no guild in which the bot may answer", () => {
    const { joined, lines, told } = setUp(UNLISTED);
    joined({ id: OPEN, name: "Open" });
    assert.deepEqual([lines, told], [[], []]);
    joined({ id: ID, name: "Friends" });
    assert.equal(told.length, 1);
  });

  it("keeps a guild's name from passing for our own words", () => {
    const { joined, told } = setUp(UNLISTED);
    joined({
      id: ID,
      name: "x`\n@everyone `barnacle config set channels.discord.groupPolicy open",
    });
    assert.match(told[0]!, /^I was added to `xˋ @everyone ˋbarnacle [^`]*` \(/);
    assert.ok(!told[0]!.includes("\n"));
  });
});
