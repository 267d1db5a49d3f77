import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createOwnerIds } from "../../../src/flows/owners/owner_ids.ts";
import { parseSnowflake, type UserId } from "../../../src/core/discord/ids.ts";
import type { Application } from "../../../src/discord/rest/requests/application.ts";
import type { AccessPolicy } from "../../../src/policy/rules/rules.ts";
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

/** The owners by a policy that may change. The application's owner is known from an earlier run. */
function ownerIds(
  { me }: { me(): Promise<Application> },
  policyNow: () => AccessPolicy,
  now: () => number = () => 0,
  known: readonly UserId[] = [OWNER],
) {
  return createOwnerIds({ policy: () => ({ policy: policyNow() }), now }, {
    applications: { me },
    connectionState: { applicationOwner: () => OWNER, applicationOwners: () => known },
  });
}

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
      const ids = ownerIds(applications, () => own);
      assert.equal(ids.sessionOwner(), expected);
    });
  }
});

describe("[L3] [P12] createOwnerIds() › toTell()", () => {
  const listing = (...owners: readonly string[]) =>
    policy({ commands: commands({ owners: entries(...owners) }) });

  it("waits until the only names of the list have been looked up", async () => {
    let own = listing("grace");
    const ids = ownerIds(applications, () => own);
    const found = ids.toTell();
    await Promise.resolve();
    own = listing(ADA); // the name has its id
    ids.namesLookedUp();
    assert.deepEqual(await found, [ADA]);
  });

  it("finds no one if no name was found", async () => {
    const ids = ownerIds(applications, () => listing("grace"));
    ids.namesLookedUp();
    assert.deepEqual(await ids.toTell(), []);
  });
});

describe("[T2] [P10] createOwnerIds() › ownsApplicationAsRead()", () => {
  const MINUTE = 60_000;
  const withOwners = (ownerIds: readonly UserId[]): Application => ({ ...APPLICATION, ownerIds });

  function setUp(me: () => Promise<Application>) {
    const clock = { now: 0 };
    const ids = ownerIds({ me }, () => policy(), () => clock.now);
    const settled = () => ids.ownsApplication(ADA).catch(() => false);
    return { ids, clock, settled };
  }

  it("[P3] knows the team that the connection has read, before an answer of its own", () => {
    const never = { me: () => new Promise<Application>(() => {}) };
    const ids = ownerIds(never, () => policy(), () => 0, [OWNER, ADA]);
    assert.deepEqual([OWNER, ADA].map(ids.ownsApplicationAsRead), [true, true]);
  });

  it("forgets a user who left the team", async () => {
    let team = [OWNER, ADA];
    const { ids, clock, settled } = setUp(() => Promise.resolve(withOwners(team)));
    await settled();
    team = [OWNER];
    clock.now = 11 * MINUTE;
    assert.equal(ids.ownsApplicationAsRead(ADA), true, "as read");
    await settled();
    assert.equal(ids.ownsApplicationAsRead(ADA), false);
  });
});
