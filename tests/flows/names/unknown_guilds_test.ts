import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createUnknownGuilds } from "../../../src/flows/names/unknown_guilds.ts";
import { guildId } from "../../support/discord/builders.ts";
import { recordingLog } from "../../support/recording_log.ts";

const KRILL = { id: guildId("1400000000000000010"), name: "Krill & Co" };
const WHALES = { id: guildId("1400000000000000011"), name: "Whales" };
const WRONG = "1400000000000000012";

describe("[P7] createUnknownGuilds()", () => {
  it("names each id of no guild once, with the bot's guilds that the config does not list", () => {
    const { log, lines } = recordingLog();
    const told: string[] = [];
    const report = createUnknownGuilds({ texts: () => ({}), log }, (text) => {
      told.push(text);
      return Promise.resolve();
    });
    const keys = [WRONG, KRILL.id, "*", "some-name"];
    for (let n = 0; n < 3; n++) report(keys, "channels.discord.guilds", [KRILL, WHALES]);
    assert.deepEqual(told, [
      `My config lists \`channels.discord.guilds.${WRONG}\`, but I am not in that guild. Correct ` +
      `the ID, or invite me there. My guilds that it does not list: \`Whales\` (${WHALES.id})`,
    ]);
    assert.deepEqual(lines.map(({ level, fields }) => [level, fields.rule]), [
      ["warn", `channels.discord.guilds.${WRONG}`],
    ]);
  });
});
