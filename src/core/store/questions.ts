/** Values of `store.questions`: cards and parked turns (A1, T10). */

import type { ChannelId } from "../discord/ids.ts";
import type { Claim } from "../inbound/inbox.ts";
import type { Frozen } from "../outbound/outbound.ts";
import type { AskedCall, StoredQuestion } from "../people/question.ts";
import type { Charge } from "../spending/usage.ts";
import type { Step } from "../step.ts";

export interface NewCard {
  readonly frozen: Frozen;
  readonly controls: readonly NewControl[];
}

export interface NewControl {
  /** Its `custom_id`: a name and 128 random bits. */
  readonly customId: string;
  /** Key of its choice, or the name of its kind. */
  readonly choice: string;
}

/** A card of a decided question that still shows it as open. */
export interface OutdatedCard {
  readonly id: number;
  readonly channelId: ChannelId;
  readonly nonce: string;
  readonly question: StoredQuestion;
  /** Whether it was posted in Discord's second layout; absent if that is not known any more. */
  readonly isCard?: boolean;
}

export interface TurnToPark {
  readonly claim: Claim;
  /** Its last steps, which are not stored yet. */
  readonly steps: readonly Step[];
  /** Requests to models since the last stored step. */
  readonly charges: readonly Charge[];
  /** At least one call that waits. */
  readonly asked: readonly (AskedCall & { readonly code: string })[];
  readonly now: number;
}
