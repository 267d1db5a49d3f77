/**
 * Talks in one call by turns (V5): a piece of a person's speech becomes words, the words a message, and
 * the message a turn, whose answer is spoken.
 */

import type { BotAccount } from "../../../account/account.ts";
import type { MessageId, UserId } from "../../../core/discord/ids.ts";
import { BudgetSpent, microsOfAudio, resetOf } from "../../../core/spending/budget.ts";
import { FileError } from "../../../core/turn/media.ts";
import type { TurnSpeech, TurnToSpeak } from "../../../flows/turn/finished_turn.ts";
import { createKeyedQueue } from "../../../lib/waker.ts";
import { readerTime } from "../../../lib/text/units.ts";
import { budgetSpentText } from "../../../render/sentences.ts";
import type { Call, CallSpeaker, HeardPiece, Pcm } from "../line/call.ts";
import { heardWords, isAddressed } from "./heard_words.ts";
import { createMinutes } from "./minutes.ts";
import { createRealtimeTalk, type RealtimeTalk } from "./realtime.ts";
import { createSpeeches, msOf, wavOf } from "./speeches.ts";
import { createTurnSpeech, type SpeechPorts } from "./turn_speech.ts";
import { askIn, callAudio, payerIn, postLine, speakIn, transcribeIn } from "./words.ts";

const UNHEARD =
  "I could not understand you: my speech server does not answer. Please write to me here.";

/** Pieces that wait for their words: of a person, and of all. */
const WAITING = { ofOne: 3, ofAll: 25 };
/** Seconds of sound that are counted before a Realtime server gets them. */
const PAID_SEC = 5;
/** Milliseconds until the chat gets the same complaint again. */
const TELL_MS = 60_000;

/** Begins the talk of one call. No one is heard at first. */
export function openTalk(account: BotAccount, { call, ...people }: {
  readonly call: Call;
  humans(): number; // without bots
  /** Finds a person with their current roles; `undefined`: they left, or the config refuses them. */
  speaker(userId: UserId): Promise<CallSpeaker | undefined>;
}) {
  const { config, now, log } = account;
  const { place } = call;
  const { realtime: server } = account.settings.speech;
  const audio = callAudio(account);
  const by = server && {
    modelId: server.modelId,
    microsOf: (seconds: number) => microsOfAudio(seconds, server.price),
  };
  const minutes = config().voice?.transcript ? createMinutes(account, place) : undefined;
  const speeches = createSpeeches(call, account);
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
    postLine(account, place, text).catch((error: unknown) =>
      log.warn("Cannot post a line of a call", { error })
    );
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
    const speaker = isHeard(userId, since) ? await people.speaker(userId) : undefined;
    if (!speaker) return false;
    let text: string | undefined;
    try {
      text = heardWords(await transcriptOf(speaker.sender), seconds);
    } catch (error) {
      if (error instanceof FileError && error.message === "it has no words") return false;
      if (!stopping.signal.aborted) unheard(userId, error);
    }
    if (text === undefined || !isHeard(userId, since)) return false;
    minutes?.add(speaker, text);
    const beganAt = endedAt - seconds * 1_000;
    const names = [
      ...config().agentList.flatMap(({ name }) => name ?? []),
      account.self()?.username ?? "",
      ...config().voice?.names ?? [],
    ];
    const facts = { humans: people.humans(), names, last: speeches.last() };
    speeches.interrupted();
    if (!isMore && !isAddressed({ userId, text, beganAt }, facts)) return false;
    if (end === "cut") unended.add(userId);
    return await askIn(account, place, speaker, text, seconds, naming);
  }

  async function pay(userId: UserId): Promise<boolean> {
    const speaker = await people.speaker(userId);
    if (speaker && by) await audio.reserve(by, PAID_SEC, payerIn(account, place, speaker.sender));
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
    tellOnce(reset ? budgetSpentText(reset) : UNHEARD);
  }

  /** The connection of a heard person, in mode `realtime`. */
  function connectionOf(userId: UserId): RealtimeTalk | undefined {
    const known = connections.get(userId);
    if (known || !server || !by || !isHeard(userId)) return known;
    const since = heard.get(userId);
    const connection = createRealtimeTalk(account, {
      ...{ server, ...speechPorts() },
      speaking: () => speeches.began(userId),
      failed() {
        speeches.endOf(userId)();
        tellOnce(UNHEARD);
      },
      spoke: (seconds, { sender }) =>
        audio.record(by, seconds, now(), payerIn(account, place, sender)),
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
    speeches,
    speak: (text, signal) => speakIn(account, place, text, signal, to),
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
    /** These people are heard from now on. Speech of others that is not answered yet is dropped. */
    heard: setHeard,
    /** A person's words that are not stored yet are dropped, and their lines of the minutes. */
    forget(userId: UserId): void {
      setHeard(new Set([...heard.keys()].filter((id) => id !== userId)));
      minutes?.forget(userId);
    },
    speechBegan(userId: UserId): void {
      if (heard.has(userId)) speeches.began(userId);
    },
    piece({ userId, pcm, endedAt, end }: HeardPiece): void {
      const ended = end === "pause" ? speeches.endOf(userId) : () => {};
      const since = heard.get(userId);
      const own = waiting.filter((one) => one === userId).length;
      const isFull = own >= WAITING.ofOne || waiting.length >= WAITING.ofAll;
      if (pcm.length === 0 || isFull || !since) return ended();
      waiting.push(userId);
      const seconds = msOf(pcm) / 1_000;
      const sound = { bytes: wavOf(pcm), mediaType: "audio/wav", ending: "wav", seconds };
      const transcript = (from: CallSpeaker["sender"]) =>
        transcribeIn(account, place, sound, from, stopping.signal);
      const work = () => understand({ userId, seconds, endedAt, end }, since, transcript);
      void inOrder.run(userId, work).catch((error: unknown) =>
        log.error("Cannot take what a person said in a call", { userId, error })
      ).finally(() => {
        waiting.splice(waiting.indexOf(userId), 1);
        ended();
      });
    },
    frame(userId: UserId, pcm: Pcm): void {
      const connection = connectionOf(userId);
      if (!connection) return;
      void inOrder.run(userId, async () => {
        if (connections.get(userId) === connection && await isPaid(userId, msOf(pcm))) {
          connection.append(pcm);
        }
      }).catch((error: unknown) => log.warn("Cannot count sound of a call", { userId, error }));
    },
    /** Speaks a text, after the speech that goes on. */
    say(text: string): void {
      const sound = speakIn(account, place, text, stopping.signal);
      void speeches.play(sound, undefined).catch((error: unknown) =>
        log.warn("Cannot speak a text in a call", { error })
      );
    },
    /** The voice of a turn of the call. */
    speechOf(turn: TurnToSpeak): TurnSpeech | undefined {
      const { sender } = turn.message;
      if (!server) return createTurnSpeech(account, turn, speechPorts(sender));
      return connectionOf(sender.id)?.speechOf(turn);
    },
    /** The call is over. Resolves once nothing of it runs. */
    async stop(): Promise<void> {
      stopping.abort(new Error("the call is over"));
      for (const connection of connections.values()) connection.close();
      await minutes?.end();
    },
  };
}
