/** Takes back changes on Discord for the command `/undo` and the button, as the tool `discord` does (T3). */

import type { BotAccount } from "../../account/account.ts";
import { cleanSecrets } from "../../account/per_account.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import type { ButtonPress, CommandCall } from "../../core/inbound/inbound.ts";
import { UNDO_MINUTES, type UndoneAction } from "../../core/turn/discord_place.ts";
import { RestError } from "../../discord/rest/exchange/exchange.ts";
import { StoreError } from "../../store/database/database_files.ts";
import { undo } from "../actions/undo.ts";
import { mayUse } from "./may_use.ts";

/** The result of taking a change back. */
export type UndoOutcome =
  | { readonly kind: "undone" } & UndoneAction
  | { readonly kind: "refused"; readonly why: string };

/** Takes back a change of the asker on Discord; absent number: the newest. */
export function undoChange(
  account: BotAccount,
  call: CommandCall,
  id?: number,
): Promise<UndoOutcome> {
  return takeBack(account, call, `command:${call.id}`, id);
}

/** Takes back all changes of the turn of a message, newest first. */
export async function undoTurn(
  account: BotAccount,
  press: ButtonPress,
  turnId: MessageId,
): Promise<readonly UndoOutcome[]> {
  const { accountId, store, now } = account;
  const since = now() - UNDO_MINUTES * 60_000;
  const made = await store.changes.since(accountId, press.guildId, since);
  const outcomes: UndoOutcome[] = [];
  for (const { id, turnId: of, undo: way, isUndone } of made) {
    if (of !== turnId || !way || isUndone) continue;
    outcomes.push(await takeBack(account, press, `button:${press.id}:${id}`, id));
  }
  return outcomes;
}

async function takeBack(
  account: BotAccount,
  call: CommandCall | ButtonPress,
  callKey: string,
  id?: number,
): Promise<UndoOutcome> {
  const { sender, channelId, guildId } = call;
  const askers = [{ userId: sender.id, isOwner: await mayUse(account, call, "owner") }];
  try {
    const origin = { account, askers, channelId, guildId };
    return { kind: "undone", ...await undo(origin, callKey, id) };
  } catch (error) {
    if (error instanceof RestError || error instanceof StoreError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    return { kind: "refused", why: cleanSecrets(account, why) };
  }
}
