/**
 * Speaks the answer of one turn, sentence by sentence, while the model writes it (V5). A person who
 * speaks ends it, and the answer is posted (V7). Code, tables and addresses are not spoken. Of a long
 * answer, the first sentences are.
 */

import type { BotAccount } from "../../../account/account.ts";
import { spokenText } from "../../../flows/media/speak.ts";
import { draftsOf } from "../../../flows/deliver/progress.ts";
import type { TurnSpeech, TurnToSpeak } from "../../../flows/turn/finished_turn.ts";
import type { CallSpeech, Pcm } from "../line/call.ts";
import type { Speeches } from "./speeches.ts";

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

export interface SpeechPorts {
  readonly speeches: Speeches;
  /** Speaks a sentence, and counts it. It throws if the server fails, or if a budget is spent. */
  readonly speak: (text: string, signal: AbortSignal) => AsyncIterable<Pcm>;
}

/** The voice of a turn, for a model that speaks itself, too. */
interface HeardSpeech extends TurnSpeech {
  /** Plays sound of the answer. */
  hear(pcm: Pcm): Promise<void>;
  /** Aborted if a person speaks. */
  readonly stopped: AbortSignal;
  /** Milliseconds that were played; 0 before the end. */
  heardMs(): number;
}

/**
 * Creates the voice.
 *
 * @param by `sound`: the model speaks, and gives its sound.
 */
export function createTurnSpeech(
  account: BotAccount,
  { message, mayShow, ending, mark }: TurnToSpeak,
  ports: SpeechPorts,
  by: "sentences" | "sound" = "sentences",
): HeardSpeech {
  const { schedule, log } = account;
  const { speeches } = ports;
  const { harmlessPart } = draftsOf(account);
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
      for await (const pcm of ports.speak(sentence, signal)) await hear(pcm);
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

  const line = (text: string): Promise<void> =>
    speeches.play(ports.speak(text, ending), message.sender.id).catch((error: unknown) => {
      if (!ending.aborted) log.warn("Cannot speak a notice", { messageId: message.id, error });
    });

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
    hear,
    stopped: person.signal,
    heardMs: () => heardMs,
    isPosted: () => isPosted,
    stream(visible) {
      let written = "";
      let cancel: (() => void) | undefined;
      look = () => {
        if (!signal.aborted) take(visible(harmlessPart(written)), false);
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
    async end(text, isLarge) {
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
    pause() {
      look();
      if (by === "sentences") add(sentences.next(current, true));
    },
    waits: () => only("For that I need a press on the card in the chat."),
    say: only,
  };
}
