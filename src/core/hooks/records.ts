/** Values of `store.hooks`: incidents, waiting events and runs (W2, W6). */

import type { ChannelId } from "../discord/ids.ts";
import type { HookEvent, HookIncident, HookRun } from "./hook.ts";
import type { Frozen } from "../outbound/outbound.ts";

/** The newest state of an incident. */
export interface IncidentState {
  readonly channelId: ChannelId;
  readonly title: string;
  readonly isEnd: boolean;
  /** Makes the first post. */
  readonly compose: (incident: Pick<HookIncident, "title" | "events" | "startedAt">) => Frozen;
}

/** Events that wait together. */
export interface WaitingEvents {
  readonly hook: string;
  readonly key: string;
  readonly count: number;
}

/** The begin of a run. */
export interface RunStart {
  readonly hook: string;
  readonly key: string;
  readonly at: number;
}

/** An event on record. */
export interface FoundEvent {
  readonly event: HookEvent;
  /** Absent while it waits. */
  readonly run?: HookRun;
}
