import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createOwnerIds } from "../../../src/bot/inbound/owner_ids.ts";
import type { UserId } from "../../../src/core/discord/ids.ts";
import { commands, entries, policy } from "../../policy/policies.ts";
import { userId } from "../../support/discord/builders.ts";

const ADA = userId("123456789012345678");
const OWNER = userId("123456789012345679");

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
