import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  namesLookedUp,
  ownersToTell,
  ownsApplication,
  ownsApplicationAsRead,
  readApplication,
  sessionOwner,
} from "../../../src/flows/owners/owner_ids.ts";
import { userId } from "../../support/discord/builders.ts";
import { OWNER, testAccount } from "../../support/bot/test_account.ts";

const ADA = userId("123456789012345678");
const BOB = userId("123456789012345679");
const listing = (...owners: readonly string[]) => ({ commands: { ownerAllowFrom: owners } });

describe("[S1] sessionOwner()", () => {
  const cases: readonly [what: string, commands: object, expected: string | undefined][] = [
    ["the application's owner without a list", { commands: {} }, OWNER],
    ["the first id of the list", listing("grace", ADA, BOB), ADA],
    ["no user for an empty list", listing(), undefined],
    ["no user for roles and wildcards", listing("role:1400000000000000003", "*"), undefined],
  ];
  for (const [what, beside, expected] of cases) {
    it(`is ${what}`, async () => {
      const { account, requests } = await testAccount({ beside });
      await readApplication(account);
      assert.equal(sessionOwner(account), expected);
      assert.equal(requests.length, 1, "a session waits for no request");
    });
  }
});

it("[L3] [P12] ownersToTell() waits until the only names of the list have been looked up", async () => {
  const { account, quiet } = await testAccount({ beside: listing("grace") });
  let found: readonly string[] | undefined;
  void ownersToTell(account).then((owners) => found = owners);
  await quiet();
  assert.equal(found, undefined);
  namesLookedUp(account);
  await quiet();
  assert.deepEqual(found, []);
});

describe("[T2] [P10] ownsApplicationAsRead()", () => {
  const beside = { commands: {} };
  const member = (id: string) => ({ membership_state: 2, user: { id } });

  it("[P3] knows the team that the connection has read, before an answer of its own", async () => {
    const team = { name: "t", owner_user_id: OWNER, members: [member(ADA)] };
    const { account } = await testAccount({ beside, answer: () => ({ id: "99", team }) });
    await readApplication(account);
    assert.deepEqual([OWNER, ADA, BOB].map((id) => ownsApplicationAsRead(account, id)), [
      true,
      true,
      false,
    ]);
  });

  it("asks Discord for none if the config names owners", async () => {
    const { account, requests } = await testAccount({ beside: listing(BOB) });
    assert.equal(ownsApplicationAsRead(account, OWNER), false);
    assert.deepEqual(requests, []);
  });

  it("forgets a user who left the team", async () => {
    const members = [member(ADA)];
    const team = { name: "t", owner_user_id: OWNER, members };
    const { account, clock, quiet } = await testAccount({
      beside,
      answer: () => ({ id: "99", team }),
    });
    assert.equal(await ownsApplication(account, ADA), true);
    members.pop();
    clock.sleep(11 * 60_000);
    assert.equal(ownsApplicationAsRead(account, ADA), true, "as read");
    await quiet();
    assert.equal(ownsApplicationAsRead(account, ADA), false);
  });
});
