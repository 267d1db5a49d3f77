/** Creates the parts that extras add to an account, and joins them to one. */

import type { GuildId } from "../../core/discord/ids.ts";
import type { Finding } from "../../core/finding.ts";
import type { ButtonPress, CommandCall } from "../../core/inbound/interactions.ts";
import type { CommandAnswer } from "../../interactions/base/command.ts";
import type { VoicePort } from "../../core/turn/ports/voice.ts";
import type { ServerEvent } from "../../core/hooks/server_event.ts";
import type { Store } from "../../store/store.ts";
import type { TurnSpeech, TurnToSpeak } from "../../flows/turn/progress/speech.ts";
import type { EndedTurn } from "../../flows/turn/control/lines_under.ts";
import type { AccountContext } from "../account_context.ts";
import type { AccountServices, BotExtra, ToldEvents } from "../bot_extra.ts";

export async function createExtraParts(
  extras: readonly BotExtra[],
  account: AccountContext,
  services: AccountServices,
) {
  const creates = await Promise.all(extras.map(({ account: load }) => load?.()));
  const parts = creates.flatMap((create) => create ? [create(account, services)] : []);
  const { log } = account.forPart("main");
  let isStarted = false;
  return {
    /** The account is online, perhaps again. */
    start(): void {
      if (isStarted) return;
      isStarted = true;
      for (const part of parts) part.start?.();
    },
    reconfigured(): void {
      for (const part of parts) part.reconfigured?.();
    },
    changedByCommand(namespace: keyof Store): void {
      for (const part of parts) if (part.namespaces?.includes(namespace)) part.reconfigured?.();
    },
    /** Passes an event to the parts, after the core's handlers. */
    tell<Name extends keyof ToldEvents>(name: Name, ...args: Parameters<ToldEvents[Name]>) {
      for (const { events } of parts) {
        const handle = events?.[name] as ((...given: typeof args) => void) | undefined;
        handle?.(...args);
      }
    },
    /** Lines under an answer. A part that fails adds none: the answer is paid for. */
    linesUnder: (turn: EndedTurn): readonly string[] =>
      parts.flatMap((part) => {
        try {
          return part.linesUnder?.(turn) ?? [];
        } catch (error) {
          log.error("Cannot make the lines of an extra under an answer", { error });
          return [];
        }
      }),
    /** Runs a command or a press by the part that has its work. */
    async run(use: CommandCall | ButtonPress): Promise<CommandAnswer> {
      const [running] = parts.flatMap<Promise<CommandAnswer>>(({ commands, presses }) =>
        "customId" in use
          ? presses?.[use.customId.split(":")[0] ?? ""]?.(use) ?? []
          : commands?.[use.name]?.(use) ?? []
      );
      return await running ?? "";
    },
    /** Runs the tool `voice`. */
    voice: async (...call: Parameters<VoicePort>): Promise<string> => {
      const [voice] = parts.flatMap((part) => part.voice ?? []);
      return await voice?.(...call) ?? "";
    },
    /** The voice of the first part that has one for this turn. */
    speechOf(turn: TurnToSpeak): TurnSpeech | undefined {
      for (const part of parts) {
        const speech = part.speechOf?.(turn);
        if (speech) return speech;
      }
      return undefined;
    },
    eventsOf: (told: ServerEvent) => parts.flatMap((part) => part.eventsOf?.(told) ?? []),
    async missedEvents(guildId: GuildId, since: number) {
      for (const part of parts) await part.missedEvents?.(guildId, since);
    },
    own: parts.find(({ own }) => own)?.own,
    findings: (): readonly Finding[] => parts.flatMap((part) => part.findings?.() ?? []),
    /** Stops one part after the other; never rejects, for the core stops after them. */
    async stop(): Promise<void> {
      for (const part of parts) {
        await part.stop?.().catch((error: unknown) => log.error("Cannot stop an extra", { error }));
      }
    },
  };
}
