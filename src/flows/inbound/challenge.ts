/**
 * Gives unpaired senders a pairing code, and tells the owners about them (P3).
 *
 * Code and reply are made within the transaction that stores the message. Owners get their message
 * afterwards. Until then, the stored request says so, and a process that starts after a crash tells
 * them.
 */

import type { Button } from "../../core/outbound/outbound.ts";
import { codeFrom, type PairingRequest, type PairingService } from "../../core/inbound/pairing.ts";
import { pairingButton } from "../../interactions/components.ts";
import { composeApprovalRequest, composeChallenge } from "../../render/pairing.ts";
import { createRetryQueue } from "../retry_queue.ts";
import type { Account } from "../../core/account/account.ts";
import type { Pairing } from "../../store/pairing/pairing.ts";

/** Routes presses to the pairing button. The rest of an id is random and means nothing. */
const BUTTON_PREFIX = `${pairingButton.name}:`;
const CODE_BYTES = 8;
/** 128 bits. */
const BUTTON_BYTES = 16;

/** Creates the part of pairing that the store calls within its transaction. */
export function createPairingService(
  { draw }: Pick<Account, "draw">,
): PairingService {
  return {
    newCode: () => codeFrom(draw(CODE_BYTES)),
    newButton: () => BUTTON_PREFIX + draw(BUTTON_BYTES).toHex(),
    challenge: (message, code) => composeChallenge(message, code),
  };
}

/** Creates the messages to owners; `start` begins. */
export function createChallenges(
  account: Pick<
    Account<{ readonly pairing: Pick<Pairing, "unreported" | "markReported"> }>,
    "accountId" | "log" | "now" | "random" | "schedule" | "store"
  >,
  ports: {
    /** Writes to each owner. Rejects only if it could write to none of them. */
    readonly tellOwners: (text: string, buttons: readonly Button[]) => Promise<unknown>;
    /** Whether asking again would not change a failure. */
    readonly isFinal: (error: unknown) => boolean;
  },
) {
  const { accountId, store: { pairing: store }, now, log } = account;
  const { tellOwners } = ports;
  const retries = createRetryQueue("Cannot tell the bot's owner about a pairing request", account);

  /** Requests that no owner of the config can be told about. */
  const untold = new Set<PairingRequest>();

  function add(request: PairingRequest): void {
    let isTold = false; // if only storing fails, owners get no second message
    retries.add(async () => {
      if (now() >= request.expiresAt) return;
      const { text, buttons } = composeApprovalRequest(request);
      try {
        if (!isTold) await tellOwners(text, buttons);
      } catch (error) {
        if (!ports.isFinal(error)) throw error;
        const reason = error instanceof Error ? error.message : String(error);
        log.error("No owner can be told about a pairing request: see `barnacle pairing list`", {
          userId: request.userId,
          reason,
        });
        untold.add(request);
        return;
      }
      isTold = true;
      await store.markReported(request.id);
    });
  }

  return {
    /** Tells owners of requests that the last process left unreported. */
    start(): void {
      retries.add(async () => (await store.unreported(accountId, now())).forEach(add));
    },
    /** Tells owners of unpaired senders who got a code just now. */
    challenged(requests: readonly PairingRequest[]): void {
      for (const request of requests) {
        const { userId, username, messageId, expiresAt } = request;
        log.info("An unpaired sender got a pairing code: see `barnacle pairing list`", {
          userId,
          username,
          messageId,
          expiresAt: new Date(expiresAt).toISOString(),
        });
        add(request);
      }
    },
    /** The config has changed: it may name owners who can be told. */
    reconfigured(): void {
      const again = [...untold];
      untold.clear();
      again.forEach(add);
    },
    /** Tells owners nothing more; the next start does. */
    stop: retries.stop,
  };
}
