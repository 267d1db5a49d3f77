/**
 * Turns sound into words and messages of an account, and words into sound: with its servers of speech,
 * its budgets and its store (V5).
 */

import type { BotAccount } from "../../../account/account.ts";
import { perAccount, wakeChannels, wakeTurns } from "../../../account/per_account.ts";
import { createdAtMs, type MessageId, snowflakeAt } from "../../../core/discord/ids.ts";
import { ASKED_OTHERWISE, type InboundMessage } from "../../../core/inbound/inbound.ts";
import type { OutboundMessage } from "../../../core/outbound/outbound.ts";
import { type AudioPayer, createAudioSpending } from "../../../core/spending/budget.ts";
import { FileError } from "../../../core/turn/media.ts";
import { placeOfTarget } from "../../../discord/gateway/decode/decode.ts";
import { judge, routeOf } from "../../../flows/judging/judge.ts";
import type { Sound } from "../../../flows/media/files.ts";
import { spokenText } from "../../../flows/media/speak.ts";
import { spendOf } from "../../../flows/limits.ts";
import { freezeUnprompted } from "../../../render/freeze.ts";
import { noticeBody } from "../../../render/reply.ts";
import type { CallPlace, CallSpeaker, Pcm } from "../line/call.ts";
import { msOf } from "./speeches.ts";

const IDS = 2 ** 22;
/** Characters that a voice speaks in a second. */
const CHARS_PER_SEC = 15;

/** Counts the seconds of an account's calls. */
export const callAudio: (account: BotAccount) => ReturnType<typeof createAudioSpending> =
  perAccount(
    "voice",
    (account) => createAudioSpending({ spend: spendOf(account), now: account.now }),
  );

/** The message of a speaker, to whose rights and budgets all of it counts. */
function messageOf(
  { accountId, now, random, reader }: BotAccount,
  { guildId, channelId }: CallPlace,
  { sender, displayName }: CallSpeaker,
  text: string,
  seconds: number,
): InboundMessage {
  const id = snowflakeAt<"message">(now(), Math.floor(random() * IDS));
  return {
    ...ASKED_OTHERWISE,
    ...{ accountId, id, channelId, guildId, sender, displayName, text },
    origin: { kind: "speech", seconds },
    place: placeOfTarget(guildId, { channelId }, reader.index.get(guildId)),
    sentAt: createdAtMs(id),
  };
}

/** Whom seconds of sound count for; without a sender, as of a text for all, for the agent alone. */
export function payerIn(
  account: BotAccount,
  place: CallPlace,
  sender?: CallSpeaker["sender"],
): AudioPayer {
  if (!sender) {
    const { agentList: [{ id: agentId }] } = account.config();
    return { message: { sender: { id: "", roles: [] }, ...place }, agentId };
  }
  const message = messageOf(account, place, { sender }, "", 0);
  return { message, agentId: routeOf(account, message).agentId };
}

/**
 * Speaks a text, and counts its seconds.
 *
 * @param to Who gets it; absent: all do.
 * @throws {FileError} Or {@link BudgetSpent}.
 */
export async function* speakIn(
  account: BotAccount,
  place: CallPlace,
  text: string,
  signal: AbortSignal,
  to?: CallSpeaker["sender"],
): AsyncGenerator<Pcm> {
  const { voice } = account.settings.speech;
  if (!voice) throw new FileError("`audio.speak` names no model");
  const payer = payerIn(account, place, to);
  const correct = await callAudio(account).reserve(voice, text.length / CHARS_PER_SEC, payer);
  let ms = 0;
  try {
    for await (const pcm of voice.speakPcm(spokenText(text), signal)) {
      ms += msOf(pcm);
      yield pcm;
    }
  } finally {
    correct(ms / 1_000);
  }
}

/**
 * Writes a person's words down, and counts the seconds.
 *
 * @throws {FileError} Or {@link BudgetSpent}.
 */
export async function transcribeIn(
  account: BotAccount,
  place: CallPlace,
  { seconds, ...sound }: Sound & { readonly seconds: number },
  from: CallSpeaker["sender"],
  signal: AbortSignal,
): Promise<string> {
  const { transcription: by } = account.settings.speech;
  if (!by) throw new FileError("`audio.transcribe` names no model");
  await callAudio(account).reserve(by, seconds, payerIn(account, place, from));
  return await by.transcribe(sound, signal);
}

/**
 * Stores words as a message of their speaker.
 *
 * @param naming Gets the message's id before its turn begins.
 * @returns Whether a turn answers it.
 */
export async function askIn(
  account: BotAccount,
  place: CallPlace,
  speaker: CallSpeaker,
  text: string,
  seconds: number,
  naming?: (id: MessageId) => void,
): Promise<boolean> {
  const { accountId, config, now, store } = account;
  const message = messageOf(account, place, speaker, text, seconds);
  naming?.(message.id);
  const judged = [{
    ...judge(account, message, { isUnproxied: true }, "not_live"),
    ...{ message, route: routeOf(account, message) },
  }];
  const waiting = { ...config().messages.queue, isOwner: () => false };
  const batch = { accountId, judged, echoes: [], guilds: [], waiting };
  const { accepted } = await store.inbox.acceptBatch(batch, now());
  wakeTurns(account);
  return accepted.length > 0;
}

/** Posts a text that is no answer. */
export async function postLine(
  account: BotAccount,
  { guildId, channelId }: CallPlace,
  text: string,
  further: Partial<OutboundMessage> = {},
): Promise<void> {
  const { accountId, now, store } = account;
  const frozen = freezeUnprompted({ accountId, channelId, guildId, ...noticeBody(text) })
    .map((one) => ({ ...one, message: { ...one.message, ...further } }));
  await store.outbox.addAll(frozen, now());
  wakeChannels(account, [channelId]);
}
