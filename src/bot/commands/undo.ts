/**
 * Takes back changes on Discord for the command `/undo` and the button, as the tool `discord` does (T3).
 *
 * @module
 */

import type { ButtonPress, CommandCall } from "../../core/inbound/interactions.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import type { RestApi } from "../../discord/rest/client/client.ts";
import type { InteractionContext, UndoOutcome } from "../../interactions/base/context.ts";
import { StoreError } from "../../store/database/store_error.ts";
import { createTargets } from "../../discord/rest/actions/targets.ts";
import { UNDO_MINUTES } from "../../core/turn/ports/discord_place.ts";
import { createUndo } from "../../discord/rest/actions/undo.ts";
import type { AccountContext } from "../account_context.ts";

/**
 * Creates the command and the button.
 *
 * @param isOwner Whether the asker is an owner of the bot.
 * @param cleanSecrets Removes the program's secrets from a text.
 */
export function createCommandUndo(
  { accountId, store, self, now }: AccountContext,
  client: RestApi,
  isOwner: (call: CommandCall | ButtonPress) => Promise<boolean>,
  cleanSecrets: (text: string) => string,
): Pick<InteractionContext, "undo" | "undoTurn"> {
  const targets = createTargets({
    client,
    isOwner: () => false, // the command asks by itself
    self: () => self()?.userId,
    alsoGuilds: () => [],
    closedBy: () => undefined, // the policy has let the command in
    now,
  });
  const undo = createUndo({ client, accountId, changes: store.changes, targets, now });
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
      if (error instanceof RestError || error instanceof StoreError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      return { kind: "refused", why: cleanSecrets(why) };
    }
  }

  return {
    undo: (call, id) => takeBack(call, `command:${call.id}`, id),
    async undoTurn(press, turnId) {
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
