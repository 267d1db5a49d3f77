/**
 * Gives a word to the person who waits for a message that Discord does not take (D5).
 *
 * The first open door counts: a fixed text in the place, a direct message, the owners. A word that
 * Discord refuses is such a message itself, and goes to the next door.
 */

import type { ToolTarget } from "../../core/turn/discord_place.ts";
import type { BotAccount } from "../../account/account.ts";
import type { UserId } from "../../core/discord/ids.ts";
import type { Frozen, OutboxRow } from "../../core/outbound/outbound.ts";
import { openDirect } from "../../discord/rest/requests/guild_reads.ts";
import { isRefusal } from "../../discord/rest/exchange/rest_error.ts";
import { wakeChannels } from "../../account/wakes.ts";
import { lostText, refusedText } from "../../render/sentences.ts";
import type { Door, OwedRow } from "../../store/outbox/attempts.ts";
import { tellLost } from "../owners/delivery_notices.ts";
import { ownersToTell } from "../owners/owner_ids.ts";
import { completeCommand } from "./left_commands.ts";
import { createRetryQueue } from "../retry_queue.ts";
import { composedOnce } from "../tell.ts";
import { ackAnswered } from "../turn/progress/progress.ts";

/** How long to wait for more lost messages, in milliseconds. */
const GATHER_MS = 5_000;

/** The first door for a message that is lost; `undefined` for one that no one misses. */
export function doorOf(
  { message: { of, guildId }, action }: OutboxRow,
  isOpen: boolean,
): Door | undefined {
  if (of?.kind === "draft" || action.kind === "delete") return undefined;
  if (!of || of.kind === "tool" || of.kind === "challenge") return "owner";
  if (isOpen && of.kind !== "word") return "place";
  return guildId === undefined ? "owner" : "direct";
}

/** Creates the words of one account. */
export function createOwedWords(account: BotAccount) {
  const retries = createRetryQueue("Cannot tell people that a message is lost", account);
  let cancel: (() => void) | undefined;
  return {
    /** Messages may be lost, or wait; also those of the last process. */
    changed(): void {
      cancel ??= account.schedule(() => {
        cancel = undefined;
        retries.add(() => tellAll(account));
      }, GATHER_MS);
    },
    /** Gives no more words; the next start does. */
    async stop(): Promise<void> {
      cancel?.();
      await retries.stop();
    },
  };
}

async function tellAll(account: BotAccount): Promise<void> {
  const { accountId, store: { outbox } } = account;
  const failures: unknown[] = [];
  const forOwners: OwedRow[] = [];
  const known = new Set<unknown>();
  for (const row of await outbox.owed(accountId)) {
    if (row.kind !== "word" && known.has(row.causeId)) continue;
    try {
      if (await tellPerson(account, row)) known.add(row.causeId ?? row);
      else forOwners.push(row);
    } catch (error) { // the others wait for none
      failures.push(error);
    }
  }
  for (const [channelId, lost] of Map.groupBy(forOwners, (row) => row.channelId)) {
    const [{ id } = { id: 0 }] = lost;
    const reason = lost.at(-1)?.refusal ?? "";
    await tellLost(account, { channelId, reason, count: lost.length, key: `lost:${id}` });
    for (const row of lost) await outbox.told(row, [], account.now());
    for (const { causeId } of lost) if (causeId) ackAnswered(account, causeId, "word");
  }
  if (failures.length > 0) throw failures[0];
}

/** @returns Whether the owners need not know: the person does, or they know that it waits. */
async function tellPerson(account: BotAccount, row: OwedRow): Promise<boolean> {
  const { store: { outbox }, now } = account;
  const { state, causeId } = row;
  const isWaiting = state === "pending" || state === "sending";
  const word = await wordFor(account, row, isWaiting);
  if (!word || causeId === undefined) {
    if (isWaiting) await outbox.unreachable(row);
    return isWaiting;
  }
  await outbox.told(row, word, now());
  ackAnswered(account, causeId, "word");
  wakeChannels(account, word.map(({ message: { channelId } }) => channelId));
  return true;
}

/** @returns `undefined` if no person can be told. */
async function wordFor(
  account: BotAccount,
  row: OwedRow,
  isWaiting: boolean,
): Promise<readonly Frozen[] | undefined> {
  const { owes, personId, reminder, causeId, channelId, draftNonce } = row;
  const command = causeId && !(owes === "place" && draftNonce) && // the draft would stay
    await account.store.inbox.commandOf(causeId, account.now());
  if (command) {
    const text = lostText(channelId, isWaiting);
    if (await completeCommand(account, command, command.senderId, text)) return [];
  }
  if (owes === "owner" || personId === undefined) return undefined;
  if (owes === "place") return inPlace(account, row);
  // Owners have read that messages wait there.
  const isKnown = isWaiting && reminder.length === 0 &&
    (await ownersToTell(account)).includes(personId);
  return isKnown ? [] : await direct(account, row, personId, isWaiting);
}

/** The word takes the place of the draft. */
function inPlace(account: BotAccount, row: OwedRow): readonly Frozen[] {
  const { channelId, guildId, draftNonce } = row;
  const text = refusedText(row.state === "dead");
  const frozen = wordOf(account, row, { channelId, guildId }, [text]);
  return frozen.map((one) => ({
    ...one,
    draft: draftNonce === undefined ? undefined : { nonce: draftNonce, becomes: "this" as const },
  }));
}

/** @returns `undefined` if Discord opens no direct channel with the person. */
async function direct(
  account: BotAccount,
  row: OwedRow,
  personId: UserId,
  isWaiting: boolean,
): Promise<readonly Frozen[] | undefined> {
  try {
    const channelId = await openDirect(account.rest, personId);
    const { reminder } = row;
    const texts = reminder.length > 0 ? reminder : [lostText(row.channelId, isWaiting)];
    return wordOf(account, row, { channelId }, texts);
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

function wordOf(
  account: BotAccount,
  { causeId: cause }: OwedRow,
  place: ToolTarget,
  texts: readonly string[],
): readonly Frozen[] {
  if (cause === undefined) return [];
  const { channelId } = place;
  const composed = texts.flatMap((text, at) =>
    composedOnce(account, channelId, text, ["word", channelId, cause, ...at ? [at] : []].join(":"))
  );
  return composed.map(({ message, ...rest }, part) => ({
    ...rest,
    message: {
      ...message,
      ...place,
      of: { cause, revision: 0, kind: "word", part, parts: composed.length },
    },
  }));
}
