/** The contract of `store.hooks`: events of other programs, their runs, and incidents (W2, W6). */

import type { AccountId, ChannelId, MessageId } from "../discord/ids.ts";
import type { HookEvent, HookIncident, HookRun, NewHookEvent, StoredHookEvent } from "./hook.ts";
import type { Frozen } from "../outbound/outbound.ts";

/** All methods of `store.hooks`. */
export interface HookRecords extends HookIncidents {
  /**
   * Stores an event on the disk, once for each id of its sender.
   *
   * @param number Random, of 22 bits: tells events of the same millisecond apart.
   * @returns `undefined` if too many events of the hook wait.
   */
  accept(event: NewHookEvent, now: number, number: number): Promise<StoredHookEvent | undefined>;
  /** Events of an account that wait, by hook and key; the oldest first. */
  waiting(accountId: AccountId): Promise<readonly WaitingEvents[]>;
  /** When runs of an account began since a time, by hook and key. */
  startsSince(accountId: AccountId, since: number): Promise<readonly RunStart[]>;
  /** Takes all waiting events of a hook and key for one run; `undefined` if none waits. */
  claim(accountId: AccountId, hook: string, key: string, now: number): Promise<HookRun | undefined>;
  /** Runs that have not ended. A run whose turn has ended is none of them. */
  open(accountId: AccountId): Promise<readonly HookRun[]>;
  /** Whether an account has events that no one has answered. */
  hasOpen(accountId: AccountId): Promise<boolean>;
  /**
   * Refuses events of accounts that the config does not have any more: no runner would.
   *
   * @param known The accounts of the config.
   * @returns Number of refused events.
   */
  refuseOthers(known: readonly AccountId[], now: number): Promise<number>;
  /** The newest events of a run, in their order. */
  eventsOf(runId: MessageId, limit: number): Promise<readonly HookEvent[]>;
  /** The turn of a run is in the inbox. */
  running(runId: MessageId): Promise<void>;
  /** Ends a run with messages of its own. A repetition changes nothing. */
  post(
    runId: MessageId,
    messages: readonly Frozen[],
    reason: string | undefined,
    now: number,
  ): Promise<void>;
  /** Ends a run that reaches no one. */
  refuse(runId: MessageId, reason: string): Promise<void>;
  /** The event with an id, and its run; `undefined` if there is none. */
  find(messageId: MessageId): Promise<FoundEvent | undefined>;
}

/** Incidents, each with a thread. */
export interface HookIncidents {
  /**
   * Adds a run to the incident of its key, or begins one with its first post. A repetition changes
   * nothing.
   *
   * @returns `undefined` if the run ends an incident that never was.
   */
  joinIncident(run: HookRun, state: IncidentState, now: number): Promise<HookIncident | undefined>;
  /** The first post of an incident at Discord. `lost`: Discord has not taken it. */
  firstPost(incident: HookIncident): Promise<MessageId | "waiting" | "lost">;
  /** Stores what became of an incident. */
  noteIncident(
    id: number,
    noted: Partial<Pick<HookIncident, "messageId" | "thread" | "isArchived">>,
  ): Promise<void>;
  /**
   * Ends an incident whose first post or thread Discord does not have: the next event of its key begins
   * another one. A run that has not begun is no part of it any more.
   */
  abandonIncident(id: number, now: number): Promise<void>;
  /** The first post shows the state of so many events. */
  noteShown(id: number, events: number): Promise<void>;
  /** Incidents whose first post is old, or that have ended and are not archived. */
  unfinished(accountId: AccountId): Promise<readonly HookIncident[]>;
  /** Whether answers of an incident are still to come or to be sent. */
  hasOpenWork(incident: HookIncident): Promise<boolean>;
}

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
