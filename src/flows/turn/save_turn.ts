/**
 * Stores the end of a turn (T3), and before it the turn's steps (TS) and its wait for people (A1,
 * T10).
 *
 * The model's answers have cost money. So a disk that is full for a while costs time, and no second
 * request.
 */

import type { AskPorts } from "../../agent/ask_first.ts";
import type { Account } from "../../core/account/account.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import type { Claim, FinishedTurn, StoredTurn } from "../../core/inbound/inbox.ts";
import type { AskedCall } from "../../core/people/question.ts";
import type { Charge } from "../../core/spending/usage.ts";
import type { ParkedTurn, StepsTaken } from "../../core/turn/turn_outcome.ts";
import { waitFor } from "../../lib/clock.ts";
import { type TurnSpending, unsavedCharges } from "./spending/turn_spending.ts";
import type { createTurnEnds } from "../../store/turns/turn_ends.ts";

/** Everything that storing a turn needs from outside. */
export interface SaveTurnPorts extends Pick<Account, "now" | "schedule" | "stopping" | "log"> {
  /** The store's transaction T3. */
  readonly store: ReturnType<typeof createTurnEnds>;
  /** Maximum number of messages that wait in a channel (D4); absent: no bound. */
  readonly maxWaiting?: number;
  /** Whether an error is the disk's, so that the store may accept the same later. */
  readonly isStoreDown: (error: unknown) => boolean;
}

/** Milliseconds before the next attempt to store. */
const RETRY_MS = 5_000;

const NOT_STORED: StoredTurn = { stored: false, dropped: 0 };

/**
 * Stores a turn, however long the disk takes.
 *
 * @param asFailed Makes a failed turn to store instead, if the store refuses the turn for another
 * reason.
 * @returns The result; nothing is stored if the process stops first, or if the claim has ended.
 * @throws {unknown} The store's error, if it refuses the failed turn as well.
 */
export async function saveTurn(
  turn: FinishedTurn,
  ports: SaveTurnPorts,
  asFailed: (error: unknown) => FinishedTurn,
): Promise<StoredTurn> {
  const { store, stopping, log } = ports;
  let ended = turn;
  while (!stopping.aborted) {
    try {
      return await store.finishTurn(ended, ports.now(), ports.maxWaiting);
    } catch (error) {
      if (ports.isStoreDown(error)) {
        const messageId = turn.claim.message.id;
        log.error("Cannot store a finished turn; will try again", { messageId, error });
        await waitFor(RETRY_MS, ports.schedule, stopping);
      } else if (ended === turn) ended = asFailed(error);
      else throw error;
    }
  }
  return NOT_STORED;
}

/**
 * Stores steps of a turn, however long the disk takes.
 *
 * @param addSteps The store's transaction TS.
 * @throws {unknown} The store's error, if it is not the disk's, or if the process stops.
 */
export async function saveSteps(
  addSteps: () => Promise<void>,
  messageId: MessageId,
  { isStoreDown, schedule, stopping, log }: Omit<SaveTurnPorts, "store" | "maxWaiting" | "now">,
): Promise<void> {
  for (;;) {
    try {
      return await addSteps();
    } catch (error) {
      if (!isStoreDown(error) || stopping.aborted) throw error;
      log.error("Cannot store a step of a turn; will try again", { messageId, error });
      await waitFor(RETRY_MS, schedule, stopping);
    }
  }
}

/** People for whose decisions calls of a turn wait. */
export interface TurnPeople extends AskPorts {
  /** TS. Stores that the turn waits for answers; its claim ends. */
  readonly park: (turn: {
    readonly claim: Claim;
    readonly taken: StepsTaken;
    readonly charges: readonly Charge[];
    readonly asked: readonly AskedCall[];
  }) => Promise<void>;
}

/**
 * Parks a turn, however long the disk takes.
 *
 * @throws {unknown} The store's error, as `saveSteps` does.
 */
export async function parkTurn(
  claim: Claim,
  { asked, taken }: ParkedTurn,
  spending: TurnSpending,
  ports: Pick<SaveTurnPorts, "isStoreDown" | "schedule" | "stopping" | "log"> & {
    readonly people?: TurnPeople;
  },
): Promise<void> {
  const { people, log } = ports;
  if (!people) return;
  const { length } = spending.charges;
  const charges = unsavedCharges(spending, "answer");
  const isPersonal = claim.message.own && true as const;
  const marked = asked.map((one) => ({ ...one, question: { ...one.question, isPersonal } }));
  const park = () => people.park({ claim, taken, charges, asked: marked });
  await saveSteps(park, claim.message.id, ports);
  spending.stored = length;
  log.info("A turn waits for a person", {
    messageId: claim.message.id,
    tools: asked.map(({ question: { tool } }) => tool),
  });
}
