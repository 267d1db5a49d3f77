import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  judgePermissions,
  listedIn,
  type MissingPermission,
  type SeenChannel,
  type SeenGuild,
} from "../../../src/flows/preflight/permissions.ts";
import type { AccessPolicy } from "../../../src/policy/rules.ts";
import { loadTestConfig } from "../../support/config.ts";
import { channelId, guildId } from "../../support/discord/builders.ts";

const SEND: MissingPermission = { permission: "Send Messages", deniedBy: "the role Krill" };
const VIEW: MissingPermission = { permission: "View Channel", deniedBy: "@everyone" };
const FILES: MissingPermission = { permission: "Attach Files", deniedBy: "no role grants it" };

/** A guild with the channels help, ops and general. */
function krill(fields: Partial<SeenGuild> = {}): SeenGuild {
  return {
    id: guildId("100"),
    name: "Krill & Co",
    risky: [],
    details: {
      channels: [
        { id: channelId("1"), name: "help", missing: [] },
        { id: channelId("2"), name: "ops", missing: [SEND, FILES] },
        { id: channelId("3"), name: "general", missing: [FILES] },
      ],
    },
    ...fields,
  };
}

/** A guild with one channel for each list of lacks, called c1, c2 and so on. */
function guildWith(...lacks: readonly (readonly MissingPermission[])[]): SeenGuild {
  const channels = lacks.map((lacks, at): SeenChannel => {
    return { id: channelId(`${at + 1}`), name: `c${at + 1}`, missing: lacks };
  });
  return krill({ details: { channels } });
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
  it("warns of a missing comfort only", async () => {
    const [row = ""] = await rows({ 100: { channels: { general: {} } } });
    assert.equal(
      row,
      "warn can post in 1 of 1 channels of Krill & Co; " +
        "in #general: Attach Files missing (no role grants it)",
    );
  });

  it("judges all guilds if none is listed and groupPolicy is open", async () => {
    const policy = (await loadTestConfig({ groupPolicy: "open", guilds: undefined }))
      .discord.access;
    const found = judgePermissions(policy, [guildWith([], [])]);
    assert.deepEqual(found.map(({ status, why }) => `${status} ${why}`), [
      "pass can post in 2 of 2 channels of Krill & Co",
    ]);
  });

  it("names hidden channels without a warning, unless all are hidden", async () => {
    assert.deepEqual(await rows({ 100: {} }, [guildWith([], [VIEW])]), [
      "pass can post in 1 of 2 channels of Krill & Co; " +
      "not in #c2: View Channel missing (@everyone)",
    ]);
    const [row = ""] = await rows({ 100: {} }, [guildWith([VIEW], [VIEW])]);
    assert.match(row, /^fail can post in 0 of 2 channels/);
  });

  it("names the guilds that the config does not list beside an entry of none", async () => {
    const [row = ""] = await rows({ elsewhere: {} });
    assert.match(row, /the bot is in no such guild; it is in Krill & Co \(100\), not listed$/);
  });

  it("says of a listed channel whether Discord hides it, or has none", async () => {
    const channels = [{ id: channelId("50"), name: "50", missing: [VIEW] }];
    const guild = krill({ details: { channels, gone: ["51"] } });
    assert.deepEqual(
      await rows({ 100: { channels: { 50: {}, 51: {}, 52: {} } } }, [guild]),
      [
        "warn channels.discord.guilds.100.channels.51: there is no such channel in Krill & Co",
        "warn channels.discord.guilds.100.channels.52: the bot sees no such channel in Krill & Co",
        "fail can post in 0 of 1 channels of Krill & Co; not in #50: View Channel missing (@everyone)",
      ],
    );
  });

  it("asks for listed ids and resolved names, but for no id that may be of another guild", async () => {
    const pins = new Map([[guildId("100"), [channelId("7")]]]);
    for (
      const [guilds, expected] of [
        [{ 100: { channels: { 50: {}, staff: {} } } }, ["50 50", "7 staff"]],
        [{ "*": { channels: { 50: {}, staff: {} } } }, ["7 staff"]],
        [{ 200: {} }, undefined],
      ] as const
    ) {
      const policy = await policyOf(guilds);
      for (const { channels } of Object.values(policy.guilds ?? {})) {
        if (channels?.["staff"]) Object.assign(channels["staff"], { pinned: pins });
      }
      const found = listedIn(policy, krill())?.map(({ id, name }) => `${id} ${name}`);
      assert.deepEqual(found, expected);
    }
  });

  it("skips denied channels, guilds without rules, and all if guilds are disabled", async () => {
    assert.deepEqual(await rows({ 100: { channels: { ops: { enabled: false } } } }), []);
    assert.deepEqual(await rows({}), []);
    const off = { groupPolicy: "disabled" };
    assert.deepEqual(await rows({ 100: {}, elsewhere: {} }, [krill()], off), []);
  });
});
