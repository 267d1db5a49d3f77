/**
 * Keeps the calls of an account: people begin and end them, and the config does (V1, V9). A guild has
 * one call at most. The store has it, so that the next process goes on with it.
 */

import type { BotAccount } from "../../../account/account.ts";
import type { ChannelId, GuildId, UserId } from "../../../core/discord/ids.ts";
import type { VoiceStates } from "../../../core/discord/voice.ts";
import type { Sender } from "../../../core/inbound/inbound.ts";
import { isVoice } from "../../../core/rights/channel.ts";
import type { GuildIndex } from "../../../discord/gateway/decode/guild_index.ts";
import type { CommandAnswer } from "../../../interactions/base/command.ts";
import type { FindMissingPermission } from "../../../discord/rest/permissions/explain_denial.ts";
import { createKeyedQueue } from "../../../lib/keyed_queue.ts";
import type { VoiceCall } from "../../../store/voice/voice.ts";
import type { CallPlace, Calls, Talk, TalkPorts, VoiceEnd } from "../line/call.ts";
import { createInCall, DEAF, type InCall, type InCallPorts } from "./in_call.ts";
import type { VoiceMembers } from "./members.ts";
import { hearButtons, missingServer, type Terms } from "./terms.ts";

export const NO_CALL = "I am in no voice channel here.";
const CALL_OVER = "My call here is over. `/join` begins another one.";
const BUSY = "I am in a voice channel here with other people.";
const NOT_IN_VOICE = "Go into a voice channel first, or name one: `/join channel`.";

export interface CallsPorts {
  readonly states: Pick<VoiceStates, "of">;
  readonly index: () => GuildIndex;
  readonly members: VoiceMembers;
  readonly terms: () => Terms;
  readonly missingPermission: FindMissingPermission;
  /** Both load their code at the first call. */
  readonly calls: () => Promise<Calls>;
  readonly talk: () => Promise<(ports: TalkPorts) => Talk>;
  readonly post: (place: CallPlace, ...message: Parameters<InCallPorts["post"]>) => Promise<void>;
  readonly askToSpeak: InCallPorts["askToSpeak"];
}

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

/** Creates the calls; none begins before `start`. */
export function createVoiceCalls(
  account: Pick<
    BotAccount,
    "accountId" | "config" | "log" | "now" | "randomId" | "schedule" | "store"
  >,
  ports: CallsPorts,
) {
  const { accountId, config, log, now, schedule, store: { voice: store } } = account;
  const { states, members } = ports;
  const inCalls = new Map<GuildId, InCall>();
  /** Calls that are over, whose minutes are not all posted. */
  const ending = new Set<InCall>();
  /** Calls of an earlier process that may go on, and those that must not begin by themselves. */
  const broken = new Map<GuildId, VoiceCall>();
  const over = new Map<GuildId, Pick<VoiceCall, "accountId" | "callId"> & CallPlace>();
  /** Calls that the config wanted and that could not begin, and why. */
  const failures = new Map<GuildId, Begun & CallPlace & { readonly why: string }>();
  const tasks = createKeyedQueue<GuildId>();
  const lookedAt = new Set<GuildId>();
  /** Guilds of which Discord has told the people since the start. */
  const told = new Set<GuildId>();
  let isStopped = false;
  let cancelWait = () => {};

  const peopleIn = ({ guildId, channelId }: CallPlace) =>
    states.of(guildId).filter((one) => one.channelId === channelId && !one.isBot);
  const channelOf = (guildId: GuildId, userId: UserId) =>
    states.of(guildId).find((one) => one.userId === userId)?.channelId;
  const channelAt = ({ guildId, channelId }: CallPlace) =>
    ports.index().get(guildId)?.channels.get(channelId);
  const mayTalk = async (place: CallPlace, userId: UserId) =>
    await members.speaker(place, userId) !== undefined;
  const hasRight = async (place: CallPlace, userId: UserId, right: "Connect" | "Move Members") =>
    await ports.missingPermission({ ...place, userId }, ["View Channel", right]) === undefined;

  /** @returns The reason why there is no call, for people. */
  async function begin(place: CallPlace, begun: Begun, earlier?: VoiceCall) {
    const { guildId, channelId } = place;
    const path = missingServer(config());
    if (path !== undefined) return `I cannot hear or speak: my config lacks \`${path}\`.`;
    const [calls, createTalk] = [await ports.calls(), await ports.talk()];
    await inCalls.get(guildId)?.leave(); // each channel has consents of its own
    const { digest: terms } = ports.terms();
    const isRejoined = earlier?.terms === terms;
    const callId = isRejoined ? earlier.callId : account.randomId();
    const own = { accountId, guildId, channelId, callId, terms, isOver: false, at: now() };
    const row = { ...begun, ...own };
    if (await store.begin(row)) return BUSY;
    over.delete(guildId);
    const stored = await store.choices(accountId, guildId);
    if (isStopped) return NO_CALL; // the next process begins it
    const inCall = createInCall(account, row, stored, isRejoined, {
      ...{ calls, members, createTalk, terms: ports.terms, askToSpeak: ports.askToSpeak },
      here: () => peopleIn(place),
      post: (...message) => ports.post(place, ...message),
      onEnded: (end, was) => ended(row, end, was),
    });
    inCalls.set(guildId, inCall);
    inCall.refresh();
    const how = await inCall.joined();
    return how === "ready" ? undefined : endText(place, how);
  }

  function endText(place: CallPlace, end: VoiceEnd): string {
    const told = end === "kicked" && !channelAt(place) ? "channel_deleted" : end;
    return ENDS[told](`<#${place.channelId}>`);
  }

  function ended(
    row: VoiceCall,
    end: VoiceEnd,
    { isReady, isEmpty, cards, rest }: Parameters<InCallPorts["onEnded"]>[1],
  ): void {
    const { guildId, channelId, callId, toldIn } = row;
    const inCall = inCalls.get(guildId);
    if (inCall?.row !== row || isStopped) return; // the next process goes on
    inCalls.delete(guildId);
    ending.add(inCall);
    const forget = () => ending.delete(inCall);
    rest.then(forget, forget);
    const staysOver = !isEmpty && peopleIn(row).length > 0;
    if (staysOver) over.set(guildId, row);
    work(async () => {
      await store.end(row, staysOver);
      const isThere = end !== "channel_deleted" && channelAt(row);
      for (const edits of isThere ? cards : []) {
        await ports.post(row, CALL_OVER, `${edits}:over`, { edits, buttons: [] });
      }
      const text = endText(row, end);
      if (end === "left") return;
      if (!isReady && row.begunBy !== "asked") failures.set(guildId, { ...row, why: text });
      if (!isReady) return;
      const to = isThere ? channelId : toldIn;
      if (to !== undefined) await ports.post({ guildId, channelId: to }, text, `${callId}:end`);
    });
  }

  function work(task: () => Promise<void>): void {
    task().catch((error: unknown) => log.warn("A step of a call failed", { error }));
  }

  /** The channel in which the config wants the bot to be. */
  async function wantedIn(guildId: GuildId): Promise<Begun & CallPlace | undefined> {
    const { autoJoin = [], follow = [] } = config().voice ?? {};
    const isOpen = (channelId: ChannelId, userId: UserId) =>
      over.get(guildId)?.channelId !== channelId && mayTalk({ guildId, channelId }, userId);
    for (const userId of follow) {
      const channelId = channelOf(guildId, userId);
      if (channelId && await isOpen(channelId, userId)) {
        return { guildId, channelId, begunBy: "follow", userId };
      }
    }
    for (const channelId of autoJoin) {
      for (const { userId } of peopleIn({ guildId, channelId })) {
        if (await isOpen(channelId, userId)) return { guildId, channelId, begunBy: "autoJoin" };
      }
    }
    return undefined;
  }

  async function update(guildId: GuildId): Promise<void> {
    const closed = over.get(guildId);
    if (closed && told.has(guildId) && peopleIn(closed).length === 0) {
      over.delete(guildId);
      await store.end(closed, false);
    }
    const earlier = broken.get(guildId);
    if (earlier && peopleIn(earlier).length > 0) {
      broken.delete(guildId);
      const why = await begin(earlier, earlier, earlier);
      if (why === undefined) return;
      log.warn("Cannot go on with a call", { guildId, why });
      return await store.end(earlier, false);
    }
    const inCall = inCalls.get(guildId);
    inCall?.refresh();
    if (inCall?.row.begunBy === "asked" || earlier) return;
    const wanted = await wantedIn(guildId);
    if (!wanted || wanted.channelId === inCall?.place.channelId) return;
    if (inCall && wanted.begunBy === "autoJoin") return; // it ends once no person is there
    const { channelId, ...begun } = wanted;
    const why = await begin({ guildId, channelId }, begun);
    if (why === undefined) return void failures.delete(guildId);
    log.warn("Cannot join a voice channel", { guildId, channelId, why });
    failures.set(guildId, { ...wanted, why });
    over.set(guildId, { accountId, callId: "", guildId, channelId }); // until people have left it
  }

  function look(guildId: GuildId): void {
    inCalls.get(guildId)?.refresh();
    if (isStopped || lookedAt.has(guildId)) return;
    lookedAt.add(guildId);
    work(() =>
      tasks.run(guildId, async () => {
        lookedAt.delete(guildId);
        if (!isStopped) await update(guildId);
      })
    );
  }

  const lookAtAll = () => [...ports.index().keys()].forEach(look);

  async function giveUp(): Promise<void> {
    for (const row of broken.values()) await store.end(row, false);
    broken.clear();
    lookAtAll();
  }

  async function join(
    guildId: GuildId,
    askers: readonly UserId[],
    toldIn: ChannelId,
    named?: ChannelId,
  ): Promise<CommandAnswer> {
    const [userId] = askers;
    const channelId = named ?? (userId && channelOf(guildId, userId));
    if (!channelId) return NOT_IN_VOICE;
    const place = { guildId, channelId };
    for (const asker of askers) {
      const isThere = channelOf(guildId, asker) === channelId; // so Discord lets them in
      const mayJoin = isThere || await hasRight(place, asker, "Connect");
      if (!mayJoin || !await mayTalk(place, asker)) {
        return `You may not call me into <#${channelId}>.`;
      }
    }
    const channel = channelAt(place); // people without View Channel do not learn its type
    if (channel && !isVoice(channel)) return NOT_IN_VOICE;
    const inCall = inCalls.get(guildId);
    if (inCall?.place.channelId !== channelId) {
      const busy = inCall && peopleIn(inCall.place).some((one) => !askers.includes(one.userId));
      if (inCall && busy) return BUSY;
      const why = await begin(place, { begunBy: "asked", userId, toldIn });
      if (why !== undefined) return why;
    }
    const joined = inCalls.get(guildId);
    if (!joined) return NO_CALL;
    const text = `I am in <#${channelId}>. I hear: ${joined.heardText()}`;
    return { text, buttons: hearButtons(joined.row.callId) };
  }

  async function leave(guildId: GuildId, askers: readonly UserId[]): Promise<string> {
    const inCall = inCalls.get(guildId);
    if (!inCall) return NO_CALL;
    const { place, row } = inCall;
    for (const userId of askers) {
      const isTheirs = row.userId === userId || channelOf(guildId, userId) === place.channelId;
      if (!isTheirs && !await hasRight(place, userId, "Move Members")) return BUSY;
    }
    await inCall.leave();
    return `I have left <#${place.channelId}>.`;
  }

  async function deafen(guildId: GuildId, userId: UserId): Promise<string> {
    const one = { accountId, guildId, userId, choice: "deaf", callId: "" } as const;
    if (!inCalls.has(guildId)) await store.choose({ ...one, at: now() });
    await inCalls.get(guildId)?.deafen(userId); // also of a call that has begun meanwhile
    log.info("A person is not heard any more", { guildId, userId });
    return DEAF;
  }

  return {
    changed(guildId: GuildId): void {
      told.add(guildId);
      look(guildId);
    },
    join: (guildId: GuildId, ...wish: readonly [readonly UserId[], ChannelId, ChannelId?]) =>
      tasks.run(guildId, () => join(guildId, ...wish)),
    leave,
    deafen,
    /** A person lets the bot hear them, by a button. */
    async agree(guildId: GuildId, sender: Sender, callId: string): Promise<string> {
      const inCall = inCalls.get(guildId);
      if (!inCall) return NO_CALL;
      return inCall.row.callId === callId
        ? await inCall.agree(sender)
        : "This has changed meanwhile. Press the button of my newest message here.";
    },
    async speak(guildId: GuildId, askers: readonly UserId[], text: string): Promise<string> {
      const inCall = inCalls.get(guildId);
      if (!inCall) return NO_CALL;
      const { place } = inCall;
      for (const userId of askers) {
        const isThere = channelOf(guildId, userId) === place.channelId;
        if (!isThere || !await mayTalk(place, userId)) return BUSY;
      }
      inCall.say(text);
      return "Saying it.";
    },
    /** Goes on with the calls of the process before, while people are there. */
    async start(): Promise<void> {
      for (const row of await store.calls(accountId)) {
        const { guildId, at, isOver } = row;
        if (isOver) over.set(guildId, row);
        else if (now() - at <= REJOIN_MS) broken.set(guildId, row);
        else await store.end(row, false);
      }
      if (broken.size > 0) cancelWait = schedule(() => work(giveUp), WAIT_MS);
      lookAtAll();
    },
    reconfigured(): void {
      members.forget();
      for (const { place, row, leave } of inCalls.values()) {
        if (row.terms === ports.terms().digest) continue;
        work(() =>
          tasks.run(place.guildId, async () => {
            if (inCalls.get(place.guildId)?.row !== row) return;
            const why = await begin(place, row);
            if (why === undefined) return;
            log.warn("Cannot go on with a call", { guildId: place.guildId, why });
            await leave();
          })
        );
      }
      lookAtAll();
    },
    personForgotten(userId: UserId): void {
      members.forget();
      for (const inCall of [...inCalls.values(), ...ending]) inCall.forget(userId);
    },
    /** Why calls that the config still wants cannot begin, for health. */
    failures(): readonly string[] {
      const { autoJoin = [], follow = [] } = config().voice ?? {};
      const wanted = [...failures.values()].filter(({ begunBy, channelId, userId }) =>
        begunBy === "follow" ? follow.some((id) => id === userId) : autoJoin.includes(channelId)
      );
      return wanted.map(({ why }) => why);
    },
    /** Leaves all channels. The store keeps the calls, which the next process goes on with. */
    async stop(): Promise<void> {
      isStopped = true;
      cancelWait();
      const leaving = [...inCalls.values()].map((inCall) => inCall.leave());
      await Promise.allSettled([tasks.idle(), ...leaving]);
    },
  };
}
