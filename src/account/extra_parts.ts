/** The parts that extras add to an account, joined to one. */

import type { AccountPart, BotExtra, ToldEvents } from "../bot/bot_extra.ts";
import type { GuildId } from "../core/discord/ids.ts";
import type { Finding } from "../core/finding.ts";
import type { NumberedEvent } from "../core/hooks/hook.ts";
import type { ServerEvent } from "../core/hooks/server_event.ts";
import type { ButtonPress, CommandCall } from "../core/inbound/interactions.ts";
import type { VoicePort } from "../core/turn/ports/voice.ts";
import type { EndedTurn } from "../flows/turn/control/lines_under.ts";
import type { TurnSpeech, TurnToSpeak } from "../flows/turn/progress/speech.ts";
import type { CommandAnswer } from "../interactions/base/command.ts";
import type { Store } from "../store/store.ts";
import type { BotAccount } from "./account.ts";
import { perAccount } from "./per_account.ts";

interface Extras {
  parts: readonly AccountPart[];
  isStarted?: true;
}

const extrasOf = perAccount("main", (): Extras => ({ parts: [] }));

/** Creates the parts, once, while the account is made. */
export async function loadExtras(
  account: BotAccount,
  extras: readonly BotExtra[],
): Promise<void> {
  const creates = await Promise.all(extras.map(({ account: load }) => load?.()));
  extrasOf(account).parts = creates.flatMap((create) => create ? [create(account)] : []);
}

/** The account is online, perhaps again. */
export function startExtras(account: BotAccount): void {
  const extras = extrasOf(account);
  if (extras.isStarted) return;
  extras.isStarted = true;
  for (const part of extras.parts) part.start?.();
}

/** The config has changed; or a command has changed rows of a namespace. */
export function extrasChanged(account: BotAccount, namespace?: keyof Store): void {
  for (const part of extrasOf(account).parts) {
    if (namespace === undefined || part.namespaces?.includes(namespace)) part.reconfigured?.();
  }
}

/** Tells the parts of an event, after the core has handled it. */
export function tellExtras<Name extends keyof ToldEvents>(
  account: BotAccount,
  name: Name,
  ...args: Parameters<ToldEvents[Name]>
): void {
  for (const { events } of extrasOf(account).parts) {
    const handle = events?.[name] as ((...given: typeof args) => void) | undefined;
    handle?.(...args);
  }
}

/** Lines under an answer. A part that fails adds none: the answer is paid for. */
export function linesOfExtras(account: BotAccount, turn: EndedTurn): readonly string[] {
  return extrasOf(account).parts.flatMap((part) => {
    try {
      return part.linesUnder?.(turn) ?? [];
    } catch (error) {
      account.log.error("Cannot make the lines of an extra under an answer", { error });
      return [];
    }
  });
}

/** Runs a command or a press by the part that has its work. */
export async function runByExtra(
  account: BotAccount,
  use: CommandCall | ButtonPress,
): Promise<CommandAnswer> {
  const [running] = extrasOf(account).parts.flatMap<Promise<CommandAnswer>>((
    { commands, presses },
  ) =>
    "customId" in use
      ? presses?.[use.customId.split(":")[0] ?? ""]?.(use) ?? []
      : commands?.[use.name]?.(use) ?? []
  );
  return await running ?? "";
}

/** Runs the tool `voice`. */
export async function voiceOfExtras(
  account: BotAccount,
  ...call: Parameters<VoicePort>
): Promise<string> {
  const [voice] = extrasOf(account).parts.flatMap((part) => part.voice ?? []);
  return await voice?.(...call) ?? "";
}

/** The voice of the first part that has one for this turn. */
export function speechOfExtras(account: BotAccount, turn: TurnToSpeak): TurnSpeech | undefined {
  for (const part of extrasOf(account).parts) {
    const speech = part.speechOf?.(turn);
    if (speech) return speech;
  }
  return undefined;
}

/** The events to answer, which are stored with the gateway's progress (W7). */
export function eventsOfExtras(account: BotAccount, told: ServerEvent): readonly NumberedEvent[] {
  return extrasOf(account).parts.flatMap((part) => part.eventsOf?.(told) ?? []);
}

/**
 * Stores the events of a guild that no session brought.
 *
 * @throws {RestError} If Discord does not answer.
 */
export async function readMissedEvents(
  account: BotAccount,
  guildId: GuildId,
  since: number,
): Promise<void> {
  for (const part of extrasOf(account).parts) await part.missedEvents?.(guildId, since);
}

/** The servers at which each person signs in (T13a); one extra has them. */
export function ownServers(account: BotAccount): AccountPart["own"] {
  return extrasOf(account).parts.find(({ own }) => own)?.own;
}

export function extraFindings(account: BotAccount): readonly Finding[] {
  return extrasOf(account).parts.flatMap((part) => part.findings?.() ?? []);
}

/** Stops one part after the other; never rejects, for the core stops after them. */
export async function stopExtras(account: BotAccount): Promise<void> {
  for (const part of extrasOf(account).parts) {
    await part.stop?.().catch((error: unknown) =>
      account.log.error("Cannot stop an extra", { error })
    );
  }
}
