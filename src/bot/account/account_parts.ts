/**
 * The list of an account's parts.
 *
 * @module
 */

import type { Reader } from "../../discord/gateway/read/reader.ts";
import type { DuplicateWatch } from "../../flows/preflight/duplicate_instance.ts";
import type { Emitter } from "../../lib/emitter.ts";
import type { Runner } from "../../flows/schedules/runner.ts";
import type { AccountContext } from "../account_context.ts";
import type { AccountCatchUp } from "../gateway/catch_up.ts";
import type { Inbound } from "../inbound/inbound_interface.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { PolicyKeeper } from "../../flows/judging/policy_keeper.ts";
import type { AccountFiles } from "../turn/account_files.ts";
import type { RunEvents } from "../schedules/schedules.ts";
import type { QuestionCards } from "../../flows/questions/cards.ts";
import type { GatewayParts } from "./gateway_parts.ts";
import type { AccountTurns } from "../turn/turns.ts";

/** The parts of an account. */
export interface Parts extends Omit<GatewayParts, "reader"> {
  /** The account's own user and its guilds, as the gateway told them. */
  readonly reader: Reader;
  /** Keeps the current policy. */
  readonly policy: PolicyKeeper;
  /** Sends messages and notices. */
  readonly outbound: Outbound;
  /** Judges and stores events. */
  readonly inbound: Inbound;
  /** Reads missed messages. */
  readonly catchUp: AccountCatchUp;
  /** Answers messages. */
  readonly turns: AccountTurns;
  /** Reads and keeps files of messages. */
  readonly files: AccountFiles;
  /** Runs reminders and other schedules. */
  readonly schedules: Runner;
  /** Shows questions to people. */
  readonly questions: QuestionCards;
  /** The context that the account's flows share. */
  readonly account: AccountContext;
  /** Events of scheduled runs. */
  readonly runEvents: Emitter<RunEvents & { changed(): void }>;
  /** Watches for a second process with the same token. */
  readonly duplicates: DuplicateWatch;
  /** Aborted when the account ends by itself: no turn begins after that. */
  readonly ended: AbortController;
}
