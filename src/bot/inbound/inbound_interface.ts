/**
 * The interface of an account's inbound side: its options and its methods.
 *
 * @module
 */

import type { UserId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Route } from "../../core/inbound/inbox.ts";
import type { DispatchBatch } from "../../discord/gateway/link/protocol.ts";
import type { Acceptor } from "../../flows/receive/accept.ts";
import type { AnswerThreads } from "../../flows/turn/answer_threads.ts";
import type { Store } from "../../store/store.ts";
import type { Meter } from "../health/meters.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { InboundEvents } from "./events.ts";
import type { InteractionHandlers } from "../commands/interactions.ts";
import type { CommandOptions, InteractionOptions, InteractionStore } from "../commands/options.ts";
import type { Judge } from "./judge.ts";
import type { NamesOptions } from "./names.ts";
import type { OwnerIds } from "../owners/owner_ids.ts";
import type { OwnerPresence } from "../owners/owner_presence.ts";

/** The settings and dependencies of an account's inbound side. */
export interface InboundOptions
  extends
    NamesOptions,
    Omit<InteractionOptions, "ownerIn">,
    Omit<CommandOptions, "judge" | "route" | "waiting" | "onRefused" | "stopTurns" | "onAsked"> {
  /** Barnacle's version, for the User-Agent. */
  readonly version: string;
  /** Methods of the store. */
  readonly store: InteractionStore & Pick<Store, "gateway">;
  /** Finds the owners' ids. */
  readonly owners: OwnerIds;
  /** The threads of the account's answers. */
  readonly threads: Pick<AnswerThreads, "start" | "opensFor" | "continuesIn" | "membersChanged">;
  /** Sends messages and notices. */
  readonly outbound: Pick<
    Outbound,
    "channelQueues" | "cleanSecrets" | "reachOwners" | "tellOwners" | "tellPerson"
  >;
  /** Counts events for the metrics. */
  readonly meter: Pick<Meter, "stored">;
  /** Whether an account of this process is that user. */
  readonly isOurs: (userId: UserId) => boolean;
}

/** The inbound side of an account. */
export interface Inbound extends Pick<Acceptor, "acceptHistory"> {
  /** Judges messages. */
  readonly judge: Judge;
  /** Text commands, and their effects on turns. */
  readonly commands: InteractionHandlers["commands"];
  /** Finds the agent and the session for a message. */
  readonly route: (message: InboundMessage) => Route;
  /** Asks whether an owner is in a guild. Never rejects. */
  readonly ownerIn: OwnerPresence["ask"];
  /** Connects the events, before the first one. */
  connect(events: InboundEvents): void;
  /** Continues where the last process stopped. Nothing may be judged before it resolves. */
  start(): Promise<void>;
  /** Takes a batch from the gateway. */
  take(batch: DispatchBatch): void;
  /** A shard is ready: names can be resolved now. */
  ready(): void;
  /** Resolves once the commands and components received so far are answered. */
  answered(): Promise<void>;
  /** The config and its policy have changed. */
  reconfigured(): void;
  /**
   * Stores the waiting events, and begins nothing more.
   *
   * @throws {StoreError} If the store fails; Discord will send the events again.
   */
  stop(): Promise<void>;
}
