/**
 * Logs one line per answer (O2): an operator sees that the bot works, the senders and the cost.
 *
 * The line has no text of the message or of the answer.
 *
 * @module
 */

import type { FinishedTurn } from "../../core/inbound/inbox.ts";
import type { ModelUsage } from "../../core/model.ts";
import type { Log } from "../../lib/log.ts";
import { printable } from "../../lib/text/quoted.ts";

/** Milliseconds of a turn, and its tokens if the model's API reports them. */
export type Cost = { readonly ms: number } & Partial<ModelUsage>;

/**
 * Logs the answer of a stored turn. A failed or refused turn has its own line.
 *
 * @param facts The name of the place for people, and the cost.
 * @param modelId Id of the model that answered.
 */
export function logAnswer(
  { claim: { message }, end }: FinishedTurn,
  { where, ...cost }: Partial<Cost> & { readonly where: string },
  { log, modelId }: { readonly log: Log; readonly modelId: string },
): void {
  if (end.kind === "failed" || end.kind === "refused") return;
  const { sender, id: messageId, channelId } = message;
  log.info(end.kind === "declined" ? "The model declined to answer" : "The model answered", {
    where: printable(where),
    sender: printable(sender.username),
    senderId: sender.id,
    model: modelId,
    ...cost,
    messageId,
    channelId,
  });
}
