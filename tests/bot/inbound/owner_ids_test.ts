import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createOwnerIds } from "../../../src/bot/inbound/owner_ids.ts";
import { parseSnowflake, type UserId } from "../../../src/core/discord/ids.ts";
import { commands, entries, policy } from "../../policy/policies.ts";
import { userId } from "../../support/discord/builders.ts";

const ADA = userId("123456789012345678");
const OWNER = userId("123456789012345679");

const APPLICATION = {
  id: parseSnowflake<"application">("123456789012345670")!,
  name: "Barnacle",
  flags: 0,
  needsCodeGrant: false,
};

/** The session's owner must not depend on a request. */
const applications = { me: () => Promise.reject(new Error("no request is allowed")) };

describe("[S1] createOwnerIds() › sessionOwner()", () => {
  const cases: readonly [
    name: string,
    owners: readonly string[] | undefined,
    expected: UserId | undefined,
  ][] = [
    ["the application's owner without a list", undefined, OWNER],
    ["the first id of the list", ["grace", ADA, OWNER], ADA],
    ["no user for an empty list", [], undefined],
    ["no user for roles and wildcards", ["role:Mods", "*"], undefined],
  ];
  for (const [name, owners, expected] of cases) {
    it(`is ${name}`, () => {
      const own = policy({ commands: commands(owners ? { owners: entries(...owners) } : {}) });
      const ids = createOwnerIds(applications, () => ({ policy: own }), () => OWNER, () => 0);
      assert.equal(ids.sessionOwner(), expected);
    });
  }
});

describe("[P6] [P10] createOwnerIds() › all()", () => {
  const team = { me: () => Promise.resolve({ ...APPLICATION, ownerIds: [OWNER, ADA] }) };

  it("returns the application's owner and its whole team without a list", async () => {
    const ids = createOwnerIds(team, () => ({ policy: policy() }), () => OWNER, () => 0);
    assert.deepEqual(await ids.all(), [OWNER, ADA]);
  });

  it("returns the ids of the list, and asks Discord nothing", async () => {
    const own = policy({ commands: commands({ owners: entries("grace", ADA, "*") }) });
    const ids = createOwnerIds(applications, () => ({ policy: own }), () => OWNER, () => 0);
    assert.deepEqual(await ids.all(), [ADA]);
  });
});
