/** Reads the facts about a bot that its store has, for the first lines of `barnacle status`. */

import { existsSync } from "node:fs";
import { restoreIndex } from "../../discord/gateway/decode/guild_index.ts";
import type { RecentTurn } from "../../store/messages/messages.ts";
import type { Store, StoreExtent } from "../../store/store.ts";
import { backupText } from "../../flows/preflight/host.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { durationText, sizeOf } from "../../lib/text/units.ts";
import { sessionNameOf } from "../../session/session.ts";
import { budgetUsesIn, limitLine, usageText } from "../model/usage.ts";
import { readConfigLeniently, type SlugOf, slugsIn } from "../../cli/shared/read_config.ts";
import type { Io } from "../../cli/terminal/io.ts";

/** Names of servers in one line. */
const SHOWN_SERVERS = 5;

/** Number of the newest turns that are read. */
export const LOOKED_TURNS = 100;

/** The facts with their titles, the most important first. */
export async function factsIn(
  store: Store,
  config: string | undefined,
  io: Io,
): Promise<readonly (readonly [what: string, text: string])[]> {
  const now = Date.now();
  const loaded = await readConfigLeniently(config, io.env);
  const known = loaded.kind === "loaded" ? loaded.config : undefined;
  const currency = known?.models.currency;
  const uses = await budgetUsesIn(store, known?.budgets, now);
  const turns = await store.messages.recentTurns(LOOKED_TURNS);
  const backups = await store.settings.backups();
  return [
    ...uses.map((use) => ["Budget", limitLine(use, currency).replace(/^Limit /, "")] as const),
    ["Use", await usageText(store, now, currency)],
    ["Last answer", lastAnswerText(turns, slugsIn(loaded), now)],
    ["Backup", backupText(backups, now, existsSync(backups.made?.path ?? ""))],
    ["Servers", await serversText(store)],
    ["Store", extentText(await store.upkeep.extent(), now)],
  ];
}

function lastAnswerText(turns: readonly RecentTurn[], slugOf: SlugOf, now: number): string {
  const last = turns.find(({ state }) => state === "answered");
  const failed = turns.slice(0, last ? turns.indexOf(last) : undefined)
    .filter(hasFailed).length;
  const since = failed === 0 ? "" : `; ${failed} failed since: \`barnacle doctor\``;
  if (!last) return `none yet${since}`;
  const { finishedAt, acceptedAt } = last;
  const took = ((finishedAt - acceptedAt) / 1_000).toFixed(1);
  const ago = durationText(now - finishedAt);
  return `${ago} ago, ${placeText(last, slugOf)}, after ${took} s${since}`;
}

/** `"412.3 MB, 30 MB of it free; oldest message of 2026-01-31 (60 days)"`. */
export function extentText(
  { bytes, freeBytes, oldestMessageAt, oldestDecisionAt }: StoreExtent,
  now: number,
): string {
  const age = (what: string, at: number | undefined) =>
    at === undefined ? [] : [`oldest ${what} of ${dayText(at)} (${ageText(now - at)})`];
  const free = freeBytes >= SHOWN_FREE_BYTES ? `, ${sizeOf(freeBytes)} of it free` : "";
  const ages = [...age("message", oldestMessageAt), ...age("decision", oldestDecisionAt)];
  return [`${sizeOf(bytes)}${free}`, ...ages].join("; ");
}

/** Less free room in the file is not worth a word. */
const SHOWN_FREE_BYTES = 1_000_000;

const dayText = (at: number) => new Date(at).toISOString().slice(0, 10);

function ageText(ms: number): string {
  const days = Math.floor(Math.max(0, ms) / DAY_MS);
  return days === 0 ? "today" : days === 1 ? "1 day" : `${days} days`;
}

/** Whether the person got no answer, although the bot tried. */
export function hasFailed({ state }: RecentTurn): boolean {
  return state === "failed" || state === "refused";
}

function placeText({ place, channelId }: RecentTurn, slugOf?: SlugOf): string {
  if (!place) return channelId;
  return place.kind === "guild" ? sessionNameOf(place, slugOf?.(place.guild.id)) : "direct message";
}

async function serversText({ gateway }: Store): Promise<string> {
  const names: string[] = [];
  for (const accountId of await gateway.accountIds()) {
    const { index } = restoreIndex(await gateway.guildsOf(accountId));
    names.push(...Array.from(index.values(), ({ name }) => name));
  }
  const shown = names.slice(0, SHOWN_SERVERS).join(", ");
  const isNew = names.length === 0 && (await gateway.runs(0)).length === 0;
  return isNew
    ? "not known before the first start"
    : names.length === 0
    ? "none: invite the bot with `barnacle invite`"
    : `${names.length}: ${shown}${names.length > SHOWN_SERVERS ? ", …" : ""}`;
}
