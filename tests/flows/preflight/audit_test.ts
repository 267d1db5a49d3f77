import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { auditGuilds } from "../../../src/flows/preflight/audit.ts";
import type { MissingPermission, SeenGuild } from "../../../src/flows/preflight/permissions.ts";
import { loadTestConfig } from "../../support/config.ts";
import { channelId, guildId } from "../../support/discord/builders.ts";

const SEND: MissingPermission = { permission: "Send Messages", deniedBy: "the role Krill" };
const LINKS: MissingPermission = { permission: "Embed Links", deniedBy: "no role grants it" };
const KRILL: SeenGuild = {
  id: guildId("100"),
  name: "Krill & Co",
  risky: [],
  details: {
    channels: [
      { id: channelId("1"), name: "help", missing: [], granted: ["View Channel"] },
      { id: channelId("2"), name: "ops", missing: [SEND], furtherMissing: [LINKS], granted: [] },
      { id: channelId("3"), name: "general", missing: [], furtherMissing: [LINKS] },
    ],
  },
};

async function audit(discord: object, guilds: readonly SeenGuild[] = [KRILL]) {
  const { access } = (await loadTestConfig(discord)).discord;
  const { notAudited, ...found } = auditGuilds(access, guilds);
  return {
    rows: found.guilds.flatMap(({ channels }) =>
      channels.map(({ name, status, missing }) => `${status} ${name} ${missing.length}`)
    ),
    why: notAudited.map(({ why }) => why),
  };
}

describe("[O3] auditGuilds()", () => {
  it("judges each channel, also those in which the bot answers no one", async () => {
    const { rows, why } = await audit({ guilds: { 100: { channels: { 1: {}, 2: {} } } } });
    assert.deepEqual(rows, ["pass help 0", "fail ops 2", "skipped general 1"]);
    assert.deepEqual(why, []);
    const { rows: all } = await audit({ guilds: { 100: {} } });
    assert.deepEqual(all, ["pass help 0", "fail ops 2", "warn general 1"]);
  });

  it("says what it could not see", async () => {
    const unread = { ...KRILL, id: guildId("101"), details: undefined, unread: "timed out" };
    const passedOver = { ...unread, id: guildId("102"), isPassedOver: true } as const;
    const { rows, why } = await audit({ groupPolicy: "open" }, [unread, passedOver]);
    assert.deepEqual(rows, []);
    assert.deepEqual(why, [
      "the settings of Krill & Co are unknown: timed out",
      "not checked, because the bot may answer in too many guilds: 1 of them",
    ]);
    const closed = await audit({ groupPolicy: "disabled" });
    assert.deepEqual(closed.why, ["Krill & Co: the config lets the bot answer no one there"]);
  });
});
