import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Matched, UnfoundReason } from "../../../src/flows/names/match.ts";
import { logMatched } from "../../../src/flows/names/resolve.ts";
import type { UnresolvedName } from "../../../src/policy/rules/pinned.ts";
import { roleId, userId } from "../../support/discord/builders.ts";
import { recordingLog } from "../../support/recording_log.ts";

const wanted: UnresolvedName = { kind: "user", typed: "ada", rule: "dm.allowFrom[0]" };
const unfound = (why: UnfoundReason): Matched => ({ kind: "unfound", wanted, why });

describe("[P12] logMatched()", () => {
  const cases: readonly [Matched, level: string | undefined, says: RegExp][] = [
    [
      {
        kind: "resolved",
        wanted,
        name: { kind: "user", id: userId("1"), name: "ada", typed: "ada", at: 0 },
      },
      "info",
      /"id":"1"/,
    ],
    [
      { kind: "ambiguous", wanted, candidates: [{ id: userId("1"), name: "ada" }] },
      "warn",
      /ada \(1\)/,
    ],
    [unfound("no-match"), "warn", /nothing that the bot sees has that name/],
    [unfound("no-guild"), "warn", /not in that guild/],
    [unfound("not-searched"), "warn", /could not search all members/],
    [{ kind: "role", wanted, role: { id: roleId("1"), name: "Krill" } }, undefined, /^$/],
  ];
  for (const [matched, level, says] of cases) {
    it(`says of ${matched.kind} ${"why" in matched ? matched.why : ""} what there is to do`, () => {
      const { log, lines } = recordingLog();
      logMatched({ matched: [matched] }, new Set(), log);
      assert.deepEqual(lines.map((line) => line.level), level === undefined ? [] : [level]);
      assert.match(lines.map(({ fields }) => JSON.stringify(fields)).join(), says);
      for (const { fields } of lines) assert.equal(fields.rule, "dm.allowFrom[0]");
    });
  }

  it("warns once about a refused search, and not about each name", () => {
    const { log, lines } = recordingLog();
    const said = new Set<string>();
    const resolution = { matched: [unfound("not-searched")], refused: new Error("50001") };
    logMatched(resolution, said, log);
    logMatched(resolution, said, log);
    assert.equal(lines.length, 1);
  });

  it("warns again about another reason", () => {
    const { log, lines } = recordingLog();
    const said = new Set<string>();
    for (const why of ["no-guild", "no-guild", "no-match"] as const) {
      logMatched({ matched: [unfound(why)] }, said, log);
    }
    assert.equal(lines.length, 2);
  });
});
