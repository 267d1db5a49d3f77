/** The list of an account's parts. */

import type { Reader } from "../../discord/gateway/read/reader.ts";
import type { DuplicateWatch } from "../../flows/preflight/duplicate_instance.ts";
import type { Runner } from "../../flows/schedules/runner.ts";
import type { AccountContext } from "../account_context.ts";
import type { CatchUp } from "../../flows/catch_up/catch_up.ts";
import type { Inbound } from "../inbound/inbound_interface.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { PolicyKeeper } from "../../flows/judging/policy_keeper.ts";
import type { AccountFiles } from "../turn/account_files.ts";
import type { QuestionCards } from "../../flows/questions/cards.ts";
import type { GatewayParts } from "./gateway_parts.ts";
import type { AccountTurns } from "../turn/turns.ts";

/** The parts of an account. */
export interface Parts extends Omit<GatewayParts, "reader"> {
  readonly reader: Reader;
  readonly policy: PolicyKeeper;
  readonly outbound: Outbound;
  readonly inbound: Inbound;
  readonly catchUp: CatchUp;
  readonly turns: AccountTurns;
  readonly files: AccountFiles;
  readonly schedules: Runner;
  readonly questions: QuestionCards;
  readonly account: AccountContext;
  /** Watches for a second process with the same token. */
  readonly duplicates: DuplicateWatch;
  /** Aborted when the account ends by itself: no turn begins after that. */
  readonly ended: AbortController;
}
