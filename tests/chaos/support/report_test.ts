import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Account, createAccounts } from "../../../simulator/gateway/accounts.ts";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { accountOf } from "../../support/bot/account.ts";
import { toSnowflake } from "../../../simulator/world/snowflake.ts";
import { assertKept, lineOf, reportOf } from "./report.ts";

const OWED = [{ channel: "general", pieces: ["q1.", "q2."] }];

function notebook(change: (account: Account) => void = () => {}): Account {
  const { world, barnacle } = demoWorld();
  const account = createAccounts(world).of(barnacle);
  change(account);
  return account;
}

const told = (...texts: readonly string[]) => accountOf(OWED, () => texts);

describe("reportOf()", () => {
  it("reports no problem for a good run", () => {
    const report = reportOf(1, told("q1.", "q2."), notebook());
    assert.deepEqual(report.breaches, []);
    assert.match(lineOf(report), /^seed=1 owed=2 answered=2 lost=0 doubled=0 misordered=0 /);
    assert.doesNotMatch(lineOf(report), /\n/);
    assertKept("test", report);
  });

  const texts: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["a loss", ["q2."], /lost=1 [\s\S]*\n {2}lost: q1\./],
    ["a double", ["q1.", "q1.", "q2."], /doubled=1 [\s\S]*\n {2}doubled: q1\./],
    ["a wrong order", ["q2.", "q1."], /misordered=1 [\s\S]*\n {2}misordered: q2\./],
  ];
  for (const [what, said, line] of texts) {
    it(`finds ${what}, and names it`, () => {
      const report = reportOf(1, told(...said), notebook());
      assert.equal(report.breaches.length, 1);
      assert.match(lineOf(report), line);
      assert.throws(() => assertKept("test", report), /broken: /);
    });
  }

  const id = toSnowflake<"message">;
  const counts: readonly (readonly [string, (account: Account) => void])[] = [
    ["a late beat", ({ beats }) => beats.push({ at: 1, sessionId: "s", seq: 1, lateMs: 2_001 })],
    ["an IDENTIFY that came early", (account) => account.earlyIdentifies = 1],
    ["a token that was reset", (account) => account.tokenResetAt = 1],
    [
      "two messages of one nonce",
      ({ creates }) => creates.set("n", { attempts: 2, messages: new Set([id("1"), id("2")]) }),
    ],
  ];
  for (const [what, change] of counts) {
    it(`finds ${what}`, () =>
      assert.equal(reportOf(1, told("q1.", "q2."), notebook(change)).breaches.length, 1));
  }

  it("excuses a beat that a busy machine held back", () => {
    const late = notebook(({ beats }) =>
      beats.push({ at: 1, sessionId: "s", seq: 1, lateMs: 2_000 })
    );
    assert.deepEqual(reportOf(1, told("q1.", "q2."), late).breaches, []);
  });

  it("reports a scenario without questions, because it proves nothing", () =>
    assert.equal(reportOf(1, accountOf([], () => []), notebook()).breaches.length, 1));

  it("reports a broken bound of the scenario", () => {
    const bounds = [["kept", true], ["1 IDENTIFY", false]] as const;
    const report = reportOf(1, told("q1.", "q2."), notebook(), { bounds });
    assert.deepEqual(report.breaches, ["1 IDENTIFY"]);
  });
});
