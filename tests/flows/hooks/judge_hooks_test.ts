import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { judgeHooks } from "../../../src/flows/hooks/judge_hooks.ts";
import type { SeenGuild } from "../../../src/flows/preflight/permissions.ts";
import { channelId, guildId } from "../../support/discord/builders.ts";

const GUILD: SeenGuild = {
  id: guildId("100"),
  name: "Krill & Co",
  risky: [],
  details: {
    channels: [
      { id: channelId("1"), name: "help", missing: [] },
      {
        id: channelId("2"),
        name: "ops",
        missing: [{ permission: "Send Messages", deniedBy: "the role Krill" }],
      },
    ],
  },
};

const to = (id: string) => ({ to: `channel:${id}` });

describe("[W3] judgeHooks()", () => {
  const cases: readonly (readonly [what: string, id: string, status: string, why: string])[] = [
    ["an open place", "1", "pass", "1 hook: the bot may write in their places"],
    [
      "a place without rights",
      "2",
      "fail",
      'the hook "a" cannot write in #ops: Send Messages is missing',
    ],
    [
      "an unknown place",
      "3",
      "warn",
      'the place of the hook "a" is no channel that the bot sees; a thread is not checked',
    ],
  ];
  for (const [what, id, status, why] of cases) {
    it(`judges ${what}`, () => {
      const [finding] = judgeHooks({ a: to(id) }, [GUILD]);
      assert.deepEqual([finding?.status, finding?.why], [status, why]);
    });
  }

  it("says nothing without hooks, or about what Discord does not tell", () => {
    assert.deepEqual(judgeHooks({}, [GUILD]), []);
    const [finding] = judgeHooks({ a: to("3") }, [{ ...GUILD, details: undefined }]);
    assert.equal(finding?.status, "pass");
    const direct = { a: { to: "user:5" } };
    assert.equal(judgeHooks(direct, [GUILD])[0]?.status, "pass");
  });
});
