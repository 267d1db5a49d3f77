import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChannelId } from "../../../../src/core/discord/ids.ts";
import {
  type GuildIndex,
  restoreIndex,
  snapshotOf,
  takesFiles,
} from "../../../../src/discord/gateway/decode/guild_index.ts";
import { applyDispatch } from "../../../../src/discord/gateway/read/reader.ts";
import { channelId, guildId, roleId, userId } from "../../../support/discord/builders.ts";

const GUILD = guildId("1400000000000000010");
const SELF = userId("1400000000000000003");
const OTHER = userId("1400000000000000004");
const ROLE = roleId("1400000000000000020");
const SECOND_ROLE = roleId("1400000000000000021");
const OPS = channelId("1400000000000000030");
const HALL = channelId("1400000000000000031");
const THREAD = channelId("1400000000000000032");
const ATTACH = String(1n << 15n);
const ADMINISTRATOR = String(1n << 3n);
const NOTHING = "0";

type Bits = readonly [id: string, allow: string, deny: string];

const role = (id: string, permissions: string) => ({ id, name: "role", permissions });
const overwritten = (...overwrites: readonly Bits[]) =>
  overwrites.map(([id, allow, deny]) => ({ id, type: 0, allow, deny }));

/** A guild whose @everyone may attach files, with a denied channel's overwrites. */
function created(overwrites: readonly Bits[], fields: object = {}): GuildIndex {
  return fed(new Map(), "GUILD_CREATE", {
    id: GUILD,
    name: "Friends",
    owner_id: OTHER,
    roles: [role(GUILD, ATTACH), role(ROLE, NOTHING), role(SECOND_ROLE, NOTHING)],
    members: [{ user: { id: OTHER }, roles: [] }, { user: { id: SELF }, roles: [ROLE] }],
    channels: [
      { id: OPS, type: 0, name: "ops", permission_overwrites: overwritten(...overwrites) },
      { id: HALL, type: 0, name: "hall", permission_overwrites: [] },
    ],
    threads: [{ id: THREAD, type: 11, name: "thread", parent_id: OPS }],
    ...fields,
  });
}

function fed(index: GuildIndex, t: string, d: unknown): GuildIndex {
  const { index: changed, problem } = applyDispatch(index, { t, s: 1, d }, SELF);
  assert.equal(problem, undefined);
  return changed;
}

const inOps = (index: GuildIndex, channel: ChannelId = OPS) =>
  takesFiles(index, { guildId: GUILD, channelId: channel }, SELF);

describe("[R12a] takesFiles()", () => {
  const table: readonly [what: string, overwrites: readonly Bits[], fields: object, boolean][] = [
    ["allows what @everyone may do", [], {}, true],
    ["needs a granting role", [], { roles: [role(GUILD, NOTHING), role(ROLE, NOTHING)] }, false],
    ["takes the grant of the bot's role", [], {
      roles: [role(GUILD, NOTHING), role(ROLE, ATTACH)],
    }, true],
    ["takes no grant of another role", [], {
      roles: [role(GUILD, NOTHING), role(SECOND_ROLE, ATTACH)],
    }, false],
    ["follows a denial for @everyone", [[GUILD, NOTHING, ATTACH]], {}, false],
    ["follows a denial for the bot's role", [[ROLE, NOTHING, ATTACH]], {}, false],
    ["follows a denial for the bot", [[SELF, NOTHING, ATTACH]], {}, false],
    ["a role overrules @everyone", [[GUILD, NOTHING, ATTACH], [ROLE, ATTACH, NOTHING]], {}, true],
    ["allows if the bot's roles are unknown", [[GUILD, NOTHING, ATTACH]], { members: [] }, true],
    ["allows if a role's permissions are unknown", [[GUILD, NOTHING, ATTACH]], {
      roles: [{ id: GUILD, name: "@everyone" }],
    }, true],
    ["allows after malformed overwrites", [[GUILD, "x", "y"]], {}, true],
  ];
  for (const [what, overwrites, fields, expected] of table) {
    it(what, () => {
      const index = created(overwrites, fields);
      assert.equal(inOps(index), expected);
      const { index: restored } = restoreIndex([snapshotOf(index.get(GUILD)!)]);
      assert.equal(inOps(restored), expected, "after a restart");
    });
  }

  const DENIED = created([[ROLE, NOTHING, ATTACH]]);

  it("decides for each channel, and for a thread by its parent", () => {
    assert.equal(inOps(DENIED, HALL), true);
    assert.equal(inOps(DENIED, THREAD), false);
  });

  it("allows files in unknown places and in direct messages", () => {
    assert.equal(inOps(DENIED, channelId("1400000000000000099")), true);
    assert.equal(takesFiles(DENIED, { channelId: OPS }, SELF), true);
    assert.equal(takesFiles(new Map(), { guildId: GUILD, channelId: OPS }, SELF), true);
    assert.equal(takesFiles(DENIED, { guildId: GUILD, channelId: OPS }, undefined), true);
  });

  const changes: readonly [t: string, d: object, boolean][] = [
    ["CHANNEL_UPDATE", { guild_id: GUILD, id: OPS, type: 0, permission_overwrites: [] }, true],
    ["CHANNEL_UPDATE", { guild_id: GUILD, id: OPS, type: 0 }, false],
    ["GUILD_ROLE_UPDATE", { guild_id: GUILD, role: role(ROLE, ADMINISTRATOR) }, true],
    ["GUILD_ROLE_UPDATE", { guild_id: GUILD, role: role(ROLE, NOTHING) }, false],
    ["GUILD_MEMBER_UPDATE", { guild_id: GUILD, user: { id: SELF }, roles: [] }, true],
    ["GUILD_MEMBER_UPDATE", { guild_id: GUILD, user: { id: OTHER }, roles: [] }, false],
    ["GUILD_UPDATE", { id: GUILD, name: "Foes", roles: [role(ROLE, ADMINISTRATOR)] }, true],
    ["GUILD_UPDATE", { id: GUILD, name: "Foes" }, false],
  ];
  for (const [t, d, expected] of changes) {
    it(`${expected ? "follows" : "keeps its knowledge after"} ${t} of ${Object.keys(d).join(", ")}`, () => {
      assert.equal(inOps(fed(DENIED, t, d)), expected);
    });
  }

  it("follows a deleted role", () => {
    const roles = [role(GUILD, NOTHING), role(ROLE, ATTACH)];
    const index = created([], { roles });
    const after = fed(index, "GUILD_ROLE_DELETE", { guild_id: GUILD, role_id: ROLE });
    assert.deepEqual([inOps(index), inOps(after)], [true, false]);
  });
});
