/** The contract of `store.calls`: finds calls of programs, and the keys that they have used (O14). */

import type { AccountId, MessageId, UserId } from "../discord/ids.ts";
import type { TurnCost } from "../spending/usage.ts";
import type { Called } from "./called.ts";

/** All methods of `store.calls`. */
export interface StoredCalls {
  /**
   * Keeps the key of a call for a day.
   *
   * @returns The call that has the key: this one, or an earlier one.
   */
  keep(call: KeyedCall, now: number): Promise<Pick<KeyedCall, "messageId" | "body">>;
  /** A call; `undefined` if the inbox has no call with this id. */
  find(messageId: MessageId): Promise<StoredCall | undefined>;
  /** The newest call of a session that has left something in it; `undefined` if none has. */
  newestIn(sessionKey: string): Promise<MessageId | undefined>;
}

/** A call with the key of its program. */
export interface KeyedCall {
  readonly accountId: AccountId;
  readonly program: string;
  /** A digest of the key. */
  readonly key: string;
  /** A digest of the request. */
  readonly body: string;
  readonly messageId: MessageId;
}

/** A call in the inbox. */
export interface StoredCall {
  readonly called: Called;
  readonly userId: UserId;
  readonly agentId: string;
  readonly sessionKey: string;
  /** `failed` has all ends without an answer, apart from a spent budget. */
  readonly state: "open" | "answered" | "declined" | "refused" | "failed" | "stopped" | "left";
  /** The id of the failure, for the operator; absent without one. */
  readonly failureId?: string;
  /** The answer; absent unless it is answered. */
  readonly answer?: string;
  /** Absent before the end, and if no model was asked. */
  readonly cost?: TurnCost;
  /** Unix time in milliseconds of its end; absent before. */
  readonly finishedAt?: number;
}
