/**
 * Sends the first row of a channel's outbox to Discord, once.
 *
 * A process can die between any two lines of this file. The intent is stored before the request
 * leaves, so the next process knows that Discord may have the message. The nonce in the row makes a
 * repeated request harmless while Discord remembers it. After that, Barnacle reads the channel
 * first.
 *
 * Edits and deletions of drafts need none of that to be repeated. They have an intent all the same:
 * a request under way is not dropped (D4).
 */

import type { BotAccount } from "../../account/account.ts";
import { type Delivery, type DeliveryStep, stepFor } from "../../core/outbound/delivery.ts";
import type { OutboundFile, OutboxRow, PostOutcome } from "../../core/outbound/outbound.ts";
import { createMessage, deleteMessage, editMessage } from "../../discord/rest/requests/messages.ts";
import { withoutFiles } from "../../render/files.ts";
import { reconcile } from "./reconcile.ts";

/**
 * Makes the next request for a row. The caller keeps the order: one row of a channel at a time.
 *
 * @throws {unknown} The store's error, as a rejection.
 */
export async function deliver(account: BotAccount, row: OutboxRow): Promise<Delivery> {
  const { store: { outbox }, bootedAt } = account;
  const now = account.now();
  const step = stepFor(row, now, { nonceWindowMs: nonceWindowMs(account), bootedAt });
  switch (step.kind) {
    case "nothing":
      await outbox.markSent(row);
      return step;
    case "look":
      return await checkHistory(account, row);
    default:
      return await send(account, row, step, now);
  }
}

/** Milliseconds after the first attempt for which Barnacle relies on a nonce. */
export function nonceWindowMs({ config }: BotAccount): number {
  return config().discord.rest.nonceWindowSec * 1_000;
}

type Request = Extract<DeliveryStep, { readonly kind: "post" | "edit" | "delete" }>;

async function send(
  account: BotAccount,
  row: OutboxRow,
  step: Request,
  now: number,
): Promise<Delivery> {
  const { store: { outbox } } = account;
  const files = row.fileCount > 0 ? await outbox.filesOf(row) : [];
  if (!await outbox.markSending(row, now)) return { kind: "settled" };
  const outcome = await request(account, row, step, files);
  switch (outcome.kind) {
    case "created":
      if (await outbox.markSent(row, outcome.messageId)) break;
      return { ...outcome, wasEchoed: true };
    case "already_gone": // delivered, then deleted: to send it again would undo a moderator
      if (await outbox.markSent(row)) break;
      return { ...outcome, wasEchoed: true };
    case "refused":
    case "unsent":
      await outbox.markRefused(row, outcome.reason, account.now());
      break;
    case "unanswered":
      await outbox.markFailing(row, account.now());
      break;
  }
  return outcome;
}

function request(
  { rest }: BotAccount,
  { message }: OutboxRow,
  step: Request,
  files: readonly OutboundFile[],
): Promise<PostOutcome> {
  switch (step.kind) {
    case "post":
      return createMessage(rest, message, files, step.notAfter);
    case "edit":
      return editMessage(rest, step.messageId, message, files);
    case "delete":
      return deleteMessage(rest, message.channelId, step.messageId);
  }
}

/**
 * Looks for a row's message in the channel's history, and stores the result.
 *
 * @throws {unknown} The store's error, as a rejection.
 */
async function checkHistory(account: BotAccount, row: OutboxRow): Promise<Delivery> {
  const { store: { outbox } } = account;
  const result = await reconcile(account, row);
  switch (result.kind) {
    case "found":
      if (await outbox.markSent(row, result.messageId)) break;
      return { ...result, wasEchoed: true };
    case "absent":
      await outbox.markAbsent(row);
      break;
    case "unread":
      await outbox.markFailing(row, account.now());
      break;
    case "uncertain": // the caller holds it
      break;
  }
  return result;
}

/**
 * Removes a row's files. An earlier attempt may have sent the message with its files, and a row
 * without them could not be found in the history any more. So the history is read first.
 *
 * @returns What the history shows if the files were not removed; `undefined` if they were.
 * @throws {unknown} The store's error, as a rejection.
 */
export async function removeFiles(
  account: BotAccount,
  row: OutboxRow,
): Promise<Delivery | undefined> {
  const { store: { outbox } } = account;
  if (row.firstAttemptAt !== undefined && row.action.kind === "post") {
    const seen = await checkHistory(account, row);
    if (seen.kind !== "absent") return seen;
  }
  const names = (await outbox.filesOf(row)).map(({ name }) => name);
  await outbox.removeFiles(row, withoutFiles(row.message, names));
  return undefined;
}
