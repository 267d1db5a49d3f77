/**
 * Keeps the calls of an account: people begin and end them, and the config does (V1, V9). A guild has
 * one call at most. The store has it, so that the next process goes on with it.
 */

import type { BotAccount } from "../../account/account.ts";
import { cleanSecrets, perAccount } from "../../account/per_account.ts";
import {
  type ChannelId,
  type GuildId,
  parseSnowflake,
  type UserId,
} from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { ButtonPress, CommandCall } from "../../core/inbound/inbound.ts";
import { isVoice } from "../../core/rights/rights.ts";
import { createMissingPermission } from "../../discord/rest/requests/guild_reads.ts";
import type { TurnSpeech, TurnToSpeak } from "../../flows/turn/steps.ts";
import { type CommandAnswer, partsOf } from "../../interactions/base/command.ts";
import { createKeyedQueue } from "../../lib/clock.ts";
import type { VoiceCall } from "./store.ts";
import type { CallPlace, VoiceEnd } from "./line.ts";
import {
  type CallEnd,
  callTermsOf,
  createInCall,
  DEAF,
  endCards,
  forgetMembers,
  hearButtons,
  type InCall,
  loadSound,
  missingServer,
  peopleInCall,
  postInCall,
  type SoundCode,
  speakerIn,
  statesOf,
} from "./in_call.ts";

const NO_CALL = "I am in no voice channel here.";
const BUSY = "I am in a voice channel here with other people.";
const NOT_IN_VOICE = "Go into a voice channel first, or name one: `/join channel`.";
const CHANGED = "This has changed meanwhile. Press the button of my newest message here.";

type Begun = Pick<VoiceCall, "begunBy" | "userId" | "toldIn">;

/** Milliseconds after which a call of an earlier process does not go on. */
const REJOIN_MS = 10 * 60_000;
/** Milliseconds for which a start waits for people in the channel of such a call. */
const WAIT_MS = 60_000;

const lacks = (permission: string) => (channel: string) =>
  `I may not join ${channel}: I lack the permission ${permission}.`;
const lost = (channel: string) =>
  `I cannot talk in ${channel}: Discord's voice server gives no connection. Try again later.`;

const ENDS: Readonly<Record<VoiceEnd, (channel: string) => string>> = {
  left: () => NO_CALL,
  kicked: (channel) => `A moderator has ended my call in ${channel}.`,
  channel_deleted: () => "My call has ended: its voice channel was deleted.",
  no_connect: lacks("Connect"),
  no_speak: lacks("Speak"),
  no_card: lacks("Send Messages"),
  full: (channel) => `${channel} is full.`,
  udp_blocked: (channel) =>
    `I cannot talk in ${channel}: no sound comes through. My operator's firewall must let UDP ` +
    "out, and its answers in (ports 50000 to 65535 of Discord's voice servers).",
  unreachable: lost,
  no_encryption: lost,
};

const callsOf = perAccount("voice", () => ({
  /** Loaded at the first call. */
  sound: undefined as SoundCode | undefined,
  open: new Map<GuildId, InCall>(),
  /** Calls that are over, whose minutes are not all posted. */
  ending: new Set<InCall>(),
  /** Calls of an earlier process that may go on. */
  broken: new Map<GuildId, VoiceCall>(),
  /** Calls that must not begin by themselves, until people have left the channel. */
  over: new Map<GuildId, Pick<VoiceCall, "accountId" | "callId"> & CallPlace>(),
  /** Calls that the config wanted and that could not begin, and why. */
  failures: new Map<GuildId, Begun & CallPlace & { readonly why: string }>(),
  tasks: createKeyedQueue<GuildId>(),
  lookedAt: new Set<GuildId>(),
  /** Guilds of which Discord has told the people since the start. */
  told: new Set<GuildId>(),
  /** Whether calls begin and end by themselves: from the start to the stop. */
  isOn: false,
  isStopped: false,
  cancelWait: () => {},
}));

const channelOf = (account: BotAccount, guildId: GuildId, userId: UserId) =>
  statesOf(account, guildId).find((one) => one.userId === userId)?.channelId;

const channelAt = ({ reader }: BotAccount, { guildId, channelId }: CallPlace) =>
  reader.index.get(guildId)?.channels.get(channelId);

const mayTalkThere = async (account: BotAccount, place: CallPlace, userId: UserId) =>
  await speakerIn(account, place, userId) !== undefined;

async function hasRight(
  { rest, now }: BotAccount,
  place: CallPlace,
  userId: UserId,
  right: "Connect" | "Move Members",
): Promise<boolean> {
  const missingPermission = createMissingPermission(rest, now);
  return await missingPermission({ ...place, userId }, ["View Channel", right]) === undefined;
}

/** @returns The reason why there is no call, for people. */
async function begin(
  account: BotAccount,
  place: CallPlace,
  begun: Begun,
  earlier?: VoiceCall,
): Promise<string | undefined> {
  const { accountId, config, now, store: { voice: store } } = account;
  const calls = callsOf(account);
  const { guildId, channelId } = place;
  const path = missingServer(config());
  if (path !== undefined) return `I cannot hear or speak: my config lacks \`${path}\`.`;
  const sound = calls.sound ??= await loadSound();
  await calls.open.get(guildId)?.leave(); // each channel has consents of its own
  const { digest: terms } = callTermsOf(account);
  const isRejoined = earlier?.terms === terms;
  const callId = isRejoined ? earlier.callId : account.randomId();
  const own = { accountId, guildId, channelId, callId, terms, isOver: false, at: now() };
  const row = { ...begun, ...own };
  if (await store.begin(row)) return BUSY;
  if (earlier && !isRejoined) await endCards(account, earlier);
  calls.over.delete(guildId);
  const stored = await store.choices(accountId, guildId);
  if (calls.isStopped) return NO_CALL; // the next process begins it
  const inCall = createInCall(
    ...[account, sound, row, stored, isRejoined] as const,
    (how) => ended(account, row, how),
  );
  calls.open.set(guildId, inCall);
  inCall.refresh();
  const how = await inCall.joined();
  return how === "ready" ? undefined : endText(account, place, how);
}

function endText(account: BotAccount, place: CallPlace, end: VoiceEnd): string {
  const told = end === "kicked" && !channelAt(account, place) ? "channel_deleted" : end;
  return ENDS[told](`<#${place.channelId}>`);
}

function ended(
  account: BotAccount,
  row: VoiceCall,
  { end, isReady, isEmpty, rest }: CallEnd,
): void {
  const { open, ending, over, failures, isStopped } = callsOf(account);
  const { guildId, channelId, callId, toldIn } = row;
  const inCall = open.get(guildId);
  if (inCall?.row !== row) return;
  open.delete(guildId);
  if (isStopped) return; // the next process goes on
  ending.add(inCall);
  const forget = () => ending.delete(inCall);
  rest.then(forget, forget);
  const staysOver = !isEmpty && peopleInCall(account, row).length > 0;
  if (staysOver) over.set(guildId, row);
  work(account, async () => {
    await account.store.voice.end(row, staysOver);
    const isThere = end !== "channel_deleted" && channelAt(account, row);
    if (isThere) await endCards(account, row);
    if (end === "left") return;
    const text = endText(account, row, end);
    if (!isReady && row.begunBy !== "asked") failures.set(guildId, { ...row, why: text });
    const to = isThere ? channelId : toldIn;
    if (!isReady || to === undefined) return;
    await postInCall(account, { guildId, channelId: to }, text, `${callId}:end`);
  });
}

function work({ log }: BotAccount, task: () => Promise<void>): void {
  task().catch((error: unknown) => log.warn("A step of a call failed", { error }));
}

/** The channel in which the config wants the bot to be. */
async function wantedIn(
  account: BotAccount,
  guildId: GuildId,
): Promise<Begun & CallPlace | undefined> {
  const { autoJoin = [], follow = [] } = account.config().voice ?? {};
  const { over } = callsOf(account);
  const isOpen = (channelId: ChannelId, userId: UserId) =>
    over.get(guildId)?.channelId !== channelId &&
    mayTalkThere(account, { guildId, channelId }, userId);
  for (const userId of follow) {
    const channelId = channelOf(account, guildId, userId);
    if (channelId && await isOpen(channelId, userId)) {
      return { guildId, channelId, begunBy: "follow", userId };
    }
  }
  for (const channelId of autoJoin) {
    for (const { userId } of peopleInCall(account, { guildId, channelId })) {
      if (await isOpen(channelId, userId)) return { guildId, channelId, begunBy: "autoJoin" };
    }
  }
  return undefined;
}

async function update(account: BotAccount, guildId: GuildId): Promise<void> {
  const { accountId, log, store: { voice: store } } = account;
  const { open, over, broken, failures, told } = callsOf(account);
  const closed = over.get(guildId);
  if (closed && told.has(guildId) && peopleInCall(account, closed).length === 0) {
    over.delete(guildId);
    await store.end(closed, false);
  }
  const earlier = broken.get(guildId);
  if (earlier && peopleInCall(account, earlier).length > 0) {
    broken.delete(guildId);
    const why = await begin(account, earlier, earlier, earlier);
    if (why === undefined) return;
    log.warn("Cannot go on with a call", { guildId, why });
    return await giveUp(account, earlier);
  }
  const inCall = open.get(guildId);
  inCall?.refresh();
  if (inCall?.row.begunBy === "asked" || earlier) return;
  const wanted = await wantedIn(account, guildId);
  if (!wanted || wanted.channelId === inCall?.place.channelId) return;
  if (inCall && wanted.begunBy === "autoJoin") return; // it ends once no person is there
  const { channelId, ...begun } = wanted;
  const why = await begin(account, { guildId, channelId }, begun);
  if (why === undefined) return void failures.delete(guildId);
  log.warn("Cannot join a voice channel", { guildId, channelId, why });
  failures.set(guildId, { ...wanted, why });
  over.set(guildId, { accountId, callId: "", guildId, channelId }); // until people have left it
}

function look(account: BotAccount, guildId: GuildId): void {
  const calls = callsOf(account);
  const { open, lookedAt, tasks } = calls;
  open.get(guildId)?.refresh();
  if (calls.isStopped || lookedAt.has(guildId)) return;
  lookedAt.add(guildId);
  work(account, () =>
    tasks.run(guildId, async () => {
      lookedAt.delete(guildId);
      if (!calls.isStopped) await update(account, guildId);
    }));
}

function lookAtAll(account: BotAccount): void {
  for (const guildId of account.reader.index.keys()) look(account, guildId);
}

/** A call of an earlier process does not go on. */
async function giveUp(account: BotAccount, row: VoiceCall): Promise<void> {
  await account.store.voice.end(row, false);
  await endCards(account, row);
}

async function giveUpAll(account: BotAccount): Promise<void> {
  const { broken } = callsOf(account);
  for (const row of broken.values()) await giveUp(account, row);
  broken.clear();
  lookAtAll(account);
}

async function joinFor(
  account: BotAccount,
  guildId: GuildId,
  askers: readonly UserId[],
  toldIn: ChannelId,
  named?: ChannelId,
): Promise<CommandAnswer> {
  const { open } = callsOf(account);
  const [userId] = askers;
  const channelId = named ?? (userId && channelOf(account, guildId, userId));
  if (!channelId) return NOT_IN_VOICE;
  const place = { guildId, channelId };
  for (const asker of askers) {
    const isThere = channelOf(account, guildId, asker) === channelId; // so Discord lets them in
    const mayJoin = isThere || await hasRight(account, place, asker, "Connect");
    if (!mayJoin || !await mayTalkThere(account, place, asker)) {
      return `You may not call me into <#${channelId}>.`;
    }
  }
  const channel = channelAt(account, place); // people without View Channel do not learn its type
  if (channel && !isVoice(channel)) return NOT_IN_VOICE;
  const inCall = open.get(guildId);
  if (inCall?.place.channelId !== channelId) {
    const busy = inCall &&
      peopleInCall(account, inCall.place).some((one) => !askers.includes(one.userId));
    if (inCall && busy) return BUSY;
    const why = await begin(account, place, { begunBy: "asked", userId, toldIn });
    if (why !== undefined) return why;
  }
  const joined = open.get(guildId);
  if (!joined) return NO_CALL;
  const text = `I am in <#${channelId}>. I hear: ${joined.heardText()}`;
  return { text, buttons: hearButtons(joined.row.callId) };
}

async function leaveFor(
  account: BotAccount,
  guildId: GuildId,
  askers: readonly UserId[],
): Promise<string> {
  const inCall = callsOf(account).open.get(guildId);
  if (!inCall) return NO_CALL;
  const { place, row } = inCall;
  for (const userId of askers) {
    const isTheirs = row.userId === userId ||
      channelOf(account, guildId, userId) === place.channelId;
    if (!isTheirs && !await hasRight(account, place, userId, "Move Members")) return BUSY;
  }
  await inCall.leave();
  return `I have left <#${place.channelId}>.`;
}

async function sayFor(
  account: BotAccount,
  guildId: GuildId,
  askers: readonly UserId[],
  text: string,
): Promise<string> {
  const inCall = callsOf(account).open.get(guildId);
  if (!inCall) return NO_CALL;
  const { place } = inCall;
  for (const userId of askers) {
    const isThere = channelOf(account, guildId, userId) === place.channelId;
    if (!isThere || !await mayTalkThere(account, place, userId)) return BUSY;
  }
  inCall.say(cleanSecrets(account, text));
  return "Saying it.";
}

const join = (account: BotAccount, guildId: GuildId, ...wish: WishToJoin) =>
  callsOf(account).tasks.run(guildId, () => joinFor(account, guildId, ...wish));
type WishToJoin = readonly [readonly UserId[], ChannelId, ChannelId?];

/** Runs `/join`, `/leave` or `/deafen`. */
export async function runVoiceCommand(
  account: BotAccount,
  call: CommandCall,
): Promise<CommandAnswer> {
  const { name, guildId, channelId, sender, options: { channel } } = call;
  if (!guildId) return NO_CALL;
  if (name === "leave") return await leaveFor(account, guildId, [sender.id]);
  if (name === "deafen") return await deafen(account, guildId, sender.id);
  const named = typeof channel === "string" ? parseSnowflake<"channel">(channel) : undefined;
  return await join(account, guildId, [sender.id], channelId, named);
}

async function deafen(account: BotAccount, guildId: GuildId, userId: UserId): Promise<string> {
  const { accountId, now, store: { voice: store } } = account;
  const { open } = callsOf(account);
  const one = { accountId, guildId, userId, choice: "deaf", callId: "" } as const;
  if (!open.has(guildId)) await store.choose({ ...one, at: now() });
  await open.get(guildId)?.deafen(userId); // also of a call that has begun meanwhile
  account.log.info("A person is not heard any more", { guildId, userId });
  return DEAF;
}

/** A person presses a button of a call: they let the bot hear them, or not. */
export async function runHearPress(
  account: BotAccount,
  { guildId, customId, sender }: ButtonPress,
): Promise<string> {
  const [, how, callId = ""] = customId.split(":");
  if (!guildId) return NO_CALL;
  if (how === "off") return await deafen(account, guildId, sender.id);
  const inCall = callsOf(account).open.get(guildId);
  if (!inCall) return NO_CALL;
  return inCall.row.callId === callId ? await inCall.agree(sender) : CHANGED;
}

type VoiceAction =
  /** Without a channel: that in which the asker is. */
  | { readonly action: "join"; readonly channelId?: ChannelId }
  | { readonly action: "leave" }
  | { readonly action: "say"; readonly text: string };

/**
 * Runs the tool `voice`, with the rights of the messages' authors: each of them needs them.
 *
 * @returns The result, in words for people.
 */
export async function runVoiceTool(
  account: BotAccount,
  action: VoiceAction,
  messages: readonly [InboundMessage, ...InboundMessage[]],
): Promise<string> {
  const [{ guildId, channelId }] = messages;
  const askers = [...new Set(messages.map(({ sender }) => sender.id))];
  if (!guildId) return NO_CALL;
  switch (action.action) {
    case "join":
      return partsOf(await join(account, guildId, askers, channelId, action.channelId)).text;
    case "leave":
      return await leaveFor(account, guildId, askers);
    case "say":
      return await sayFor(account, guildId, askers, action.text);
  }
}

/** The voice of a turn; `undefined` if its message was said in no call of now. */
export function callSpeech(account: BotAccount, turn: TurnToSpeak): TurnSpeech | undefined {
  const { channelId } = turn.message;
  return [...callsOf(account).open.values()].find(({ place }) => place.channelId === channelId)
    ?.speechOf(turn);
}

/** Goes on with the calls of the process before, while people are there. */
export async function startCalls(account: BotAccount): Promise<void> {
  const { accountId, now, schedule, store: { voice: store } } = account;
  const calls = callsOf(account);
  calls.isOn = true;
  for (const row of await store.calls(accountId)) {
    const { guildId, at, isOver } = row;
    if (isOver) calls.over.set(guildId, row);
    else if (now() - at <= REJOIN_MS) calls.broken.set(guildId, row);
    else await giveUp(account, row);
  }
  if (calls.broken.size > 0) {
    calls.cancelWait = schedule(() => work(account, () => giveUpAll(account)), WAIT_MS);
  }
  lookAtAll(account);
}

/** People of a guild have come, gone or changed. */
export function voiceChanged(account: BotAccount, guildId: GuildId): void {
  const { isOn, told } = callsOf(account);
  if (!isOn) return;
  told.add(guildId);
  look(account, guildId);
}

/** The config has changed, and other terms need another call; or a person was forgotten. */
export function callsChanged(account: BotAccount, forgotten?: UserId): void {
  const { open, ending, tasks } = callsOf(account);
  forgetMembers(account);
  if (forgotten) { for (const one of [...open.values(), ...ending]) one.forget(forgotten); }
  for (const { place, row, leave } of open.values()) {
    if (row.terms === callTermsOf(account).digest) continue;
    work(account, () =>
      tasks.run(place.guildId, async () => {
        if (open.get(place.guildId)?.row !== row) return;
        const why = await begin(account, place, row);
        if (why === undefined) return;
        account.log.warn("Cannot go on with a call", { guildId: place.guildId, why });
        await leave();
      }));
  }
  lookAtAll(account);
}

/** Why calls that the config still wants cannot begin, for health. */
export function callFailures(account: BotAccount): readonly string[] {
  const { autoJoin = [], follow = [] } = account.config().voice ?? {};
  const wanted = [...callsOf(account).failures.values()].filter((
    { begunBy, channelId, userId },
  ) => begunBy === "follow" ? follow.some((id) => id === userId) : autoJoin.includes(channelId));
  return wanted.map(({ why }) => why);
}

/** Leaves all channels. The store keeps the calls, which the next process goes on with. */
export async function stopCalls(account: BotAccount): Promise<void> {
  const calls = callsOf(account);
  Object.assign(calls, { isOn: false, isStopped: true });
  calls.cancelWait();
  const leaving = [...calls.open.values()].map((inCall) => inCall.leave());
  await Promise.allSettled([calls.tasks.idle(), ...leaving]);
  await calls.sound?.stopThread(account);
}
