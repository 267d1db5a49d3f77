import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  judgePermissions,
  type Lack,
  type SeenGuild,
} from "../../../src/flows/preflight/permissions.ts";
import type { AccessPolicy } from "../../../src/policy/rules.ts";
import { loadTestConfig } from "../../support/config.ts";
import { channelId, guildId } from "../../support/discord/builders.ts";

const SEND: Lack = { permission: "Send Messages", deniedBy: "the role Krill" };
const FILES: Lack = { permission: "Attach Files", deniedBy: "no role grants it" };

/** A guild with the channels help, ops and general. */
function krill(fields: Partial<SeenGuild> & { lacks?: readonly Lack[] } = {}): SeenGuild {
  const { lacks = [], ...rest } = fields;
  return {
    id: guildId("100"),
    name: "Krill & Co",
    risky: [],
    details: {
      lacks,
      channels: [
        { id: channelId("1"), name: "help", lacks: [] },
        { id: channelId("2"), name: "ops", lacks: [SEND, FILES] },
        { id: channelId("3"), name: "general", lacks: [FILES] },
      ],
    },
    ...rest,
  };
}

async function policyOf(guilds: object, more: object = {}): Promise<AccessPolicy> {
  return (await loadTestConfig({ guilds, ...more })).discord.access;
}

/** `"fail words"` of each row. */
async function rows(
  guilds: object,
  seen: readonly SeenGuild[] = [krill()],
  more: object = {},
): Promise<readonly string[]> {
  return judgePermissions(await policyOf(guilds, more), seen)
    .map(({ status, why }) => `${status} ${why}`);
}

describe("[O3] judgePermissions()", () => {
  it("passes a listed channel with all permissions, by slug or by id", async () => {
    assert.deepEqual(await rows({ "krill-co": { channels: { help: {} } } }), [
      "pass #help in Krill & Co: all granted",
    ]);
    assert.deepEqual(await rows({ 100: { channels: { 1: {} } } }), [
      "pass #help in Krill & Co: all granted",
    ]);
  });

  it("fails a channel in which the bot cannot answer, and names each permission", async () => {
    assert.deepEqual(await rows({ 100: { channels: { help: {}, ops: {} } } }), [
      "fail #ops in Krill & Co: the bot lacks Send Messages (the role Krill), " +
      "Attach Files (no role grants it)",
      "pass the other places are right: 1",
    ]);
  });

  it("warns of a missing comfort only", async () => {
    const [row = ""] = await rows({ 100: { channels: { general: {} } } });
    assert.equal(
      row,
      "warn #general in Krill & Co: the bot lacks Attach Files (no role grants it)",
    );
  });

  it("judges the guild as a whole if its channels are not listed", async () => {
    for (const rules of [{}, { channels: { "*": {} } }]) {
      assert.deepEqual(await rows({ 100: rules }), ["pass channels of Krill & Co: all granted"]);
      const [row = ""] = await rows({ "*": rules }, [krill({ lacks: [SEND] })]);
      assert.match(row, /^warn channels of Krill & Co: the bot lacks Send Messages .*, unless/);
    }
  });

  it("names entries that match no guild and no channel", async () => {
    assert.deepEqual(await rows({ 100: { channels: { nowhere: {} } }, elsewhere: {} }), [
      "warn channels.discord.guilds.elsewhere: the bot is in no such guild",
      "warn channels.discord.guilds.100.channels.nowhere: the bot sees no such channel in " +
      "Krill & Co",
    ]);
  });

  it("skips denied channels, guilds without rules, and all if guilds are disabled", async () => {
    assert.deepEqual(await rows({ 100: { channels: { ops: { enabled: false } } } }), []);
    assert.deepEqual(await rows({}), []);
    const off = { groupPolicy: "disabled" };
    assert.deepEqual(await rows({ 100: {}, elsewhere: {} }, [krill()], off), []);
  });

  it("says if Discord did not answer", async () => {
    const { details: _, ...unread } = krill();
    assert.deepEqual(await rows({ 100: {} }, [unread]), [
      "skipped Discord did not answer about Krill & Co",
    ]);
  });

  it("[SEC-R34] warns of risky permissions in each guild, with or without rules", async () => {
    const risky = krill({ risky: ["Manage Webhooks", "Mention Everyone"] });
    assert.deepEqual(await rows({}, [risky]), [
      "warn the bot has Manage Webhooks and Mention Everyone in Krill & Co, and needs none of it",
    ]);
  });
});
