/**
 * Takes back changes on Discord for the command `/undo` and the button, as the tool `discord` does (T3).
 */

import type { Account } from "../../core/account/account.ts";
import type { ChannelId, GuildId, MessageId, UserId } from "../../core/discord/ids.ts";
import type { ButtonPress, CommandCall } from "../../core/inbound/interactions.ts";
import { UNDO_MINUTES } from "../../core/turn/ports/discord_place.ts";
import type { ToolChanges } from "../../store/changes/changes.ts";

/** The result of taking a change back. */
export type UndoOutcome =
  | { readonly kind: "undone"; readonly id: number; readonly what: string; readonly does: string }
  | { readonly kind: "refused"; readonly why: string };

export function createCommandUndo(
  { accountId, store, now }: Pick<
    Account<{ readonly changes: Pick<ToolChanges, "since"> }>,
    "accountId" | "store" | "now"
  >,
  { undo, isOutage, isOwner, cleanSecrets }: {
    /** Rejects with the reason in words, or because Discord or the store fails. */
    readonly undo: (
      origin: {
        readonly askers: readonly { readonly userId: UserId; readonly isOwner: boolean }[];
        readonly channelId: ChannelId;
        readonly guildId?: GuildId;
      },
      callKey: string,
      id?: number,
    ) => Promise<Omit<Extract<UndoOutcome, { kind: "undone" }>, "kind">>;
    /** Whether Discord or the store has failed, rather than refused. */
    readonly isOutage: (error: unknown) => boolean;
    readonly isOwner: (call: CommandCall | ButtonPress) => Promise<boolean>;
    /** Removes the program's secrets from a text. */
    readonly cleanSecrets: (text: string) => string;
  },
) {
  async function takeBack(
    call: CommandCall | ButtonPress,
    callKey: string,
    id?: number,
  ): Promise<UndoOutcome> {
    const { sender, channelId, guildId } = call;
    const askers = [{ userId: sender.id, isOwner: await isOwner(call) }];
    try {
      const origin = { askers, channelId, guildId };
      return { kind: "undone", ...await undo(origin, callKey, id) };
    } catch (error) {
      if (isOutage(error)) throw error;
      const why = error instanceof Error ? error.message : String(error);
      return { kind: "refused", why: cleanSecrets(why) };
    }
  }

  return {
    /** Takes back a change of the asker on Discord; absent number: the newest. */
    undo: (call: CommandCall, id?: number) => takeBack(call, `command:${call.id}`, id),
    /** Takes back all changes of the turn of a message, newest first. */
    async undoTurn(press: ButtonPress, turnId: MessageId): Promise<readonly UndoOutcome[]> {
      const since = now() - UNDO_MINUTES * 60_000;
      const made = await store.changes.since(accountId, press.guildId, since);
      const outcomes: UndoOutcome[] = [];
      for (const { id, turnId: of, undo, isUndone } of made) {
        if (of !== turnId || !undo || isUndone) continue;
        outcomes.push(await takeBack(press, `button:${press.id}:${id}`, id));
      }
      return outcomes;
    },
  };
}
