/**
 * Gathers facts about the time and place of a message that the store does not have.
 *
 * @module
 */

import { type AccountId, createdAtMs, toAccountId } from "../../core/discord/ids.ts";
import { restore } from "../../discord/gateway/decode/guild_index.ts";
import { toIntents } from "../../discord/gateway/read/intents.ts";
import { DEFAULT_RETENTION } from "../../store/received/retention.ts";
import type { AccessNow } from "../verdict/current_policy.ts";
import type { AccountEvidence, Evidence } from "./no_record.ts";
import type { Subject } from "./subject.ts";
import type { Store } from "../../core/store/store.ts";

/** Reads the facts from the store. */
export async function evidenceOf(
  { messageId, place }: Extract<Subject, { kind: "message" }>,
  store: Store,
  { dataDir, now }: { readonly dataDir: string; readonly now: AccessNow },
): Promise<Evidence> {
  const sentAt = createdAtMs(messageId);
  const runs = await store.gateway.runsAround(sentAt);
  return {
    sentAt,
    now: Date.now(),
    runs,
    accounts: await accountsOf(store, now),
    place,
    decisionsDays: now.kind === "read"
      ? now.config.retention.decisionsDays
      : DEFAULT_RETENTION.decisionsDays,
    dataDir,
  };
}

async function accountsOf(store: Store, now: AccessNow): Promise<readonly AccountEvidence[]> {
  const ids = now.kind === "read" ? now.views.map(({ accountId }) => accountId) : [];
  const accounts: AccountEvidence[] = [];
  for (const accountId of ids.length > 0 ? ids : [toAccountId("default")]) {
    accounts.push(await accountOf(accountId, store));
  }
  return accounts;
}

async function accountOf(accountId: AccountId, store: Store): Promise<AccountEvidence> {
  const { intents, shards } = await store.gateway.loadAccount(accountId);
  const { index } = restore(await store.gateway.guildsOf(accountId));
  const gaps = shards.flatMap(({ catchUpFrom }) => catchUpFrom === undefined ? [] : [catchUpFrom]);
  const lastEvents = shards.map(({ aliveAt }) => aliveAt);
  const asksFor = (name: string): boolean =>
    intents !== undefined && (intents & toIntents([name]).bits) !== 0;
  return {
    accountId,
    intents: intents !== undefined
      ? {
        guildMessages: asksFor("guild_messages"),
        directMessages: asksFor("direct_messages"),
      }
      : undefined,
    gapSince: gaps.length > 0 ? Math.min(...gaps) : undefined,
    heardAt: lastEvents.length > 0 ? Math.min(...lastEvents) : undefined,
    guilds: Array.from(index.values(), ({ id, name, channels }) => ({
      id,
      name,
      channels: new Set(channels.keys()),
    })),
  };
}
