import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { type AllowedMentions, resolvePings } from "../../../simulator/actions/mentions.ts";

const { world, people, helpers, krill, barnacle } = demoWorld();
const ADA = people.ada.id;
const GRACE = people.grace.id;
const NONE: AllowedMentions = { parse: [], users: [], roles: [], repliedUser: false };
const TEXT = `<@${ADA}> <@!${GRACE}> <@&${helpers.id}> @everyone`;

const pings = (
  content: string,
  fields: Partial<Parameters<typeof resolvePings>[1]> = {},
) => resolvePings(content, { world, guild: krill, mayMentionAll: true, ...fields });

describe("[R4] resolvePings()", () => {
  it("pings everything in the text without allowed_mentions", () => {
    assert.deepEqual(pings(TEXT), { users: [ADA, GRACE], roles: [helpers.id], everyone: true });
  });

  const cases: readonly [
    string,
    Partial<AllowedMentions>,
    users: readonly string[],
    roles: readonly string[],
    everyone: boolean,
  ][] = [
    ["nothing, by parse: []", {}, [], [], false],
    ["users by list", { users: [GRACE] }, [GRACE], [], false],
    ["users by kind", { parse: ["users"] }, [ADA, GRACE], [], false],
    ["roles by list", { roles: [helpers.id] }, [], [helpers.id], false],
    ["roles by kind", { parse: ["roles"] }, [], [helpers.id], false],
    ["everyone", { parse: ["everyone"] }, [], [], true],
    ["no one outside of the text", { users: [barnacle.userId] }, [], [], false],
  ];
  for (const [what, allowed, users, roles, everyone] of cases) {
    it(`allows ${what}`, () => {
      assert.deepEqual(pings(TEXT, { allowed: { ...NONE, ...allowed } }), {
        users,
        roles,
        everyone,
      });
    });
  }

  it("pings the quoted author, unless that is switched off", () => {
    const repliedTo = GRACE;
    assert.deepEqual(pings("hi", { repliedTo }).users, [GRACE]);
    assert.deepEqual(pings("hi", { repliedTo, allowed: NONE }).users, []);
    const allowed = { ...NONE, repliedUser: true };
    assert.deepEqual(pings("hi", { repliedTo, allowed }).users, [GRACE]);
  });

  const silent: readonly [string, string, Partial<Parameters<typeof resolvePings>[1]>][] = [
    ["code", `\`<@${ADA}>\` \`\`\`\n@everyone\n\`\`\``, {}],
    ["an unknown user", "<@1>", {}],
    ["everyone without the permission", "@everyone", { mayMentionAll: false }],
    ["a role that is not mentionable", `<@&${krill.everyoneRoleId}>`, { mayMentionAll: false }],
  ];
  for (const [what, text, fields] of silent) {
    it(`never pings by ${what}`, () => {
      assert.deepEqual(pings(text, fields), { users: [], roles: [], everyone: false });
    });
  }

  it("pings neither roles nor everyone in direct messages", () => {
    const found = resolvePings(TEXT, { world, mayMentionAll: true });
    assert.deepEqual(found, { users: [ADA, GRACE], roles: [], everyone: false });
  });
});
