import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createGuildJoined } from "../../../src/flows/inbound/guild_joined.ts";
import type { AccessPolicy } from "../../../src/policy/rules/rules.ts";
import { guild, policy } from "../../policy/policies.ts";
import { testAccount } from "../../support/account.ts";
import { guildId } from "../../support/discord/builders.ts";
import { settle } from "../../support/settle.ts";

const ID = guildId("1400000000000000010");
const OPEN = guildId("1400000000000000099");
const UNLISTED = policy({ guilds: { [OPEN]: guild() } });

function setUp(rules: AccessPolicy) {
  const { account, clock } = testAccount();
  const told: string[] = [];
  const flow = createGuildJoined({ ...account, policy: () => ({ policy: rules }) }, {
    described: (guild) => guild,
    tellOwners: (text) => Promise.resolve(told.push(text)),
    isFinal: () => false,
  });
  return { flow, clock, told };
}

describe("[P6a] createGuildJoined()", () => {
  it("sends name, id, rule and command to the owner, and nothing about an open guild", async () => {
    const { flow, told } = setUp(UNLISTED);
    flow.joined({ id: OPEN, name: "Open" });
    flow.joined({ id: ID, name: "Friends" });
    await settle();
    assert.deepEqual(told, [
      `I was added to \`Friends\` (${ID}), but my config (\`channels.discord.guilds\`) keeps me ` +
      `silent there. To allow it: \`barnacle config set channels.discord.guilds.${ID} '{}'\``,
    ]);
  });

  it("tells about further guilds of ten minutes in one message", async () => {
    const { flow, clock, told } = setUp(UNLISTED);
    flow.joined({ id: ID, name: "Friends" });
    await settle();
    for (let at = 1; at <= 6; at++) {
      flow.joined({ id: guildId(`140000000000000002${at}`), name: `G${at}` });
    }
    await settle();
    assert.equal(told.length, 1);
    clock.advance(600_000);
    await settle();
    assert.match(told[1] ?? "", /6 servers .*`G1`.*`G5` \(\d+\), …/);
    await flow.stop();
  });

  it("opens no other guild by the command if guilds are switched off", async () => {
    const { flow, told } = setUp(policy({ groupPolicy: "disabled" }));
    flow.joined({ id: ID, name: "x`\n@everyone `barnacle config set" });
    await settle();
    assert.match(
      told[0] ?? "",
      /guilds\.\d+ '\{\}' && barnacle config set channels\.discord\.groupPolicy allowlist`$/,
    );
    assert.match(told[0] ?? "", /^I was added to `xˋ @everyone ˋbarnacle [^`]*` \(/);
  });
});
