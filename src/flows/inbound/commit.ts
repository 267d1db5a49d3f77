/**
 * Stores units of events in the order of their arrival: T0, gaps and T1. Then it reports everything
 * that may begin.
 */

import type {
  Accepted,
  AcceptedBatch,
  Echo,
  Judged,
  MessageChange,
  MessageOrigin,
} from "../../core/inbound/inbox.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { InboundBatch, ReactionRecord, SessionStarted } from "../../core/inbound/events.ts";
import type { NumberedEvent } from "../../core/hooks/hook.ts";
import type { SlashCommand } from "../../core/inbound/interactions.ts";
import type { GuildSnapshot } from "../../core/inbound/inbound.ts";
import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import { createOnlineReport } from "../../discord/gateway/main/connection.ts";
import { catchUpOf } from "../catch_up/catch_up.ts";
import { tellExtras } from "../../account/extra_parts.ts";
import { sawForeign } from "../preflight/duplicate_instance.ts";
import { pairingService } from "./challenge.ts";
import { waitForFacts } from "./pluralkit.ts";
import { tellStored } from "./stored.ts";
import { waitingRules } from "./waiting_turns.ts";
import { registerLater } from "../register_commands.ts";

/** Reports that the account is online, once its guilds have come. */
export const onlineOf: (account: BotAccount) => ReturnType<typeof createOnlineReport> = perAccount(
  "gateway",
  ({ accountId, reader, schedule, stopping, settings, bot: { onOnline } }) =>
    createOnlineReport({
      ...{ reader, schedule, stopping },
      onOnline: (bot, guilds) =>
        onOnline?.({ accountId, bot, guilds, models: settings.models.ids }),
    }),
);

/** Events that wait for one T1, with the T0 that must come before it. */
export interface Unit {
  /** The session to store by T0; cleared once it is stored, since a session begins once. */
  started: SessionStarted | undefined;
  /** Set if a gap precedes the events; cleared once it is stored. */
  afterHole: InboundBatch["afterHole"];
  readonly accountId: AccountId;
  readonly shardId: number;
  readonly isReplayed: InboundBatch["isReplayed"];
  /** Sequence number up to which the unit covers the shard's events. */
  seq: number;
  /** Ticket of the unit's last batch. */
  ticket: number;
  /**
   * Unix time in milliseconds at which its first batch arrived. A session or a gap begins then, and
   * not when the store accepts it: otherwise a later gap would begin after events that were lost.
   */
  readonly beganAt: number;
  arrivedAt: number;
  /** Length of the gateway's text, in UTF-16 units. */
  bytes: number;
  readonly judged: Judged[];
  readonly echoes: Echo[];
  readonly changes: MessageChange[];
  readonly reactions: ReactionRecord[];
  readonly hookEvents: NumberedEvent[];
  readonly commands: SlashCommand[];
  /** Guilds whose stored state changes. */
  readonly guilds: GuildSnapshot[];
}

/**
 * Stores units, oldest first, and removes each from the list. A unit that the store refuses goes
 * back to the front.
 *
 * @throws {StoreError} As a rejection.
 */
export async function commitUnits(account: BotAccount, units: Unit[]): Promise<void> {
  for (let unit = units.shift(); unit; unit = units.shift()) {
    try {
      await commit(account, unit);
    } catch (error) {
      units.unshift(unit);
      throw error;
    }
  }
}

async function commit(account: BotAccount, unit: Unit): Promise<void> {
  const { accountId, shardId, seq, ticket, arrivedAt, guilds } = unit;
  const { judged, echoes, changes, reactions, hookEvents, commands } = unit;
  await begin(account, unit);
  const batch = {
    accountId,
    heard: { shardId, seq },
    judged,
    echoes,
    changes: changes.length > 0 ? changes : undefined,
    guilds,
    reactions: reactions.length > 0 ? reactions : undefined,
    hookEvents: hookEvents.length > 0 ? hookEvents : undefined,
    commands: commands.length > 0 ? commands : undefined,
  };
  const origin = unit.isReplayed ? "replayed" : "live";
  const { foreign } = await storeBatch(account, batch, arrivedAt, origin);
  account.connection.committed(ticket);
  if (batch.hookEvents) tellExtras(account, "hookStored");
  if (foreign.length > 0) sawForeign(account, foreign);
}

/**
 * Stores T0, and the gap within the session before it. Each is stored once, also if the
 * store refuses a later one.
 *
 * Guilds that READY has made outdated are stored before it. Otherwise a process that dies between
 * the two would resume after READY, and take its outdated guilds for current.
 */
async function begin(account: BotAccount, unit: Unit): Promise<void> {
  const { store } = account;
  const catchUp = catchUpOf(account);
  const { started, accountId, shardId, beganAt, guilds } = unit;
  if (unit.afterHole) {
    catchUp.sessionDue(shardId); // turns wait for the missing messages: a new session follows
    await store.gateway.openGap(accountId, shardId, beganAt);
    unit.afterHole = undefined;
  }
  if (started) {
    catchUp.sessionStarting(shardId);
    if (guilds.length > 0) {
      await store.inbox.acceptBatch({ accountId, judged: [], echoes: [], guilds }, beganAt);
    }
    const { session, self } = started;
    await store.gateway.startSession(accountId, shardId, session, self, beganAt);
    unit.started = undefined;
    registerLater(account); // READY has named the application
    catchUp.sessionStarted(shardId);
    onlineOf(account).changed();
  }
}

/**
 * Stores one batch (T1), and reports everything that may begin.
 *
 * @throws {StoreError} As a rejection.
 */
export async function storeBatch(
  account: BotAccount,
  batch: AcceptedBatch,
  arrivedAt: number,
  origin: MessageOrigin,
): Promise<Accepted> {
  const hasUnpaired = batch.judged.some(({ verdict }) => verdict.kind === "challenge");
  const isLimited = hasUnpaired ||
    batch.judged.some(({ verdict, policyVerdict = verdict }) => policyVerdict.kind === "accept");
  const done = await account.store.inbox.acceptBatch(
    {
      ...batch,
      ...(hasUnpaired && { pairing: pairingService(account) }),
      ...(isLimited && { waiting: waitingRules(account, origin) }),
    },
    arrivedAt,
  );
  tellStored(account, done);
  waitForFacts(account, done.undecided, origin);
  return done;
}
