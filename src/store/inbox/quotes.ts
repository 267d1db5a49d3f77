/**
 * Changes what open turns have kept of a message whose sender has edited or deleted it, within a
 * transaction of the caller's (H6a): quotes in messages that still get a turn, or may get one again,
 * and stored steps, such as an answer that a person checks.
 */

import type { DatabaseSync } from "node:sqlite";
import { integer, json, rows, text } from "../schema/columns.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Step } from "../../core/step.ts";
import type { ChangedMessage } from "../sources/rewrite.ts";

/** Number of the newest messages that are looked at: only a new question is answered again. */
const RECENT = 1_000;

const ROW = rows({ messageId: text(), message: json<InboundMessage>() }); // ours, by `rows.ts`

/**
 * Changes quotes.
 *
 * @returns Whether any message quotes one of these.
 */
export type ChangeQuotes = (changed: readonly ChangedMessage[]) => boolean;

/** Prepares the statements. */
export function prepareChangeQuotes(database: DatabaseSync): ChangeQuotes {
  const quotes = `instr(message, '"quoted":') > 0
    AND message ->> '$.quoted.id' IN (SELECT value FROM json_each(:ids))`;
  const selects = [
    "finished_at IS NULL AND state IN ('waiting', 'running')",
    `id > (SELECT MAX(id) FROM inbox) - ${RECENT}`,
  ].map((where) =>
    database.prepare(`SELECT message_id, message FROM inbox WHERE ${where} AND ${quotes}`)
  );
  const update = database.prepare("UPDATE inbox SET message = ? WHERE message_id = ?");
  return (changed) => {
    const ids = JSON.stringify(changed.map(({ messageId }) => messageId));
    const found = selects.flatMap((select) => select.all({ ids })).map(ROW.read);
    for (const { messageId: id, message } of found) {
      const { quoted } = message;
      const source = changed.find(({ messageId }) => messageId === quoted?.id);
      if (!quoted || !source) continue;
      const { attachments, ...kept } = quoted;
      const now = source.now ? { ...kept, attachments } : kept;
      const after = { ...message, quoted: { ...now, text: source.now?.text ?? "" } };
      update.run(JSON.stringify(after), id);
    }
    return found.length > 0;
  };
}

const STEP = rows({ id: integer(), step: json<Step>() });

/** Prepares the rewriting of the stored steps of open turns. */
export function prepareChangeSteps(
  database: DatabaseSync,
): (rewrite: (text: string) => string) => void {
  const select = database.prepare(
    `SELECT s.id, s.step FROM inbox AS i JOIN step AS s ON s.message_id = i.message_id
     WHERE i.finished_at IS NULL AND i.state IN ('waiting', 'running')`,
  );
  const update = database.prepare("UPDATE step SET step = ? WHERE id = ?");
  return (rewrite) => {
    for (const row of select.all()) {
      const { id, step } = STEP.read(row);
      const after = rewritten(step, rewrite);
      if (after !== step) update.run(JSON.stringify(after), id);
    }
  };
}

function rewritten(step: Step, rewrite: (text: string) => string): Step {
  if (step.kind === "result") {
    const text = rewrite(step.text);
    return text === step.text ? step : { ...step, text };
  }
  if (step.kind !== "held") return step;
  const entries = step.entries.map((entry) => ({ ...entry, text: rewrite(entry.text) }));
  const isSame = entries.every(({ text }, at) => text === step.entries[at]?.text);
  return isSame ? step : { ...step, entries };
}
