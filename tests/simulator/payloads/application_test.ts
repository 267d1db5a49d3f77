import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { applicationFlags, changeFlags } from "../../../simulator/payloads/application.ts";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";

const PRESENCE = 1 << 8;
const MEMBERS = 1 << 1;
const CONTENT = 1 << 15;

describe("[G9] flags of an application", () => {
  const flags: readonly [string, intents: number, flags: number][] = [
    ["none", 0, 0],
    ["presence", PRESENCE, 1 << 13],
    ["members", MEMBERS, 1 << 15],
    ["content", CONTENT, 1 << 19],
    ["all three", PRESENCE | MEMBERS | CONTENT, 1 << 13 | 1 << 15 | 1 << 19],
  ];
  for (const [what, intents, expected] of flags) {
    it(`show ${what}, and can be set so`, () => {
      const { world, barnacle } = demoWorld();
      assert.equal(applicationFlags({ ...barnacle, privilegedIntents: intents }), expected);
      assert.equal(changeFlags(world, barnacle, expected).kind, "done");
      assert.equal(world.applications.get(barnacle.id)?.privilegedIntents, intents);
    });
  }

  const refused: readonly [string, number][] = [
    ["the flag of an intent that Discord has approved", 1 << 18],
    ["a flag that is no intent's", 1 << 6],
    ["one of them beside a good one", 1 << 19 | 1 << 17],
    ["more than 32 bits", 2 ** 33],
  ];
  for (const [what, wanted] of refused) {
    it(`cannot be set to ${what}`, () => {
      const { world, barnacle } = demoWorld();
      assert.equal(changeFlags(world, barnacle, wanted).kind, "refused");
      assert.equal(world.applications.get(barnacle.id), barnacle);
    });
  }

  it("stay unchanged if none are named", () => {
    const { world, barnacle } = demoWorld();
    changeFlags(world, barnacle, undefined);
    assert.equal(world.applications.get(barnacle.id), barnacle);
  });
});
