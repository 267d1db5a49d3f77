/** Values of `store.inbox`: rules of claims, and undecided messages. */

import type { MessageId } from "../discord/ids.ts";
import type { Route, WaitingTurn } from "../inbound/inbox.ts";
import type { InboundMessage } from "../inbound/inbound.ts";
import type { KnownFacts } from "../inbound/facts.ts";
import type { UndecidedReason } from "../inbound/verdict.ts";

/** Whether the turn of a message may begin, beside running turns of its session. */
export type Admits = (waiting: WaitingTurn, running: readonly MessageId[]) => boolean;

/** Whether the turn of a message, which an agent answers, also answers a later one. */
export type Carries = (
  message: InboundMessage,
  next: InboundMessage,
  agentId: string,
) => boolean;

export interface Undecided {
  /** The message, as it was judged last. */
  readonly message: InboundMessage;
  readonly why: UndecidedReason;
  /** The agent and session of its turn; absent if its verdict had no route. */
  readonly route?: Route;
  /** The facts known beside the message when it was judged; absent if none were stored. */
  readonly knownFacts?: KnownFacts;
  /** The store's number of the policy that judged it; absent if the store kept none. */
  readonly policyId?: number;
  readonly at: number;
}
