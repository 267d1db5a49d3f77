/**
 * The head of a channel's outbox: to Discord, once.
 *
 * A process can die between any two lines of this file. The intent is stored
 * before the request leaves, so whoever comes after knows that Discord may hold
 * the message; the nonce in the row makes asking again harmless for as long as
 * Discord remembers it, and after that the channel is looked at first.
 *
 * An edit or a deletion of a draft could be repeated without any of that. It has
 * its intent all the same: what is on its way is neither folded nor dropped (D4).
 *
 * @module
 */

import { type Delivery, type Step, stepFor } from "../../core/outbound/delivery.ts";
import type { ChannelId, MessageId } from "../../core/discord/ids.ts";
import type {
  OutboundFile,
  OutboundMessage,
  OutboxRow,
  PostOutcome,
} from "../../core/outbound/outbound.ts";
import { reconcile, type ReconcilePorts } from "./reconcile.ts";

/** What this flow needs of the outside world; each method of a store is one transaction. */
export interface DeliverPorts extends ReconcilePorts {
  readonly outbox: ReconcilePorts["outbox"] & {
    /** T4. Resolves to `false` if the row is settled: the gateway's echo can be first. */
    markSending(row: OutboxRow, now: number): Promise<boolean>;
    /** T5, with the message's id unless it is gone. Resolves to `false` if the echo was first. */
    markSent(row: OutboxRow, messageId?: MessageId): Promise<boolean>;
    /** Takes T4 back: the row is as it was when it was read, but that it fails since then. */
    markRefused(row: OutboxRow, reason: string, now: number): Promise<void>;
    /** T4 stays; the row fails since then. */
    markFailing(row: OutboxRow, now: number): Promise<void>;
    /** The history shows that Discord does not have it: as if it had never been tried. */
    markAbsent(row: OutboxRow): Promise<void>;
  };
  readonly messages: {
    /**
     * @param notAfter Unix time in milliseconds after which the request must not leave any more:
     * Discord may have forgotten the nonce of an earlier attempt.
     */
    create(
      message: OutboundMessage,
      files: readonly OutboundFile[],
      notAfter: number,
    ): Promise<PostOutcome>;
    edit(
      messageId: MessageId,
      message: OutboundMessage,
      files: readonly OutboundFile[],
    ): Promise<PostOutcome>;
    delete(channelId: ChannelId, messageId: MessageId): Promise<PostOutcome>;
  };
  /** How long after the first attempt a nonce is relied on, in milliseconds. */
  readonly nonceWindowMs: number;
  /** Unix time in milliseconds at which the machine was switched on, by the clock as it is now. */
  readonly bootedAt: () => number;
}

/** Does what a row needs next. The caller keeps the order, one row of a channel at a time. */
export async function deliver(row: OutboxRow, ports: DeliverPorts): Promise<Delivery> {
  const now = ports.now();
  const step = stepFor(row, now, {
    nonceWindowMs: ports.nonceWindowMs,
    bootedAt: ports.bootedAt(),
  });
  switch (step.kind) {
    case "nothing":
      await ports.outbox.markSent(row);
      return step;
    case "look":
      return await look(row, ports);
    default:
      return await send(row, step, now, ports);
  }
}

type Request = Extract<Step, { readonly kind: "post" | "edit" | "delete" }>;

async function send(
  row: OutboxRow,
  step: Request,
  now: number,
  ports: DeliverPorts,
): Promise<Delivery> {
  const { outbox } = ports;
  const files = row.fileCount > 0 ? await outbox.filesOf(row) : [];
  if (!await outbox.markSending(row, now)) return { kind: "settled" };
  const outcome = await request(row, step, files, ports);
  switch (outcome.kind) {
    case "created":
      if (await outbox.markSent(row, outcome.messageId)) break;
      return { ...outcome, wasEchoed: true };
    case "already_gone": // delivered, then deleted: to send it again would undo a moderator
      if (await outbox.markSent(row)) break;
      return { ...outcome, wasEchoed: true };
    case "refused":
    case "unsent":
      await outbox.markRefused(row, outcome.reason, ports.now());
      break;
    case "unanswered":
      await outbox.markFailing(row, ports.now());
      break;
  }
  return outcome;
}

function request(
  { message }: OutboxRow,
  step: Request,
  files: readonly OutboundFile[],
  { messages }: DeliverPorts,
): Promise<PostOutcome> {
  switch (step.kind) {
    case "post":
      return messages.create(message, files, step.notAfter);
    case "edit":
      return messages.edit(step.messageId, message, files);
    case "delete":
      return messages.delete(message.channelId, step.messageId);
  }
}

async function look(row: OutboxRow, ports: DeliverPorts): Promise<Delivery> {
  const { outbox } = ports;
  const looked = await reconcile(row, ports);
  switch (looked.kind) {
    case "found":
      if (await outbox.markSent(row, looked.messageId)) break;
      return { ...looked, wasEchoed: true };
    case "absent":
      await outbox.markAbsent(row);
      break;
    case "unread":
      await outbox.markFailing(row, ports.now());
      break;
    case "uncertain": // the lane holds it
      break;
  }
  return looked;
}
