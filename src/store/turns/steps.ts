/**
 * Stores the steps of turns that call tools.
 *
 * A step is stored before the next one begins, so the next process continues the turn (TS). A turn
 * without tools has no steps, and costs nothing here.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import type { Step } from "../../core/step.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Memory } from "../memory/memory.ts";
import { prepareInsertUsage } from "../usage/charges.ts";
import type { Steps } from "../../core/store/turns.ts";

/** Adds steps within a transaction of the caller's. */
export type InsertSteps = (of: TurnOfSteps, steps: readonly Step[]) => void;

/** The turn that steps belong to. */
export interface TurnOfSteps {
  /** The account that answers. */
  readonly accountId: string;
  /** The answered message. */
  readonly messageId: string;
  /** Number of the turn for the message, from 1. */
  readonly attempt: number;
}

const stepSchema = z.object({ step: column.text });

/** Prepares the adding of steps. */
export function prepareInsertSteps(database: DatabaseSync): InsertSteps {
  const insert = database.prepare(
    "INSERT INTO step (account_id, message_id, attempt, step, at) VALUES (?, ?, ?, ?, ?)",
  );
  return ({ accountId, messageId, attempt }, steps) => {
    for (const step of steps) {
      insert.run(accountId, messageId, attempt, JSON.stringify(step), step.at);
    }
  };
}

/** Creates the storage of steps. */
export function createSteps(
  database: DatabaseSync,
  { commit, read }: Transactions,
  { claims, spent }: Pick<Memory, "claims" | "spent">,
): Steps {
  const insertUsage = prepareInsertUsage(database);
  const select = database.prepare("SELECT step FROM step WHERE message_id = ? ORDER BY id");
  const insert = prepareInsertSteps(database);
  return {
    stepsOf: (messageId) => read(() => select.all(messageId).map(readStep)),
    async addSteps(claim, steps, waitsForDisk, charges = []) {
      const { message: { id: messageId, accountId }, attempt } = claim;
      const end = spent.begin(charges);
      try {
        await commit(waitsForDisk ? COMMIT_OPTIONS.TS_BEGUN : COMMIT_OPTIONS.TS, () => {
          if (!claims.isRunning(claim)) {
            throw new Error(`The turn of message ${messageId} has ended`);
          }
          insert({ accountId, messageId, attempt }, steps);
          insertUsage({ charges });
        });
        end(true);
      } catch (error) {
        end(false);
        throw error;
      }
    },
  };
}

/** Ours, written by {@link prepareInsertSteps}. */
function readStep(row: unknown): Step {
  return JSON.parse(stepSchema.parse(row).step);
}
