/** Sets, lists and deletes schedules: those of the asker, with their rights, in their channel (T12). */

import type { BotAccount } from "../../account/account.ts";
import {
  hasOnlyWordsOf,
  type InboundMessage,
  readable,
  termsOf,
} from "../../core/inbound/inbound.ts";
import { badArguments, RefusedCall, type ToolContext } from "../../core/turn/tool.ts";
import { MAX_PER_USER, setByOf } from "./store.ts";
import type { Schedule } from "./store.ts";
import { localTime } from "../../render/prompt/prompt.ts";
import { shownText } from "../../render/safety/visible.ts";
import { neutralizedText } from "../../render/tool_message.ts";
import { cleanText } from "../../flows/deliver/tool_messages.ts";
import { isOwner } from "../../flows/owners/owner_ids.ts";
import { showing } from "../../flows/actions/targets.ts";
import { wakeSchedules } from "./runner.ts";
import type { RemindInput } from "./tool.ts";
import { readWhen } from "./when.ts";
import { timezoneOf } from "../../host/process/boot.ts";

/** Arguments of the tool `remind`, and its call: a repetition sets no second schedule. */
interface NewReminder
  extends Omit<RemindInput, "action" | "id">, Pick<ToolContext, "agentId" | "callKey"> {}

/** Sets a schedule that runs in the message's channel. Rejects with words for the model. */
export async function setSchedule(
  account: BotAccount,
  asker: InboundMessage,
  { when, text, task, agentId, callKey }: NewReminder,
): Promise<Schedule> {
  const { store, now } = account;
  const config = account.config();
  if (when === undefined || text === undefined || text.trim() === "") {
    throw badArguments("`create` needs `when` and `text`");
  }
  if (termsOf(asker).isUnasked) {
    throw new RefusedCall("policy", "an event or a scheduled task may set no reminders or tasks");
  }
  const read = await readWhen(when, { now: now(), timezone: timezoneOf(config) });
  if (read.kind === "problem") throw badArguments(read.why);
  if (read.kind === "cron" && !isOwner(account, asker)) {
    const why = "only an owner of the bot may repeat it; write one time or a duration";
    throw new RefusedCall("owners_only", why);
  }
  const clean = neutralizedText(cleanText(account, shownText(text)), {
    written: [asker.text],
    linkHosts: config.messages.linkHosts,
  });
  if (clean.trim() === "") throw badArguments("`text` has nothing to show");
  const created = await store.schedules.create({
    accountId: asker.accountId,
    creatorId: asker.sender.id,
    callKey,
    setBy: setByOf(asker, agentId),
    kind: task ? "task" : "reminder",
    text: clean,
    isOwnWords: hasOnlyWordsOf(clean, [readable(asker.text, asker.names)]),
    cron: read.kind === "cron" ? read.pattern : undefined,
    nextAt: read.at,
    createdAt: now(),
  });
  if (!created) {
    const why =
      `this person has ${MAX_PER_USER} reminders and tasks already; one must be deleted first`;
    throw new RefusedCall("budget", why);
  }
  wakeSchedules(account);
  return created;
}

/**
 * The asker's own schedules with a run before them: in a guild only those of the guild, in direct
 * messages all of them (SEC-R4).
 */
export async function ownSchedules(
  { store }: BotAccount,
  { accountId, sender, guildId, channelId, place }: InboundMessage,
): Promise<readonly Schedule[]> {
  const all = await store.schedules.list(accountId, sender.id);
  return all.filter(({ setBy, nextAt }) =>
    nextAt !== undefined &&
    (place.kind === "dm" ||
      (guildId === undefined ? setBy.channelId === channelId : setBy.guildId === guildId))
  );
}

/** Deletes one of {@link ownSchedules}. @returns Whether there was such a schedule. */
export async function removeSchedule(
  account: BotAccount,
  asker: InboundMessage,
  id: number,
): Promise<boolean> {
  const own = await ownSchedules(account, asker);
  if (!own.some((schedule) => schedule.id === id)) return false;
  const wasThere = await account.store.schedules.remove(id);
  wakeSchedules(account);
  return wasThere;
}

/** A schedule in a line for the model, without the words that the asker's readers may not see (T4). */
export async function scheduleLine(
  account: BotAccount,
  asker: InboundMessage,
  { id, kind, text, cron, nextAt, pausedBy, setBy: { channelId } }: Schedule,
): Promise<string> {
  return JSON.stringify({
    id,
    kind,
    next: nextAt !== undefined ? localTime(nextAt, timezoneOf(account.config())) : undefined,
    cron,
    channel: `<#${channelId}>`,
    paused: pausedBy ? true : undefined,
    text: await showing(account, asker)(channelId) ? text : undefined,
  });
}
