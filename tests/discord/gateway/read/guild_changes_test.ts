import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { guildWithChangedPermissions } from "../../../../src/discord/gateway/read/reader.ts";
import {
  ADA,
  BARNACLE,
  GUILD,
  guildData,
  SELF,
  THREAD,
} from "../../../support/discord/payloads.ts";

const within = { guild_id: GUILD };

const cases: readonly [t: string, d: unknown, isChange: boolean][] = [
  ["GUILD_ROLE_CREATE", { ...within, role: { id: "1", name: "x" } }, true],
  ["GUILD_ROLE_UPDATE", { ...within, role: { id: "1", name: "x" } }, true],
  ["GUILD_ROLE_DELETE", { ...within, role_id: "1" }, true],
  ["GUILD_UPDATE", { id: GUILD, name: "x", owner_id: ADA.id }, true],
  ["GUILD_CREATE", guildData(), true],
  ["GUILD_CREATE", { id: GUILD, unavailable: true }, false],
  ["GUILD_DELETE", { id: GUILD }, false],
  ["CHANNEL_CREATE", { ...within, id: "1", type: 0 }, true],
  ["CHANNEL_UPDATE", { ...within, id: "1", type: 0 }, true],
  ["CHANNEL_DELETE", { ...within, id: "1", type: 0 }, true],
  ["CHANNEL_CREATE", { id: "1", type: 1 }, false],
  ["THREAD_UPDATE", { ...within, id: THREAD, thread_metadata: { archived: false } }, true],
  ["THREAD_CREATE", { ...within, id: THREAD, newly_created: true }, false],
  ["THREAD_CREATE", { ...within, id: THREAD }, true],
  ["THREAD_LIST_SYNC", { ...within, threads: [] }, true],
  ["THREAD_DELETE", { ...within, id: THREAD }, false],
  ["GUILD_MEMBER_UPDATE", { ...within, user: BARNACLE, roles: [] }, true],
  ["GUILD_MEMBER_UPDATE", { ...within, user: ADA, roles: [] }, false],
  ["GUILD_MEMBER_UPDATE", { user: BARNACLE, roles: [] }, false],
  ["MESSAGE_CREATE", { ...within, id: "1" }, false],
  ["READY", { guilds: [{ id: GUILD }] }, false],
  ["CHANNEL_UPDATE", null, false],
  ["GUILD_ROLE_UPDATE", { guild_id: "Friends" }, false],
];

describe("[R11] guildWithChangedPermissions()", () => {
  for (const [t, d, isChange] of cases) {
    it(`${isChange ? "detects a" : "detects no"} change in ${t} ${JSON.stringify(d).slice(0, 60)}`, () =>
      assert.equal(
        guildWithChangedPermissions({ t, s: 1, d }, SELF.userId),
        isChange ? GUILD : undefined,
      ));
  }

  it("recognises no member as the bot before READY", () => {
    const d = { ...within, user: BARNACLE };
    assert.equal(
      guildWithChangedPermissions({ t: "GUILD_MEMBER_UPDATE", s: 1, d }, undefined),
      undefined,
    );
  });
});
