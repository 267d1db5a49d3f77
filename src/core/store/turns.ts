/** Values of `store.turns`: the place of overheard messages, and turns that go to another agent. */

import type { AccountId, ChannelId } from "../discord/ids.ts";
import type { Claim, Route } from "../inbound/inbox.ts";
import type { Entry } from "../inbound/transcript.ts";
import type { Charge } from "../spending/usage.ts";
import type { Step } from "../step.ts";

export interface OverheardKey {
  readonly accountId: AccountId;
  /** Channel, thread or direct message channel of the messages. */
  readonly channelId: ChannelId;
}

export interface TurnToPass {
  readonly claim: Claim;
  /** The agent that goes on, and the session. */
  readonly to: Route;
  /** Its last steps, which are not stored yet: at least the one that names the other agent. */
  readonly steps: readonly Step[];
  /** Requests to models since the last stored step. */
  readonly charges: readonly Charge[];
  /** Transcript entries that the session of the first agent keeps of this turn. */
  readonly entries: readonly Entry[];
  readonly now: number;
}
