import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { RoleId, UserId } from "../../../../src/core/discord/ids.ts";
import { applyDispatch } from "../../../../src/discord/gateway/read/reader.ts";
import { restoreIndex, snapshotOf } from "../../../../src/discord/gateway/decode/guild_index.ts";
import {
  createPeople,
  namedRoles,
  senderOf,
} from "../../../../src/discord/gateway/decode/decode.ts";
import { roleId, userId } from "../../../support/discord/builders.ts";
import { GUILD, guildData, OTHER_ROLE, OWN_ROLE, SELF } from "../../../support/discord/payloads.ts";
import { sameData } from "../../../support/same_data.ts";

const UNKNOWN = roleId("1800000000000000099");
const SECOND = roleId("1800000000000000003");

type Roles = readonly { readonly id: RoleId; readonly name: string }[];

function guildWith(roles: Roles) {
  const d = guildData({ roles });
  const guild = applyDispatch(new Map(), { t: "GUILD_CREATE", s: 1, d }, SELF.userId).index.get(
    GUILD,
  );
  assert.ok(guild);
  return guild;
}

function after(roles: Roles, t: string, change: object) {
  const index = new Map([[GUILD, guildWith(roles)]]);
  const guild = applyDispatch(index, { t, s: 2, d: { guild_id: GUILD, ...change } }, SELF.userId)
    .index.get(GUILD);
  assert.ok(guild);
  return guild;
}

const MODERATORS = { id: OTHER_ROLE, name: "Moderators" };
const TWIN = { id: SECOND, name: "Moderators" };

describe("[P14] personOf()", () => {
  const { personOf } = createPeople();
  const ADA = { id: userId("1400000000000000001"), username: "ada", discriminator: "0" };
  const guild = guildWith([MODERATORS]);
  const before = () => personOf(ADA, [OTHER_ROLE], guild);

  it("[SEC-R25] keeps a bounded number of people, and nothing long about them", () => {
    const first = before();
    const long = { ...ADA, username: "a".repeat(101) };
    assert.notEqual(personOf(long, [], guild), personOf(long, [], guild));
    assert.equal(before(), first);
    const roles = Array(16).fill(OTHER_ROLE);
    for (let n = 0; n < 600; n++) {
      personOf({ ...ADA, id: userId(String(10_000 + n)) }, roles, guild);
    }
    assert.notEqual(before(), first);
    assert.deepEqual(before(), first);
  });
});

describe("[P14] namedRoles()", () => {
  it("names a role with a unique name, and no unknown role", () => {
    sameData(namedRoles([OTHER_ROLE, UNKNOWN], guildWith([MODERATORS])), [
      MODERATORS,
      { id: UNKNOWN },
    ]);
    sameData(namedRoles([OTHER_ROLE]), [{ id: OTHER_ROLE }], "of an unknown guild");
  });

  it("names neither of two roles with the same name", () => {
    sameData(namedRoles([OTHER_ROLE, SECOND], guildWith([MODERATORS, TWIN])), [
      { id: OTHER_ROLE },
      { id: SECOND },
    ]);
  });

  const changes: readonly [string, Roles, string, object, unknown][] = [
    ["a second one is created", [MODERATORS], "GUILD_ROLE_CREATE", { role: TWIN }, undefined],
    [
      "another role gets the name",
      [MODERATORS, { id: OWN_ROLE, name: "x" }],
      "GUILD_ROLE_UPDATE",
      { role: { id: OWN_ROLE, name: "Moderators" } },
      undefined,
    ],
    ["that is deleted", [MODERATORS, TWIN], "GUILD_ROLE_DELETE", { role_id: SECOND }, "Moderators"],
    [
      "the second role is renamed",
      [MODERATORS, TWIN],
      "GUILD_ROLE_UPDATE",
      { role: { id: SECOND, name: "y" } },
      "Moderators",
    ],
    [
      "the role itself is renamed",
      [MODERATORS],
      "GUILD_ROLE_UPDATE",
      { role: { id: OTHER_ROLE, name: "Mods" } },
      "Mods",
    ],
  ];
  for (const [what, before, t, change, name] of changes) {
    it(`follows at once if ${what}`, () => {
      const guild = after(before, t, change);
      assert.equal(namedRoles([OTHER_ROLE], guild)[0]?.name, name);
      const restored = restoreIndex([snapshotOf(guild)]).index.get(GUILD);
      assert.equal(namedRoles([OTHER_ROLE], restored)[0]?.name, name, "and after a restart");
    });
  }

  it("gives each name to one role at most, for any roles", () => {
    const names = fc.array(fc.constantFrom("a", "A", "b", "@everyone", ""), { maxLength: 12 });
    fc.assert(fc.property(names, (all) => {
      const roles = all.map((name, n) => ({ id: roleId(String(n + 1)), name }));
      const named = namedRoles(roles.map(({ id }) => id), guildWith(roles));
      for (const [n, { name }] of named.entries()) {
        const count = all.filter((other) => other === all[n]).length;
        assert.equal(name, count === 1 ? all[n] : undefined);
      }
    }));
  });
});

describe("[P13] senderOf()", () => {
  const id: UserId = userId("7");

  it("leaves out fields without a value", () => {
    sameData(senderOf({ id, username: "ada" }, {}), { id, username: "ada", roles: [] });
  });

  it("keeps a webhook's application", () => {
    const { applicationId } = SELF;
    sameData(senderOf({ id, username: "ada" }, { automaton: "webhook", applicationId }), {
      id,
      username: "ada",
      roles: [],
      automaton: "webhook",
      applicationId,
    });
  });
});
