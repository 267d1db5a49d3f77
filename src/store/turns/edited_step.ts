/** Reads which edit of its question a turn follows (H6a). */

import type { DatabaseSync } from "node:sqlite";
import { json, rows } from "../schema/columns.ts";
import type { EditedStep, Step } from "../../core/step.ts";

const STEP = rows({ step: json<Step>() }); // ours

/** Prepares the statement. It returns `undefined` for a turn that follows none. */
export function prepareEditedStep(
  database: DatabaseSync,
): (turnId: string) => EditedStep | undefined {
  const select = database.prepare(
    `SELECT step FROM step WHERE message_id = ? AND step ->> '$.kind' = 'edited'
     ORDER BY id DESC LIMIT 1`,
  );
  return (turnId) => {
    const row = select.get(turnId);
    const step = row && STEP.read(row).step;
    return step?.kind === "edited" ? step : undefined;
  };
}
