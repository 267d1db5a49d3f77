/**
 * Permits the IDENTIFYs of an account's shards.
 *
 * The count outlives the process, so no crash loop can spend more IDENTIFYs than Discord allows in
 * a day. Discord would reset the token (G5).
 */

import { type IdentifyBudget, LOW, SPACING_MS } from "../../../core/discord/gateway.ts";
import type { AccountId } from "../../../core/discord/ids.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import type { GatewayRecords } from "../../../store/gateway/gateway.ts";
import type { PermitAnswer } from "../link/protocol.ts";

/** The dependencies of an account's permits. */
export interface PermitsPorts extends Clock {
  readonly store: GatewayRecords;
  readonly accountId: AccountId;
  readonly answer: (shardId: number, answer: PermitAnswer) => void;
  /** Whether received events wait in memory, because the account is still loading. */
  readonly isHolding: () => boolean;
  /** Receives the budget whenever it changes or is found spent. */
  readonly onBudget: (budget: IdentifyBudget) => void;
  readonly log: Log;
}

/** How long a shard waits after the store failed, in milliseconds. */
const STORE_RETRY_MS = 5_000;

/** How long a shard keeps a session with a hole while events are held, in milliseconds. */
const HOLDING_MS = 500;

/**
 * Creates the handler of permit requests.
 *
 * @returns Handles a shard's request. With `isAhead` it only asks whether a permit would be
 * granted, and counts none.
 */
export function createPermits(ports: PermitsPorts): (shardId: number, isAhead: boolean) => void {
  const { store, accountId, now, answer, isHolding, onBudget, log } = ports;
  let saidLeft = Infinity;

  /** Warns once on the way down, and again for each fifty less. */
  function report({ left, heldUntil }: IdentifyBudget): void {
    const step = Math.floor(left / 50);
    if (left > LOW) saidLeft = Infinity;
    else if (step < saidLeft) {
      saidLeft = step;
      log.warn("Few IDENTIFYs are left for today; find out why gateway sessions keep ending", {
        left,
        ...(heldUntil !== undefined && { heldUntil: new Date(heldUntil).toISOString() }),
      });
    }
  }

  async function previewPermit(shardId: number): Promise<PermitAnswer> {
    // If the process dies, only the old session can send the held events again.
    if (isHolding()) return { kind: "wait", waitMs: HOLDING_MS, why: "spacing" };
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
    (isAhead ? previewPermit(shardId) : decide(shardId)).then(
      (decided) => answer(shardId, decided),
      (error: unknown) => {
        log.error("Cannot store the IDENTIFY count, so no IDENTIFY is sent; trying again", {
          error,
        });
        answer(shardId, { kind: "wait", waitMs: STORE_RETRY_MS, why: "spacing" });
      },
    );
  };
}

/**
 * Returns how long the first IDENTIFY must wait for its spacing, in milliseconds. A spent budget is
 * left out: the shard learns of it when it asks for its permit, which logs and shows the reason. A
 * wait from here would be silent.
 */
export async function firstIdentifyInMs(
  accountId: AccountId,
  { store, now }: Clock & { readonly store: GatewayRecords },
): Promise<number> {
  return Math.min(await store.identifyInMs(accountId, 0, now()), SPACING_MS);
}

/** Logs that the bot waits for its IDENTIFY budget, and until when. */
function sayHeld({ left, heldUntil }: IdentifyBudget, log: Log): void {
  if (heldUntil === undefined) return;
  log.error(
    "Daily IDENTIFY limit almost reached: not opening a new session, because Discord resets tokens that exceed it",
    { left, until: new Date(heldUntil).toISOString() },
  );
}
