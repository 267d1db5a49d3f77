import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createOwnerPresence } from "../../../src/flows/owners/owner_presence.ts";
import type { UserId } from "../../../src/core/discord/ids.ts";
import type { Member } from "../../../src/discord/rest/requests/members.ts";
import { guildId, userId } from "../../support/discord/builders.ts";
import { testAccount } from "../../support/account.ts";
import { settle } from "../../support/settle.ts";

const [ADA, GRACE] = [userId("11"), userId("12")];
const HOME = guildId("1");
const MEMBER: Member = { roles: [] };
const MINUTE_MS = 60_000;

interface World {
  readonly owners?: () => Promise<readonly UserId[]>;
  /** Answers by owner; `undefined` is no member. */
  readonly members?: (owner: UserId) => Promise<Member | undefined>;
}

function setUp({ owners = () => Promise.resolve([ADA]), members }: World = {}) {
  const { account, clock, lines } = testAccount();
  const asked: UserId[] = [];
  const world = { members: members ?? (() => Promise.resolve<Member | undefined>(MEMBER)) };
  const presence = createOwnerPresence(account, {
    owners,
    readMember(_guild, owner) {
      asked.push(owner);
      return world.members(owner);
    },
  });
  return { presence, clock, lines, asked, world };
}

describe("[P6] createOwnerPresence()", () => {
  const cases: readonly [name: string, world: World, found: string, asked: readonly UserId[]][] = [
    ["an owner who is a member", {}, "member", [ADA]],
    ["an owner who is none", { members: () => Promise.resolve(undefined) }, "absent", [ADA]],
    [
      "a team of which the second is a member",
      {
        owners: () => Promise.resolve([ADA, GRACE]),
        members: (owner) => Promise.resolve(owner === GRACE ? MEMBER : undefined),
      },
      "member",
      [ADA, GRACE],
    ],
    ["no owner", { owners: () => Promise.resolve([]) }, "unknown", []],
    [
      "no answer about the owners",
      { owners: () => Promise.reject(new Error("503")) },
      "unknown",
      [],
    ],
    ["no answer about a member", { members: () => Promise.reject(new Error("403")) }, "unknown", [
      ADA,
    ]],
    [
      "no answer about one, and another is no member",
      {
        owners: () => Promise.resolve([ADA, GRACE]),
        members: (owner) =>
          owner === ADA ? Promise.reject(new Error("503")) : Promise.resolve(undefined),
      },
      "unknown",
      [ADA, GRACE],
    ],
    [
      "more owners than it asks about",
      {
        owners: () =>
          Promise.resolve(Array.from({ length: 21 }, (_, index) => userId(`${100 + index}`))),
        members: () => Promise.resolve(undefined),
      },
      "unknown",
      Array.from({ length: 20 }, (_, index) => userId(`${100 + index}`)),
    ],
  ];
  for (const [name, world, found, owners] of cases) {
    it(`finds ${found} for ${name}`, async () => {
      const { presence, asked } = setUp(world);
      assert.equal(presence.known(HOME), undefined);
      assert.equal(await presence.ask(HOME), found);
      assert.equal(presence.known(HOME), found);
      assert.equal(await presence.ask(HOME), found);
      assert.deepEqual(asked, owners);
    });
  }

  it("asks again after a minute if it has found no owner", async () => {
    const { presence, clock, world } = setUp({ members: () => Promise.resolve(undefined) });
    await presence.ask(HOME);
    clock.advance(MINUTE_MS - 1);
    assert.equal(presence.known(HOME), "absent");
    clock.advance(1);
    world.members = () => Promise.resolve(MEMBER);
    assert.equal(presence.known(HOME), undefined);
    assert.equal(await presence.ask(HOME), "member");
  });

  it("finds unknown if Discord takes 30 s, and logs why", async () => {
    const { presence, clock, lines } = setUp({ members: () => new Promise(() => {}) });
    const found = presence.ask(HOME);
    await settle();
    clock.advance(30_000);
    assert.equal(await found, "unknown");
    assert.equal(lines.length, 1);
  });
});
