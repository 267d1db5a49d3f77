/** Values of `store.calls`: calls of programs (O14). */

import type { AccountId, MessageId, UserId } from "../discord/ids.ts";
import type { TurnCost } from "../spending/usage.ts";
import type { Called } from "./called.ts";

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
