/** The interface of an account's inbound side: its options and its methods. */

import type { DispatchBatch } from "../../discord/gateway/link/protocol.ts";
import type { Connection } from "../../discord/gateway/main/connection.ts";
import type { Acceptor } from "../../flows/receive/accept.ts";
import type { PolicyKeeper } from "../../flows/judging/policy_keeper.ts";
import type { Turns } from "../../flows/turn/turns.ts";
import type { AnswerThreads } from "../../flows/turn/answer_threads.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { InteractionParts } from "../commands/context.ts";
import type { InteractionHandlers } from "../commands/interactions.ts";
import type { OwnerIds } from "../../flows/owners/owner_ids.ts";
import type { Finding } from "../../core/finding.ts";
import type { AccountEvents } from "../../core/account/events.ts";
import type { AccountPorts } from "../account_interface.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";

/** The parts of an account that its inbound side uses. */
export interface InboundParts
  extends
    Omit<InteractionParts, "owners" | "outbound" | "waiting" | "stopTurns">,
    Pick<AccountPorts, "isOnly" | "isOurs" | "memory"> {
  readonly policy: PolicyKeeper;
  readonly connection: Pick<Connection, "setRepeats" | "renew">;
  readonly turns: Pick<Turns, "accepted">;
  readonly reader: Reader;
  readonly owners: OwnerIds;
  readonly threads: Pick<AnswerThreads, "start" | "membersChanged" | "reacted">;
  readonly outbound: Pick<
    Outbound,
    "channelQueues" | "cleanSecrets" | "progress" | "reachOwners" | "tellOwners" | "tellPerson"
  >;
}

/** The inbound side of an account. */
export interface Inbound
  extends Pick<Acceptor, "acceptHistory">, Pick<AccountEvents, "undecided" | "challenged"> {
  /** A shard's new session is stored. */
  sessionStarted(): void;
  readonly commands: InteractionHandlers["commands"];
  /** Continues where the last process stopped. Nothing may be judged before it resolves. */
  start(): Promise<void>;
  /** Takes a batch from the gateway. */
  take(batch: DispatchBatch): void;
  /** Sets the number of the account's shards. */
  setShardCount(count: number): void;
  /** A shard is ready: names can be resolved now. */
  ready(shardId: number): void;
  /** Resolves once the commands and components received so far are answered. */
  answered(): Promise<void>;
  /** A person was forgotten: health names them no more. */
  personForgotten(): void;
  /** The config and its policy have changed. */
  reconfigured(): void;
  /** READYs in a row of a shard that cannot be read. */
  readysUnread(count: number): void;
  /** Current problems, for health. */
  findings(): readonly Finding[];
  /**
   * Stores the waiting events, and begins nothing more.
   *
   * @throws {StoreError} If the store fails; Discord will send the events again.
   */
  stop(): Promise<void>;
}
