import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { createOwner } from "../../../src/store/replica/owner.ts";
import { RemoteError } from "../../../src/store/replica/remote_error.ts";
import type { RemoteState } from "../../../src/store/replica/remote.ts";
import { createOwnerReports, mayHandOver } from "../../../src/store/replica/owner_reports.ts";

const NOW = Date.UTC(2026, 0, 1);
const MINUTE_MS = 60_000;

const fit = { place: "there", version: "1", behind: 0, isFit: true, seenAt: NOW - 4_000 };

describe("an owner that cannot answer people", () => {
  const rows: readonly (readonly [
    string,
    { readonly unfitMs?: number; readonly other?: object; readonly handedOverAt?: number },
    boolean,
  ])[] = [
    ["for 20 s, beside a fit standby", {}, true],
    ["for 19 s", { unfitMs: 19_000 }, false],
    ["no more, but answers", { unfitMs: -Infinity }, false],
    ["beside a standby that cannot either", { other: { isFit: false } }, false],
    [
      "beside a standby that was fit before it fell silent",
      { other: { seenAt: NOW - 11_000 } },
      false,
    ],
    ["and was fit by its own last report", { other: { place: "here" } }, false],
    ["9 minutes after a hand-over", { handedOverAt: NOW - 9 * MINUTE_MS }, false],
    ["10 minutes after a hand-over", { handedOverAt: NOW - 10 * MINUTE_MS }, true],
  ];
  for (const [what, { unfitMs = 20_000, other, handedOverAt = null }, expected] of rows) {
    it(`[O15] ${what} ${expected ? "hands over" : "keeps the lease"}`, () => {
      const own = { place: "here", version: "1", isFit: false, seenAt: NOW };
      const state = { place: "here", handedOverAt, clockMs: NOW } as RemoteState;
      assert.equal(
        mayHandOver({ state, processes: [own, { ...fit, ...other }] }, unfitMs),
        expected,
      );
    });
  }

  /** An owner whose clock moves with its statements. */
  function owned() {
    const answer = { ms: 0, error: undefined as Error | undefined };
    const sent: string[] = [];
    let elapsed = 0;
    const owner = createOwner({
      remote: {
        push: () => {
          sent.push("push");
          elapsed += answer.ms;
          return answer.error ? Promise.reject(answer.error) : Promise.resolve(sent.length);
        },
        look: () => Promise.reject(new RemoteError("unreachable", "unused")),
        release: () => Promise.resolve(void sent.push("release")),
      },
      lease: { epoch: 1, sequence: 0 },
      takenAt: { elapsed: 0, now: 0 },
      moment: () => ({ elapsed, now: 0 }),
      schedule: () => () => {},
      onLost: () => assert.fail(),
      onTrouble: () => {},
    });
    return { owner, answer, sent };
  }

  it("[O15] is slow after a renewal of more than three seconds, and not in an outage", async () => {
    const { owner, answer } = owned();
    const seen: boolean[] = [];
    for (const ms of [3_000, 3_001, 0, 4_000]) {
      answer.ms = ms;
      await owner.store({ pages: new Map() });
      seen.push(owner.isSlow());
    }
    answer.error = new RemoteError("unreachable", "no answer");
    void owner.store({ pages: new Map() });
    await turn();
    assert.deepEqual([...seen, owner.isSlow()], [false, true, false, true, false]);
  });

  it("[O15] says that PostgreSQL does not answer, also before its first report", () => {
    const remote = {
      report: () => new Promise<never>(() => {}),
      close: () => Promise.resolve(),
    };
    const why = "PostgreSQL does not answer";
    const owner = { lagMs: () => 0, problem: () => why, isSlow: () => false };
    const first = { place: "here", isFree: false, handedOverAt: null } as RemoteState;
    const self = { place: "here", version: "1" };
    const reports = createOwnerReports(remote, self, first, owner, () => () => {}, assert.fail);
    const { problem, isOwner, owner: place, isHeld } = reports.state();
    assert.deepEqual([problem, isOwner, place, isHeld], [why, true, "here", true]);
  });

  it("[O15] neither acts nor renews its lease once it has handed over", async () => {
    const { owner, sent } = owned();
    assert.equal(await owner.handOver(1), true);
    let acts = 0;
    void owner.mayAct().then(() => acts++);
    void owner.confirmed({ durability: "full" } as Parameters<typeof owner.confirmed>[0])
      ?.then(() => acts++);
    owner.committed();
    await turn();
    assert.deepEqual([acts, ...sent], [0, "push", "release"]);
  });
});
