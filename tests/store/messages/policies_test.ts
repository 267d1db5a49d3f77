import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import type { ResolvedName } from "../../../src/core/names.ts";
import { ACCOUNT, userId } from "../../support/discord/builders.ts";
import { openTestStore } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const SECOND = toAccountId("second");
const RETENTION = { decisionsDays: 30, contextDays: 14, mediaDays: 7, contextPerChannel: 20 };
const ADA: ResolvedName = { kind: "user", typed: "Ada", id: userId("1"), name: "ada", at: 5 };

function open(decisionsDays = RETENTION.decisionsDays) {
  const test = openTestStore({ retention: { ...RETENTION, decisionsDays } });
  const save = (hash: string, now: number, accountId = ACCOUNT) =>
    test.store.messages.savePolicy({ accountId, hash, names: [] }, now);
  const hashes = (accountId = ACCOUNT) =>
    test.rows(`SELECT hash FROM policy WHERE account_id = '${accountId}' ORDER BY used_at, id`)
      .map(({ hash }) => String(hash));
  return { ...test, save, hashes };
}

describe("savePolicy()", () => {
  it("[P1] stores the content of a policy, once for each hash and account", async () => {
    const { store, rows } = open();
    const revision = { accountId: ACCOUNT, hash: "a", file: "/c.jsonc", text: "{}", names: [ADA] };
    const id = await store.messages.savePolicy(revision, NOW);
    assert.equal(await store.messages.savePolicy({ ...revision, text: "other" }, NOW + 9), id);
    assert.notEqual(await store.messages.savePolicy({ ...revision, hash: "b" }, NOW), id);
    assert.notEqual(await store.messages.savePolicy({ ...revision, accountId: SECOND }, NOW), id);
    assert.deepEqual(rows(`SELECT * FROM policy WHERE id = ${id}`), [{
      id,
      account_id: "default",
      hash: "a",
      file: "/c.jsonc",
      text: "{}",
      names: JSON.stringify([ADA]),
      made_at: NOW,
      used_at: NOW + 9,
    }]);
  });

  it("[X6] keeps the newest 50 policies and those of recent decisions", async () => {
    const { save, hashes } = open();
    for (let number = 0; number < 100; number++) await save(`h${number}`, NOW + number * DAY_MS);
    // h49 was replaced by h50 on day 50, h68 by h69 on day 69: 30 days before the last.
    assert.deepEqual(hashes(), Array.from({ length: 50 }, (_, index) => `h${50 + index}`));
    for (let number = 100; number < 200; number++) await save(`h${number}`, NOW + 100 * DAY_MS);
    assert.equal(hashes().length, 131, "from h69 on: it judged until day 70");
    assert.equal(hashes()[0], "h69");
  });
});
