import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { guildJoined } from "../../../src/flows/inbound/guild_joined.ts";
import { refused } from "../../support/discord/answers.ts";
import { guildId } from "../../support/discord/builders.ts";
import { guildData } from "../../support/discord/payloads.ts";
import { testAccount } from "../../support/bot/test_account.ts";

const ID = guildId("1400000000000000010");
const OPEN = guildId("1400000000000000099");
const UNLISTED = { guilds: { [OPEN]: {} } };

describe("[P6a] a guild that the bot was added to", () => {
  it("is told to the owner with name, id, rule and command, unless it is open", async () => {
    const { account, quiet, receive, posted } = await testAccount({ discord: UNLISTED });
    guildJoined(account, { id: OPEN, name: "Open" });
    await receive("GUILD_CREATE", guildData({ id: ID }));
    await quiet();
    assert.deepEqual(posted(), [
      `I was added to \`Friends\` (${ID}), but my config (\`channels.discord.guilds\`) keeps me ` +
      `silent there. To allow it: \`barnacle config set channels.discord.guilds.${ID} '{}'\``,
    ]);
  });

  it("is told with others of ten minutes in one message", async () => {
    const { account, clock, pass, posted } = await testAccount({ discord: UNLISTED });
    guildJoined(account, { id: ID, name: "Friends" });
    await pass(0);
    for (let at = 1; at <= 6; at++) {
      guildJoined(account, { id: guildId(`140000000000000002${at}`), name: `G${at}` });
    }
    await pass(599_999);
    assert.equal(posted().length, 1);
    await pass(1);
    assert.match(posted()[1] ?? "", /6 servers .*`G1`.*`G5` \(\d+\), …/);
    await pass(1_200_000);
    assert.deepEqual([posted().length, clock.pending], [2, 0]);
  });

  it("is told once Discord lets the bot write, and not at all if it never will", async () => {
    for (const isFinal of [false, true]) {
      let isDown = true;
      const { account, pass, posted, lines } = await testAccount({
        discord: UNLISTED,
        answer({ path }) {
          if (path !== "/users/@me/channels" || !isDown) return undefined;
          return isFinal ? refused(403, 50007) : new Error("offline");
        },
      });
      guildJoined(account, { id: ID, name: "Friends" });
      await pass(0);
      isDown = false;
      await pass(1_200_000, 60_000);
      assert.equal(posted().length, isFinal ? 0 : 1);
      assert.equal(lines.some(({ event }) => event.startsWith("No owner can be told")), isFinal);
    }
  });

  it("is opened alone by the command if guilds are switched off", async () => {
    const { account, quiet, posted } = await testAccount({ discord: { groupPolicy: "disabled" } });
    guildJoined(account, { id: ID, name: "x`\n@everyone `barnacle config set" });
    await quiet();
    assert.match(
      posted()[0] ?? "",
      /guilds\.\d+ '\{\}' && barnacle config set channels\.discord\.groupPolicy allowlist`$/,
    );
    assert.match(posted()[0] ?? "", /^I was added to `xˋ @everyone ˋbarnacle [^`]*` \(/);
  });
});
