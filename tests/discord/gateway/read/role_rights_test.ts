import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Dispatch } from "../../../../src/discord/gateway/decode/payloads.ts";
import { createRoleRights } from "../../../../src/discord/gateway/read/role_rights.ts";
import { guildId } from "../../../support/discord/builders.ts";

const GUILD = guildId("1400000000000000010");
const OTHER = guildId("1400000000000000020");
const role = (id: string, permissions: unknown = "8") => ({
  id,
  name: `role ${id}`,
  permissions,
  position: 2,
});

/** The permissions of a guild's roles after these dispatches. */
function after(...dispatches: readonly (readonly [t: string, d: unknown])[]) {
  const rights = createRoleRights();
  const roles = [role("1400000000000000010", "1024"), role("31")];
  const first = [["GUILD_CREATE", { id: GUILD, roles }], [
    "GUILD_CREATE",
    { id: OTHER, roles: [role("41")] },
  ]] as const;
  for (const [t, d] of [...first, ...dispatches]) rights.apply({ t, d, s: 1 } as Dispatch);
  assert.equal(rights.of(OTHER)?.length, 1);
  return rights.of(GUILD)?.map(({ id, permissions }) => `${id} ${permissions}`);
}

const EVERYONE = "1400000000000000010 1024";

describe("[T4] createRoleRights()", () => {
  const cases: readonly (readonly [
    what: string,
    dispatches: readonly (readonly [t: string, d: unknown])[],
    expected: readonly string[] | undefined,
  ])[] = [
    ["has the roles of a guild", [], [EVERYONE, "31 8"]],
    [
      "adds and changes roles",
      [
        ["GUILD_ROLE_CREATE", { guild_id: GUILD, role: role("32", "2") }],
        ["GUILD_ROLE_UPDATE", { guild_id: GUILD, role: role("31", "0") }],
      ],
      [EVERYONE, "31 0", "32 2"],
    ],
    ["removes roles", [["GUILD_ROLE_DELETE", { guild_id: GUILD, role_id: "31" }]], [EVERYONE]],
    ["takes a new list", [["GUILD_UPDATE", { id: GUILD, roles: [role("33")] }]], ["33 8"]],
    ["keeps the list of an update without one", [["GUILD_UPDATE", { id: GUILD }]], [
      EVERYONE,
      "31 8",
    ]],
    ["forgets a guild", [["GUILD_DELETE", { id: GUILD }]], undefined],
    ["forgets the guilds of a new session", [["READY", { guilds: [{ id: GUILD }] }]], undefined],
    [
      "forgets the roles of a guild if one cannot be read",
      [["GUILD_ROLE_UPDATE", { guild_id: GUILD, role: role("31", {}) }]],
      undefined,
    ],
    [
      "forgets them if one of a new list cannot be read",
      [["GUILD_UPDATE", { id: GUILD, roles: [role("31", {})] }]],
      undefined,
    ],
  ];
  for (const [what, dispatches, expected] of cases) {
    it(what, () => assert.deepEqual(after(...dispatches), expected));
  }
});
