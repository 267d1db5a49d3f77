/**
 * Keeps one call: the heard people, the asked ones, and its end (V2, V3, V9).
 *
 * A person is heard only while three things hold: the config lets them talk here, they have agreed to
 * the terms of now or have a role of the config, and they have not said otherwise.
 */

import { hash } from "node:crypto";
import type { BotAccount } from "../../account/account.ts";
import { cleanSecrets, perAccount, wakeChannels } from "../../account/per_account.ts";
import { type Config, replyRulesOf } from "../../config/config.ts";
import { choiceOf, namedModels } from "../../config/models.ts";
import type { VoiceMember } from "../../core/discord/gateway.ts";
import type { GuildId, RoleId, UserId } from "../../core/discord/ids.ts";
import type { Sender } from "../../core/inbound/inbound.ts";
import {
  type Button,
  HEAR_BUTTON,
  nonceOfCall,
  type OutboundMessage,
} from "../../core/outbound/outbound.ts";
import { CHANNEL_KINDS } from "../../core/rights/rights.ts";
import { displayNameOf, placeIn, senderOf } from "../../discord/gateway/decode/decode.ts";
import { memberPayload, userPayload } from "../../discord/gateway/decode/guild_index.ts";
import { expect, RestError } from "../../discord/rest/exchange/exchange.ts";
import { createMissingPermission } from "../../discord/rest/requests/guild_reads.ts";
import { isLoopbackHost } from "../../lib/network/addresses.ts";
import { isRecord } from "../../lib/text/quoted.ts";
import { composeSend } from "../../render/reply.ts";
import { NOT_AUTHORIZED } from "../../render/sentences.ts";
import type { CallPlace, CallSpeaker, VoiceEnd } from "./line.ts";
import type { VoiceCall, VoiceChoice } from "./store.ts";

interface Terms {
  /** For people: the servers, and what is kept. */
  readonly speech: string;
  readonly kept: string;
  /** The same for equal terms; 12 hex digits. */
  readonly digest: string;
}

/** The key that a mode needs and the config lacks; `undefined` if it has all. */
export function missingServer({ audio, voice }: Config): string | undefined {
  if (!voice) return "voice";
  if (voice.mode === "realtime") return voice.realtime === undefined ? "voice.realtime" : undefined;
  if (audio.transcribe === undefined) return "audio.transcribe";
  return audio.speak === undefined ? "audio.speak" : undefined;
}

export function callTermsOf({ config, settings, bot: { env } }: BotAccount): Terms {
  const { voice, audio, models, agentList } = config();
  const names = [
    ...voice?.mode === "realtime" ? [voice.realtime] : [audio.transcribe, audio.speak],
    ...agentList.map(({ id }) => settings.models.of(id).id), // it reads the session in both modes
    ...namedModels(agentList, models),
  ];
  const servers = new Set(names.flatMap((name) => {
    const choice = name === undefined
      ? undefined
      : choiceOf(name, { ...models, namesPath: "" }, env);
    const url = choice && "provider" in choice ? URL.parse(choice.provider.baseUrl) : undefined;
    return url ? `${url.origin}${url.pathname}` : [];
  }));
  const shown = new Set([...servers].map((server) => {
    const { hostname, origin } = new URL(server); // a path may be of the operator alone
    return isLoopbackHost(hostname) ? "this machine" : `\`${origin}\``;
  }));
  const isPosted = voice?.transcript === true;
  return {
    speech: [...shown].join(", "),
    kept: isPosted
      ? "I post all that I hear as text here, where Discord keeps it. I keep the words of " +
        "talk with me like those of messages, and no sound."
      : "I keep the words of talk with me like those of messages, and no sound.",
    digest: hash("sha256", [voice?.mode, ...servers, isPosted].join(" "), "hex").slice(0, 12),
  };
}

/** The card of a call, or the question to newcomers: a first line, and the terms. */
function cardText(account: BotAccount, people?: string): string {
  const { speech, kept } = callTermsOf(account);
  const roles = account.config().voice?.heardRoles.map((id) => `<@&${id}>`).join(" ") ?? "";
  const part = roles === "" ? "" : `, or have one of the roles ${roles}`;
  return [
    people === undefined
      ? (`**I am in this voice channel.** I hear only people who press **Hear me**${part}. A ` +
        "press counts for this call, until they press **Stop**.")
      : `${people}, may I hear you? Until you press **Hear me**, I hear nothing of you.`,
    `Speech and its words go to ${speech}. ${kept}`,
  ].join("\n");
}

export function hearButtons(callId: string): readonly Button[] {
  return [
    { customId: `${HEAR_BUTTON}:on:${callId}`, label: "Hear me", style: "primary" },
    { customId: `${HEAR_BUTTON}:off`, label: "Stop", style: "secondary" },
  ];
}

/** Milliseconds for which facts of a person are fresh. */
const FRESH_MS = 60_000;
const MAX_KNOWN = 500;

interface KnownMember {
  readonly at: number;
  readonly member: Promise<CallSpeaker | undefined>;
  /** The roles that the gateway told last before it. */
  readonly roles: readonly RoleId[] | undefined;
}

const knownMembers = perAccount("voice", () => new Map<string, KnownMember>());

/** People and bots in the voice channels of a guild. */
export function statesOf({ voiceIndex }: BotAccount, guildId: GuildId): readonly VoiceMember[] {
  return voiceIndex?.of(guildId) ?? [];
}

/** The people in a channel; no bots. */
export function peopleInCall(
  account: BotAccount,
  { guildId, channelId }: CallPlace,
): readonly VoiceMember[] {
  return statesOf(account, guildId).filter((one) => one.channelId === channelId && !one.isBot);
}

async function ask(
  { reader, rest }: BotAccount,
  guildId: GuildId,
  userId: UserId,
): Promise<CallSpeaker | undefined> {
  const path = `/guilds/${guildId}/members/${userId}`;
  const raw = await rest.request("GET", path).catch((error: unknown) => {
    if (error instanceof RestError && error.kind === "not_found") return undefined;
    throw error;
  });
  if (!isRecord(raw)) return undefined;
  const { roles } = expect("GET /guilds/:id/members/:id", memberPayload, raw);
  const user = expect("GET /guilds/:id/members/:id", userPayload, raw["user"]);
  const automaton = user.bot || user.system ? "bot" : undefined;
  const nick = typeof raw["nick"] === "string" ? raw["nick"] : undefined;
  return {
    sender: senderOf(user, { roles, automaton }, reader.index.get(guildId)),
    displayName: displayNameOf(user, nick),
  };
}

function read(
  account: BotAccount,
  guildId: GuildId,
  userId: UserId,
): Promise<CallSpeaker | undefined> {
  const { now } = account;
  const known = knownMembers(account);
  const key = `${guildId} ${userId}`;
  const before = known.get(key);
  const { roles } = statesOf(account, guildId).find((one) => one.userId === userId) ?? {};
  const isFresh = before && now() - before.at < FRESH_MS &&
    (!roles || before.roles?.toString() === roles.toString());
  if (isFresh) return before.member;
  const member = ask(account, guildId, userId);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(key, { at: now(), member, roles });
  member.catch(() => known.get(key)?.member === member && known.delete(key));
  return member;
}

/** Whether a person may talk to the bot in a voice channel; bots never may. */
function mayTalk(
  { policy, reader }: BotAccount,
  { guildId, channelId }: CallPlace,
  sender: Sender,
): boolean {
  if (sender.automaton) return false;
  const place = placeIn(guildId, channelId, reader.index.get(guildId));
  const event = { kind: "speech", place, channelId, sender } as const;
  return policy().authorize(event, {}).kind === "accept";
}

/**
 * Reads a person who may talk to the bot there; `undefined`: another one.
 *
 * @throws {RestError} As a rejection.
 */
export async function speakerIn(
  account: BotAccount,
  place: CallPlace,
  userId: UserId,
): Promise<CallSpeaker | undefined> {
  const member = await read(account, place.guildId, userId);
  return member && mayTalk(account, place, member.sender) ? member : undefined;
}

/** People were forgotten, or the config has changed: nothing is known any more. */
export function forgetMembers(account: BotAccount): void {
  knownMembers(account).clear();
}

export const DEAF = "I do not hear you. It stays so until you press **Hear me**.";

/** How a call was at its end. */
export interface CallEnd {
  readonly end: VoiceEnd;
  /** Whether the bot was in the channel. */
  readonly isReady: boolean;
  /** Whether it left because no person was there any more. */
  readonly isEmpty: boolean;
  /** Settles once its minutes are posted. */
  readonly rest: Promise<void>;
}

/** Loads the code of sound, at the first call. */
export async function loadSound() {
  return { ...await import("./thread_calls.ts"), ...await import("./talk.ts") };
}

export type SoundCode = Awaited<ReturnType<typeof loadSound>>;

/** Milliseconds without a person until the bot leaves, and from a newcomer to the question. */
const EMPTY_MS = 20_000;
const ASK_MS = 3_000;
/** Milliseconds between two notes in the store that the call goes on, and until a failed read repeats. */
const ALIVE_MS = 60_000;
const AGAIN_MS = 15_000;
const MAX_ASKED = 20;
/** People of a call, at most: a stage has thousands, and few of them may speak. */
const MAX_READ = 100;

export type InCall = ReturnType<typeof createInCall>;

const CALL_OVER = "My call here is over. `/join` begins another one.";

/** The keys of a call's messages with buttons, also of those of a process before, and the next key. */
async function cardsOf(
  { accountId, store: { outbox } }: BotAccount,
  { callId }: VoiceCall,
): Promise<{ readonly cards: readonly string[]; readonly next: string }> {
  const cards: string[] = [];
  for (let next = callId;; next = `${callId}:${cards.length}`) {
    if (!await outbox.has(accountId, nonceOfCall(`voice:${next}`, 0))) return { cards, next };
    cards.push(next);
  }
}

/** Says on all cards of a call that it is over. */
export async function endCards(account: BotAccount, row: VoiceCall): Promise<void> {
  const { cards } = await cardsOf(account, row);
  for (const edits of cards) {
    await postInCall(account, row, CALL_OVER, `${edits}:over`, { edits, buttons: [] });
  }
}

/**
 * Posts to a call's chat, once for each key.
 *
 * @param edits Key of the message in whose place the text is.
 */
export async function postInCall(
  account: BotAccount,
  { guildId, channelId }: CallPlace,
  text: string,
  key: string,
  { edits, ...further }:
    & { readonly edits?: string }
    & Partial<Pick<OutboundMessage, "buttons" | "pings">> = {},
): Promise<void> {
  const { accountId, config, now, store } = account;
  const clean = (part: string) => cleanSecrets(account, part);
  const rules = replyRulesOf(config(), { cleanSecrets: clean, uploadLimit: 0 });
  const outgoing = { accountId, channelId, guildId, text, callKey: `voice:${key}` };
  const draft = edits === undefined
    ? undefined
    : { nonce: nonceOfCall(`voice:${edits}`, 0), becomes: "this" as const };
  const frozen = composeSend(outgoing, rules).map((one) => ({
    ...{ ...one, draft },
    message: { ...one.message, ...further },
  }));
  await store.outbox.addAll(frozen, now());
  wakeChannels(account, [channelId]);
}

/** Asks to speak on a stage; does nothing in other channels, or if the bot may speak. */
async function askToSpeak(account: BotAccount, { guildId, channelId }: CallPlace): Promise<void> {
  const { now, reader, rest } = account;
  const type = reader.index.get(guildId)?.channels.get(channelId)?.type;
  const userId = account.self()?.userId;
  if (type !== CHANNEL_KINDS.stage || userId === undefined) return;
  const own = statesOf(account, guildId).find((one) => one.userId === userId);
  if (own?.isMuted === false) return;
  const lacking = await createMissingPermission(rest, now)(
    { guildId, channelId, userId },
    ["Mute Members"],
  );
  const wish = lacking === undefined
    ? { suppress: false }
    : { request_to_speak_timestamp: new Date(now()).toISOString() };
  const body = { channel_id: channelId, ...wish };
  await rest.request("PATCH", `/guilds/${guildId}/voice-states/@me`, { body });
}

/**
 * Joins.
 *
 * @param isRejoined Whether the call goes on after an end of the process.
 */
export function createInCall(
  account: BotAccount,
  { createCall, openTalk }: SoundCode,
  row: VoiceCall,
  stored: readonly VoiceChoice[],
  isRejoined: boolean,
  onEnded: (how: CallEnd) => void,
) {
  const { accountId, config, log, now, schedule, store: { voice: store } } = account;
  const { guildId, channelId, callId } = row;
  const place: CallPlace = { guildId, channelId };
  const here = () => peopleInCall(account, place);
  const choices = new Map(stored.map((one) => [one.userId, one]));
  /** People who want not to be heard: no deletion in the store lets the bot hear them again. */
  const deaf = new Set(stored.flatMap((one) => one.choice === "deaf" ? [one.userId] : []));
  /** People in the channel who may talk to the bot. */
  let allowed: ReadonlyMap<UserId, CallSpeaker> = new Map();
  let heard = "";
  let isReady = false;
  let isEndToEnd = false;
  let isOver = false;
  let isEmpty = false;
  let refreshing: Promise<void> | undefined;
  let isDue = false;
  const timers = new Map<"empty" | "ask" | "alive" | "again", () => void>();
  const first = Promise.withResolvers<"ready" | VoiceEnd>();

  const hearAs = () => config().voice?.mode === "realtime" ? "frames" : "pieces";

  const call = createCall(account, place, (event) => {
    switch (event.kind) {
      case "ready":
        return ready(event.isEndToEnd);
      case "began":
        talk.speechBegan(event.userId);
        return refresh(); // their roles may have changed
      case "piece":
        return talk.piece(event.piece);
      case "frame":
        return talk.frame(event.userId, event.pcm);
      case "ended":
        return finish(event.end);
    }
  });
  const humans = () => Math.max(1, here().length);
  const talk = openTalk(account, { call, humans, speaker: speakerOf });
  setTimer("alive", ALIVE_MS, noteAlive);
  setTimer("empty", EMPTY_MS, leaveEmpty);

  function ready(isNow: boolean): void {
    work(() => askToSpeak(account, place)); // anew after another join
    if (isEndToEnd && !isNow) {
      log.warn("A call is not end-to-end encrypted any more: Discord could hear it", { callId });
    }
    isEndToEnd = isNow;
    if (isReady) return;
    isReady = true;
    first.resolve("ready");
    log.info("In a voice channel", { guildId, channelId, callId, isEndToEnd });
    work(showCard);
    refresh();
  }

  function work(task: () => Promise<void>): void {
    task().catch((error: unknown) => log.warn("A step of a call failed", { callId, error }));
  }

  function setTimer(name: "empty" | "ask" | "alive" | "again", ms: number, run: () => void): void {
    if (isOver || timers.has(name)) return;
    const due = () => {
      timers.delete(name);
      run();
    };
    timers.set(name, schedule(due, ms));
  }

  function leaveEmpty(): void {
    isEmpty = true;
    work(leave);
  }

  /** A process that was away for long does not go on with the consents of then. */
  function noteAlive(): void {
    work(async () => void await store.begin({ ...row, at: now() }));
    setTimer("alive", ALIVE_MS, noteAlive);
  }

  async function speakerOf(userId: UserId): Promise<CallSpeaker | undefined> {
    if (!here().some((one) => one.userId === userId)) return undefined;
    const member = await speakerIn(account, place, userId);
    if (member && isHeard(userId, member)) return member;
    refresh(); // they may speak without a pause
    return undefined;
  }

  function isHeard(userId: UserId, { sender }: CallSpeaker): boolean {
    const choice = choices.get(userId);
    if (deaf.has(userId) || row.terms !== callTermsOf(account).digest) return false;
    const hasAgreed = choice?.choice === "heard" && choice.callId === callId;
    return hasAgreed || heardRoleOf(sender) !== undefined;
  }

  function heardRoleOf({ roles }: Sender): RoleId | undefined {
    return config().voice?.heardRoles.find((id) => roles.some((role) => role.id === id));
  }

  const heardPeople = () => [...allowed].filter(([id, member]) => isHeard(id, member));

  /** Takes effect before it returns. */
  function hear(): void {
    if (isOver) return;
    const people = heardPeople().map(([id]) => id);
    const now = [hearAs(), ...people.toSorted()].join(" ");
    if (now === heard) return;
    heard = now;
    call.hear(new Map(people.map((id) => [id, hearAs()])));
    talk.heard(new Set(people));
  }

  /** Reads the people again, and acts on the result; while it runs, once more after it. */
  function refresh(): void {
    const present = new Set(here().map(({ userId }) => userId));
    allowed = new Map([...allowed].filter(([id]) => present.has(id))); // a person who returns is read anew
    hear();
    isDue = true;
    refreshing ??= (async () => {
      while (isDue && !isOver) {
        isDue = false;
        await readPeople();
      }
    })().catch((error: unknown) => {
      log.warn("Cannot read the people of a call; will try again", { callId, error });
      setTimer("again", AGAIN_MS, refresh);
    }).finally(() => refreshing = undefined);
  }

  async function readPeople(): Promise<void> {
    let unknown = 0;
    const speakersFirst = here().toSorted((one, other) =>
      Number(one.isMuted) - Number(other.isMuted)
    );
    const found = await Promise.all(
      speakersFirst.slice(0, MAX_READ).map(async ({ userId }) => {
        const member = await speakerIn(account, place, userId).catch(() => void unknown++);
        return member ? [[userId, member] as const] : [];
      }),
    );
    const present = new Set(here().map(({ userId }) => userId));
    allowed = new Map(found.flat().filter(([id]) => present.has(id)));
    hear();
    if (unknown > 0) setTimer("again", AGAIN_MS, refresh);
    const isFollowing = row.begunBy === "follow" && row.userId !== undefined;
    const isWanted = isFollowing
      ? here().some(({ userId }) => userId === row.userId && (allowed.has(userId) || unknown > 0))
      : allowed.size + unknown > 0;
    if (isWanted) {
      timers.get("empty")?.();
      timers.delete("empty");
    } else setTimer("empty", EMPTY_MS, leaveEmpty);
    if (newcomers().length > 0) setTimer("ask", ASK_MS, () => work(askNewcomers));
  }

  /** People who were not asked in this call. A person who refused is not asked again. */
  const newcomers = () =>
    !isReady ? [] : [...allowed].flatMap(([id, member]) => {
      const isAsked = choices.get(id)?.callId === callId || deaf.has(id);
      return isAsked || isHeard(id, member) ? [] : [id];
    });

  async function note(userId: UserId, choice: VoiceChoice["choice"]): Promise<void> {
    const one = { accountId, guildId, userId, choice, callId, at: now() };
    choices.set(userId, one);
    await store.choose(one);
  }

  async function postCard(
    key: string,
    further?: { readonly pings: OutboundMessage["pings"] },
    people?: string,
  ): Promise<void> {
    const buttons = hearButtons(callId);
    await postInCall(account, place, cardText(account, people), key, { ...further, buttons });
  }

  async function showCard(): Promise<void> {
    await postCard(callId);
    if (isRejoined) return; // people may have come while no process was in the call
    await readPeople();
    for (const id of newcomers()) await note(id, "asked");
  }

  async function askNewcomers(): Promise<void> {
    const users = newcomers().slice(0, MAX_ASKED);
    if (isOver || users.length === 0) return;
    const people = users.map((id) => `<@${id}>`).join(" ");
    for (const id of users) await note(id, "asked");
    const pings = { users, roles: [], quotedAuthor: false };
    const { next } = await cardsOf(account, row);
    await postCard(next, { pings }, people);
    if (newcomers().length > 0) setTimer("ask", ASK_MS, () => work(askNewcomers));
  }

  function finish(end: VoiceEnd): void {
    if (isOver) return;
    isOver = true;
    for (const cancel of timers.values()) cancel();
    timers.clear();
    first.resolve(end);
    log.info("A call has ended", { guildId, channelId, callId, end });
    const rest = talk.stop();
    work(() => rest);
    onEnded({ end, isReady, isEmpty, rest });
  }

  async function leave(): Promise<void> {
    if (isOver) return;
    call.hear(new Map());
    talk.heard(new Set());
    await call.leave();
    finish("left");
  }

  return {
    row,
    place,
    /** Resolves once the bot is in the channel, or cannot be, and the people are read. */
    async joined(): Promise<"ready" | VoiceEnd> {
      const how = await first.promise;
      await refreshing;
      return how;
    },
    refresh,
    leave,
    say: (text: string) => talk.say(text),
    speechOf: talk.speechOf,
    /** Stops hearing a person at once, and stores it. */
    async deafen(userId: UserId): Promise<void> {
      deaf.add(userId);
      hear();
      await note(userId, "deaf");
    },
    /** The person may be heard, unless they press **Stop** meanwhile. */
    async agree(sender: Sender): Promise<string> {
      const { id: userId } = sender;
      const before = choices.get(userId);
      if (!mayTalk(account, place, sender)) return NOT_AUTHORIZED;
      const last = choices.get(userId);
      if (last !== before && last?.choice === "deaf") return DEAF;
      await note(userId, "heard");
      if (choices.get(userId)?.choice === "heard") deaf.delete(userId);
      log.info("A person agreed to be heard", { ...place, userId, callId });
      refresh();
      return "I hear you in this call. `/deafen me` ends it at once.";
    },
    heardText(): string {
      const people = heardPeople().map(([id, { sender }]) => {
        const role = heardRoleOf(sender);
        return role ? `<@${id}> (<@&${role}>)` : `<@${id}>`;
      });
      return people.join(", ") || "–";
    },
    /** A person's words were deleted from the store: those on their way there are, too. */
    forget(userId: UserId): void {
      talk.forget(userId);
      choices.delete(userId);
      heard = "";
      hear();
    },
  };
}
