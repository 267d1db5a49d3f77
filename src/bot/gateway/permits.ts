/**
 * Lets shards identify: the store counts first, and only then is a shard told.
 *
 * The count outlives the process, so no loop of crashes can spend more than
 * Discord allows in a day, after which it would reset the token (G5).
 *
 * @module
 */

import type { AccountId } from "../../core/discord/ids.ts";
import { type IdentifyBudget, LOW, SPACING_MS } from "../../core/discord/identify_budget.ts";
import type { PermitAnswer } from "../../discord/gateway/link/protocol.ts";
import type { Log } from "../../lib/log.ts";
import type { Store } from "../../store/store.ts";

export interface PermitsPorts {
  readonly store: Pick<Store["gateway"], "takeIdentify" | "identifyBudget" | "identifyInMs">;
  readonly accountId: AccountId;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly answer: (shardId: number, answer: PermitAnswer) => void;
  /** The budget has changed, or is found to be spent. */
  readonly onBudget: (budget: IdentifyBudget) => void;
  readonly log: Log;
}

/** How long a shard waits for a store that refused, in milliseconds. */
const STORE_RETRY_MS = 5_000;

/**
 * @returns Takes the question of a shard. Ahead, it asks whether there would be a permit, and none is
 * counted.
 */
export function createPermits(
  ports: PermitsPorts,
): (shardId: number, isAhead: boolean) => void {
  const { store, accountId, now, answer, onBudget, log } = ports;
  let saidLeft = Infinity;

  /** Said once on the way down, and again for each fifty less. */
  function report({ left, heldUntil }: IdentifyBudget): void {
    const step = Math.floor(left / 50);
    if (left > LOW) saidLeft = Infinity;
    else if (step < saidLeft) {
      saidLeft = step;
      log.warn("Few gateway sessions are left to begin today; what keeps ending them?", {
        left,
        ...(heldUntil !== undefined && { heldUntil: new Date(heldUntil).toISOString() }),
      });
    }
  }

  async function foresee(shardId: number): Promise<PermitAnswer> {
    const waitMs = await store.identifyInMs(accountId, shardId, now());
    if (waitMs === 0) return { kind: "granted" };
    const budget = await store.identifyBudget(accountId, now());
    onBudget(budget);
    sayHeld(budget, log);
    return { kind: "wait", waitMs, why: budget.heldUntil === undefined ? "spacing" : "budget" };
  }

  async function decide(shardId: number): Promise<PermitAnswer> {
    const asked = await store.takeIdentify(accountId, shardId, now());
    const budget = await store.identifyBudget(accountId, now());
    onBudget(budget);
    report(budget);
    if (asked.kind === "granted") return asked;
    if (asked.why === "budget") sayHeld({ ...budget, heldUntil: asked.untilMs }, log);
    return { kind: "wait", waitMs: Math.max(0, asked.untilMs - now()), why: asked.why };
  }

  return (shardId, isAhead) => {
    (isAhead ? foresee(shardId) : decide(shardId)).then(
      (decided) => answer(shardId, decided),
      (error: unknown) => {
        log.error("Cannot count a gateway session, so none is begun; will try again", { error });
        answer(shardId, { kind: "wait", waitMs: STORE_RETRY_MS, why: "spacing" });
      },
    );
  };
}

/**
 * What the spacing of IDENTIFYs asks of the first one. Where the budget is spent the shard is told
 * so when it asks for its permit, which is said and shown: from here it would wait without a word.
 */
export async function firstIdentifyInMs(
  accountId: AccountId,
  { store, now }: {
    readonly store: Pick<Store["gateway"], "identifyInMs">;
    readonly now: () => number;
  },
): Promise<number> {
  return Math.min(await store.identifyInMs(accountId, 0, now()), SPACING_MS);
}

/** Says that the bot waits, and why. */
function sayHeld({ left, heldUntil }: IdentifyBudget, log: Log): void {
  if (heldUntil === undefined) return;
  log.error("No new gateway session is begun: Discord would reset the token of who goes on", {
    left,
    until: new Date(heldUntil).toISOString(),
  });
}
