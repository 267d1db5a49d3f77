/**
 * Removes the files of a row that Discord refuses, so that its text is sent (R12a). A file with
 * folded answers is their text, so they become messages again.
 *
 * @module
 */

import type { Sending } from "./sending.ts";
import type { Delivery } from "../../core/outbound/delivery.ts";
import type { OutboundMessage, OutboxRow } from "../../core/outbound/outbound.ts";
import { ANSWER_FILE } from "../../render/files.ts";
import { checkHistory } from "./deliver.ts";

/**
 * Removes a row's files. An earlier attempt may have sent the message with its files, and a row
 * without them could not be found in the history any more. So the history is read first.
 *
 * @returns What the history shows if the files were not removed; `undefined` if they were.
 * @throws {unknown} The store's error, as a rejection.
 */
export async function removeFiles(
  row: OutboxRow,
  ports: Sending,
): Promise<Delivery | undefined> {
  if (row.firstAttemptAt !== undefined && row.action.kind === "post") {
    const seen = await checkHistory(row, ports);
    if (seen.kind !== "absent") return seen;
  }
  const withoutFile = (message: OutboundMessage) => ports.withoutFiles(message, [ANSWER_FILE]);
  if (row.message.of?.kind === "folded" && await ports.outbox.unfold(row, withoutFile) > 0) {
    return undefined;
  }
  const names = (await ports.outbox.filesOf(row)).map(({ name }) => name);
  await ports.outbox.removeFiles(row, ports.withoutFiles(row.message, names));
  return undefined;
}
