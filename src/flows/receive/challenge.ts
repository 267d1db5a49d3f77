/**
 * Strangers who ask to be let in: what they are given, and who is told (P3).
 *
 * Code and answer are made within the transaction that stores the message; here
 * is what that takes. Owners are told afterwards, and until they were, the
 * request says so: who dies in between tells them after the next start.
 *
 * @module
 */

import type { AccountId } from "../../core/discord/ids.ts";
import type { Button } from "../../core/outbound/outbound.ts";
import { codeFrom, type PairingRequest, type PairingService } from "../../core/inbound/pairing.ts";
import { pairingButton } from "../../interactions/pairing_button.ts";
import type { Texts } from "../../render/notices.ts";
import { askOwner, composeChallenge } from "../../render/pairing.ts";
import { createRetryQueue, type RetryQueuePorts } from "../retry_queue.ts";

export interface PairingServicePorts {
  /** So many bytes, from a source that nobody can guess. */
  readonly draw: (count: number) => Uint8Array;
  /** As of now: the config may be read again. */
  readonly texts: () => Texts;
}

/** Routes presses to the pairing button; the rest of the id is random, and means nothing. */
const BUTTON_PREFIX = `${pairingButton.name}:`;
/** What a code is made of. */
const CODE_BYTES = 8;
/** 128 bits. */
const BUTTON_BYTES = 16;

export function createPairingService({ draw, texts }: PairingServicePorts): PairingService {
  return {
    newCode: () => codeFrom(draw(CODE_BYTES)),
    newButton: () => BUTTON_PREFIX + hex(draw(BUTTON_BYTES)),
    challenge: (message, code) => composeChallenge(message, code, texts()),
  };
}

export interface ChallengesPorts extends RetryQueuePorts {
  readonly accountId: AccountId;
  readonly store: {
    /** Requests that wait, and that no owner was told of. */
    untold(accountId: AccountId, now: number): Promise<readonly PairingRequest[]>;
    markTold(id: number): Promise<void>;
  };
  /** Writes to each of the owners; rejects only where none of them was written to. */
  readonly tellOwners: (text: string, buttons: readonly Button[]) => Promise<void>;
  readonly texts: () => Texts;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

export interface Challenges {
  /** Tells of what the last process did not come to tell. */
  start(): void;
  /** These have a code now, and had none. */
  challenged(requests: readonly PairingRequest[]): void;
  /** Tells nothing more; the next start does. */
  stop(): Promise<void>;
}

export function createChallenges(ports: ChallengesPorts): Challenges {
  const { accountId, store, tellOwners, texts, now, log } = ports;
  const retries = createRetryQueue(
    "Cannot tell the bot's owner of somebody who asks to be let in",
    ports,
  );

  function add(request: PairingRequest): void {
    let isTold = false; // where only that could not be stored, it is not said twice
    retries.add(async () => {
      if (now() >= request.expiresAt) return;
      const { text, buttons } = askOwner(request, texts());
      if (!isTold) await tellOwners(text, buttons);
      isTold = true;
      await store.markTold(request.id);
    });
  }

  return {
    start() {
      retries.add(async () => (await store.untold(accountId, now())).forEach(add));
    },
    challenged(requests) {
      for (const request of requests) {
        const { userId, username, messageId, expiresAt } = request;
        log.info("A stranger asks to be let in, and has a code: see `barnacle pairing list`", {
          userId,
          username,
          messageId,
          expiresAt: new Date(expiresAt).toISOString(),
        });
        add(request);
      }
    },
    stop: retries.stop,
  };
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
