/**
 * Speaks the answer of one turn, sentence by sentence, while the model writes it (V5). A person who
 * speaks ends it, and the answer is posted (V7). Code, tables and addresses are not spoken. Of a long
 * answer, the first sentences are.
 */

import { Buffer } from "node:buffer";
import type { BotAccount } from "../../account/account.ts";
import { wakeChannels, wakeTurns } from "../../account/per_account.ts";
import { createdAtMs, type MessageId, snowflakeAt, type UserId } from "../../core/discord/ids.ts";
import { ASKED_OTHERWISE, type InboundMessage } from "../../core/inbound/inbound.ts";
import type { SharedFields } from "../../core/outbound/outbound.ts";
import { FileError, type Sound } from "../../core/turn/media.ts";
import { placeOfTarget } from "../../discord/gateway/decode/decode.ts";
import { harmlessPart } from "../../flows/deliver/progress.ts";
import { judge, routeOf } from "../../flows/judging/judge.ts";
import { type AudioPayer, audioSpending } from "../../flows/limits.ts";
import { spokenText } from "../../flows/media/files.ts";
import type { TurnSpeech, TurnToSpeak } from "../../flows/turn/steps.ts";
import { freezeUnprompted, noticeBody } from "../../render/reply.ts";
import { type CallPlace, type CallSpeaker, type Pcm, SAMPLE_RATE } from "./line.ts";
import type { Call, CallSpeech } from "./thread_calls.ts";
import type { LastSpeech } from "./talk.ts";

/** Milliseconds after which a sound of no known end was a noise: a piece, and the time for its words. */
const LONGEST_MS = 45_000;

export function createSpeeches(call: Call, { schedule, now }: BotAccount) {
  const open = new Map<CallSpeech, () => void>();
  /** The newest sound of each person that may be words. */
  const sounds = new Map<UserId, () => void>();
  let last: LastSpeech | undefined;

  function begin(to: UserId | undefined, stopped: () => void): CallSpeech {
    const speech = call.speak();
    open.set(speech, stopped);
    const own: LastSpeech | undefined = to && { to };
    if (own) last = own;
    void speech.done.then(() => {
      open.delete(speech);
      if (own && last === own) last = { to: own.to, endedAt: now() };
    });
    return speech;
  }

  return {
    last: (): LastSpeech | undefined => last,
    /** A sound of a person begins: all that the bot says, and is about to say, waits. */
    began(userId: UserId): void {
      const cancel = schedule(ended, LONGEST_MS);
      function ended(): void {
        cancel();
        if (sounds.get(userId) !== ended) return;
        sounds.delete(userId);
        call.hold(sounds.size > 0);
      }
      sounds.set(userId, ended);
      call.hold(true);
    },
    /** @returns Ends the sound that has begun last, and none that begins after this call. */
    endOf: (userId: UserId): () => void => sounds.get(userId) ?? (() => {}),
    /** The sound is words: all that waits ends. */
    interrupted(): void {
      for (const [speech, stopped] of open) {
        speech.stop();
        stopped();
      }
    },
    /** @param stopped Called if a person interrupts it. */
    open: begin,
    /**
     * Plays a sound by itself.
     *
     * @returns Whether people heard it to its end. It rejects with the error of the sound.
     */
    async play(sound: AsyncIterable<Pcm>, to: UserId | undefined): Promise<boolean> {
      let speech: CallSpeech | undefined;
      try {
        for await (const pcm of sound) (speech ??= begin(to, () => {})).write(pcm);
      } finally {
        speech?.end();
        await speech?.done;
      }
      return (await speech?.done)?.isWhole ?? false;
    },
  };
}

export type Speeches = ReturnType<typeof createSpeeches>;

/** Milliseconds of a sound. */
export function msOf({ length }: Pcm): number {
  return length / SAMPLE_RATE * 1_000;
}

/** The sound of a text in base64. */
export function pcmOf(base64: string): Pcm {
  const bytes = Uint8Array.from(Buffer.from(base64, "base64"));
  return new Int16Array(bytes.buffer, 0, bytes.length >> 1);
}

/** A sound as a file that transcription takes: mono, 16 bits. */
export function wavOf({ buffer, byteOffset, byteLength }: Pcm): Uint8Array<ArrayBuffer> {
  const form = [16, 0x1_0001, SAMPLE_RATE, SAMPLE_RATE * 2, 0x10_0002];
  const bytes = new Uint8Array(44 + byteLength);
  const view = new DataView(bytes.buffer);
  const fields = ["RIFF", 36 + byteLength, "WAVE", "fmt ", ...form, "data", byteLength];
  for (const [index, field] of fields.entries()) {
    if (typeof field === "number") view.setUint32(4 * index, field, true);
    else bytes.set(new TextEncoder().encode(field), 4 * index);
  }
  bytes.set(new Uint8Array(buffer, byteOffset, byteLength), 44);
  return bytes;
}

const IDS = 2 ** 22;
/** Characters that a voice speaks in a second. */
const CHARS_PER_SEC = 15;

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
  const correct = await audioSpending(account).reserve(voice, text.length / CHARS_PER_SEC, payer);
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
  await audioSpending(account).reserve(by, seconds, payerIn(account, place, from));
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
  further: Partial<SharedFields> = {},
): Promise<void> {
  const { accountId, now, store } = account;
  const line = { accountId, channelId, guildId, ...noticeBody(text), ...further };
  await store.outbox.addAll(freezeUnprompted(line), now());
  wakeChannels(account, [channelId]);
}

/** Characters after which no further sentence is spoken: some 30 s of speech. */
const SPOKEN_CHARS = 500;
/** Characters of the longest sentence; a longer one is cut at a blank. */
const LONGEST = 300;
/** A sentence ends at its mark, unless a lower-case letter, a digit or another mark follows. */
const END = /[.!?…。！？]+["')\]»”’]*(?=\s+[^\p{Ll}\d\s])|[。！？]|\n+/u;
/** A mark behind one of these ends no sentence. */
const ABBREVIATED =
  /(?:^|[\s(])(?:\p{L}|\d{1,2}|[A-Za-z]\.[A-Za-z]|e\.g|i\.e|etc|vs|Mr|Mrs|Ms|Dr|Prof|St|No|Nr|ca|bzw|usw|z\.B|d\.h)\.$/u;
/** Parts that are read, and not heard. */
const SILENT = /```[\s\S]*?(?:```|$(?![\s\S]))|^\s*\|.*\|\s*$|https?:\/\/\S+/gm;

/** Whether an answer has parts that speech leaves out, or is too long to be spoken whole. */
export function isMoreThanSpeech(text: string): boolean {
  return text.search(SILENT) >= 0 || spokenText(text).length > SPOKEN_CHARS;
}

/** Creates the cutter of one answer. */
export function createSentences() {
  let at = 0;
  let chars = 0;

  /** Length of the next sentence of a text; 0 if it has no end yet. */
  function lengthOf(text: string, isWhole: boolean): number {
    let from = 0;
    for (;;) {
      const fence = text.indexOf("```", from);
      const found = END.exec(text.slice(from));
      const end = found ? from + found.index + found[0].length : -1;
      if (fence >= 0 && (end < 0 || fence < end)) {
        const close = text.indexOf("```", fence + 3);
        if (close < 0) return isWhole ? text.length : 0;
        from = close + 3;
        continue;
      }
      if (end >= 0 && ABBREVIATED.test(text.slice(0, end))) {
        from = end;
        continue;
      }
      if (end >= 0 && end <= LONGEST) return end;
      if (text.length > LONGEST && fence < 0) {
        return text.lastIndexOf(" ", LONGEST) + 1 || LONGEST;
      }
      return end >= 0 ? end : isWhole ? text.length : 0;
    }
  }

  return {
    /** The sentences that have ended since the last call. @param text The whole answer so far. */
    next(text: string, isWhole: boolean): readonly string[] {
      const ended: string[] = [];
      while (at < text.length && chars < SPOKEN_CHARS) {
        const length = lengthOf(text.slice(at), isWhole);
        if (length === 0) break;
        const written = text.slice(at, at + length);
        at += length;
        const spoken = spokenText(
          written.replace(SILENT, " ").replace(/\p{Emoji_Presentation}/gu, ""),
        );
        chars += spoken.length;
        if (/[\p{L}\p{N}]/u.test(spoken)) ended.push(spoken);
      }
      return ended;
    },
  };
}

/** Milliseconds without a word after which the bot says that it works. */
const WORKING_MS = 8_000;
/** Milliseconds between two looks at the growing text. */
const LOOK_MS = 50;

/**
 * Creates the voice of a turn, for a model that speaks itself, too.
 *
 * @param by `sound`: the model speaks, and gives its sound.
 */
export function createTurnSpeech(
  account: BotAccount,
  { message, mayShow, ending, mark }: TurnToSpeak,
  { speeches, place }: { readonly speeches: Speeches; readonly place: CallPlace },
  by: "sentences" | "sound" = "sentences",
) {
  const { schedule, log } = account;
  const speak = (text: string, signal: AbortSignal) =>
    speakIn(account, place, text, signal, by === "sound" ? undefined : message.sender);
  const person = new AbortController();
  const signal = AbortSignal.any([ending, person.signal]);
  let speech: CallSpeech | undefined;
  signal.addEventListener("abort", () => speech?.stop(), { once: true });
  let sentences = createSentences();
  /** The visible text whose sentences are taken. */
  let current = "";
  let hasSound = false;
  let isMarked = false;
  let isLong = false;
  let failure: unknown;
  let work = Promise.resolve();
  let isOver = false;
  /** No person hears more of it: the call is over, or the bot is muted. */
  let isUnheard = false;
  let heardMs = 0;
  let isPosted = true;
  /** Takes the newest text of the stream. */
  let look = () => {};

  async function hear(pcm: Pcm): Promise<void> {
    if (!isMarked && !signal.aborted && mayShow) await mayShow;
    if (signal.aborted) return;
    if (!isMarked) {
      isMarked = true;
      await mark(); // before people can hear it
    }
    if (!speech) {
      speech = speeches.open(message.sender.id, () => person.abort());
      void speech.done.then(() => isUnheard = true);
    }
    speech.write(pcm);
    hasSound = true;
  }

  /** Adds the sound of a sentence, after those before it. */
  async function say(sentence: string): Promise<void> {
    if (signal.aborted || isUnheard || failure !== undefined) return;
    try {
      for await (const pcm of speak(sentence, signal)) await hear(pcm);
    } catch (error) {
      if (signal.aborted) return;
      failure = error;
      log.warn("Cannot speak an answer; it is posted", { messageId: message.id, error });
    }
  }

  /** Another text begins: after a tool's call, or because the answer broke off. */
  function begin(): void {
    sentences = createSentences();
    current = "";
    isMarked = false;
  }

  function take(text: string, isWhole: boolean): void {
    if (!text.startsWith(current)) begin();
    current = text;
    if (by === "sound") return;
    add(sentences.next(text, isWhole));
  }

  function add(next: readonly string[]): void {
    for (const sentence of next) work = work.then(() => say(sentence));
  }

  async function line(text: string): Promise<void> {
    await speeches.play(speak(text, ending), message.sender.id).catch((error: unknown) => {
      if (!ending.aborted) log.warn("Cannot speak a notice", { messageId: message.id, error });
    });
  }

  /** Ends the speech, which the next one waits for; then says a notice, if there is one. */
  function only(text: string): void {
    isOver = true;
    cancelWorking();
    work = work.then(() => {
      speech?.end();
      return text === "" ? undefined : line(text);
    });
  }

  const cancelWorking = schedule(() => {
    if (signal.aborted || isOver || hasSound) return;
    isLong = true;
    isMarked = true;
    const working = "I am working on it. You will find the answer in the chat.";
    work = mark().then(() => line(working)).catch((error: unknown) => void (failure = error));
  }, WORKING_MS);

  return {
    /** Plays sound of the answer. */
    hear,
    /** Aborted if a person speaks. */
    stopped: person.signal,
    /** Milliseconds that were played; 0 before the end. */
    heardMs: (): number => heardMs,
    isPosted: (): boolean => isPosted,
    stream(visible: (text: string) => string): ReturnType<TurnSpeech["stream"]> {
      let written = "";
      let cancel: (() => void) | undefined;
      look = () => {
        if (!signal.aborted) take(visible(harmlessPart(account, written)), false);
      };
      return {
        grow(soFar) {
          written = soFar;
          if (soFar === "" && !isMarked) begin();
          cancel ??= schedule(() => {
            cancel = undefined;
            look();
          }, LOOK_MS);
        },
        isShown: () => isMarked,
        end() {
          cancel?.();
          return Promise.resolve();
        },
      };
    },
    async end(text: string, isLarge: boolean): Promise<void> {
      isOver = true;
      cancelWorking();
      const isOther = hasSound && !text.startsWith(current);
      if (!isOther) take(text, true);
      const isMore = isLarge || isLong || isOther || isMoreThanSpeech(text);
      const inChat = "The rest is in the chat.";
      if (isMore && !isLong && by === "sentences") add([inChat]);
      await work;
      speech?.end();
      const { playedMs, isWhole } = await speech?.done ?? { playedMs: 0, isWhole: false };
      heardMs = playedMs;
      isPosted = isMore || (failure !== undefined || !isWhole) && /[\p{L}\p{N}]/u.test(text);
    },
    pause(): void {
      look();
      if (by === "sentences") add(sentences.next(current, true));
    },
    waits: (): void => only("For that I need a press on the card in the chat."),
    say: only,
  };
}
