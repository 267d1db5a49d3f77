import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createSharedInvalidRequests } from "../../../../src/discord/rest/scheduler/global_limit.ts";
import { type AccountId, toAccountId } from "../../../../src/core/discord/ids.ts";
import { recordingLog } from "../../../support/recording_log.ts";

const MINUTE_MS = 60_000;
const NOW = 1_000 * MINUTE_MS;
const [HOME, WORK, GONE] = ["home", "work", "gone"].map(toAccountId) as [
  AccountId,
  AccountId,
  AccountId,
];

/** A store in which each account has noted so many a minute ago. */
function setUp(stored: ReadonlyMap<AccountId, number>) {
  const { log } = recordingLog();
  const added: AccountId[] = [];
  const shared = createSharedInvalidRequests({
    store: {
      gateway: { accountIds: () => Promise.resolve([...stored.keys()]) },
      outbox: {
        loadInvalidRequests: (accountId) =>
          Promise.resolve([{ minute: NOW / MINUTE_MS - 1, count: stored.get(accountId) ?? 0 }]),
        addInvalidRequest(accountId) {
          added.push(accountId);
          return Promise.resolve();
        },
      },
    },
    now: () => NOW,
    log,
  });
  return { shared, added };
}

describe("[D3] createSharedInvalidRequests()", () => {
  it("counts the requests of all accounts, also of accounts that no longer start", async () => {
    const { shared } = setUp(new Map([[HOME, 3], [GONE, 40]]));
    const home = await shared.of(HOME);
    const work = await shared.of(WORK);
    assert.deepEqual([home.count(NOW), work.count(NOW)], [43, 43]);
  });

  it("stores a request for its account, and counts it for the others", async () => {
    const { shared, added } = setUp(new Map());
    const [home, work] = [await shared.of(HOME), await shared.of(WORK)];
    home.note(NOW);
    work.note(NOW);
    work.note(NOW);
    assert.deepEqual([home.count(NOW), work.count(NOW)], [3, 3]);
    assert.deepEqual(added, [HOME, WORK, WORK]);
  });

  it("counts no request twice for a restarted account", async () => {
    const { shared } = setUp(new Map([[HOME, 3]]));
    await shared.of(HOME);
    assert.equal((await shared.of(HOME)).count(NOW), 3);
  });
});
