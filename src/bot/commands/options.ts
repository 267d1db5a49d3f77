/**
 * Declares the dependencies of commands and components.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import type { StopScope } from "../../core/inbound/changes.ts";
import type { CommandNeeds } from "../../core/inbound/commands.ts";
import type { CommandCall, ComponentUse } from "../../core/inbound/interactions.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { Model } from "../../core/model.ts";
import type { SpendPort } from "../../core/spending/metered_model.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import type { InteractionContext, StatusFacts } from "../../interactions/base/context.ts";
import type { Logging } from "../../log.ts";
import type { TokenRates } from "../../session/history.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { OwnerIds } from "../owners/owner_ids.ts";
import type { OwnerPresence } from "../../flows/owners/owner_presence.ts";
import type { Judging } from "../judging/judging.ts";
import type { PolicyKeeper } from "../rules/policy.ts";
import type { AskOptions } from "./ask.ts";
import type { CommandSources } from "./sources.ts";
import type { Store } from "../../core/store/store.ts";

/** The namespaces of the store that commands use. */
export type InteractionStore = Pick<
  Store,
  | "changes"
  | "forgetting"
  | "inbox"
  | "notes"
  | "pairing"
  | "questions"
  | "received"
  | "sessions"
  | "settings"
  | "turns"
  | "usage"
>;

/** The settings and dependencies of an account's interactions. */
export interface InteractionOptions {
  /** The current config; a reload replaces it (C9). */
  readonly config: () => Config;
  /** Methods of the store. */
  readonly store: InteractionStore;
  /** Sends requests to Discord. */
  readonly client: RestClient;
  /** The account's own user and its guilds, as the gateway told them. */
  readonly reader: Reader;
  /** Keeps the current policy. */
  readonly policy: PolicyKeeper;
  /** Finds the owners' ids. */
  readonly owners: Pick<OwnerIds, "ownsApplication" | "sessionOwner">;
  /** The model that answers. */
  readonly model: () => Model;
  /** Estimates of tokens by model. */
  readonly rates: Pick<TokenRates, "rateOf">;
  /** Asks whether an owner is in a guild. Never rejects. */
  readonly ownerIn: OwnerPresence["ask"];
  /** Sends messages and notices. */
  readonly outbound: Pick<Outbound, "channelQueues" | "cleanSecrets" | "tellPerson">;
  /** A question to people was decided. */
  readonly onDecided: () => void;
  /** Whether a person may decide about a call of another person (T11). */
  readonly mayDecide: InteractionContext["questions"]["mayDecide"];
  /** The process's log, by part. */
  readonly logging: Logging;
  /** The account's current status, for `/status`. */
  readonly status: () => StatusFacts;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** The dependencies of commands beside those of all interactions. */
export interface CommandOptions
  extends CommandSources, Pick<Judging, "commandOf" | "route" | "sessionOf" | "settings"> {
  /** Judges a message by the current policy and known facts. */
  readonly judge: AskOptions["judge"];
  /** The current limits of waiting turns (X4). */
  readonly waiting: AskOptions["waiting"];
  /** These channels have a notice that too many turns wait. */
  readonly onRefused: AskOptions["onRefused"];
  /** Stops turns; returns how many messages have lost theirs. */
  readonly stopTurns: (scope: StopScope) => Promise<number>;
  /** Checks budgets and counts requests. */
  readonly spend: SpendPort;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
  /** A question of a command waits for its turn. */
  readonly onAsked: () => void;
}

/** The rights of commands. */
export type AuthorizeCall = (
  call: Omit<CommandCall, "name" | "options"> | ComponentUse,
  needs: CommandNeeds,
) => Promise<Verdict>;
