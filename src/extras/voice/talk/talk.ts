/**
 * Talks in one call by turns (V5): a piece of a person's speech becomes words, the words a message, and
 * the message a turn, whose answer is spoken.
 */

import { BudgetSpent, resetOf } from "../../../core/spending/budget.ts";
import { FileError } from "../../../core/turn/media.ts";
import type { MessageId, UserId } from "../../../core/discord/ids.ts";
import type { SpeechOf } from "../../../flows/turn/progress/speech.ts";
import type { Sound } from "../../../flows/media/files.ts";
import type { StartTimer } from "../../../lib/clock.ts";
import { createKeyedQueue } from "../../../lib/keyed_queue.ts";
import type { Log } from "../../../lib/log.ts";
import { readerTime } from "../../../lib/text/units.ts";
import { budgetSpentText } from "../../../render/sentences.ts";
import type { CallSpeaker, HeardPiece, Pcm, Talk, TalkPorts } from "../line/call.ts";
import { isAddressed } from "./addressed.ts";
import { heardWords } from "./heard_words.ts";
import { createSpeeches, msOf, wavOf } from "./speeches.ts";
import { createRealtimeTalk, type RealtimePorts, type RealtimeTalk } from "./realtime.ts";
import { createTurnSpeech, type SpeechPorts } from "./turn_speech.ts";
import type { Spoken } from "../../../core/inbound/origin.ts";

const UNHEARD =
  "I could not understand you: my speech server does not answer. Please write to me here.";

/** Pieces that wait for their words: of a person, and of all. */
const WAITING = { ofOne: 3, ofAll: 25 };
/** Seconds of sound that are counted before a Realtime server gets them. */
const PAID_SEC = 5;
/** Milliseconds until the chat gets the same complaint again. */
const TELL_MS = 60_000;

/** The account's part of a talk. */
export interface TalkDeps extends Pick<SpeechPorts, "harmlessPart"> {
  /** Speaks a text that a person gets; absent: all do. */
  readonly speak: (
    text: string,
    signal: AbortSignal,
    to?: CallSpeaker["sender"],
  ) => AsyncIterable<Pcm>;
  /** Writes the words down, and counts the seconds. @throws {FileError} Or {@link BudgetSpent}. */
  readonly transcribe: (
    sound: Sound & { readonly seconds: number },
    from: CallSpeaker["sender"],
    signal: AbortSignal,
  ) => Promise<string>;
  /** The server that hears and speaks; `undefined` in mode `turns`. */
  readonly realtime:
    | Pick<RealtimePorts, "server" | "pauseMs"> & {
      /** Counts seconds that it has spoken. */
      count(seconds: number, by: CallSpeaker["sender"]): void;
      /** Counts seconds that it is to hear. Rejects with {@link BudgetSpent}. */
      reserve(seconds: number, by: CallSpeaker["sender"]): Promise<unknown>;
    }
    | undefined;
  /**
   * Stores the words as a message of the speaker, whose id `naming` gets before its turn begins. Resolves
   * to whether a turn answers it.
   */
  readonly ask: (
    speaker: CallSpeaker,
    text: string,
    spoken: Spoken,
    naming?: (id: MessageId) => void,
  ) => Promise<boolean>;
  readonly names: () => readonly string[];
  readonly tell: (text: string) => void;
  /** `undefined`: there are none. */
  readonly minutes: {
    add(speaker: CallSpeaker, text: string): void;
    forget(userId: UserId): void;
    end(): Promise<void>;
  } | undefined;
  readonly schedule: StartTimer;
  readonly now: () => number;
  readonly log: Log;
}

export interface OpenTalk extends Talk {
  readonly speechOf: SpeechOf;
}

export function createTalk(ports: TalkPorts, deps: TalkDeps): OpenTalk {
  const { now, log, schedule } = deps;
  const speeches = createSpeeches(ports.call, { schedule, now });
  const stopping = new AbortController();
  const inOrder = createKeyedQueue<UserId>();
  /** The people whose pieces wait, one entry for each piece. */
  const waiting: UserId[] = [];
  /** People whose last piece was for the bot and ended in mid-sentence: the next one is, too. */
  const unended = new Set<UserId>();
  const connections = new Map<UserId, RealtimeTalk>();
  const paid = new Map<UserId, { ms: number; readonly isPaid: boolean }>();
  /** Each person has another symbol once they are heard anew: words from before do not count. */
  let heard: ReadonlyMap<UserId, symbol> = new Map();
  let toldAt = -Infinity;

  function tellOnce(text: string): void {
    if (now() - toldAt < TELL_MS) return;
    toldAt = now();
    deps.tell(text);
  }

  /** Whether the person is still heard: a press may have ended it meanwhile. */
  const isHeard = (userId: UserId, since = heard.get(userId)) =>
    since !== undefined && heard.get(userId) === since && !stopping.signal.aborted;

  /** Takes what a person said. Resolves to whether a turn answers it. */
  async function understand(
    { userId, seconds, endedAt, end }: Omit<HeardPiece, "pcm"> & { readonly seconds: number },
    since: symbol | undefined,
    transcriptOf: (from: CallSpeaker["sender"]) => Promise<string>,
    naming?: (id: MessageId) => void,
  ): Promise<boolean> {
    const isMore = unended.delete(userId);
    const speaker = isHeard(userId, since) ? await ports.speaker(userId) : undefined;
    if (!speaker) return false;
    let text: string | undefined;
    try {
      text = heardWords(await transcriptOf(speaker.sender), seconds);
    } catch (error) {
      if (error instanceof FileError && error.message === "it has no words") return false;
      if (!stopping.signal.aborted) unheard(userId, error);
    }
    if (text === undefined || !isHeard(userId, since)) return false;
    deps.minutes?.add(speaker, text);
    const beganAt = endedAt - seconds * 1_000;
    const facts = { humans: ports.humans(), names: deps.names(), last: speeches.last() };
    speeches.interrupted();
    if (!isMore && !isAddressed({ userId, text, beganAt }, facts)) return false;
    if (end === "cut") unended.add(userId);
    return await deps.ask(speaker, text, { seconds }, naming);
  }

  async function pay(userId: UserId): Promise<boolean> {
    const speaker = await ports.speaker(userId);
    if (speaker) await deps.realtime?.reserve(PAID_SEC, speaker.sender);
    return speaker !== undefined;
  }

  /** Counts sound before a Realtime server gets it, and reads its speaker again, who may never pause. */
  async function isPaid(userId: UserId, ms: number): Promise<boolean> {
    let part = paid.get(userId);
    if (!part || part.ms <= 0) {
      const isPaid = await pay(userId).catch((error: unknown) => unheard(userId, error));
      paid.set(userId, part = { ms: PAID_SEC * 1_000, isPaid: isPaid === true });
    }
    part.ms -= ms;
    return part.isPaid;
  }

  function unheard(userId: UserId, error: unknown): void {
    log.warn("Cannot write the words of a person in a call down", { userId, error });
    const reset = error instanceof BudgetSpent && readerTime(resetOf(error.stop, now()), "R");
    tellOnce(
      reset ? budgetSpentText(reset) : UNHEARD,
    );
  }

  /** The connection of a heard person, in mode `realtime`. */
  function connectionOf(userId: UserId): RealtimeTalk | undefined {
    const known = connections.get(userId);
    const { realtime } = deps;
    if (known || !realtime || !isHeard(userId)) return known;
    const since = heard.get(userId);
    const connection = createRealtimeTalk({
      ...{ ...realtime, ...speechPorts(), now },
      speaking: () => speeches.began(userId),
      failed() {
        speeches.endOf(userId)();
        tellOnce(UNHEARD);
      },
      spoke: (seconds, { sender }) => realtime.count(seconds, sender),
      words: (transcript, seconds, naming) => {
        const said = { userId, seconds, endedAt: now(), end: "pause" as const };
        return understand(said, since, () => Promise.resolve(transcript), naming)
          .finally(speeches.endOf(userId));
      },
    });
    connections.set(userId, connection);
    return connection;
  }

  const speechPorts = (to?: CallSpeaker["sender"]): SpeechPorts => ({
    ...{ speeches, schedule, log, harmlessPart: deps.harmlessPart },
    speak: (text, signal) => deps.speak(text, signal, to),
  });

  function setHeard(people: ReadonlySet<UserId>): void {
    for (const userId of heard.keys()) if (!people.has(userId)) speeches.endOf(userId)();
    heard = new Map([...people].map((id) => [id, heard.get(id) ?? Symbol()]));
    for (const [userId, connection] of connections) {
      if (people.has(userId)) continue;
      connection.close();
      connections.delete(userId);
      paid.delete(userId);
    }
  }

  return {
    heard: setHeard,
    forget(userId) {
      setHeard(new Set([...heard.keys()].filter((id) => id !== userId)));
      deps.minutes?.forget(userId);
    },
    speechBegan(userId) {
      if (heard.has(userId)) speeches.began(userId);
    },
    piece({ userId, pcm, endedAt, end }) {
      const ended = end === "pause" ? speeches.endOf(userId) : () => {};
      const since = heard.get(userId);
      const own = waiting.filter((one) => one === userId).length;
      const isFull = own >= WAITING.ofOne || waiting.length >= WAITING.ofAll;
      if (pcm.length === 0 || isFull || !since) return ended();
      waiting.push(userId);
      const seconds = msOf(pcm) / 1_000;
      const sound = { bytes: wavOf(pcm), mediaType: "audio/wav", ending: "wav", seconds };
      const transcript = (from: CallSpeaker["sender"]) =>
        deps.transcribe(sound, from, stopping.signal);
      const work = () => understand({ userId, seconds, endedAt, end }, since, transcript);
      void inOrder.run(userId, work).catch((error: unknown) =>
        log.error("Cannot take what a person said in a call", { userId, error })
      ).finally(() => {
        waiting.splice(waiting.indexOf(userId), 1);
        ended();
      });
    },
    frame(userId, pcm) {
      const connection = connectionOf(userId);
      if (!connection) return;
      void inOrder.run(userId, async () => {
        if (connections.get(userId) === connection && await isPaid(userId, msOf(pcm))) {
          connection.append(pcm);
        }
      }).catch((error: unknown) => log.warn("Cannot count sound of a call", { userId, error }));
    },
    say(text) {
      void speeches.play(deps.speak(text, stopping.signal), undefined).catch((error: unknown) =>
        log.warn("Cannot speak a text in a call", { error })
      );
    },
    speechOf(turn) {
      const { sender } = turn.message;
      if (!deps.realtime) return createTurnSpeech(turn, speechPorts(sender));
      return connectionOf(sender.id)?.speechOf(turn);
    },
    async stop() {
      stopping.abort(new Error("the call is over"));
      for (const connection of connections.values()) connection.close();
      await deps.minutes?.end();
    },
  };
}
